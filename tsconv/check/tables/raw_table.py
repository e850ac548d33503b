"""The columns of the files before any of them has a role.

A check reads all columns; training reads only those that have a role. It looks at 256 MB at most;
`RawTable.complete` says whether that was all.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from tsconv.check.tables.array_types import Floats, Ints
from tsconv.check.tables.columns import Column, profile_column, to_numbers
from tsconv.config.schema import DataConfig
from tsconv.data.missing import MISSING
from tsconv.data.reading.csv_files.compression import open_unpacked
from tsconv.data.reading.files import is_parquet
from tsconv.data.settings import FileFormat

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

    @classmethod
    def of(cls, table: pa.Table, complete: bool = True, decimal: str = ".") -> RawTable:
        """Profile every column of an Arrow table."""
        columns = tuple(profile_column(table, name, decimal) for name in table.column_names)
        return cls(table, columns, complete, decimal)

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

    def numbers(self, name: str) -> Floats:
        """(N,) float64, NaN where a cell is missing or not a number."""
        numbers = to_numbers(self.arrow[name].to_pandas(), self.decimal)
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
        tables.append(table)
        bytes_left -= used
        complete &= all_of_it
    if any(len(set(t.column_names)) < t.num_columns for t in tables):
        return None
    try:
        table = pa.concat_tables(_with_equal_types(tables), promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    return RawTable.of(table, complete, data.decimal)


def _with_equal_types(tables: list[pa.Table]) -> list[pa.Table]:
    """Columns that are text in one file and numbers in another, as text in all."""
    texts = {f.name for t in tables for f in t.schema if pa.types.is_string(f.type)}
    others = {f.name for t in tables for f in t.schema if not pa.types.is_string(f.type)}
    for name in texts & others:
        tables = [
            t.set_column(t.column_names.index(name), name, t[name].cast(pa.string()))
            if name in t.column_names
            else t
            for t in tables
        ]
    return tables


def _read_file(path: Path, data: DataConfig, most_bytes: int) -> tuple[pa.Table, int, bool]:
    """The table, the bytes that it took, and whether that is the whole file."""
    if is_parquet(path):
        return _read_parquet(path, most_bytes)
    with open_unpacked(path) as stream:
        block = stream.read(most_bytes)
        more = len(stream.read(1)) > 0
    if more:
        block = block[: block.rfind(b"\n") + 1]
    table = pyarrow.csv.read_csv(
        io.BytesIO(block),
        read_options=pyarrow.csv.ReadOptions(encoding=data.encoding),
        parse_options=pyarrow.csv.ParseOptions(delimiter=FileFormat.of(data).sep),
        convert_options=pyarrow.csv.ConvertOptions(
            null_values=[*MISSING, *map(str, data.na_values)],
            strings_can_be_null=False,
            decimal_point=data.decimal,
        ),
    )
    return table, len(block), not more


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
