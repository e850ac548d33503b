"""The order of lines, and several lines of one time."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.frames import long
from tests.helpers.panels import panel_of
from tsconv.data.panel.duplicates import sorted_order
from tsconv.errors import ConfigError, DataError
from tsconv.notes import NoteKind

NAN = float("nan")
TWICE = [("a", 1, 1.0), ("a", 2, 2.0), ("b", 1, 5.0), ("a", 2, 4.0), ("b", 2, 6.0), ("a", 3, NAN)]


@pytest.mark.parametrize(("policy", "value"), [("mean", 3.0), ("first", 2.0), ("last", 4.0)])
def test_lines_of_one_time(policy: str, value: float) -> None:
    panel = panel_of(long(TWICE), duplicates=policy)
    np.testing.assert_array_equal(panel.values[:, 0, 0], [1, value, 5, 6])
    said = [note for note in panel.notes if note.kind is NoteKind.DUPLICATES]
    assert said[0].names == ("a",)
    assert str(said[0]).startswith(
        "the DataFrame: lines 3 and 5 are both series `a` at 2 (1 repeated line): "
    )


def test_a_mean_is_of_what_is_there() -> None:
    rows = [
        ("a", 1, NAN),
        ("a", 1, 4.0),
        ("a", 1, 6.0),
        ("a", 2, NAN),
        ("a", 2, NAN),
        ("a", 3, 1.0),
    ]
    panel = panel_of(long(rows), duplicates="mean")
    np.testing.assert_array_equal(panel.values[:, 0, 0], [5, NAN, 1])


def test_covariates_of_merged_lines() -> None:
    frame = long(TWICE).assign(x=[1.0, 2, 3, 8, 5, 6], kind=list("pqprqp"))
    roles = {"past_covariates": ["x", "kind"], "categories": "kind"}
    panel = panel_of(frame, duplicates="mean", **roles)
    assert panel.values[1].flatten().tolist() == [3, 5]  # numbers: means
    assert panel.covariates is not None
    assert panel.covariates.categories["kind"] == ("p", "q", "r")
    assert panel.covariates.values[1].flatten().tolist() == [1]  # a category: the first
    panel = panel_of(frame, duplicates="last", **roles)
    assert panel.covariates is not None
    assert panel.covariates.values[1].flatten().tolist() == [2]


def test_the_second_of_two_unsorted_lines_is_the_last() -> None:
    rows = [("a", 3, 3.0), ("a", 2, 7.0), ("a", 1, 1.0), ("a", 2, 8.0)]
    assert panel_of(long(rows), duplicates="first").values.flatten().tolist() == [1, 7, 3]
    assert panel_of(long(rows), duplicates="last").values.flatten().tolist() == [1, 8, 3]


def test_rows_of_a_family_have_lines_of_their_own() -> None:
    frame = pd.DataFrame({"ds": [1, 1, 2, 2, 2], "place": list("pqpqq"), "y": [1.0, 2, 3, 4, 6]})
    panel = panel_of(frame, row="place", duplicates="mean")
    assert panel.values[:, 0].tolist() == [[1, 2], [3, 5]]
    with pytest.raises(
        DataError, match="lines 5 and 6 are both series `series`, family row `q` at"
    ):
        panel_of(frame, row="place")


def test_policies_have_names() -> None:
    for key, value in (("duplicates", "median"), ("gaps", "fill"), ("time_unit", "h")):
        with pytest.raises(ConfigError, match=rf"`data\.{key}` \(={value}\) must be one of"):
            panel_of(long(TWICE), **{key: value})


def test_series_side_by_side_are_not_unsorted() -> None:
    rows = [(name, t, float(t)) for t in range(5) for name in ("a", "b")]
    panel = panel_of(long(rows))
    assert panel.notes == ()
    assert torch.equal(panel.series(1).flatten(), torch.arange(5).double())


def test_unsorted_rows_are_told() -> None:
    rows = [("a", t, float(t)) for t in (1, 2, 5, 4, 3)]
    (note,) = panel_of(long(rows)).notes
    assert note.kind is NoteKind.UNSORTED_LINES
    text = "the DataFrame: line 5 is earlier than line 4 before it (2 such lines)"
    assert str(note).startswith(text)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=40))
def test_the_order_is_by_member_and_time_and_place(lines: list[tuple[int, int]]) -> None:
    members, time = (np.array(column, dtype="int64") for column in zip(*lines, strict=True))
    for step in (1, 70_000):  # members of more than 16 bits
        order = sorted_order(members * step, time)
        expected = np.lexsort((time, members))
        assert (np.arange(len(lines)) if order is None else order).tolist() == expected.tolist()
