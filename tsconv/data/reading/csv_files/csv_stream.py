"""A CSV file in batches of lines, for files that are larger than the memory."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.csv

from tsconv.data.reading.column_roles import ColumnRoles
from tsconv.data.reading.csv_files.compression import open_unpacked
from tsconv.data.reading.csv_files.csv_file import TEXT, Types, cell_types, csv_options, read_error
from tsconv.data.reading.csv_files.csv_start import FileStart, check_file_format, read_start
from tsconv.data.settings import FileFormat, MissingPolicy

_BLOCKS = (1 << 22, 1 << 26)  # bytes; a record must not be longer than the last


class Consume(Protocol):
    """Takes a file's batches: anew, and forgetting what it had, where a cell has another type."""

    def __call__(
        self, batches: Iterator[pa.RecordBatch], roles: ColumnRoles, is_text: bool
    ) -> None:
        """is_text: whether numbers come as text."""


def stream_csv(
    path: Path,
    match_roles: Callable[[list[str], str], ColumnRoles],
    form: FileFormat,
    missing: MissingPolicy,
    has_time_format: bool,
    consume: Consume,
) -> tuple[ColumnRoles, bool]:
    """Hand the wanted columns over in batches; returns their roles, and if numbers came as text.

    The cells have the types that `read_csv` gives them. Raises DataError as `read_csv` does, save
    for a cell that should be a number: its column is then text in every batch.
    """
    check_file_format(form)
    start = read_start(path, form)
    roles = match_roles(start.names, str(path))
    types = cell_types(start, roles, has_time_format)
    text = types | dict.fromkeys(roles.numbers, pa.string())
    attempts = (types, text, text | dict.fromkeys(roles.time, TEXT))
    for number, kinds in enumerate(attempts):
        take = functools.partial(consume, roles=roles, is_text=number > 0)
        try:
            _stream(start, roles, form, missing, kinds, take)
            return roles, number > 0
        except pa.ArrowInvalid as error:
            is_cell = "conversion error" in str(error) and "UTF8" not in str(error)
            if not is_cell or number == len(attempts) - 1:
                raise read_error(start, form, error) from error
        except (pa.ArrowException, UnicodeError, OSError, OverflowError) as error:
            raise read_error(start, form, error) from error
    raise AssertionError("the last attempt returns or raises")


def _stream(
    start: FileStart,
    roles: ColumnRoles,
    form: FileFormat,
    missing: MissingPolicy,
    types: Types,
    consume: Callable[[Iterator[pa.RecordBatch]], None],
) -> None:
    parse, convert = csv_options(start, roles, form, missing, types)
    for block in _BLOCKS:
        options = pyarrow.csv.ReadOptions(
            encoding=form.encoding, block_size=block, use_threads=False
        )
        try:
            with (
                open_unpacked(start.path) as stream,
                pyarrow.csv.open_csv(stream, options, parse, convert) as batches,
            ):
                consume(iter(batches))
            return
        except pa.ArrowInvalid as error:
            if "block" not in str(error) or block == _BLOCKS[-1]:
                raise
