"""What the times of day stand for is told, where the times or their names show it."""

import numpy as np
import pandas as pd
import pytest

from tests.helpers.checks import sorted_table_of
from tsconv.check.findings.hour_stamps import find_hour_ending, find_utc_times
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.config.schema import DataConfig


def _hours(begin: str, freq: str = "h", n: int = 24 * 7) -> SortedTable:
    ds = pd.date_range(begin, periods=n, freq=freq)
    return sorted_table_of(pd.DataFrame({"unique_id": "a", "ds": ds, "y": np.arange(n) / 7}))


@pytest.mark.parametrize(
    ("begin", "freq", "n", "told"),
    [
        ("2024-01-01 01:00", "h", 168, True), ("2024-01-01 00:00", "h", 168, False),
        ("2024-01-01 01:00", "h", 160, False), ("2024-01-01 00:30", "30min", 96, True),
        ("2024-01-01 01:00", "30min", 95, False), ("2024-01-01 00:00", "D", 168, False),
    ],
)  # fmt: skip
def test_hours_stamped_at_their_end(begin: str, freq: str, n: int, told: bool) -> None:
    assert (find_hour_ending(_hours(begin, freq, n), DataConfig()) is not None) == told


@pytest.mark.parametrize(("name", "told"), [("hour_ending", True), ("spending", False)])
def test_ends_by_name(name: str, told: bool) -> None:
    table = _hours("2024-01-01")
    assert (find_hour_ending(table, DataConfig(time=name)) is not None) == told


def test_times_in_utc_by_name() -> None:
    table = _hours("2024-01-01")
    found = find_utc_times(table, DataConfig(time="settlement_gmt"), ["y", "local_time"])
    assert found is not None
    assert "`local_time` holds local ones" in found.text
    assert found.keys == {}, "advice, not a key of the line"
    assert find_utc_times(table, DataConfig(time="ds"), []) is None
    told = DataConfig(time="settlement_gmt", times_are="utc", timezone="Europe/London")
    assert find_utc_times(table, told, []) is None
