"""Horizons, contexts and splits that do not fit the lengths of the series."""

import numpy as np

from tsconv.check.findings.training_fit import (
    find_long_horizon,
    find_long_seasons,
    find_missing_test,
    find_short_series,
)


def test_series_shorter_than_context_and_horizon() -> None:
    lengths = np.array([40, 12, 15])
    found = find_short_series(lengths, ("a", "b", "c"), context_length=10, horizon=5)
    assert found is not None
    assert (found.count, found.first) == (1, "series `b` with 12 steps")
    assert find_short_series(lengths, ("a", "b", "c"), context_length=7, horizon=5) is None


def test_a_season_beyond_the_context_needs_the_calendar() -> None:
    found = find_long_seasons([24, 168], context_length=48, calendar=False)
    assert found is not None
    assert "168 steps" in found.text
    assert find_long_seasons([24, 168], context_length=48, calendar=True) is None
    assert find_long_seasons([24, 168], context_length=168, calendar=False) is None


def test_a_horizon_as_long_as_the_series() -> None:
    assert find_long_horizon(longest=30, horizon=30) is not None
    assert find_long_horizon(longest=30, horizon=29) is None


def test_nothing_held_out() -> None:
    without_test = find_missing_test(val_size=5, test_size=0, typical_length=40)
    assert without_test is not None
    assert "no test part is held out" in without_test.text
    neither = find_missing_test(val_size=0, test_size=0, typical_length=40)
    assert neither is not None
    assert "neither a validation nor a test part" in neither.text
    assert find_missing_test(val_size=0, test_size=5, typical_length=40) is None
