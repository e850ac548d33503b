"""The columns of the files as they stand, before any role: kinds, counts, extremes.

Reads all columns, of which training reads only those that have a role. At most 256 MB are looked
at; `RawTable.whole` says whether that was all.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from tsconv.check.tables.time_formats import time_format_of
from tsconv.config.schema import DataConfig
from tsconv.data.missing import MISSING
from tsconv.data.reading.csv_start import opened, separator
from tsconv.data.reading.files import is_parquet

_MOST_BYTES = 256_000_000
_HEAD = 1000  # values by which text is told to be times or numbers


@dataclasses.dataclass(frozen=True)
class Column:
    """What one column holds."""

    name: str
    kind: str  # time, integer, number, text or empty
    missing: int
    distinct: int | None  # None where it was not counted
    low: Any = None  # of numbers, and of times as text
    high: Any = None
    bad: int = 0  # cells of a column of numbers that are none
    bad_cells: tuple[str, ...] = ()  # the first spellings of them

    @property
    def numeric(self) -> bool:
        return self.kind in ("integer", "number")

    @property
    def constant(self) -> bool:
        if self.kind == "text":  # an empty cell is a category of its own
            return self.distinct == 1 and not self.missing
        return self.kind != "empty" and (
            self.distinct == 1 or (self.numeric and self.low == self.high)
        )


@dataclasses.dataclass(frozen=True)
class RawTable:
    """The lines of all files, columns as text, numbers or times."""

    table: pa.Table
    columns: tuple[Column, ...]
    whole: bool  # whether these are all lines
    decimal: str = "."

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __contains__(self, name: str) -> bool:
        return any(c.name == name for c in self.columns)

    def __getitem__(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @property
    def names(self) -> list[str]:
        return [c.name for c in self.columns]

    def codes(self, name: str) -> np.ndarray:
        """(N,) a number for each distinct value; -1 where missing."""
        column = self.table[name].combine_chunks()
        if pa.types.is_null(column.type):
            return np.full(len(column), -1)
        indices = column.dictionary_encode().indices
        return pc.fill_null(indices, -1).to_numpy(zero_copy_only=False).astype("int64")

    def numbers(self, name: str) -> np.ndarray:
        """(N,) float64, NaN where a cell is missing or no number."""
        numbers = _to_numbers(self.table[name].to_pandas(), self.decimal)
        return numbers.to_numpy(dtype="float64", na_value=np.nan)


def read_raw(files: Sequence[Path], data: DataConfig) -> RawTable | None:
    """The files' columns; None where they cannot be read as a table."""
    tables: list[pa.Table] = []
    left, whole = _MOST_BYTES, True
    for path in files:
        if left <= 0:
            whole = False
            break
        try:
            table, used, all_of_it = _read(path, data, left)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeError, LookupError):
            return None
        tables.append(table)
        left -= used
        whole &= all_of_it
    if any(len(set(t.column_names)) < t.num_columns for t in tables):
        return None
    try:
        table = pa.concat_tables(_alike(tables), promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    columns = tuple(_profile(table, n, data.decimal) for n in table.column_names)
    return RawTable(table, columns, whole, data.decimal)


def _alike(tables: list[pa.Table]) -> list[pa.Table]:
    """Columns that are text in one file and numbers in another, as text in all."""
    texts = {f.name for t in tables for f in t.schema if pa.types.is_string(f.type)}
    plain = {f.name for t in tables for f in t.schema if not pa.types.is_string(f.type)}
    for name in texts & plain:
        tables = [
            t.set_column(t.column_names.index(name), name, t[name].cast(pa.string()))
            if name in t.column_names
            else t
            for t in tables
        ]
    return tables


def _read(path: Path, data: DataConfig, most: int) -> tuple[pa.Table, int, bool]:
    if is_parquet(path):
        file = pyarrow.parquet.ParquetFile(path)
        used, groups = 0, []
        for g in range(file.num_row_groups):
            if used and used + file.metadata.row_group(g).total_byte_size > most:
                break
            used += file.metadata.row_group(g).total_byte_size
            groups.append(g)
        table = file.read_row_groups(groups)
        return table.replace_schema_metadata(None), used, len(groups) == file.num_row_groups
    with opened(path) as stream:
        block = stream.read(most)
        more = len(stream.read(1)) > 0
    if more:
        block = block[: block.rfind(b"\n") + 1]
    table = pyarrow.csv.read_csv(
        io.BytesIO(block),
        read_options=pyarrow.csv.ReadOptions(encoding=data.encoding),
        parse_options=pyarrow.csv.ParseOptions(delimiter=separator(data)),
        convert_options=pyarrow.csv.ConvertOptions(
            null_values=[*MISSING, *map(str, data.na_values)],
            strings_can_be_null=False,
            decimal_point=data.decimal,
        ),
    )
    return table, len(block), not more


def _profile(table: pa.Table, name: str, decimal: str) -> Column:
    column = table[name]
    kind = column.type
    missing = column.null_count
    if pa.types.is_null(kind) or missing == len(column):
        return Column(name, "empty", len(column), 0)
    if pa.types.is_boolean(kind) or pa.types.is_nested(kind) or pa.types.is_binary(kind):
        return Column(name, "text", missing, None)
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _text(column, name, decimal)
    ends = pc.min_max(column)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Column(name, "time", missing, _distinct(column), str(low), str(high))
    if pa.types.is_integer(kind):
        return Column(name, "integer", missing, _distinct(column), low, high)
    if pa.types.is_floating(kind):
        return Column(name, "number", missing, None, low, high)
    return Column(name, "text", missing, _distinct(column))


def _text(column: pa.ChunkedArray, name: str, decimal: str) -> Column:
    spellings = column.combine_chunks().dictionary_encode()
    words = pd.Series(spellings.dictionary.to_pandas(), dtype="object").astype(str)
    counts = np.bincount(pc.drop_null(spellings.indices).to_numpy(), minlength=len(words))
    gone = words.isin(MISSING).to_numpy()
    empty = (words == "").to_numpy()
    missing = int(counts[empty].sum()) + column.null_count
    if (words.str.strip() == "").all():
        return Column(name, "empty", len(column), 0)
    distinct = int((~empty).sum())
    values = words[~gone & ~empty]
    head = values.iloc[:: max(1, len(values) // _HEAD)]
    if len(head) and time_format_of(head) is not None:
        return Column(name, "time", missing, distinct, str(values.min()), str(values.max()))
    numbers = _to_numbers(words, decimal).to_numpy()
    right = ~np.isnan(numbers) & ~gone
    if len(values) and right.sum() > 0.5 * len(values):
        wrong = ~right & ~gone
        cells = tuple(words[wrong].iloc[:5])
        return Column(
            name, "number", int(counts[gone].sum()), distinct, float(numbers[right].min()),
            float(numbers[right].max()), int(counts[wrong].sum()), cells,
        )  # fmt: skip
    return Column(name, "text", missing, distinct)


def _to_numbers(column: pd.Series, decimal: str) -> pd.Series:
    if decimal != "." and not pd.api.types.is_numeric_dtype(column):
        column = column.astype(str).str.strip().str.replace(decimal, ".", regex=False)
    return pd.to_numeric(column, errors="coerce")


def _distinct(column: pa.ChunkedArray) -> int:
    return int(pc.count_distinct(column).as_py())
