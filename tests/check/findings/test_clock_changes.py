"""Local times without their offset show the zone in which clocks change."""

import pandas as pd
import pytest

from tests.helpers.checks import first_of, hourly_frame, sorted_table_of
from tsconv.check.findings.clock_changes import find_clock_changes


@pytest.mark.parametrize(
    ("hole", "double", "zone"),
    [
        ("2024-03-31 02:00", "2024-10-27 02:00", "Europe/Berlin"),
        ("2024-03-31 01:00", "2024-10-27 01:00", "Europe/London"),
        ("2024-03-10 02:00", "2024-11-03 01:00", "America/New_York"),
        ("2024-04-09 02:00", "2024-10-02 02:00", None),
    ],
)
def test_clock_changes_show_the_zone(hole: str, double: str, zone: str | None) -> None:
    frame = hourly_frame("2024-03-01", "2024-11-20")
    frame = frame[frame["ds"] != hole]
    frame = pd.concat([frame, frame[frame["ds"] == double]]).sort_values(["unique_id", "ds"])
    table = sorted_table_of(frame)
    found = find_clock_changes(table, None)
    if zone is None:
        assert found is None
        return
    assert found is not None
    assert found.zones[0] == zone
    assert "2 missing times in spring and 2 repeated times in autumn" in found.text
    assert hole[:10] in first_of(found.finding())
    assert find_clock_changes(table, zone) is None, "a zone is given"
