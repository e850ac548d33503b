"""Notes: a sentence for people, a kind and names for programs."""

import json

import pytest

from tsconv.notes import Note, NoteKind


def test_a_note_reads_as_its_text() -> None:
    note = Note(NoteKind.SINGLE_ROW, "there is one row, `north`", ("north",))
    assert f"note: {note}" == "note: there is one row, `north`"


def test_notes_of_one_kind_differ_by_what_they_name() -> None:
    one, other = (Note(NoteKind.EMPTY_CHANNEL, f"`{c}` is empty", (c,)) for c in ("no2", "o3"))
    assert one != other
    assert len({one, other, one}) == 2


@pytest.mark.parametrize("kind", NoteKind)
def test_kinds_are_plain_words(kind: NoteKind) -> None:
    assert json.loads(json.dumps(kind)) == kind.value
    assert set(kind.value) <= set("abcdefghijklmnopqrstuvwxyz -")
