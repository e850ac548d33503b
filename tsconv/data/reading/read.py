"""The only door for untrusted input: CSV or Parquet files, or a DataFrame, become a checked Table.

Past this file the data are valid: known columns, ids as strings, times that parse, numbers that are
finite or missing. Every error names the file, the row, the column and the value. Rows are counted
as a spreadsheet does, the header being row 1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from tsconv.config.schema import DataConfig
from tsconv.data.reading.cells import (
    BadCells,
    coded,
    missing_numbers,
    names_of,
    near_equal_notes,
    sentinel_notes,
)
from tsconv.data.reading.files import find_files, joined, read_file, row_in_file
from tsconv.data.reading.roles import Roles, covariate_names, find_roles, row_of_file
from tsconv.data.reading.table import DUPLICATES, GAPS, Columns, SourceLocations, Table
from tsconv.data.reading.wide import stacked
from tsconv.data.timestamps.epoch import UNITS
from tsconv.data.timestamps.parse import combined, parse_times
from tsconv.data.timestamps.zones import find_zone
from tsconv.errors import ConfigError, DataError, require_choice

# Beyond these a network's float32 arithmetic would overflow.
_SMALLEST, _LARGEST = 1e-30, 1e30
SINGLE_SERIES = "series"  # the id of a file without an id column
_FILE_ROW = "\0row"  # the column that holds the row of a file's name: no header can be called so


def read_table(data: DataConfig, future_only: bool = False) -> Table:
    """Read `data.path` (.csv, .csv.gz, .parquet, a pattern of several) by the roles of `data`.

    future_only: only the future covariates, see future.py.
    """
    _check_policies(data)
    files = find_files(str(data.path), "data.future_path" if future_only else "data.path")
    bad = BadCells()
    frames: list[pd.DataFrame] = []
    roles: Roles | None = None
    for path in files:
        frame, found = read_file(
            path, lambda names, source: find_roles(names, data, source, future_only), data, bad
        )
        if roles is not None and sorted(found.wanted) == sorted(roles.wanted):
            found = roles  # the same columns in another order
        if roles is not None and found != roles:
            raise DataError(
                f"{path}: reads columns {', '.join(found.wanted)}, but {files[0]} has "
                f"{', '.join(roles.wanted)}; name them by `data.target`, or leave one file out"
            )
        roles = found
        if data.row_from_file is not None and not future_only:
            frame[_FILE_ROW] = row_of_file(path.name, data.row_from_file)
        frames.append(frame)
    assert roles is not None  # there is at least one file
    lengths = {str(p): len(f) for p, f in zip(files, frames, strict=True)}
    places = SourceLocations.of(lengths, lambda name, line: row_in_file(Path(name), data, line))
    frame = frames[0] if len(frames) == 1 else joined(frames)
    frames.clear()
    source = str(files[0]) if len(files) == 1 else str(data.path)
    return _check(frame, roles, data, source, places, bad)


def table_from_frame(frame: pd.DataFrame, data: DataConfig, future_only: bool = False) -> Table:
    """The same checks for a DataFrame: the way in for Python users."""
    _check_policies(data)
    source = "the DataFrame"
    if data.row_from_file is not None:
        raise ConfigError("`data.row_from_file` needs files; name a column of rows by `data.row`")
    frame = frame.set_axis([str(c) for c in frame.columns], axis=1)
    roles = find_roles(list(frame.columns), data, source, future_only)
    places = SourceLocations.of({source: len(frame)})
    frame = pd.DataFrame({name: _plain(frame[name]) for name in roles.wanted})
    return _check(frame, roles, data, source, places, BadCells())


def _plain(column: pd.Series) -> pd.Series:
    """The column with a plain index, and in types of numpy where it is in those of Arrow."""
    if isinstance(column.dtype, pd.ArrowDtype):
        column = pa.chunked_array(pa.array(column)).to_pandas(date_as_object=False)
    return column.reset_index(drop=True)


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
    places: SourceLocations,
    bad: BadCells,
) -> Table:
    """Turn the selected columns into a Table; raises DataError at the first that is wrong."""
    if len(frame) == 0:
        raise DataError(f"{source}: there are no rows below the header")
    column = combined(frame, roles.time, places, data.time_format)
    time_is_text = len(roles.time) > 1 and not pd.api.types.is_datetime64_any_dtype(column)
    parsed = parse_times(column, ", ".join(roles.time), data, places)
    numbers = {n: _numbers(frame[n], n, places, data, bad) for n in roles.numbers}
    for name in bad.columns:
        if np.isnan(numbers[name]).all():
            raise DataError(f"{bad.first}: column `{name}` has no number at all; leave it out")
    if roles.targets and all(np.isnan(numbers[n]).all() for n in roles.targets):
        many = f" (and {len(roles.targets) - 1} more)" if len(roles.targets) > 1 else ""
        raise DataError(
            f"{source}: no series has an observed value: column `{roles.targets[0]}`{many} "
            f"is empty; set the right `data.target=`"
        )
    codes, ids = names_of(frame, roles.id, "id", places) or (
        np.zeros(len(frame), dtype="int64"),
        (SINGLE_SERIES,),
    )
    row_column = _FILE_ROW if _FILE_ROW in frame else roles.row
    row_codes, rows = names_of(frame, row_column, "row", places) or (None, ())
    members = codes if row_codes is None else codes * len(rows) + row_codes
    time, zone = parsed.settled(data, members, ", ".join(roles.time), places)
    del column, parsed, members
    notes = [*bad.notes, *near_equal_notes(ids, "id"), *near_equal_notes(rows, "row")]
    for name, found in numbers.items():
        notes += sentinel_notes(found, name, places)
    past_numbers = [n for n in roles.past if n in numbers]
    delays = dict(zip(roles.past, roles.delays, strict=True))
    channels = (*roles.targets, *past_numbers)
    values = np.zeros((len(frame), len(channels)))
    for c, n in enumerate(channels):
        values[:, c] = numbers[n]
    past = [n for n in roles.past if n not in numbers]
    covariates = [_columns(frame, names, numbers) for names in (past, roles.future)]
    covariates.append(_columns(frame, roles.static, numbers, by_step=False))
    known_past, future, static = covariates
    if known_past is not None:
        late = tuple(delays[n] for n in past)
        known_past = dataclasses.replace(known_past, delays=late)
    table = Table(
        source=source,
        ids=ids,
        codes=codes,
        time=time,
        values=values,
        channels=channels,
        places=places,
        n_past=len(past_numbers),
        delays=tuple(delays[n] for n in past_numbers),
        past=known_past,
        future=future,
        static=static,
        rows=rows,
        row_codes=row_codes,
        time_zone=zone,
        time_is_text=time_is_text,
        duplicates=data.duplicates,
        gaps=data.gaps,
        notes=tuple(notes),
    )
    return stacked(table, roles.wide) if roles.wide in ("series", "rows") else table


def _columns(
    frame: pd.DataFrame,
    names: Sequence[str],
    numbers: dict[str, npt.NDArray[np.float64]],
    by_step: bool = True,
) -> Columns | None:
    """Covariates side by side: numbers as they are, categories by number; None for none.

    An empty cell is a category of its own where there is one for each step, else a missing value.
    """
    if not names:
        return None
    columns: list[npt.NDArray[np.float64]] = []
    categories: dict[str, tuple[str, ...]] = {}
    for name in names:
        if name in numbers:
            columns.append(numbers[name])
            continue
        codes, unique = coded(frame[name], missing=("",))
        if by_step and (codes < 0).any():  # "no holiday" is a category of its own
            codes, unique = np.where(codes < 0, len(unique), codes), (*unique, "")
        categories[name] = unique
        columns.append(np.where(codes < 0, np.nan, codes))
    return Columns(tuple(names), np.column_stack(columns), categories)


def _numbers(
    column: pd.Series, name: str, place: Callable[[int], str], data: DataConfig, bad: BadCells
) -> npt.NDArray[np.float64]:
    if pd.api.types.is_datetime64_any_dtype(column):
        raise DataError(f"{place(0)}, column `{name}`: {column.iloc[0]} is not a number")
    if not pd.api.types.is_numeric_dtype(column) and not column.isna().all():
        plain = pd.to_numeric(column, errors="coerce")
        wrong = np.flatnonzero(plain.isna() & column.notna())
        if len(wrong):
            found = f"{place(wrong[0])}, column `{name}`: {column.iloc[wrong[0]]!r}"
            if data.bad_values == "error":
                categories = name in covariate_names(data)
                hint = "; categories are named in `data.categories=`" if categories else ""
                raise DataError(f"{found} is not a number{hint}")
            bad.add(name, len(wrong), found)
        column = plain
    if pd.api.types.is_complex_dtype(column):
        raise DataError(f"{place(0)}, column `{name}`: {column.iloc[0]} is a complex number")
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
