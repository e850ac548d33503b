"""Forecasts rounded to what the data carry."""

from __future__ import annotations

import numpy as np

from tsconv.forecasting.rounding import round_to_data

NAN = float("nan")


def test_one_decimal_more_and_at_most_seven_digits() -> None:
    values = np.array([[0.123456789, 12345.6789], [-98765432.1, NAN]])
    np.testing.assert_array_equal(round_to_data(values, 2), [[0.123, 12345.68], [-98765430.0, NAN]])
    np.testing.assert_array_equal(round_to_data(np.array([0.0, 1e-9 / 3]), None), [0, 3.333333e-10])


def test_quantiles_keep_their_order() -> None:
    values = np.sort(np.random.default_rng(0).lognormal(5, 4, (500, 9)), axis=1)
    for decimals in (0, 3, None):
        assert (np.diff(round_to_data(values, decimals), axis=1) >= 0).all()
