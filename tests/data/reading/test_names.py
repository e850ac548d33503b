"""Columns of names: text in order of appearance, near-equal names."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsconv.data.reading import names as names_module
from tsconv.data.reading.names import factorize_names, first_places, near_equal_notes
from tsconv.notes import Note, NoteKind


@pytest.mark.parametrize(
    ("column", "names", "codes"),
    [
        (pd.Series(["b", "a", "b"]), ("b", "a"), [0, 1, 0]),
        (pd.Series(["b", "a", "b"], dtype="category"), ("b", "a"), [0, 1, 0]),
        (pd.Series(pd.Categorical(["b"], ["x", "b", "y"])), ("b",), [0]),
        (pd.Series([7.0, None, 8.0]), ("7", "8"), [0, -1, 1]),
        (pd.Series([7.5, 8.0]), ("7.5", "8.0"), [0, 1]),
        (pd.Series([1, "1", None, "2"], dtype=object), ("1", "2"), [0, 0, -1, 1]),
        (pd.Series([True, False]), ("True", "False"), [0, 1]),
    ],
)
def test_names_are_text_in_order_of_appearance(
    column: pd.Series, names: tuple[str, ...], codes: list[int]
) -> None:
    found, spelt = factorize_names(column)
    assert spelt == names
    assert found.tolist() == codes


def test_near_equal_names() -> None:
    assert near_equal_notes(("a", "b", "c"), "id") == []
    text = (
        "rows 'Ab c' and 'aBC' differ only in case or spaces (2 such pairs): they are read as "
        "different names"
    )
    assert near_equal_notes(("x", "Ab c", "y", "aBC", " x"), "row") == [
        Note(NoteKind.NEAR_EQUAL_NAMES, text, ("Ab c", "aBC"))
    ]


@given(codes=st.lists(st.integers(-1, 5)), block=st.integers(1, 7))
def test_first_places_by_blocks(codes: list[int], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names_module, "_BLOCK", block)
        found = first_places(np.array(codes, dtype="int64"), 6).tolist()
    assert found == [codes.index(k) if k in codes else len(codes) for k in range(6)]
