"""Findings from the notes of reading and training, less what other findings say already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tsconv.check.report import Finding
from tsconv.notes import Note


def findings_from_notes(notes: Iterable[Note], findings: Sequence[Finding]) -> list[Finding]:
    """A finding for each note, unless one of `findings` says the same.

    >>> from tsconv.notes import NoteKind
    >>> notes = [Note(NoteKind.EMPTY_SERIES, f"`{s}` has no value", (s,)) for s in ("a", "b")]
    >>> found = Finding(NoteKind.EMPTY_SERIES, "warning", "series `a` is empty", names=("a",))
    >>> [finding.text for finding in findings_from_notes(notes, [found])]
    ['`b` has no value']
    """
    return [
        Finding("note", "note", note.text)
        for note in notes
        if not any(_covers(finding, note) for finding in findings)
    ]


def _covers(finding: Finding, note: Note) -> bool:
    """Whether a finding is of the note's kind and names all that the note names."""
    if finding.kind != note.kind:
        return False
    return finding.names is None or set(note.names) <= set(finding.names)
