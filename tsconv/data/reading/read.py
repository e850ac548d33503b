"""The only door for untrusted input: CSV or Parquet files, or a DataFrame, become a checked Table.

Past this file the data are valid: known columns, ids as strings, times that parse, numbers that are
finite or missing. Every error names the file, the line, the column and the value. Lines are counted
as a spreadsheet counts its rows, the header being line 1.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from tsconv.config.schema import DataConfig
from tsconv.data.reading.cells import BadCells, checked_numbers, sentinel_notes
from tsconv.data.reading.column_roles import ColumnRoles, match_roles
from tsconv.data.reading.covariate_columns import covariate_columns
from tsconv.data.reading.files import concat_frames, find_files, line_in_file, read_file
from tsconv.data.reading.id_columns import NO_ID_COLUMNS, read_ids
from tsconv.data.reading.locations import SourceLocations
from tsconv.data.reading.names import near_equal_notes, read_names
from tsconv.data.reading.roles import DeclaredRoles, row_of_file
from tsconv.data.reading.table import DUPLICATES, GAPS, Table
from tsconv.data.reading.wide import stack_wide
from tsconv.data.settings import FileFormat, GridPolicy, MissingPolicy, TimeFormat
from tsconv.data.source_column import SourceColumn
from tsconv.data.timestamps.epoch import UNITS
from tsconv.data.timestamps.parse import combine_time_columns, parse_times
from tsconv.data.timestamps.zones import find_zone
from tsconv.errors import ConfigError, DataError, require_choice

SINGLE_SERIES = "series"  # the id of a file without an id column
_FILE_ROW = "\0row"  # the column that holds the row of a file's name: no header can be called so
Numbers = dict[str, npt.NDArray[np.float64]]  # (N,) of each column of numbers


@dataclasses.dataclass(frozen=True)
class _Settings:
    """What reading takes of the config, a part for each reader."""

    roles: DeclaredRoles
    form: FileFormat
    missing: MissingPolicy
    time: TimeFormat
    grid: GridPolicy

    @classmethod
    def of(cls, data: DataConfig) -> _Settings:
        """From `data`; raises ConfigError for a key that has no such value."""
        require_choice("data.duplicates", data.duplicates, DUPLICATES)
        require_choice("data.gaps", data.gaps, GAPS)
        require_choice("data.bad_values", data.bad_values, ("error", "missing"))
        if data.time_unit is not None:
            require_choice("data.time_unit", data.time_unit, (*UNITS, "step"))
        require_choice("data.times_are", data.times_are, ("local", "utc"))
        if data.timezone is not None:
            find_zone(data.timezone)
        return cls(
            DeclaredRoles.of(data),
            FileFormat.of(data),
            MissingPolicy.of(data),
            TimeFormat.of(data),
            GridPolicy.of(data),
        )


@dataclasses.dataclass(frozen=True)
class _Source:
    """The wanted columns of all files, not yet checked, and where they came from."""

    name: str  # of the file, or the pattern of several
    frame: pd.DataFrame
    roles: ColumnRoles
    locations: SourceLocations
    bad: BadCells  # found while reading
    future_only: bool  # whether it holds the future covariates of another table

    def column(self, name: str) -> SourceColumn:
        """A column for messages."""
        return SourceColumn(name, self.locations)


def read_table(data: DataConfig, future_only: bool = False) -> Table:
    """Read `data.path` (.csv, .csv.gz, .parquet, a pattern of several) by the roles of `data`.

    future_only: only the future covariates, see future_file.py. Raises DataError for files that
    cannot be used as they are, ConfigError for keys that contradict each other.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "sales.csv"
    >>> _ = path.write_text("shop,day,sold\\na,2024-01-01,3\\na,2024-01-02,4\\n")
    >>> table = read_table(DataConfig(path=str(path), id="shop", time="day", target="sold"))
    >>> table.ids, table.values.tolist()
    (('a',), [[3.0], [4.0]])
    """
    settings = _Settings.of(data)
    form = settings.form
    files = find_files(str(data.path), "data.future_path" if future_only else "data.path")
    bad = BadCells()
    frames: list[pd.DataFrame] = []
    roles: ColumnRoles | None = None
    for path in files:
        content = read_file(
            path,
            lambda names, source: match_roles(names, settings.roles, source, future_only),
            form,
            settings.missing,
            settings.time.pattern is not None,
        )
        roles = _same_roles(roles, content.roles, files[0], path)
        frame, bad = content.frame, bad + content.bad
        if data.row_from_file is not None and not future_only:
            frame[_FILE_ROW] = row_of_file(path.name, data.row_from_file)
        frames.append(frame)
        del content, frame
    assert roles is not None  # there is at least one file
    lengths = {str(p): len(f) for p, f in zip(files, frames, strict=True)}
    locations = SourceLocations.of(
        lengths, lambda name, record: line_in_file(Path(name), form, record)
    )
    whole = frames[0] if len(frames) == 1 else concat_frames(frames)
    frames.clear()
    name = str(files[0]) if len(files) == 1 else str(data.path)
    table = _checked_table(_Source(name, whole, roles, locations, bad, future_only), settings)
    return dataclasses.replace(table, id_columns=table.id_columns.without_categories())


def table_from_frame(frame: pd.DataFrame, data: DataConfig, future_only: bool = False) -> Table:
    """The same checks for a DataFrame: the way in for Python users.

    >>> frame = pd.DataFrame({"ds": ["2024-01-01", "2024-01-02"], "y": [3, 4]})
    >>> table_from_frame(frame, DataConfig(id=None)).channels
    ('y',)
    """
    settings = _Settings.of(data)
    name = "the DataFrame"
    if data.row_from_file is not None:
        raise ConfigError("`data.row_from_file` needs files; name a column of rows by `data.row`")
    frame = frame.set_axis([str(c) for c in frame.columns], axis=1)
    roles = match_roles(list(frame.columns), settings.roles, name, future_only)
    locations = SourceLocations.of({name: len(frame)})
    frame = pd.DataFrame({n: _with_plain_index(frame[n]) for n in roles.wanted})
    return _checked_table(_Source(name, frame, roles, locations, BadCells(), future_only), settings)


def _same_roles(
    roles: ColumnRoles | None, found: ColumnRoles, first: Path, path: Path
) -> ColumnRoles:
    """The roles of the files so far, `roles`, where those of the next one are the same."""
    if roles is None or sorted(found.wanted) == sorted(roles.wanted):
        return roles or found  # the same columns in another order are read alike
    raise DataError(
        f"{path}: reads columns {', '.join(found.wanted)}, but {first} has "
        f"{', '.join(roles.wanted)}; name them by `data.target`, or leave one file out"
    )


def _with_plain_index(column: pd.Series) -> pd.Series:
    """The column with a plain index, and in types of numpy where it is in those of Arrow."""
    if isinstance(column.dtype, pd.ArrowDtype):
        column = pa.chunked_array(pa.array(column)).to_pandas(date_as_object=False)
    return column.reset_index(drop=True)


def _checked_table(source: _Source, settings: _Settings) -> Table:
    """Turn the selected columns into a Table; raises DataError at the first that is wrong."""
    frame, roles, locations = source.frame, source.roles, source.locations
    if len(frame) == 0:
        raise DataError(f"{source.name}: there are no lines below the header")
    time_column = source.column(", ".join(roles.time))
    column = combine_time_columns(frame, roles.time, locations, settings.time.pattern)
    time_is_text = len(roles.time) > 1 and not pd.api.types.is_datetime64_any_dtype(column)
    parsed = parse_times(column, time_column, settings.time)
    numbers, bad = _checked_columns(source, settings.missing)
    codes, ids = np.zeros(len(frame), dtype="int64"), cast(tuple[str, ...], (SINGLE_SERIES,))
    id_columns = NO_ID_COLUMNS
    if roles.id:
        columns = [frame[name] for name in roles.id]
        (codes, ids), id_columns = read_ids(columns, [source.column(n) for n in roles.id])
    row_codes: npt.NDArray[np.int64] | None = None
    rows: tuple[str, ...] = ()
    row_column = _FILE_ROW if _FILE_ROW in frame else roles.row
    if row_column is not None:
        row_codes, rows = read_names(frame[row_column], source.column(row_column), "row")
    members = codes if row_codes is None else codes * len(rows) + row_codes
    utc = settings.time.utc
    utc_dates = utc and parsed.are_dates  # which belong to the days of the zone
    if utc and parsed.time.dtype.kind != "M":
        raise time_column.error(
            0,
            f"{parsed.time[0]} counts steps, which no clock shows: leave out `data.times_are=utc`",
        )
    local = utc_dates and not source.future_only  # a file of the future has the table's clock
    time, zone = parsed.in_utc(settings.time.zone, members, time_column, utc and not local)
    del column, parsed, members
    notes = [*bad.notes, *near_equal_notes(ids, "id"), *near_equal_notes(rows, "row")]
    for name, found in numbers.items():
        notes += sentinel_notes(found, source.column(name))
    past_numbers = [n for n in roles.past if n in numbers]
    channels = (*roles.targets, *past_numbers)
    values = np.zeros((len(frame), len(channels)))
    for c, n in enumerate(channels):
        values[:, c] = numbers[n]
    delays = dict(zip(roles.past, roles.delays, strict=True))
    past = covariate_columns(frame, [n for n in roles.past if n not in numbers], numbers)
    if past is not None:
        past = dataclasses.replace(past, delays=tuple(delays[n] for n in past.names))
    table = Table(
        source=source.name,
        ids=ids,
        codes=codes,
        time=time,
        values=values,
        channels=channels,
        locations=locations,
        id_columns=id_columns,
        n_past=len(past_numbers),
        delays=tuple(delays[n] for n in past_numbers),
        past=past,
        future=covariate_columns(frame, roles.future, numbers),
        static=covariate_columns(frame, roles.static, numbers, by_step=False),
        rows=rows,
        row_codes=row_codes,
        time_zone=zone,
        utc_dates=utc_dates,
        time_is_text=time_is_text,
        duplicates=settings.grid.duplicates,
        gaps=settings.grid.gaps,
        notes=tuple(notes),
    )
    return stack_wide(table, roles.wide) if roles.wide in ("series", "rows") else table


def _checked_columns(source: _Source, missing: MissingPolicy) -> tuple[Numbers, BadCells]:
    """All columns of numbers, and their cells that count as missing for being none.

    Raises DataError where a column holds nothing but such cells, or no target holds a value.
    """
    numbers: Numbers = {}
    roles, bad = source.roles, source.bad
    for name in roles.numbers:
        is_covariate = name in roles.covariates
        numbers[name], more = checked_numbers(
            source.frame[name], source.column(name), missing, is_covariate
        )
        bad = bad + more
    for name in sorted(bad.columns):
        if np.isnan(numbers[name]).all():
            raise DataError(f"{bad.first}: column `{name}` has no number at all; leave it out")
    if roles.targets and all(np.isnan(numbers[n]).all() for n in roles.targets):
        many = f" (and {len(roles.targets) - 1} more)" if len(roles.targets) > 1 else ""
        raise DataError(
            f"{source.name}: no series has an observed value: column `{roles.targets[0]}`{many} "
            f"is empty; set the right `data.target=`"
        )
    return numbers, bad
