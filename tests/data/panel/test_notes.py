"""Notes on what the series of a panel are like."""

from tests.helpers.frames import long
from tests.helpers.panels import panel_of
from tsconv.notes import NoteKind

NAN = float("nan")


def test_a_user_is_told_what_the_series_are_like() -> None:
    rows = [("whole", t, float(t)) for t in range(5)]
    rows += [("point", 3, 1.0), ("other", 3, 1.0)]
    rows += [("flat", t, 2.0) for t in range(5)] + [("void", t, NAN) for t in range(5)]
    panel = panel_of(long(rows))
    notes = [str(note) for note in panel.notes]
    assert (
        "2 series have a single line (`point`, `other`): such a series is forecast but" in notes[0]
    )
    assert "1 series has no values (`void`)" in notes[1]
    assert "1 series has the same value throughout (`flat`)" in notes[2]
    assert len(notes) == 3
    assert [(note.kind, note.names) for note in panel.notes] == [
        (NoteKind.ONE_POINT_SERIES, ("point", "other")),
        (NoteKind.EMPTY_SERIES, ("void",)),
        (NoteKind.CONSTANT_SERIES, ("flat",)),
    ]
