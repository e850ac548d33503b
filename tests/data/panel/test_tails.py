"""Ends of series without an observed target: not part of a panel."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.helpers.frames import long
from tests.helpers.panels import panel_of
from tsconv.data.panel.tails import trimmed_notes
from tsconv.notes import NoteKind

NAN = float("nan")


def test_every_series_ends_with_its_own_last_observed_target() -> None:
    lines = [("a", 1, 1.0), ("a", 2, NAN), ("a", 3, 3.0), ("a", 4, NAN), ("a", 5, NAN)]
    lines += [("b", 1, 5.0), ("b", 2, 6.0), ("c", 1, 7.0), ("c", 2, NAN)]
    panel = panel_of(long(lines))
    np.testing.assert_array_equal(panel.values[:, 0, 0], [1, NAN, 3, 5, 6, 7])
    (note,) = (n for n in panel.notes if n.kind is NoteKind.TRIMMED_ENDS)
    assert note.names == ("a", "c")
    assert str(note) == (
        "2 of 3 series end with empty targets: 3 steps at the end are trimmed (`a`, `c`)"
    )


def test_several_targets_end_together() -> None:
    frame = pd.DataFrame({"unique_id": "a", "ds": range(4), "y": [1, 2, NAN, NAN]})
    panel = panel_of(frame.assign(z=[1, NAN, 3, NAN]), target=["y", "z"])
    assert panel.lengths.tolist() == [3]


def test_a_family_ends_with_the_last_of_its_rows() -> None:
    lines = [("x", 1, 1.0), ("x", 2, 2.0), ("x", 3, NAN), ("y", 1, 1.0), ("y", 2, NAN)]
    frame = pd.DataFrame(lines, columns=["place", "ds", "y"])
    assert panel_of(frame, row="place", id=None).lengths.tolist() == [2]


def test_a_series_without_any_value_keeps_its_steps() -> None:
    panel = panel_of(long([("a", 1, NAN), ("a", 2, NAN), ("b", 1, 1.0)]))
    assert panel.lengths.tolist() == [2, 1]
    assert NoteKind.TRIMMED_ENDS not in [note.kind for note in panel.notes]


def test_nothing_trimmed_is_not_noted() -> None:
    assert trimmed_notes(("a",), np.array([3]), np.array([3])) == []
