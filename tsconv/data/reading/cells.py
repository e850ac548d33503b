"""Columns of numbers: text that should be numbers, missing values, and sentinels for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.settings import MissingPolicy
from tsconv.data.source_column import SourceColumn
from tsconv.notes import Note, NoteKind

# Numbers that stand for "missing" in many files, where they lie far outside all others.
SENTINELS = frozenset(
    sign * value
    for sign in (-1.0, 1.0)
    for value in (99, 999, 999.9, 9999, 9999.9, 99999, 999999, 9999999, 99999999, 999999999, 32767)
) | {-88.0, -888.0, -8888.0, -32768.0, 65535.0, 2147483647.0, -2147483648.0, 1e20, 1e30}
# Beyond these a network's float32 arithmetic would overflow.
_SMALLEST, _LARGEST = 1e-30, 1e30
_BLOCK = 1 << 16  # cells
Values = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class BadCells:
    """Cells that are no numbers and count as missing, where `data.bad_values=missing`.

    >>> found = BadCells(1, "a.csv: line 3, column `y`: 'x'", frozenset("y"))
    >>> (BadCells() + found + found).count
    2
    """

    count: int = 0
    first: str = ""  # file, line, column and text of the first one
    columns: frozenset[str] = frozenset()

    def __add__(self, later: BadCells) -> BadCells:
        """These cells and those of a later column or file."""
        return BadCells(
            self.count + later.count, self.first or later.first, self.columns | later.columns
        )

    @property
    def notes(self) -> tuple[Note, ...]:
        """A note that says so, if there were any."""
        if not self.count:
            return ()
        cells = "1 cell that is" if self.count == 1 else f"{self.count:,} cells that are"
        verb = "counts" if self.count == 1 else "count"
        text = f"{cells} not a number {verb} as missing (`data.bad_values=missing`): {self.first}"
        return (Note(NoteKind.BAD_CELLS, text, tuple(sorted(self.columns))),)


def checked_numbers(
    column: pd.Series, source: SourceColumn, missing: MissingPolicy, is_covariate: bool = False
) -> tuple[Values, BadCells]:
    """(N,) the column as float64, NaN where missing, and the cells that are no numbers.

    Raises DataError for a value that is infinite, complex or a time, or too small or large for
    float32; and for one that is no number where `missing.bad_values` is "error".

    >>> checked_numbers(pd.Series([1, 999]), SourceColumn("y", str), MissingPolicy(("999",)))[0]
    array([ 1., nan])
    """
    bad = BadCells()
    if pd.api.types.is_datetime64_any_dtype(column):
        raise source.error(0, f"{column.iloc[0]} is not a number")
    if not pd.api.types.is_numeric_dtype(column) and not column.isna().all():
        plain = pd.to_numeric(column, errors="coerce")
        wrong = np.flatnonzero(plain.isna() & column.notna())
        if len(wrong):
            found = repr(column.iloc[wrong[0]])
            if missing.bad_values == "error":
                hint = "; categories are named in `data.categories=`" if is_covariate else ""
                raise source.error(wrong[0], f"{found} is not a number{hint}")
            bad = BadCells(len(wrong), f"{source.at(wrong[0])}: {found}", frozenset([source.name]))
        column = plain
    if pd.api.types.is_complex_dtype(column):
        raise source.error(0, f"{column.iloc[0]} is a complex number")
    values = column.to_numpy(dtype="float64", na_value=np.nan)
    if given := missing.numbers:
        values = np.where(np.isin(values, given), np.nan, values)
    infinite = _first_where(values, np.isinf)
    if infinite is not None:
        raise source.error(infinite, f"{values[infinite]} is not finite")
    extreme = _first_where(values, _is_extreme)
    if extreme is not None:
        raise source.error(
            extreme,
            f"{values[extreme]:g} is outside {_SMALLEST:g} to {_LARGEST:g}; change the column's "
            f"unit",
        )
    return values, bad


def _is_extreme(values: Values) -> npt.NDArray[np.bool_]:
    size = np.abs(values)
    return (size > _LARGEST) | ((size > 0) & (size < _SMALLEST))


def _first_where(values: Values, found: Callable[[Values], npt.NDArray[np.bool_]]) -> int | None:
    """The first place that is found, a block at a time: what is made of a block stays in cache."""
    for begin in range(0, len(values), _BLOCK):
        marked = found(values[begin : begin + _BLOCK])
        if marked.any():
            return begin + int(marked.argmax())
    return None


def sentinel_notes(values: Values, source: SourceColumn) -> list[Note]:
    """A note for each number such as -9999 that lies far outside all others of the column.

    values: (N,), NaN where missing.

    >>> [note.names for note in sentinel_notes(np.array([1, 2, -9999.0]), SourceColumn("y", str))]
    [('y', '-9999')]
    """
    notes: list[Note] = []
    left = values
    for extreme in (np.fmin.reduce, np.fmax.reduce):
        value = float(extreme(left)) if len(left) else np.nan
        if value not in SENTINELS:
            continue
        found = values == value
        others = left[(left != value) & ~np.isnan(left)]
        if len(others):
            low, high = float(others.min()), float(others.max())
            outside = low - value if value < low else value - high
            if outside <= max(high - low, 0.5 * abs(value)):
                continue
        left = others
        count = int(found.sum())
        cells = "1 cell is" if count == 1 else f"{count:,} cells are"
        text = (
            f"{source.at(int(found.argmax()))}: {cells} {value:.15g}, far from all other "
            f"values: if it means a missing value, set `data.na_values='[{value:.15g}]'`"
        )
        notes.append(Note(NoteKind.SENTINEL_VALUES, text, (source.name, f"{value:.15g}")))
    return notes
