"""Notes are left out where a finding of their kind names all that they name."""

import pytest

from tsconv.check.findings.from_notes import findings_from_notes
from tsconv.check.report import Finding
from tsconv.notes import Note, NoteKind


@pytest.mark.parametrize(
    ("kind", "names", "kept"),
    [
        (NoteKind.SENTINEL_VALUES, ("y", "-999"), False),
        (NoteKind.SENTINEL_VALUES, ("y", "32767"), True),
        (NoteKind.SENTINEL_VALUES, ("p", "-999"), True),
        (NoteKind.CONSTANT_SERIES, ("y",), True),
        (NoteKind.DUPLICATES, ("shop 3",), False),
    ],
)
def test_kind_and_names_decide(kind: NoteKind, names: tuple[str, ...], kept: bool) -> None:
    findings = [
        Finding(NoteKind.SENTINEL_VALUES, "warning", "3 values of `y`", names=("y", "-999")),
        Finding(NoteKind.DUPLICATES, "note", "4 lines"),  # counts everything of its kind
    ]
    note = Note(kind, "whatever the text says of `y`", names)
    found = findings_from_notes([note], findings)
    assert [f.text for f in found] == ([str(note)] if kept else [])
