"""Forecasts rounded to what the data carry."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tsconv.forecasting.rounding import places_of, round_parts, round_to_data

NAN = float("nan")


def test_one_decimal_more_and_at_most_seven_digits() -> None:
    values = np.array([[0.123456789, 12345.6789], [-98765432.1, NAN]])
    np.testing.assert_array_equal(round_to_data(values, 2), [[0.123, 12345.68], [-98765430.0, NAN]])
    np.testing.assert_array_equal(round_to_data(np.array([0.0, 1e-9 / 3]), None), [0, 3.333333e-10])


def test_quantiles_keep_their_order() -> None:
    values = np.sort(np.random.default_rng(0).lognormal(5, 4, (500, 9)), axis=1)
    for decimals in (0, 3, None):
        assert (np.diff(round_to_data(values, decimals), axis=1) >= 0).all()


@given(
    st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=12),
    st.sampled_from([0, 2, None]),
    st.floats(-1e-5, 1e-5),
)
def test_rounded_parts_add_up_to_the_rounded_total(
    parts: list[float], decimals: int | None, left_over: float
) -> None:
    exact = np.array([parts])
    total = exact.sum(-1) + left_over  # float32 leaves something over
    rounded = round_parts(exact, total, decimals)
    wanted = round_to_data(total, decimals)
    np.testing.assert_allclose(rounded.sum(-1), wanted, rtol=0, atol=1e-8)
    unit = 10.0 ** -places_of(total, decimals)[0]
    assert (np.abs(rounded - exact) <= unit * (1 + 1e-6) + abs(left_over) + 1e-8).all()
