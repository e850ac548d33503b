"""The columns of the files before any of them has a role.

A check reads all columns; training reads only those that have a role. It looks at 256 MB at most;
`RawTable.complete` says whether that was all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from tsconv.check.tables.array_types import Floats, Ints
from tsconv.check.tables.columns import (
    Column,
    distinct_words,
    is_text,
    profile_column,
    to_numbers,
)
from tsconv.check.tables.raw_csv import concat_tables, read_raw_csv
from tsconv.config.schema import DataConfig
from tsconv.data.reading.excel_files.sheet import read_sheet
from tsconv.data.reading.files import is_excel, is_parquet
from tsconv.data.settings import FileFormat
from tsconv.errors import TsconvError

_MOST_BYTES = 256_000_000


@dataclasses.dataclass(frozen=True)
class RawTable:
    """The N lines of all files, and a profile of each column.

    >>> raw_table = RawTable.of(pa.table({"shop": ["a", "b", "a"], "sold": [1.0, None, 3.0]}))
    >>> raw_table["sold"].missing, raw_table.codes("shop").tolist()
    (1, [0, 1, 0])
    """

    arrow: pa.Table
    columns: tuple[Column, ...]
    complete: bool = True  # whether these are all lines of the files
    decimal: str = "."  # the decimal mark of text cells
    thousands: str | None = None  # what groups digits in text cells

    @classmethod
    def of(
        cls,
        table: pa.Table,
        complete: bool = True,
        decimal: str = ".",
        thousands: str | None = None,
    ) -> RawTable:
        """Profile every column of an Arrow table."""
        table = table.unify_dictionaries()
        columns = tuple(
            profile_column(table, name, decimal, thousands) for name in table.column_names
        )
        return cls(table, columns, complete, decimal, thousands)

    def __len__(self) -> int:
        return int(self.arrow.num_rows)

    def __contains__(self, name: str) -> bool:
        return any(c.name == name for c in self.columns)

    def __getitem__(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in the order of the file."""
        return [c.name for c in self.columns]

    def codes(self, name: str) -> Ints:
        """(N,) a number for each distinct value; -1 where missing."""
        column = self.arrow[name].combine_chunks()
        if pa.types.is_null(column.type):
            return np.full(len(column), -1, dtype="int64")
        indices = column.dictionary_encode().indices
        codes: Ints = pc.fill_null(indices, -1).to_numpy(zero_copy_only=False).astype("int64")
        return codes

    def words(self, name: str) -> pd.Series:
        """The distinct texts of a column, without empty ones, in order of first appearance."""
        words = distinct_words(self.arrow[name])
        return words[words.str.strip() != ""].reset_index(drop=True)

    def numbers(self, name: str) -> Floats:
        """(N,) float64, NaN where a cell is missing or not a number."""
        column = self.arrow[name]
        if is_text(column.type):
            words = to_numbers(distinct_words(column), self.decimal, self.thousands)
            values = np.append(words.to_numpy(dtype="float64", na_value=np.nan), np.nan)
            return np.asarray(values[self.codes(name)], dtype="float64")
        numbers = to_numbers(column.to_pandas(), self.decimal)
        return numbers.to_numpy(dtype="float64", na_value=np.nan)


def read_raw_table(files: Sequence[Path], data: DataConfig) -> RawTable | None:
    """Read all columns of some files; None where they cannot be read as one table.

    Reads the file format (`sep`, `encoding`, `decimal`, `na_values`) from `data`.
    """
    tables: list[pa.Table] = []
    bytes_left, complete = _MOST_BYTES, True
    for path in files:
        if bytes_left <= 0:
            complete = False
            break
        try:
            table, used, all_of_it = _read_file(path, data, bytes_left)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeError, LookupError):
            return None
        pa.default_memory_pool().release_unused()
        tables.append(table)
        bytes_left -= used
        complete &= all_of_it
    if any(len(set(t.column_names)) < t.num_columns for t in tables):
        return None
    try:
        table = concat_tables(tables)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    return RawTable.of(table, complete, data.decimal, FileFormat.of(data).thousands)


def _read_file(path: Path, data: DataConfig, most_bytes: int) -> tuple[pa.Table, int, bool]:
    """The table, the bytes that it took, and whether that is the whole file."""
    if is_parquet(path):
        return _read_parquet(path, most_bytes)
    if is_excel(path):
        return _read_excel(path, data), path.stat().st_size, True
    return read_raw_csv(path, data, most_bytes)


def _read_excel(path: Path, data: DataConfig) -> pa.Table:
    """The sheet; columns of cells of several kinds become text."""
    try:
        sheet = read_sheet(path, FileFormat.of(data))
    except TsconvError as error:
        raise pa.ArrowInvalid(str(error)) from error
    columns = []
    for name in sheet.names:
        cells = list(sheet.column(name))
        try:
            columns.append(pa.array(cells))
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            columns.append(pa.array([None if c is None else str(c) for c in cells], pa.string()))
    return pa.Table.from_arrays(columns, names=list(sheet.names))


def _read_parquet(path: Path, most_bytes: int) -> tuple[pa.Table, int, bool]:
    """The first row groups, at least one."""
    file = pyarrow.parquet.ParquetFile(path)
    used, groups = 0, []
    for g in range(file.num_row_groups):
        size = file.metadata.row_group(g).total_byte_size
        if used and used + size > most_bytes:
            break
        used += size
        groups.append(g)
    table = file.read_row_groups(groups)
    return table.replace_schema_metadata(None), used, len(groups) == file.num_row_groups
