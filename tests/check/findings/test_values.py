"""Numbers that stand for missing values are found where they are, and only there."""

import numpy as np
import pytest

from tests.helpers.checks import first_of, sorted_table_of
from tests.helpers.frames import daily_frame
from tsconv.check.findings.values import (
    find_missing_values,
    find_sentinels,
    find_zeros_and_negatives,
    sentinel_values,
)


@pytest.mark.parametrize(
    ("value", "n", "found"),
    [(-9999, 2, True), (-9999, 1, True), (99999, 1, True), (-250, 5, True), (-250, 1, False),
     (60, 9, False)],
)  # fmt: skip
def test_sentinels_stand_far_outside_and_repeat(value: float, n: int, found: bool) -> None:
    frame = daily_frame(2, 100)  # values of about 0 to 30
    frame.loc[range(50, 50 + n), "y"] = value
    got = find_sentinels(sorted_table_of(frame))
    assert len(got) == found
    if found:
        assert got[0].count == n
        assert got[0].keys == {"data.na_values": [value]}
        assert "line 52" in first_of(got[0])


def test_two_sentinels_at_one_end() -> None:
    frame = daily_frame(2, 100)
    frame.loc[[5, 6], "y"], frame.loc[[8, 9], "y"] = -9999, -999
    assert sentinel_values(find_sentinels(sorted_table_of(frame))) == [-9999, -999]


def test_missing_values_are_counted_where_they_should_not_be() -> None:
    frame = daily_frame(2, 20)
    frame.loc[[3, 19], "y"] = None
    table = sorted_table_of(frame)
    everywhere = find_missing_values(table)
    assert everywhere is not None
    assert everywhere.count == 2
    assert first_of(everywhere).endswith("line 5")
    before_the_tail = find_missing_values(table, ~table.after_last_target)
    assert before_the_tail is not None
    assert before_the_tail.count == 1


def test_zeros_and_single_negative_values() -> None:
    frame = daily_frame(2, 1000)
    frame["y"] = np.where(frame.index % 2, 0, frame["y"].abs())
    frame.loc[4, "y"] = -1
    kinds = {f.kind: f.count for f in find_zeros_and_negatives(sorted_table_of(frame))}
    assert kinds == {"zeros": 1000, "negative values": 1}
