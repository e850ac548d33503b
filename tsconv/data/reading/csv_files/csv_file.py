"""A CSV file to a frame of the wanted columns: pyarrow reads it, the csv module finds errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from tsconv.data.reading.cells import BadCells
from tsconv.data.reading.column_roles import ColumnRoles
from tsconv.data.reading.csv_files.compression import open_unpacked
from tsconv.data.reading.csv_files.csv_start import FileStart, check_file_format, read_start
from tsconv.data.reading.csv_files.locate import find_torn_record, line_number
from tsconv.data.reading.csv_files.text_numbers import text_to_numbers
from tsconv.data.settings import FileFormat, MissingPolicy
from tsconv.data.source_column import SourceColumn
from tsconv.errors import DataError, one_line

# Names and odd times: a text is kept once, and lines hold its number.
TEXT = pa.dictionary(pa.int32(), pa.string())
_BLOCK, _LARGE_BLOCK = 1 << 20, 1 << 26  # bytes; a record must not be longer
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?")
Types = dict[str, pa.DataType]


def read_csv(
    path: Path,
    match_roles: Callable[[list[str], str], ColumnRoles],
    form: FileFormat,
    missing: MissingPolicy,
    has_time_format: bool = False,
) -> tuple[pd.DataFrame, ColumnRoles, BadCells]:
    """The wanted columns, their roles, and the cells that are no numbers and count as missing.

    Names, and times that are not ISO 8601, are categories. `match_roles` finds the roles from the
    header's names and the file's name; `has_time_format` leaves all times text. Raises DataError
    naming file, line, column and value of what cannot be read.
    """
    check_file_format(form)
    start = read_start(path, form)
    roles = match_roles(start.names, str(path))
    types = cell_types(start, roles, has_time_format)
    try:
        return _frame(_arrow(start, roles, form, missing, types)), roles, BadCells()
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error) or "UTF8" in str(error):
            raise read_error(start, form, error) from error
    except (pa.ArrowException, UnicodeError, OSError, OverflowError) as error:
        raise read_error(start, form, error) from error
    # A number or a time that is none: read these columns as text to find it.
    frame = _frame_of_text(start, roles, form, missing, types)
    bad = BadCells()
    for name in roles.numbers:
        source = SourceColumn(name, lambda i: f"{path}: line {line_number(path, form, i)}")
        frame[name], more = text_to_numbers(frame[name], source, form, missing, roles.advice(name))
        bad = bad + more
    return frame, roles, bad


def cell_types(start: FileStart, roles: ColumnRoles, has_time_format: bool) -> Types:
    """The type that each wanted column is read as at first: numbers, names, or a kind of time."""
    types: Types = dict.fromkeys(roles.wanted, TEXT)
    types |= dict.fromkeys(roles.numbers, pa.float64())
    alone = len(roles.time) == 1
    for name in roles.time:
        sample = start.sample.get(name, "")
        types[name] = TEXT if has_time_format else _time_type(sample, alone)
    return types


def _time_type(sample: str, alone: bool) -> pa.DataType:
    """How to read a column of times, by its first cell; text where timestamps/ is to parse it.

    alone: whether it is the only column of time.
    """
    if re.fullmatch(r"\s*[+-]?\d+\s*", sample):
        return pa.int64()
    if alone and _ISO.fullmatch(sample):
        return pa.timestamp("us")
    if alone and re.fullmatch(r"\s*[+-]?\d+\.\d*\s*", sample):
        return pa.float64()
    return TEXT


def _frame_of_text(
    start: FileStart, roles: ColumnRoles, form: FileFormat, missing: MissingPolicy, types: Types
) -> pd.DataFrame:
    """The frame with its numbers as text, and the times too where they cannot be read.

    Numbers first, since whole numbers of year, month and day look like other times once they are
    text.
    """
    types = types | dict.fromkeys(roles.numbers, pa.string())
    try:
        return _frame(_arrow(start, roles, form, missing, types))
    except pa.ArrowInvalid:
        types |= dict.fromkeys(roles.time, TEXT)
    except (pa.ArrowException, UnicodeError, OSError) as error:
        raise read_error(start, form, error) from error
    try:
        return _frame(_arrow(start, roles, form, missing, types))
    except (pa.ArrowException, UnicodeError, OSError) as error:
        raise read_error(start, form, error) from error


def _arrow(
    start: FileStart, roles: ColumnRoles, form: FileFormat, missing: MissingPolicy, types: Types
) -> pa.Table:
    parse, convert = csv_options(start, roles, form, missing, types)

    def read(block: int) -> pa.Table:
        options = pyarrow.csv.ReadOptions(encoding=form.encoding, block_size=block)
        with open_unpacked(start.path) as stream:
            return pyarrow.csv.read_csv(stream, options, parse, convert)

    if start.length > _BLOCK // 4:
        return read(_LARGE_BLOCK)
    try:
        return read(_BLOCK)
    except pa.ArrowInvalid as error:
        if "block" not in str(error):
            raise
        return read(_LARGE_BLOCK)  # a record that is longer than a block


def csv_options(
    start: FileStart, roles: ColumnRoles, form: FileFormat, missing: MissingPolicy, types: Types
) -> tuple[pyarrow.csv.ParseOptions, pyarrow.csv.ConvertOptions]:
    """How pyarrow splits the lines of a file, and what it makes of their cells."""
    convert = pyarrow.csv.ConvertOptions(
        column_types=types,
        include_columns=roles.wanted,
        null_values=missing.spellings,
        strings_can_be_null=False,
        decimal_point=form.decimal,
    )
    parse = pyarrow.csv.ParseOptions(delimiter=form.sep, newlines_in_values=start.quoted)
    return parse, convert


def _frame(table: pa.Table) -> pd.DataFrame:
    return cast(pd.DataFrame, table.to_pandas(split_blocks=True, self_destruct=True))


def read_error(start: FileStart, form: FileFormat, error: Exception) -> DataError:
    """The error of what pyarrow refuses, with the line where the csv module finds it too."""
    if isinstance(error, UnicodeError) or "UTF8" in str(error):
        return start.not_encoded(form)
    if "Empty CSV" in str(error):
        return DataError(f"{start.path}: there are no lines below the header")
    found = find_torn_record(start.path, form, len(start.names))
    return DataError(found or f"{start.path}: cannot be read as CSV: {one_line(error)[:300]}")
