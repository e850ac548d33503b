"""A Parquet file's columns by their roles, and its lines some at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet

from tsconv.data.reading.column_roles import ColumnRoles
from tsconv.errors import DataError

Batch = TypeVar("Batch")
MatchRoles = Callable[[list[str], str], ColumnRoles]  # the header's names, the file's name


def open_parquet(
    path: Path, match_roles: MatchRoles, buffer: int = 0
) -> tuple[ColumnRoles, pyarrow.parquet.ParquetFile]:
    """A Parquet file to be read in batches, its names as dictionaries; and its columns' roles.

    A column of names then takes memory for each different one only. buffer: bytes of a column that
    are read at once; 0: all of a row group. Raises DataError where a column holds lists or the
    like, and what pyarrow raises for a file that is damaged.
    """
    schema = pyarrow.parquet.read_schema(path)
    roles = match_roles(schema.names, str(path))
    for name in roles.wanted:
        if pa.types.is_nested(kind := schema.field(name).type):
            raise DataError(f"{path}: column `{name}` holds {kind}, not one value a line")
    names = (n for n in roles.names if n in schema.names)
    file = pyarrow.parquet.ParquetFile(
        path,
        read_dictionary=[n for n in names if pa.types.is_string(schema.field(n).type)],
        buffer_size=buffer,
        page_checksum_verification=True,
    )
    return roles, file


def parquet_batches(
    file: pyarrow.parquet.ParquetFile, lines: int, columns: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """The lines of a Parquet file, so many at a time.

    Row group by row group: a reader of several keeps the buffers of all that it has read.
    """
    for group in range(file.num_row_groups):
        yield from file.iter_batches(lines, row_groups=[group], columns=columns)


def read_ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches, each read by another thread while the one before is worked on.

    >>> list(read_ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = thread.submit(next, batches, None)
            yield batch
