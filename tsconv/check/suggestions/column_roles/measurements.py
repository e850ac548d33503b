"""Columns of numbers that measure something, and what those of one file are to each other.

A target is measured. Parts of a date, whatever follows from the time, numbers of records, flags and
columns with one value per series are not.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import numpy as np

from tsconv.check.suggestions.column_roles.column_names import QUANTITY_WORDS
from tsconv.check.suggestions.column_roles.line_keys import combined_codes
from tsconv.check.suggestions.column_roles.time_ticks import follows_clock, ticks_of
from tsconv.check.tables.array_types import Floats, Ints
from tsconv.check.tables.columns import Column
from tsconv.check.tables.raw_table import RawTable

_PARTS_OF_TIME = {  # names of columns that stand beside a time -> the values that they may have
    "year": (1000, 3000), "yr": (0, 3000), "quarter": (1, 4), "qtr": (1, 4), "month": (1, 12),
    "mon": (1, 12), "week": (0, 53), "weekofyear": (0, 53), "day": (1, 366), "dayofyear": (1, 366),
    "doy": (1, 366), "yday": (0, 366), "mday": (1, 31), "weekday": (0, 7), "wday": (0, 7),
    "dow": (0, 7), "dayofweek": (0, 7), "hour": (0, 24), "hr": (0, 24), "he": (0, 25),
    "minute": (0, 59), "min": (0, 59), "second": (0, 59),
}  # fmt: skip
_RECORD_NAMES = {"id", "no", "nr", "number", "index", "obs", "record", "row", "line", "instant"}
_MOST_LINES = 50_000  # that are compared
_FEWEST_LINES = 50  # from which whole numbers that rise and never repeat number the records
_MOST_SIZES = 1000  # times by which like columns may differ in size
_MOST_SPREADS = 8  # times by which like columns may differ in relative spread
_STEM = re.compile(r"[\W_]*\d+$")


def measurements(
    raw_table: RawTable, time: Sequence[str], key: Sequence[str], used: set[str]
) -> list[str]:
    """The columns of numbers that may be targets, in the order of the file.

    time, key: the columns of the time and of the id; used: columns that have any other role.
    Falls back on whatever changes where nothing seems measured.

    >>> import pyarrow as pa
    >>> lines = {"ds": ["2024-01-31", "2024-02-01"], "month": [1, 2], "temp": [2.5, 3.0]}
    >>> measurements(RawTable.of(pa.table(lines)), ["ds"], [], set())
    ['temp']
    """
    taken = {*used, *time, *key}
    numbers = [c for c in raw_table.columns if c.name not in taken and c.numeric]
    numbers = [c for c in numbers if not c.constant and not is_counter(raw_table, c)]
    some = _lines(raw_table)
    ticks = ticks_of(raw_table, time)
    ticks = None if ticks is None else ticks[some]
    series = combined_codes(raw_table, key)[some] if key else None
    measured = [
        c.name
        for c in numbers
        if not is_part_of_time(c)
        and not _numbers_records(raw_table, c)
        and not (ticks is not None and follows_clock(_codes(raw_table, c.name), ticks))
        and not (series is not None and _constant_per_series(series, _codes(raw_table, c.name)))
    ]
    not_flags = [name for name in measured if not _is_flag(raw_table, name)]
    return not_flags or measured or [c.name for c in numbers]


def _lines(raw_table: RawTable) -> slice:
    """Evenly picked lines; an odd distance, so that they are not all of one hour."""
    return slice(None, None, len(raw_table) // _MOST_LINES | 1)


def is_part_of_time(column: Column) -> bool:
    """Whether whole numbers are a part of a date or clock by their name and range."""
    name = re.sub(r"[\W_]+", "", column.name.lower())
    low, high = _PARTS_OF_TIME.get(name, (1, 0))
    return column.kind == "integer" and bool(low <= column.low and column.high <= high)


def _numbers_records(raw_table: RawTable, column: Column) -> bool:
    """Whether a column holds another, rising whole number on each line, as a record's number."""
    if column.kind != "integer" or column.distinct != len(raw_table):
        return False
    named = bool(set(re.split(r"[\W_]+", column.name.lower())) & _RECORD_NAMES)
    if named:
        return True
    dense = column.high - column.low <= 2 * len(raw_table)
    if len(raw_table) <= _FEWEST_LINES or not dense:
        return False
    return bool((np.diff(raw_table.arrow[column.name].to_numpy()) > 0).mean() > 0.99)


def is_counter(raw_table: RawTable, column: Column) -> bool:
    """Whether a column only counts the lines, from the top or anew in each file."""
    if column.kind != "integer" or column.missing or (column.distinct or 0) < 3:
        return False
    values = raw_table.arrow[column.name].to_numpy()
    return bool((np.diff(values) == 1).mean() > 0.99)


def _codes(raw_table: RawTable, name: str) -> Ints:
    """A number for each distinct value on the picked lines of a column of numbers."""
    values = raw_table.numbers(name)[_lines(raw_table)]
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype="int64")


def _constant_per_series(series: Ints, codes: Ints) -> bool:
    """Whether each of several series has one value; both (N,), a number for each distinct one."""
    n = len(np.unique(series))
    return 1 < n < len(series) and len(np.unique(series * (len(codes) + 1) + codes)) == n


def _is_flag(raw_table: RawTable, name: str) -> bool:
    """Whether a column holds two values such as 0 and 1 alone: an event, not a quantity."""
    values = np.unique(raw_table.numbers(name)[_lines(raw_table)])
    values = values[~np.isnan(values)]
    return len(values) == 2 and set(values) <= {0.0, 1.0, 2.0}


@dataclasses.dataclass(frozen=True)
class Likeness:
    """Whether some columns measure the same thing, as series do, and what shows it."""

    alike: bool
    reason: str


def compare_columns(raw_table: RawTable, names: Sequence[str]) -> Likeness:
    """Whether columns are series of one quantity rather than different quantities.

    Names that differ in a number alone are alike; names of quantities are not. Other columns are
    compared by size, relative spread and sign.

    >>> import pyarrow as pa
    >>> lines = {"shop_1": [1, 5, 3], "shop_2": [200, 100, 300]}
    >>> compare_columns(RawTable.of(pa.table(lines)), ["shop_1", "shop_2"]).alike
    True
    >>> lines = {"temp": [1, 5, 3], "pressure": [1001, 1002, 999]}
    >>> compare_columns(RawTable.of(pa.table(lines)), ["temp", "pressure"]).alike
    False
    """
    stems = {_STEM.sub("", name) for name in names}
    if len(stems) == 1:
        return Likeness(True, "are named alike")
    if len(names) > 20 and len(stems) * 2 < len(names):
        return Likeness(False, "have several kinds of names")
    words = [_words(name) & QUANTITY_WORDS for name in names]
    if sum(map(bool, words)) >= 2 and len({frozenset(w) for w in words}) > 1:
        return Likeness(False, "are named as different quantities")
    columns = [raw_table.numbers(name)[:_MOST_LINES] for name in names]
    columns = [column[~np.isnan(column)] for column in columns]
    sizes = [float(np.quantile(np.abs(c), 0.9)) for c in columns if len(c)]
    sizes = [size for size in sizes if size > 0]
    spreads = [_relative_spread(c) for c in columns if len(c)]
    spreads = [spread for spread in spreads if spread > 0]
    if sizes and max(sizes) > _MOST_SIZES * min(sizes):
        return Likeness(False, "differ in size")
    if spreads and max(spreads) > _MOST_SPREADS * min(spreads):
        return Likeness(False, "differ in relative spread")
    signed = [bool((c < 0).mean() > 0.02) for c in columns if len(c)]
    if any(signed) and not all(signed) and len(columns) <= 20:
        return Likeness(False, "are partly of one sign, partly of two")
    return Likeness(True, "are alike in size and spread")


def _words(name: str) -> set[str]:
    parts = re.sub(r"([a-z])([A-Z])", r"\1_\2", name)
    return {word for word in re.split(r"[\W_\d]+", parts.lower()) if word}


def _relative_spread(values: Floats) -> float:
    """The spread of the middle 80% as a share of the largest size in it."""
    low, high = np.quantile(values, [0.1, 0.9])
    return float((high - low) / max(abs(low), abs(high), 1e-300))
