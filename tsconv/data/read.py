"""The only door for untrusted input: CSV or Parquet files, or a DataFrame, become a checked Table.

Past this file the data are valid: known columns, ids as strings, times that parse, numbers that are
finite or missing. Every error names the file, the row, the column and the value. Rows are counted
as a spreadsheet does, the header being row 1.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.cells import BadCells, missing_numbers, sentinel_notes, twin_notes
from tsconv.data.epoch import UNITS
from tsconv.data.files import find_files, joined, read_file, row_in_file
from tsconv.data.frequency import Times
from tsconv.data.grid import DUPLICATES, GAPS
from tsconv.data.roles import Roles, find_roles, row_of_file
from tsconv.data.table import Places, Table
from tsconv.data.times import combined, parse_times
from tsconv.data.zones import find_zone
from tsconv.errors import ConfigError, DataError, require_choice
from tsconv.schema import DataConfig

# Beyond these a network's float32 arithmetic would overflow.
_SMALLEST, _LARGEST = 1e-30, 1e30
SINGLE_SERIES = "series"  # the id of a file without an id column
_FILE_ROW = "\0row"  # the column that holds the row of a file's name: no header can be called so
Codes = tuple[npt.NDArray[np.int64], tuple[str, ...]]


def read_table(data: DataConfig) -> Table:
    """Read `data.path` (.csv, .csv.gz, .parquet, a pattern of several) by the roles of `data`."""
    _check_policies(data)
    files = find_files(str(data.path))
    bad = BadCells()
    frames: list[pd.DataFrame] = []
    roles: Roles | None = None
    for path in files:
        frame, found = read_file(
            path, lambda names, source: find_roles(names, data, source), data, bad
        )
        if roles is not None and sorted(found.values) == sorted(roles.values):
            found = roles  # the same columns in another order
        if roles is not None and found != roles:
            raise DataError(
                f"{path}: reads columns {', '.join(found.wanted)}, but {files[0]} has "
                f"{', '.join(roles.wanted)}; name them by `data.target`, or leave one file out"
            )
        roles = found
        if data.row_from_file is not None:
            frame[_FILE_ROW] = row_of_file(path.name, data.row_from_file)
        frames.append(frame)
    assert roles is not None  # there is at least one file
    lengths = {str(p): len(f) for p, f in zip(files, frames, strict=True)}
    places = Places.of(lengths, lambda name, line: row_in_file(Path(name), data, line))
    frame = frames[0] if len(frames) == 1 else joined(frames)
    frames.clear()
    source = str(files[0]) if len(files) == 1 else str(data.path)
    return _check(frame, roles, data, source, places, bad)


def table_from_frame(frame: pd.DataFrame, data: DataConfig) -> Table:
    """The same checks for a DataFrame: the way in for Python users."""
    _check_policies(data)
    source = "the DataFrame"
    if data.row_from_file is not None:
        raise ConfigError("`data.row_from_file` needs files; name a column of rows by `data.row`")
    frame = frame.set_axis([str(c) for c in frame.columns], axis=1)
    roles = find_roles(list(frame.columns), data, source)
    places = Places.of({source: len(frame)})
    return _check(frame[roles.wanted], roles, data, source, places, BadCells())


def _check_policies(data: DataConfig) -> None:
    """Raise ConfigError for a key that says how to read and has no such value."""
    require_choice("data.duplicates", data.duplicates, DUPLICATES)
    require_choice("data.gaps", data.gaps, GAPS)
    if data.time_unit is not None:
        require_choice("data.time_unit", data.time_unit, (*UNITS, "step"))
    if data.timezone is not None:
        find_zone(data.timezone)


def _check(
    frame: pd.DataFrame,
    roles: Roles,
    data: DataConfig,
    source: str,
    places: Places,
    bad: BadCells,
) -> Table:
    """Turn the selected columns into a Table; raises DataError at the first that is wrong."""
    if len(frame) == 0:
        raise DataError(f"{source}: there are no rows below the header")
    column = combined(frame, roles.time, places, data.time_format)
    parsed = parse_times(column, ", ".join(roles.time), data, places)
    numbers = [_numbers(frame[n], n, places, data, bad) for n in roles.values]
    values = np.column_stack(numbers)
    for name in bad.columns:
        if np.isnan(values[:, roles.values.index(name)]).all():
            raise DataError(f"{bad.first}: column `{name}` has no number at all; leave it out")
    codes, ids = _names(frame, roles.id, "id", places) or (
        np.zeros(len(frame), dtype="int64"),
        (SINGLE_SERIES,),
    )
    row_column = _FILE_ROW if data.row_from_file is not None else roles.row
    row_codes, rows = _names(frame, row_column, "row", places) or (None, ())
    members = codes if row_codes is None else codes * len(rows) + row_codes
    time, zone = parsed.settled(data, members, ", ".join(roles.time), places)
    del column, parsed, members
    notes = [*bad.notes, *twin_notes(ids, "id"), *twin_notes(rows, "row")]
    for c, name in enumerate(roles.values):
        notes += sentinel_notes(values[:, c], name, places)
    channels, n_past = roles.values, roles.n_past
    if roles.wide in ("series", "rows"):  # each column is one of them: stack the columns
        n, count = values.shape
        stacked = np.repeat(np.arange(count), n)
        time, places = cast(Times, np.tile(time, count)), places.tile(count)
        values = values.T.reshape(-1, 1)
        if roles.wide == "series":
            codes, ids = stacked, roles.values
        else:
            codes, (row_codes, rows) = np.tile(codes, count), (stacked, roles.values)
        channels = ("y",)
    return Table(
        source=source,
        ids=ids,
        codes=codes,
        time=time,
        values=values,
        channels=channels,
        places=places,
        n_past=n_past,
        rows=rows,
        row_codes=row_codes,
        time_zone=zone,
        duplicates=data.duplicates,
        gaps=data.gaps,
        notes=tuple(notes),
    )


def _names(
    frame: pd.DataFrame, name: str | None, role: str, place: Callable[[int], str]
) -> Codes | None:
    """The codes and names of a column of names, as strings; None where there is no such column."""
    if name is None:
        return None
    column = frame[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, labels = column.cat.codes.to_numpy(), column.cat.categories
    else:
        codes, labels = pd.factorize(column)
    if pd.api.types.is_float_dtype(labels) and (labels % 1 == 0).all():
        labels = labels.astype("Int64")  # 7.0, as pandas makes of 7 beside a gap
    text = np.asarray(labels.astype(str), dtype=object)
    empty = np.append(text == "", True)[codes]  # the last one for -1, a missing name
    if empty.any():
        raise DataError(f"{place(int(empty.argmax()))}, column `{name}`: the {role} is empty")
    # Different labels may be spelt alike, and some are used by no line.
    same, spelt = pd.factorize(text)
    codes = codes if len(spelt) == len(text) else same[codes]
    used = pd.unique(codes)
    if len(used) != len(spelt) or (np.diff(used) != 1).any():  # not in order of appearance
        place_of = np.zeros(len(spelt), dtype="int64")
        place_of[used] = np.arange(len(used))
        codes, spelt = place_of[codes], spelt[used]
    return codes.astype("int64"), tuple(str(u) for u in spelt)


def _numbers(
    column: pd.Series, name: str, place: Callable[[int], str], data: DataConfig, bad: BadCells
) -> npt.NDArray[np.float64]:
    if pd.api.types.is_datetime64_any_dtype(column):
        raise DataError(f"{place(0)}, column `{name}`: {column.iloc[0]} is a time, not a number")
    if not pd.api.types.is_numeric_dtype(column) and not column.isna().all():
        plain = pd.to_numeric(column, errors="coerce")
        wrong = np.flatnonzero(plain.isna() & column.notna())
        if len(wrong):
            found = f"{place(wrong[0])}, column `{name}`: {column.iloc[wrong[0]]!r}"
            if data.bad_values == "error":
                raise DataError(f"{found} is not a number")
            bad.add(name, len(wrong), found)
        column = plain
    values = column.to_numpy(dtype="float64", na_value=np.nan)
    if given := missing_numbers(data):
        values = np.where(np.isin(values, given), np.nan, values)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise DataError(
            f"{place(infinite[0])}, column `{name}`: {values[infinite[0]]} is not finite"
        )
    size = np.abs(values)
    extreme = np.flatnonzero((size > _LARGEST) | ((size > 0) & (size < _SMALLEST)))
    if len(extreme):
        raise DataError(
            f"{place(extreme[0])}, column `{name}`: {values[extreme[0]]:g} is outside "
            f"{_SMALLEST:g} to {_LARGEST:g}; change the column's unit"
        )
    return values
