"""Duplicates are counted and compared, unsorted series are found, each with its first place."""

import pandas as pd

from tests.helpers.checks import first_of, sorted_table_of
from tests.helpers.frames import daily_frame
from tsconv.check.findings.line_order import find_duplicates, find_unsorted


def test_duplicates_are_counted_and_compared() -> None:
    frame = daily_frame(2, 200)
    again = frame.iloc[[3, 3, 240]].copy()
    again.iloc[2, 2] += 1
    frame = pd.concat([frame, again], ignore_index=True)
    found = find_duplicates(sorted_table_of(frame))
    assert found is not None
    assert (found.count, found.level) == (3, "error")
    assert "2 of them with the same values" in found.text
    assert "lines 5 and 402" in first_of(found)
    assert "`shop 0` at 2023-01-05" in first_of(found)
    assert found.keys == {"data.duplicates": "mean"}
    resolved = find_duplicates(sorted_table_of(frame), policy="mean")
    assert resolved is not None
    assert resolved.level == "note"


def test_many_lines_of_one_time_are_never_averaged() -> None:
    frame = daily_frame(2, 50).assign(unique_id="one")
    found = find_duplicates(sorted_table_of(frame))
    assert found is not None
    assert found.keys == {}
    assert "50.0% of all lines" in found.text
    assert "an id is missing" in (found.advice or "")
    averaged = find_duplicates(sorted_table_of(frame), policy="mean")
    assert averaged is not None
    assert averaged.level == "warning"


def test_unsorted_series_and_where() -> None:
    frame = daily_frame(3, 10)
    order = [*range(10), 10, 12, 11, *range(13, 30)]
    found = find_unsorted(sorted_table_of(frame.iloc[order].reset_index(drop=True)))
    assert found is not None
    assert found.count == 1
    assert "`shop 1`" in first_of(found)
    assert "line 14" in first_of(found)
    mixed = frame.sort_values("ds")  # series laid through each other, each in order
    assert find_unsorted(sorted_table_of(mixed)) is None
