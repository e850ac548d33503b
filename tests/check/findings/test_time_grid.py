"""Missing steps, mixed frequencies and steps that fit all lines."""

import numpy as np
import pandas as pd

from tests.helpers.checks import first_of, sorted_table_of
from tests.helpers.frames import daily_frame
from tsconv.check.findings.series import find_early_ends
from tsconv.check.findings.time_grid import (
    describe_no_grid,
    find_missing_steps,
    find_mixed_frequencies,
    finer_step,
    steps_between_lines,
)
from tsconv.data.timestamps.frequency import parse_frequency


def test_missing_steps_count_each_hole() -> None:
    frame = daily_frame(2, 30).drop(index=[4, 5, 6, 40])
    table = sorted_table_of(frame)
    steps = steps_between_lines(table, parse_frequency("D"))
    found = find_missing_steps(table, steps, 60)
    assert found is not None
    assert found.count == 4
    assert "2 gaps in 2 series, the longest of 3" in found.text
    assert "`shop 0` after 2023-01-05" in first_of(found)


def test_mixed_frequencies_and_early_ends() -> None:
    weekly = daily_frame(1, 70).iloc[::7].assign(unique_id="weekly")
    table = sorted_table_of(pd.concat([daily_frame(2, 70), weekly]))
    steps = steps_between_lines(table, parse_frequency("D"))
    found = find_mixed_frequencies(table, steps, parse_frequency("D"))
    assert first_of(found) == "series `weekly`, every 7 steps"
    ends = find_early_ends(table)
    assert ends is not None
    assert ends.count == 1
    assert finer_step(table) is None
    half = sorted_table_of(pd.DataFrame({"unique_id": "a", "ds": [0, 6, 12, 14, 20], "y": 1.0}))
    assert finer_step(half) == "2"


def test_readings_at_any_moment_are_told_to_lie_on_no_grid() -> None:
    rng = np.random.default_rng(0)
    ds = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(40, 4000, 80).cumsum(), "s")
    table = sorted_table_of(pd.DataFrame({"unique_id": "a", "ds": ds, "y": 1.0}))
    assert ".resample('30min').mean()" in str(describe_no_grid(table))
    hours = pd.date_range("2024-01-01", periods=80, freq="h").delete([5, 6, 7, 30])
    table = sorted_table_of(pd.DataFrame({"unique_id": "a", "ds": hours, "y": 1.0}))
    assert describe_no_grid(table) is None
