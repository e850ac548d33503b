"""Single cells: spellings of a missing one, text that should be a number, suspicious numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tsconv.config.schema import DataConfig
from tsconv.data.missing import MISSING
from tsconv.data.reading.roles import covariate_names
from tsconv.errors import DataError
from tsconv.notes import Note, NoteKind

# Numbers that stand for "missing" in many files, where they lie far outside all others.
SENTINELS = frozenset(
    sign * value
    for sign in (-1.0, 1.0)
    for value in (99, 999, 999.9, 9999, 9999.9, 99999, 999999, 9999999, 99999999, 999999999, 32767)
) | {-88.0, -888.0, -8888.0, -32768.0, 65535.0, 2147483647.0, -2147483648.0, 1e20, 1e30}


Codes = tuple[npt.NDArray[np.int64], tuple[str, ...]]


@dataclasses.dataclass
class BadCells:
    """Cells that are no numbers and count as missing, where `data.bad_values=missing`."""

    count: int = 0
    first: str = ""
    columns: set[str] = dataclasses.field(default_factory=set)

    def add(self, column: str, count: int, place: str) -> None:
        """Count some more of a column, the first of which stands at `place`."""
        self.columns.add(column)
        self.first = self.first or place
        self.count += count

    @property
    def notes(self) -> tuple[Note, ...]:
        """A note that says so, if there were any."""
        if not self.count:
            return ()
        cells = "1 cell that is" if self.count == 1 else f"{self.count:,} cells that are"
        verb = "counts" if self.count == 1 else "count"
        text = f"{cells} not a number {verb} as missing (`data.bad_values=missing`): {self.first}"
        return (Note(NoteKind.BAD_CELLS, text, tuple(sorted(self.columns))),)


def missing_spellings(data: DataConfig) -> list[str]:
    """Every text that stands for a missing value."""
    given = data.na_values if isinstance(data.na_values, (list, tuple)) else [data.na_values]
    return [*MISSING, *(str(value) for value in given)]


def missing_numbers(data: DataConfig) -> list[float]:
    """The entries of `data.na_values` that are numbers: they are missing in any spelling."""
    numbers = []
    for text in missing_spellings(data)[len(MISSING) :]:
        try:
            numbers.append(float(text.replace(data.decimal, ".")))
        except ValueError:
            continue
    return [n for n in numbers if np.isfinite(n)]


def text_to_numbers(
    column: pd.Series, name: str, place: Callable[[int], str], data: DataConfig, bad: BadCells
) -> pd.Series:
    """Numbers from text; one that is none is an error, or missing, as `data.bad_values` says."""
    plain = column.str.strip().str.replace(data.decimal, ".", regex=False)
    missing = column.isin(missing_spellings(data))
    numbers = pd.to_numeric(plain, errors="coerce")
    if data.decimal != ".":  # a point is then one of thousands, or the mark is another
        numbers = numbers.mask(column.str.contains(".", regex=False))
    wrong = np.flatnonzero(numbers.isna() & ~missing)
    if len(wrong) == 0:
        return numbers.astype("float64")
    text = str(column.iloc[wrong[0]])
    where = f"{place(int(wrong[0]))}, column `{name}`: {text[:100]!r}"
    if data.bad_values == "error":
        hint = ""
        if data.decimal != "." and "." in text:
            hint = f"the decimal mark is `{data.decimal}` (`data.decimal`), take points out; else "
        elif data.decimal == "." and pd.Series([text]).str.fullmatch(r"-?\d+,\d+").all():
            hint = "if that is a decimal comma, set `data.decimal=','`; else "
        elif name in covariate_names(data):
            hint = "if the column holds categories, name it in `data.categories=`; else "
        raise DataError(
            f"{where} is not a number ({len(wrong)} such); {hint}mend it, list it in "
            f"`data.na_values=`, or set `data.bad_values=missing`"
        )
    bad.add(name, len(wrong), where)
    return numbers.astype("float64")


def sentinel_notes(
    values: npt.NDArray[np.float64], name: str, place: Callable[[int], str]
) -> list[Note]:
    """A note for each number such as -9999 that lies far outside all others of the column."""
    notes: list[Note] = []
    left = values
    for extreme in (np.fmin.reduce, np.fmax.reduce):
        value = float(extreme(left)) if len(left) else np.nan
        if value not in SENTINELS:
            continue
        at = values == value
        others = left[(left != value) & ~np.isnan(left)]
        if len(others):
            low, high = float(others.min()), float(others.max())
            outside = low - value if value < low else value - high
            if outside <= max(high - low, 0.5 * abs(value)):
                continue
        left = others
        count = int(at.sum())
        cells = "1 cell is" if count == 1 else f"{count:,} cells are"
        text = (
            f"{place(int(at.argmax()))}, column `{name}`: {cells} {value:.15g}, far from all other "
            f"values: if that stands for a missing one, set `data.na_values='[{value:.15g}]'`"
        )
        notes.append(Note(NoteKind.SENTINEL_VALUES, text, (name, f"{value:.15g}")))
    return notes


def coded(column: pd.Series, missing: tuple[str, ...] = ()) -> Codes:
    """The number of each cell's name, and the names as text in order of first appearance.

    -1 is a cell without a name, or with one of `missing`.
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
    used = pd.unique(codes)
    used = used[used >= 0]
    if len(used) != len(spelt) or (np.diff(used) != 1).any():  # not in order of appearance
        place = np.full(len(spelt) + 1, -1)
        place[used] = np.arange(len(used))
        codes, spelt = place[codes], spelt[used]
    return codes.astype("int64"), tuple(str(name) for name in spelt)


def names_of(
    frame: pd.DataFrame, name: str | None, role: str, place: Callable[[int], str]
) -> Codes | None:
    """The codes and names of a column of names, as strings; None where there is no such column.

    Raises DataError naming the first row where it is empty or no text.
    """
    if name is None:
        return None
    try:
        codes, spelt = coded(frame[name])
    except TypeError as error:  # such as lists
        raise DataError(f"{place(0)}, column `{name}`: not every {role} is a plain name") from error
    zero = np.append(np.array(["\0" in n for n in spelt], dtype=bool), False)[codes]
    if zero.any():
        raise DataError(
            f"{place(int(zero.argmax()))}, column `{name}`: the {role} holds a zero byte: it is no "
            f"text"
        )
    empty = np.append(np.array([n == "" for n in spelt], dtype=bool), True)[codes]
    if empty.any():  # the last is for -1, a missing name
        raise DataError(f"{place(int(empty.argmax()))}, column `{name}`: the {role} is empty")
    return codes, spelt


def near_equal_notes(names: tuple[str, ...], role: str) -> list[Note]:
    """A note where names differ by case or spaces only."""
    text = pa.array(names, pa.large_string())
    plain = pc.replace_substring_regex(pc.utf8_lower(text), r"\s+", "")
    if pc.count_distinct(plain).as_py() == len(names):
        return []
    codes = plain.dictionary_encode().indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    same = order[1:][np.diff(codes[order]) == 0]
    second = int(same.min())
    first = int((codes == codes[second]).argmax())
    text = (
        f"{role}s {names[first]!r} and {names[second]!r} differ by case or spaces only "
        f"({len(same)} such): they are taken for two"
    )
    return [Note(NoteKind.NEAR_EQUAL_NAMES, text, (names[first], names[second]))]
