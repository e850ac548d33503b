"""Profiles of columns: what kind of cells one holds, how many are missing, its extremes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tsconv.check.tables.time_formats import time_format_of
from tsconv.data.missing import MISSING
from tsconv.data.reading.csv_files.text_numbers import without_groups

_SAMPLE = 1000  # values from which the kind of a text column is decided


@dataclasses.dataclass(frozen=True)
class Column:
    """What one column holds.

    >>> Column("size", "integer", 0, 2, 3, 5).numeric
    True
    """

    name: str
    kind: str  # time, integer, number, text or empty
    missing: int
    distinct: int | None  # None where it was not counted
    low: Any = None  # of numbers, and of times as text
    high: Any = None
    bad: int = 0  # cells of a numeric column that are not numbers
    bad_cells: tuple[str, ...] = ()  # the first spellings of them

    @property
    def numeric(self) -> bool:
        """Whether the column holds integers or other numbers."""
        return self.kind in ("integer", "number")

    @property
    def constant(self) -> bool:
        """Whether all cells hold the same value; an empty cell of text is a category of its own."""
        if self.kind == "text":
            return self.distinct == 1 and not self.missing
        return self.kind != "empty" and (
            self.distinct == 1 or (self.numeric and bool(self.low == self.high))
        )


def profile_column(
    table: pa.Table, name: str, decimal: str = ".", thousands: str | None = None
) -> Column:
    """Profile one column of an Arrow table.

    decimal, thousands: the decimal mark of its text cells, and what groups their digits.

    >>> column = profile_column(pa.table({"y": ["1.5", "2", "?", "4"]}), "y")
    >>> column.kind, column.low, column.high, column.bad_cells
    ('number', 1.5, 4.0, ('?',))
    """
    column = table[name]
    kind = column.type
    missing = column.null_count
    if pa.types.is_null(kind) or missing == len(column):
        return Column(name, "empty", len(column), 0)
    if pa.types.is_boolean(kind) or pa.types.is_nested(kind) or pa.types.is_binary(kind):
        return Column(name, "text", missing, None)
    if is_text(kind):
        return _profile_text(column, name, decimal, thousands)
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    ends = pc.min_max(column)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Column(name, "time", missing, _count_distinct(column), str(low), str(high))
    if pa.types.is_integer(kind):
        return Column(name, "integer", missing, _count_distinct(column), low, high)
    if pa.types.is_floating(kind):
        return Column(name, "number", missing, None, low, high)
    return Column(name, "text", missing, _count_distinct(column))


def _profile_text(
    column: pa.ChunkedArray, name: str, decimal: str, thousands: str | None
) -> Column:
    """Text that is times, numbers in most cells, or words."""
    spellings = column.combine_chunks().dictionary_encode()
    labels = spellings.dictionary
    counts = np.bincount(pc.drop_null(spellings.indices).to_numpy(), minlength=len(labels))
    del spellings
    trimmed_away = pc.all(pc.equal(pc.utf8_trim_whitespace(labels), "")).as_py()
    marked_missing = pc.is_in(labels, pa.array(MISSING, labels.type)).to_numpy(False)
    empty = pc.equal(labels, "").to_numpy(False)
    missing = int(counts[empty].sum()) + column.null_count
    if trimmed_away:
        return Column(name, "empty", len(column), 0)
    distinct = int((~empty).sum())
    values = labels.filter(pa.array(~marked_missing & ~empty))
    sample = _texts(values[:: max(1, len(values) // _SAMPLE)])
    if len(sample) and time_format_of(sample) is not None:
        ends = pc.min_max(values)
        return Column(name, "time", missing, distinct, ends["min"].as_py(), ends["max"].as_py())
    if len(sample) and to_numbers(sample, decimal, thousands).notna().any():
        words = _texts(labels)
        numbers = to_numbers(words, decimal, thousands).to_numpy()
        are_numbers = ~np.isnan(numbers) & ~marked_missing
        zeros = pc.any(pc.match_substring_regex(values, r"^0\d")).as_py()  # 007 is a name
        if are_numbers.sum() > 0.5 * len(values) and not zeros:
            wrong = ~are_numbers & ~marked_missing
            return Column(
                name,
                "number",
                int(counts[marked_missing].sum()),
                distinct,
                float(numbers[are_numbers].min()),
                float(numbers[are_numbers].max()),
                int(counts[wrong].sum()),
                tuple(words[wrong].iloc[:5]),
            )
    return Column(name, "text", missing, distinct)


def is_text(kind: pa.DataType) -> bool:
    """Whether an Arrow type is text, plain or with each distinct text kept once.

    >>> is_text(pa.string()), is_text(pa.dictionary(pa.int32(), pa.string())), is_text(pa.int64())
    (True, True, False)
    """
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def distinct_words(column: pa.ChunkedArray) -> pd.Series:
    """The distinct texts of a column, in the order in which dictionary_encode numbers them."""
    return _texts(column.combine_chunks().dictionary_encode().dictionary)


def _texts(labels: pa.Array) -> pd.Series:
    return pd.Series(labels.to_pandas(), dtype="object").astype(str)


def to_numbers(column: pd.Series, decimal: str = ".", thousands: str | None = None) -> pd.Series:
    """Convert cells to numbers, NaN where a cell is not one.

    decimal, thousands: the decimal mark of text cells, and what groups their digits.

    >>> to_numbers(pd.Series(["1,5", "x"]), ",").tolist()
    [1.5, nan]
    """
    if thousands is not None and not pd.api.types.is_numeric_dtype(column):
        column = without_groups(column.astype(str).str.strip(), thousands, decimal)
    if decimal != "." and not pd.api.types.is_numeric_dtype(column):
        column = column.astype(str).str.strip().str.replace(decimal, ".", regex=False)
    return pd.to_numeric(column, errors="coerce")


def _count_distinct(column: pa.ChunkedArray) -> int:
    return int(pc.count_distinct(column).as_py())
