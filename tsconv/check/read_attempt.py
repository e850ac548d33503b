"""Reading a file as training would and, where training would refuse it, as it could be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np

from tsconv.check.findings.clock_changes import find_clock_changes
from tsconv.check.findings.line_order import duplicate_lines, find_duplicates
from tsconv.check.findings.time_grid import finer_step
from tsconv.check.findings.values import find_sentinels, sentinel_values
from tsconv.check.report import Finding
from tsconv.check.suggestions.key_columns import find_extra_key
from tsconv.check.suggestions.reading_keys import (
    most_lenient,
    suggest_categories,
    suggest_csv_format,
    suggest_decimal_mark,
    suggest_for_bad_cells,
    suggest_time_format,
)
from tsconv.check.suggestions.roles import declared_roles, missing_roles, suggest_roles
from tsconv.check.suggestions.suggestion import NO_SUGGESTION, Suggestion
from tsconv.check.tables.raw_table import RawTable, read_raw_table
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.files import find_files
from tsconv.data.reading.read import read_table
from tsconv.data.reading.roles import as_list
from tsconv.data.reading.table import Table
from tsconv.errors import TsconvError

_COVARIATES = ("data.past_covariates", "data.future_covariates", "data.static_covariates")
_VALUES = ("data.target", *_COVARIATES)
_CLOCK_REASON = "its clock changes fit"
_MANY_DUPLICATES = 0.01  # share of the lines from which a further key column is looked for

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True)
class ReadAttempt:
    """A file as far as it could be read: its tables, its panel, and what stood in the way.

    `data` is the config under which it was read: the given one with the keys of `suggestion`.
    """

    files: list[Path]
    data: DataConfig
    raw_table: RawTable | None = None
    sorted_table: SortedTable | None = None
    panel: Panel | None = None
    error: TsconvError | None = None  # the first at which training would stop
    suggestion: Suggestion = NO_SUGGESTION
    findings: tuple[Finding, ...] = ()

    def with_suggestion(self, suggestion: Suggestion) -> ReadAttempt:
        """The attempt, to be continued under further keys."""
        return dataclasses.replace(
            self,
            data=suggestion.applied_to(self.data),
            suggestion=self.suggestion | suggestion,
        )

    def with_error(self, error: TsconvError | None) -> ReadAttempt:
        """The attempt with this error, unless it has an earlier one."""
        return dataclasses.replace(self, error=self.error or error)

    def with_table(self, table: Table | None) -> ReadAttempt:
        """The attempt with the lines of a table, sorted; None leaves it as it is."""
        if table is None:
            return self
        return dataclasses.replace(self, sorted_table=SortedTable(table))


def try_call(
    function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> tuple[Result | None, TsconvError | None]:
    """Call a function: (its result, None), or (None, its error) where it raises TsconvError.

    >>> from tsconv.data.timestamps.frequency import parse_frequency
    >>> frequency, error = try_call(parse_frequency, "fortnight")
    >>> frequency is None, type(error).__name__
    (True, 'ConfigError')
    """
    try:
        return function(*args, **kwargs), None
    except TsconvError as error:
        return None, error


def attempt_reading(data: DataConfig) -> ReadAttempt:
    """Read the files of `data.path`, under suggested keys where they cannot be read as configured.

    Raises TsconvError only where there is nothing to look at, such as no file.
    """
    files = find_files(str(data.path))
    table, error = try_call(read_table, data)
    attempt = ReadAttempt(files, data, error=error)
    if table is None:
        attempt = _read_with_suggestions(attempt)
    else:
        attempt = dataclasses.replace(attempt, raw_table=read_raw_table(files, data))
        attempt = attempt.with_table(table)
    if attempt.sorted_table is None:
        return attempt
    attempt, sorted_table = _with_further_key(attempt, attempt.sorted_table)
    return _with_panel(attempt, sorted_table)


def _read_with_suggestions(attempt: ReadAttempt) -> ReadAttempt:
    """Read under what the bytes, then the cells, then the names of the columns suggest."""
    files = attempt.files
    attempt = attempt.with_suggestion(suggest_csv_format(files, attempt.data))
    raw_table = read_raw_table(files, attempt.data)
    if raw_table is None:
        return attempt
    decimal_mark = suggest_decimal_mark(raw_table, attempt.data)
    if decimal_mark:
        attempt = attempt.with_suggestion(decimal_mark)
        raw_table = read_raw_table(files, attempt.data) or raw_table
    attempt = dataclasses.replace(attempt, raw_table=raw_table)
    if missing_roles(raw_table.names, attempt.data):
        attempt = attempt.with_suggestion(suggest_roles(raw_table, attempt.data))
    attempt = attempt.with_suggestion(suggest_time_format(raw_table, attempt.data))
    roles = declared_roles(raw_table.names, attempt.data)
    covariates = [name for name, key in roles.items() if key in _COVARIATES]
    attempt = attempt.with_suggestion(suggest_categories(raw_table, covariates, attempt.data))
    categories = as_list(attempt.data.categories, "data.categories")
    numbers = [name for name, key in roles.items() if key in _VALUES and name not in categories]
    attempt = attempt.with_suggestion(suggest_for_bad_cells(raw_table, numbers, attempt.data))
    table, error = try_call(read_table, attempt.data)
    attempt = attempt.with_error(error)
    lenient = most_lenient(attempt.data)
    if table is None and lenient:
        table, error = try_call(read_table, lenient.applied_to(attempt.data))
        attempt = attempt.with_error(error)
        if table is not None:
            attempt = attempt.with_suggestion(lenient)
    return attempt.with_table(table)


def _with_further_key(attempt: ReadAttempt, table: SortedTable) -> tuple[ReadAttempt, SortedTable]:
    """Where many lines share a time, read on with the column that distinguishes them."""
    raw_table, data = attempt.raw_table, attempt.data
    n_duplicates = len(duplicate_lines(table))
    has_rows = data.wide_columns_are or data.row or data.row_from_file
    if raw_table is None or has_rows or n_duplicates <= _MANY_DUPLICATES * len(table):
        return attempt, table
    time = as_list(data.time, "data.time")
    name = find_extra_key(raw_table, time, data.id, set(table.file_table.channels))
    if name is None:
        return attempt, table
    # As configured, training stops at the duplicates.
    _, error = try_call(build_panel, table.file_table, data.freq)
    key = "data.id" if data.id is None else "data.row"
    why = f"it distinguishes {n_duplicates:,} lines of the same time"
    attempt = attempt.with_error(error).with_suggestion(Suggestion.of(key, name, why))
    with_key, error = try_call(read_table, attempt.data)
    attempt = attempt.with_error(error).with_table(with_key)
    return attempt, attempt.sorted_table or table


def _with_panel(attempt: ReadAttempt, table: SortedTable) -> ReadAttempt:
    """Lay the lines on their grid; where that is refused, with what the findings suggest for it."""
    data = attempt.data
    duplicates = find_duplicates(table, data.duplicates)
    clock = find_clock_changes(table, data.timezone or table.file_table.time_zone)
    lines = _without_sentinels(table)
    attempt = _try_panel(attempt, lines, data.freq)
    if attempt.panel is None and clock is not None and clock.keys:
        attempt = attempt.with_suggestion(Suggestion(clock.keys, {"data.timezone": _CLOCK_REASON}))
        zoned, error = try_call(read_table, attempt.data)
        attempt = attempt.with_error(error).with_table(zoned)
        table = attempt.sorted_table or table
        lines = _without_sentinels(table)
        attempt = _try_panel(attempt, lines, data.freq)
    if attempt.panel is None and duplicates is not None and duplicates.keys:
        lines = dataclasses.replace(lines, duplicates=duplicates.keys["data.duplicates"])
        attempt = _try_panel(attempt, lines, data.freq)
    if attempt.panel is None and lines.gaps == "error":
        lines = dataclasses.replace(lines, gaps="mask")
        mask = Suggestion.of("data.gaps", "mask", "steps are missing")
        attempt = _try_panel(attempt, lines, data.freq, mask)
    if attempt.panel is None and data.freq is None:
        step = finer_step(table)
        if step is not None:
            finer = Suggestion.of("data.freq", step, "the step on which every line lies")
            attempt = _try_panel(attempt, lines, step, finer)
    zone_found = data.timezone is None and attempt.data.timezone is not None
    if attempt.panel is not None and zone_found:  # which resolves the duplicates
        duplicates = None
    findings = tuple(f for f in (duplicates, clock) if f is not None)
    return dataclasses.replace(attempt, findings=findings)


def _try_panel(
    attempt: ReadAttempt,
    lines: Table,
    freq: str | None,
    suggestion: Suggestion = NO_SUGGESTION,
) -> ReadAttempt:
    """Build the panel; where that succeeds, add it and the suggestion that it needed."""
    panel, error = try_call(build_panel, lines, freq)
    if panel is None:
        return attempt.with_error(error)
    return dataclasses.replace(attempt.with_suggestion(suggestion), panel=panel)


def _without_sentinels(table: SortedTable) -> Table:
    """The table with the numbers missing that probably stand for missing values."""
    sentinels = sentinel_values(find_sentinels(table))
    lines = table.file_table
    if not sentinels:
        return lines
    values = np.where(np.isin(lines.values, sentinels), np.nan, lines.values)
    return dataclasses.replace(lines, values=values)
