"""Columns of names (ids, rows, categories): the distinct names, and their number on each line."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tsconv.data.source_column import SourceColumn
from tsconv.notes import Note, NoteKind
from tsconv.text import plural

_BLOCK = 1 << 18  # lines: what is made of all of them takes much memory
Codes = tuple[npt.NDArray[np.int64], tuple[str, ...]]  # (N,) numbers, and the names


def factorize_names(column: pd.Series, missing: tuple[str, ...] = ()) -> Codes:
    """The number of each cell's name, and the names as text in order of first appearance.

    -1 is a cell without a name, or with one of `missing`.

    >>> codes, names = factorize_names(pd.Series(["b", "a", "b", None]))
    >>> codes.tolist(), names
    ([0, 1, 0, -1], ('b', 'a'))
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, labels = column.cat.codes.to_numpy(), column.cat.categories
    else:
        codes, labels = pd.factorize(column)
    labels = pd.Index(labels)
    whole = pd.api.types.is_float_dtype(labels) and (labels % 1 == 0) & (abs(labels) < 2**53)
    if np.all(whole):
        labels = labels.astype("Int64")  # 7.0, as pandas makes of 7 beside a gap
    text = np.asarray(labels.astype(str), dtype=object)
    # Different labels may be spelt alike, and some are used by no line.
    same, spelt = pd.factorize(text)
    if len(spelt) != len(text) or missing:
        same = np.where(np.isin(spelt, missing), -1, np.arange(len(spelt)))[same]
        codes = np.append(same, -1)[codes]
    first = first_places(codes, len(spelt))
    used = np.argsort(first, kind="stable")[: (first < len(codes)).sum()]
    if len(used) != len(spelt) or (np.diff(used) != 1).any():  # not in order of appearance
        number = np.full(len(spelt) + 1, -1)
        number[used] = np.arange(len(used))
        codes, spelt = number[codes], spelt[used]
    return codes.astype("int64"), tuple(str(name) for name in spelt)


def first_places(codes: npt.NDArray[Any], count: int) -> npt.NDArray[np.int64]:
    """(count,) where each code of (N,) stands first, N where it does not; -1 is no code.

    >>> first_places(np.array([0, 2, -1, 0, 0]), 4).tolist()
    [0, 5, 1, 5]
    """
    first = np.full(count + 1, len(codes))  # the last is for -1
    for begin in range(len(codes) // _BLOCK * _BLOCK, -1, -_BLOCK):
        part = codes[begin : begin + _BLOCK][::-1]
        last = np.flatnonzero(part[1:] != part[:-1])  # of equal ones side by side, one is enough
        some = np.append(last, len(part) - 1) if len(part) else last
        first[part[some]] = begin + len(part) - 1 - some  # of equal codes the last assigned stays
    return first[:count]


def boolean_key(name: str) -> str:
    """What a category is compared by: `true` and `false` are the same in any case.

    >>> boolean_key("TRUE"), boolean_key("True"), boolean_key("North")
    ('true', 'true', 'North')
    """
    small = name.strip().lower()
    return small if small in ("true", "false") else name


def merge_booleans(codes: npt.NDArray[np.int64], names: tuple[str, ...]) -> Codes:
    """The codes with `TRUE`, `True` and `true` as one name, which is spelt as the first of them.

    >>> codes, names = merge_booleans(np.array([0, 1, -1, 2]), ("True", "no", "TRUE"))
    >>> codes.tolist(), names
    ([0, 1, -1, 0], ('True', 'no'))
    """
    keys = [boolean_key(name) for name in names]
    if len(set(keys)) == len(keys):
        return codes, names
    kept = list(dict.fromkeys(keys))
    number = np.array([kept.index(key) for key in keys] + [-1])
    return number[codes], tuple(names[keys.index(key)] for key in kept)


def read_names(column: pd.Series, source: SourceColumn, role: str) -> Codes:
    """The codes and names of a column of names, as strings; role: "id" or "row", for messages.

    Raises DataError naming the first line where it is empty or no text.

    >>> read_names(pd.Series([7, 7, 8]), SourceColumn("store", str), "id")[1]
    ('7', '8')
    """
    try:
        codes, spelt = factorize_names(column)
    except TypeError as error:  # such as lists
        raise source.error(0, f"not every {role} is a plain name") from error
    # Every name stands in some line, so that no line is looked at where all names are good.
    zero = [k for k, name in enumerate(spelt) if "\0" in name]
    if zero:
        first = int(np.isin(codes, zero).argmax())
        raise source.error(first, f"the {role} contains a zero byte, so it is not text")
    none = [-1] if int(codes.min(initial=0)) < 0 else []  # a missing name
    none += [k for k, name in enumerate(spelt) if name == ""]
    if none:
        empty = np.isin(codes, none)
        count = int(empty.sum())
        lines = "this line" if count == 1 else f"the {count:,} such lines"
        raise source.error(
            int(empty.argmax()), f"the {role} is empty: fill it in, or remove {lines}"
        )
    return codes, spelt


def near_equal_notes(names: tuple[str, ...], role: str) -> list[Note]:
    """A note where names differ only in case or spaces.

    >>> str(near_equal_notes(("Rome", "rome"), "id")[0])  # doctest: +NORMALIZE_WHITESPACE
    "ids 'Rome' and 'rome' differ only in case or spaces (1 such pair): they are read as
    different names"
    """
    text = pa.array(names, pa.large_string())
    plain = pc.replace_substring_regex(pc.utf8_lower(text), r"\s+", "")
    if pc.count_distinct(plain).as_py() == len(names):
        return []
    codes = plain.dictionary_encode().indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    same = order[1:][np.diff(codes[order]) == 0]
    second = int(same.min())
    first = int((codes == codes[second]).argmax())
    message = (
        f"{role}s {names[first]!r} and {names[second]!r} differ only in case or spaces "
        f"({plural(len(same), 'such pair')}): they are read as different names"
    )
    return [Note(NoteKind.NEAR_EQUAL_NAMES, message, (names[first], names[second]))]
