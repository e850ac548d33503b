"""The only door for untrusted input: a CSV, a Parquet file or a DataFrame becomes a checked Table.

Past this file the data are valid: known columns, ids as strings, times that parse, numbers that are
finite or missing. Every error names the file, the row, the column and the value. Rows are counted
as a spreadsheet does, the header being row 1.
"""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from tsconv.data.frequency import Times
from tsconv.data.times import parse_times
from tsconv.errors import ConfigError, DataError, nearest
from tsconv.schema import DataConfig

_MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A", "<NA>", "-nan", "-NaN")
# Beyond these a network's float32 arithmetic would overflow.
_SMALLEST, _LARGEST = 1e-30, 1e30
SINGLE_SERIES = "series"  # the id of a file without an id column


@dataclasses.dataclass(frozen=True)
class Table:
    """Checked rows: one value of each channel for a (series, time)."""

    source: str  # the file's name, for messages
    ids: tuple[str, ...]  # in order of first appearance
    codes: npt.NDArray[np.int64]  # (N,) which id each row has
    time: Times  # (N,) microseconds or integers
    values: npt.NDArray[np.float64]  # (N, C), NaN where missing
    channels: tuple[str, ...]
    rows: npt.NDArray[np.int64]  # (N,) row in the source
    time_zone: str | None = None


@dataclasses.dataclass(frozen=True)
class _Roles:
    """Which columns are read, and as what."""

    time: str
    id: str | None
    values: tuple[str, ...]
    wide: bool


def read_table(data: DataConfig) -> Table:
    """Read `data.path` (.csv, .csv.gz, .parquet) as the column roles of `data` say."""
    path = Path(str(data.path))
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist (local files only)"
        raise DataError(f"`data.path` (={data.path}) {what}")
    if path.suffix.lower() in (".parquet", ".pq"):
        try:
            names = pyarrow.parquet.read_schema(path).names
            roles = _find_roles(names, data, str(path))
            table = pyarrow.parquet.read_table(path, columns=_wanted(roles))
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{path}: not a Parquet file: {_first_line(error)}") from error
    else:
        roles = _find_roles(_csv_header(path, data), data, str(path))
        table = _read_csv(path, roles, data)
    return _check(table.to_pandas(ignore_metadata=True), roles, data, str(path))


def table_from_frame(frame: pd.DataFrame, data: DataConfig) -> Table:
    """The same checks for a DataFrame: the way in for Python users."""
    frame = frame.set_axis([str(c) for c in frame.columns], axis=1)
    roles = _find_roles(list(frame.columns), data, "the DataFrame")
    return _check(frame[_wanted(roles)], roles, data, "the DataFrame")


def _wanted(roles: _Roles) -> list[str]:
    return [roles.time, *([roles.id] if roles.id else []), *roles.values]


def _find_roles(names: list[str], data: DataConfig, source: str) -> _Roles:
    """Match the declared columns with the file's; raises DataError naming the nearest one."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"{source}: two columns are called `{name}`; rename one")
        seen.add(name)
    wide = data.wide_columns_are is not None
    if wide and data.wide_columns_are != "series":
        raise ConfigError(
            f"`data.wide_columns_are` (={data.wide_columns_are}) must be series or null"
        )
    identity = None if wide else data.id
    target = [data.target] if isinstance(data.target, str) else data.target
    if target is None:
        others = [n for n in names if n != data.time]
        target = others if wide else ["y"]
    roles = _Roles(data.time, identity, tuple(target), wide)
    keys = {roles.time: "data.time", roles.id: "data.id"}
    for name in _wanted(roles):
        if name not in seen:
            key = keys.get(name, "data.target")
            alone = "; a file with one series: data.id=null" if key == "data.id" else ""
            raise DataError(
                f"{source}: no column `{name}` (set by `{key}`){nearest(name, names)}; "
                f"its columns are {', '.join(names[:12])}"
                f"{', ...' if len(names) > 12 else ''}{alone}"
            )
    if not roles.values:
        raise DataError(f"{source}: no column of values beside `{roles.time}`")
    twice = [n for n in _wanted(roles) if _wanted(roles).count(n) > 1]
    if twice:
        raise ConfigError(f"column `{twice[0]}` is given two roles among data.time, id and target")
    return roles


def _csv_header(path: Path, data: DataConfig) -> list[str]:
    """The header's names; raises DataError for an empty file or a wrong encoding or separator."""
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            start = stream.read(1 << 16)
        text = start.decode(data.encoding, errors="strict" if len(start) < 1 << 16 else "ignore")
    except (UnicodeDecodeError, LookupError) as error:
        raise DataError(
            f"{path}: cannot be read as {data.encoding}: set `data.encoding=`"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {_first_line(error)}") from error
    if not text.strip():
        raise DataError(f"{path}: the file is empty")
    names = next(csv.reader(text.lstrip("\ufeff").splitlines(), delimiter=data.sep))
    if len(names) == 1 and data.sep not in names[0]:
        other = next((s for s in (";", "\t", "|", ",") if s in names[0] and s != data.sep), None)
        if other:
            raise DataError(f"{path}: one column `{names[0]}`; set `data.sep='{other}'`")
    return names


def _read_csv(path: Path, roles: _Roles, data: DataConfig) -> pa.Table:
    types = {name: pa.float64() for name in roles.values}
    if roles.id:
        types[roles.id] = pa.string()
    if data.time_format is not None:
        types[roles.time] = pa.string()
    try:
        return _arrow_csv(path, roles, data, types)
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise DataError(f"{path}: {_first_line(error)}") from error
    # A number that is none: read the columns as text to find the first one.
    text = _arrow_csv(path, roles, data, {name: pa.string() for name in _wanted(roles)})
    for name in roles.values:
        column = text[name].to_pandas()
        plain = column.str.strip().str.replace(data.decimal, ".", regex=False)
        missing = column.isin([*_MISSING, *data.na_values])
        bad = np.flatnonzero(pd.to_numeric(plain, errors="coerce").isna() & ~missing)
        if len(bad):
            raise DataError(
                f"{path}: row {bad[0] + 2}, column `{name}`: {column.iloc[bad[0]]!r} is not a "
                f"number ({len(bad)} such); mend it, or list it in `data.na_values=` to treat it "
                f"as missing"
            )
    raise DataError(f"{path}: a column cannot be read as numbers; is `data.decimal` right?")


def _arrow_csv(
    path: Path, roles: _Roles, data: DataConfig, types: dict[str, pa.DataType]
) -> pa.Table:
    return pyarrow.csv.read_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(encoding=data.encoding),
        parse_options=pyarrow.csv.ParseOptions(delimiter=data.sep, newlines_in_values=False),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types,
            include_columns=_wanted(roles),
            null_values=[*_MISSING, *data.na_values],
            strings_can_be_null=False,
            decimal_point=data.decimal,
        ),
    )


def _check(frame: pd.DataFrame, roles: _Roles, data: DataConfig, source: str) -> Table:
    """Turn the selected columns into a Table; raises DataError at the first that is wrong."""
    if len(frame) == 0:
        raise DataError(f"{source}: there are no rows below the header")
    time, zone = parse_times(frame[roles.time], roles.time, data.time_format, source)
    values = np.column_stack([_numbers(frame[name], name, source) for name in roles.values])
    rows = np.arange(len(frame), dtype="int64") + 2
    if roles.wide:  # each column is a series: stack them
        n, count = values.shape
        return Table(
            source,
            roles.values,
            np.repeat(np.arange(count), n),
            cast(Times, np.tile(time, count)),
            values.T.reshape(-1, 1),
            ("y",),
            np.tile(rows, count),
            zone,
        )
    ids: tuple[str, ...]
    if roles.id is None:
        codes, ids = np.zeros(len(frame), dtype="int64"), (SINGLE_SERIES,)
    else:
        column = frame[roles.id]
        empty = np.flatnonzero(column.isna() | (column.astype(str) == ""))
        if len(empty):
            raise DataError(f"{source}: row {empty[0] + 2}, column `{roles.id}`: the id is empty")
        codes, unique = pd.factorize(column.astype(str))
        ids = tuple(str(u) for u in unique)
    return Table(source, ids, codes.astype("int64"), time, values, roles.values, rows, zone)


def _numbers(column: pd.Series, name: str, source: str) -> npt.NDArray[np.float64]:
    if not pd.api.types.is_numeric_dtype(column) and not column.isna().all():
        plain = pd.to_numeric(column, errors="coerce")
        bad = np.flatnonzero(plain.isna() & column.notna())
        if len(bad):
            raise DataError(
                f"{source}: row {bad[0] + 2}, column `{name}`: "
                f"{column.iloc[bad[0]]!r} is not a number"
            )
        column = plain
    values = column.to_numpy(dtype="float64", na_value=np.nan)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise DataError(
            f"{source}: row {infinite[0] + 2}, column `{name}`: {values[infinite[0]]} is not finite"
        )
    size = np.abs(values)
    extreme = np.flatnonzero((size > _LARGEST) | ((size > 0) & (size < _SMALLEST)))
    if len(extreme):
        raise DataError(
            f"{source}: row {extreme[0] + 2}, column `{name}`: {values[extreme[0]]:g} is outside "
            f"{_SMALLEST:g} to {_LARGEST:g}; change the column's unit"
        )
    return values


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
