"""The decimals that the values of a column carry."""

from __future__ import annotations

import numpy as np
import pytest

from tsconv.data.decimals import decimals_of

NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "decimals"),
    [([1, 2, NAN], 0), ([0.1, 0.2, 0.3], 1), ([1.25, 3], 2), ([1 / 3], None), ([], 0)],
)
def test_decimals_are_those_of_the_data(values: list[float], decimals: int | None) -> None:
    assert decimals_of(np.array(values, dtype="float64")) == decimals


def test_a_column_is_gone_through_piece_by_piece() -> None:
    pieces = [np.array([1.0, 2.5]), np.array([3.0]), np.array([0.125, 7])]
    found: int | None = 0
    for piece in pieces:
        found = decimals_of(piece, found)
    assert found == decimals_of(np.concatenate(pieces)) == 3
    assert decimals_of(np.array([1.0]), None) is None


def test_decimals_of_a_late_value_count() -> None:
    values = np.ones(200_000)
    values[-1] = 1.25
    assert decimals_of(values) == 2
    values[150_000] = 1 / 3
    assert decimals_of(values) is None
