"""From the wanted columns of all files to a checked Table: keys, times and numbers."""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.config.schema import DataConfig
from tsconv.data.reading.cells import BadCells, checked_numbers, sentinel_notes
from tsconv.data.reading.column_roles import ColumnRoles
from tsconv.data.reading.covariate_columns import covariate_columns
from tsconv.data.reading.id_columns import FILE_ID, read_keys
from tsconv.data.reading.locations import SourceLocations
from tsconv.data.reading.roles import DeclaredRoles
from tsconv.data.reading.table import DUPLICATES, GAPS, Table
from tsconv.data.reading.wide_files.stack import stack_wide
from tsconv.data.reading.wide_files.steps import (
    StepCells,
    column_order,
    require_series_of_lines,
    step_times,
    unroll,
)
from tsconv.data.settings import FileFormat, GridPolicy, MissingPolicy, TimeFormat
from tsconv.data.source_column import SourceColumn
from tsconv.data.timestamps.epoch import UNITS
from tsconv.data.timestamps.frequency import Times
from tsconv.data.timestamps.parse import combine_time_columns, parse_times
from tsconv.data.timestamps.zones import ParsedTimes, find_zone
from tsconv.errors import DataError, require_choice

Numbers = dict[str, npt.NDArray[np.float64]]  # (N,) of each column of numbers


@dataclasses.dataclass(frozen=True)
class ReadSettings:
    """What reading takes of the config, a part for each reader."""

    roles: DeclaredRoles
    form: FileFormat
    missing: MissingPolicy
    time: TimeFormat
    grid: GridPolicy

    @classmethod
    def of(cls, data: DataConfig) -> ReadSettings:
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
class Source:
    """The wanted columns of all files, not yet checked, and where they came from."""

    name: str  # of the file, or the pattern of several
    frame: pd.DataFrame
    roles: ColumnRoles
    locations: SourceLocations
    bad: BadCells  # found while reading
    future_only: bool  # whether it holds the future covariates of another table
    is_whole: bool = True  # False: there are more lines, in which columns may hold values
    is_own: bool = False  # whether no one else has the frame: its values need no copy

    def column(self, name: str) -> SourceColumn:
        """A column for messages."""
        return SourceColumn("unique_id" if name == FILE_ID else name, self.locations)


def checked_table(source: Source, settings: ReadSettings) -> Table:
    """Turn the selected columns into a Table; raises DataError at the first that is wrong."""
    if len(source.frame) == 0:
        raise DataError(f"{source.name}: there are no lines below the header")
    if source.roles.wide == "steps":
        return _table_of_steps(source, settings)
    frame, roles = source.frame, source.roles
    time_column = source.column(", ".join(roles.time))
    column = combine_time_columns(frame, roles.time, source.locations, settings.time.pattern)
    time_is_text = len(roles.time) > 1 and not pd.api.types.is_datetime64_any_dtype(column)
    parsed = parse_times(column, time_column, settings.time)
    del column
    _let_go(source, set(roles.time).difference(roles.numbers))
    numbers, bad = _checked_columns(source, settings.missing)
    keys = read_keys(frame, source.roles, source.column)
    utc_dates = settings.time.utc and parsed.are_dates  # which belong to the days of the zone
    local = not settings.time.utc or (utc_dates and not source.future_only)
    _reject_steps_in_utc(parsed, settings.time, time_column)
    time, zone = parsed.in_utc(settings.time.zone, keys.members, time_column, not local)
    del parsed
    notes = [*bad.notes, *keys.notes]
    for name, found in numbers.items():
        notes += sentinel_notes(found, source.column(name))
    past_numbers = [n for n in roles.past if n in numbers]
    channels = (*roles.targets, *past_numbers)
    values = _side_by_side([numbers[n] for n in channels], len(frame), source.is_own)
    delays = dict(zip(roles.past, roles.delays, strict=True))
    past = covariate_columns(frame, [n for n in roles.past if n not in numbers], numbers)
    if past is not None:
        past = dataclasses.replace(past, delays=tuple(delays[n] for n in past.names))
    table = Table(
        source=source.name,
        ids=keys.ids,
        codes=keys.codes,
        time=time,
        values=values,
        channels=channels,
        locations=source.locations,
        id_columns=keys.id_columns,
        n_past=len(past_numbers),
        delays=tuple(delays[n] for n in past_numbers),
        past=past,
        future=covariate_columns(frame, roles.future, numbers),
        static=covariate_columns(frame, roles.static, numbers, by_step=False),
        rows=keys.rows,
        row_codes=keys.row_codes,
        time_zone=zone,
        utc_dates=utc_dates,
        time_is_text=time_is_text,
        duplicates=settings.grid.duplicates,
        gaps=settings.grid.gaps,
        notes=tuple(notes),
    )
    return stack_wide(table, roles.wide) if roles.wide in ("series", "rows") else table


def _let_go(source: Source, names: set[str]) -> None:
    """Leave out columns that were read: each takes as much memory as what became of it."""
    for name in names.difference(source.roles.names):
        del source.frame[name]


def _side_by_side(
    columns: list[npt.NDArray[np.float64]], lines: int, are_own: bool
) -> npt.NDArray[np.float64]:
    """(lines, C) of C columns: no copy of a single one, unless it is the caller's own."""
    if not columns:
        return np.zeros((lines, 0))
    if len(columns) == 1:
        only = root = columns[0]
        while are_own and isinstance(root.base, np.ndarray):  # a frame shows its own as read-only
            root = root.base
        if root.flags.owndata and root.flags.writeable:
            only.flags.writeable = True
            return only[:, None]
    return np.stack(columns, axis=1)


def _reject_steps_in_utc(parsed: ParsedTimes, form: TimeFormat, source: SourceColumn) -> None:
    """Raise DataError for integers that count steps where times are said to be UTC."""
    if form.utc and parsed.time.dtype.kind != "M":
        raise source.error(
            0,
            f"{parsed.time[0]} counts steps, which no clock shows: leave out `data.times_are=utc`",
        )


def _table_of_steps(source: Source, settings: ReadSettings) -> Table:
    """The Table of a file whose columns are steps and whose lines are series."""
    frame, names = source.frame, source.roles.targets
    numbers, bad = _checked_columns(source, settings.missing)
    keys = read_keys(frame, source.roles, source.column)
    require_series_of_lines(keys, source.name, source.locations)
    found = step_times(names, settings.time, source.name)
    if found is not None:
        order = column_order(found[0])
        names = tuple(names[w] for w in order)
    long = unroll([numbers[name] for name in names])
    if found is None:
        time, zone = cast(Times, long.steps + 1), None
    else:
        time, zone = found[0][order][long.steps], found[1]
    static = covariate_columns(frame, source.roles.static, numbers, by_step=False)
    locations = source.locations.take(long.lines)
    cells = StepCells("steps", locations, names, long.steps)
    return Table(
        source=source.name,
        ids=keys.ids,
        codes=keys.codes[long.lines],
        time=time,
        values=long.values[:, None],
        channels=("y",),
        locations=locations,
        id_columns=keys.id_columns,
        static=static and static.take(long.lines),
        rows=keys.rows,
        row_codes=None if keys.row_codes is None else keys.row_codes[long.lines],
        time_zone=zone,
        duplicates=settings.grid.duplicates,
        gaps=settings.grid.gaps,
        notes=(*bad.notes, *keys.notes, *sentinel_notes(long.values, cells)),
    )


def _checked_columns(source: Source, missing: MissingPolicy) -> tuple[Numbers, BadCells]:
    """All columns of numbers, and their cells that count as missing for being none.

    Raises DataError where a column of the whole holds nothing but such cells, or no target of it
    holds a value.
    """
    numbers: Numbers = {}
    roles, bad = source.roles, source.bad
    for name in roles.numbers:
        is_covariate = name in roles.covariates
        numbers[name], more = checked_numbers(
            source.frame[name], source.column(name), missing, is_covariate
        )
        _let_go(source, {name})
        bad = bad + more
    if not source.is_whole:
        return numbers, bad
    for name in sorted(bad.columns):
        if np.isnan(numbers[name]).all():
            raise DataError(f"{bad.first}: column `{name}` holds no numbers; leave it out")
    if roles.targets and all(np.isnan(numbers[n]).all() for n in roles.targets):
        many = f" (and {len(roles.targets) - 1} more)" if len(roles.targets) > 1 else ""
        raise DataError(
            f"{source.name}: no series has an observed value: column `{roles.targets[0]}`{many} "
            f"is empty; name another column in `data.target=`"
        )
    return numbers, bad
