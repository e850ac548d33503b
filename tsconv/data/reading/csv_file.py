"""A CSV file to a frame of the wanted columns: pyarrow reads it, the csv module finds errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from tsconv.config.schema import DataConfig
from tsconv.data.reading.cells import BadCells, missing_spellings, text_to_numbers
from tsconv.data.reading.csv_start import Start, check_spelling, opened, separator, start_of
from tsconv.data.reading.locate import find_torn_record, row_of_line
from tsconv.data.reading.roles import Roles
from tsconv.errors import DataError, one_line

# Names and odd times: a text is kept once, and lines hold its number.
_TEXT = pa.dictionary(pa.int32(), pa.string())
_BLOCK, _LARGE_BLOCK = 1 << 20, 1 << 26  # bytes; a record must not be longer
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?")


def read_csv(
    path: Path,
    find_roles: Callable[[list[str], str], Roles],
    data: DataConfig,
    bad: BadCells,
) -> tuple[pd.DataFrame, Roles]:
    """The wanted columns and their roles; names and odd times are categories.

    Raises DataError naming file, row, column and value of what cannot be read.
    """
    check_spelling(data)
    start = start_of(path, data)
    roles = find_roles(start.names, str(path))
    types: dict[str, pa.DataType] = dict.fromkeys(roles.wanted, _TEXT)
    types |= dict.fromkeys(roles.numbers, pa.float64())
    types |= {name: _time_type(start.sample.get(name, ""), roles, data) for name in roles.time}
    try:
        return _frame(_arrow(path, start, roles, data, types)), roles
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error) or "UTF8" in str(error):
            raise _told(path, start, data, error) from error
    except (pa.ArrowException, UnicodeError, OSError, OverflowError) as error:
        raise _told(path, start, data, error) from error
    # A number or a time that is none: read these columns as text to find it. Numbers first, since
    # whole numbers of year, month and day are no longer told from other times once they are text.
    types |= dict.fromkeys(roles.numbers, pa.string())
    try:
        frame = _frame(_arrow(path, start, roles, data, types))
    except pa.ArrowInvalid:
        types |= dict.fromkeys(roles.time, _TEXT)
        try:
            frame = _frame(_arrow(path, start, roles, data, types))
        except (pa.ArrowException, UnicodeError, OSError) as error:
            raise _told(path, start, data, error) from error
    except (pa.ArrowException, UnicodeError, OSError) as error:
        raise _told(path, start, data, error) from error

    def place(line: int) -> str:
        return f"{path}: row {row_of_line(path, data, line)}"

    for name in roles.numbers:
        frame[name] = text_to_numbers(frame[name], name, place, data, bad)
    return frame, roles


def _time_type(sample: str, roles: Roles, data: DataConfig) -> pa.DataType:
    """How to read a column of times, by its first cell; text where that is left to times.py."""
    if data.time_format is not None:
        return _TEXT
    if re.fullmatch(r"\s*[+-]?\d+\s*", sample):
        return pa.int64()
    if len(roles.time) == 1 and _ISO.fullmatch(sample):
        return pa.timestamp("us")
    if len(roles.time) == 1 and re.fullmatch(r"\s*[+-]?\d+\.\d*\s*", sample):
        return pa.float64()
    return _TEXT


def _arrow(
    path: Path, start: Start, roles: Roles, data: DataConfig, types: dict[str, pa.DataType]
) -> pa.Table:
    convert = pyarrow.csv.ConvertOptions(
        column_types=types,
        include_columns=roles.wanted,
        null_values=missing_spellings(data),
        strings_can_be_null=False,
        decimal_point=data.decimal,
    )
    parse = pyarrow.csv.ParseOptions(delimiter=separator(data), newlines_in_values=start.quoted)

    def read(block: int) -> pa.Table:
        options = pyarrow.csv.ReadOptions(encoding=data.encoding, block_size=block)
        with opened(path) as stream:
            return pyarrow.csv.read_csv(stream, options, parse, convert)

    if start.length > _BLOCK // 4:
        return read(_LARGE_BLOCK)
    try:
        return read(_BLOCK)
    except pa.ArrowInvalid as error:
        if "block" not in str(error):
            raise
        return read(_LARGE_BLOCK)  # a record that is longer than a block


def _frame(table: pa.Table) -> pd.DataFrame:
    return table.to_pandas(split_blocks=True, self_destruct=True)


def _told(path: Path, start: Start, data: DataConfig, error: Exception) -> DataError:
    """What pyarrow refuses, with the row where the csv module finds it too."""
    if isinstance(error, UnicodeError) or "UTF8" in str(error):
        return start.not_encoded(data)
    if "Empty CSV" in str(error):
        return DataError(f"{path}: there are no rows below the header")
    found = find_torn_record(path, data, len(start.names))
    return DataError(found or f"{path}: cannot be read as CSV: {one_line(error)[:300]}")
