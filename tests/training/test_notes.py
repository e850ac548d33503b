"""What a training says of series that it leaves out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.helpers.frames import daily_frame
from tests.helpers.panels import panel_of
from tsconv.data.batches.split import split_panel
from tsconv.notes import NoteKind
from tsconv.training.notes import split_notes


def test_series_that_are_not_trained_on_or_not_scored_are_counted_and_named() -> None:
    frame = daily_frame(3, 40)
    short = frame[frame["unique_id"] == "shop 0"].head(6).assign(unique_id="short")
    panel = panel_of(pd.concat([frame, short], ignore_index=True))
    notes = {n.kind: n for n in split_notes(panel, split_panel(panel, 5, 5, 5))}
    assert notes[NoteKind.SERIES_NOT_TRAINED_ON].names == ("short",)
    assert str(notes[NoteKind.SERIES_NOT_TRAINED_ON]).startswith("1 of 4 series is not trained on")
    assert NoteKind.SERIES_NOT_SCORED not in notes


def test_a_series_without_a_value_in_the_test_part_is_not_scored() -> None:
    frame = daily_frame(2, 40)
    frame.loc[frame["unique_id"] == "shop 1", "y"] = np.nan
    panel = panel_of(frame)
    notes = {n.kind: n.names for n in split_notes(panel, split_panel(panel, 5, 0, 5))}
    assert notes[NoteKind.SERIES_NOT_SCORED] == ("shop 1",)
