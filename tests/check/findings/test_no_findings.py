"""A sound table has no findings."""

from tests.helpers.checks import sorted_table_of
from tests.helpers.frames import daily_frame
from tsconv.check.findings.clock_changes import find_clock_changes
from tsconv.check.findings.line_order import find_duplicates, find_unsorted
from tsconv.check.findings.series import (
    find_early_ends,
    find_near_equal_names,
    find_open_tails,
    find_uninformative_series,
)
from tsconv.check.findings.time_grid import find_missing_steps, steps_between_lines
from tsconv.check.findings.values import (
    find_missing_values,
    find_sentinels,
    find_zeros_and_negatives,
)
from tsconv.data.timestamps.frequency import parse_frequency


def test_a_sound_table_has_no_findings() -> None:
    table = sorted_table_of(daily_frame(3, 50))
    assert find_duplicates(table) is None
    assert find_unsorted(table) is None
    assert find_missing_values(table) is None
    assert find_sentinels(table) == []
    assert find_near_equal_names(table) == []
    assert find_uninformative_series(table) == []
    assert find_zeros_and_negatives(table) == []
    assert find_clock_changes(table, None) is None
    assert find_open_tails(table) is None
    assert find_early_ends(table) is None
    assert find_missing_steps(table, steps_between_lines(table, parse_frequency("D")), 150) is None
