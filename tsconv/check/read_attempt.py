"""Reading a file as training would and, where training would refuse it, as it could be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from tsconv.check.findings.line_order import duplicate_lines
from tsconv.check.layouts.describe import describe_layout, describe_no_table, describe_no_time
from tsconv.check.layouts.steps import suggest_steps
from tsconv.check.layouts.tables import describe_no_target
from tsconv.check.report import Finding
from tsconv.check.suggestions.column_roles.line_keys import MOST_DUPLICATES, find_line_key
from tsconv.check.suggestions.column_roles.roles import declared_roles, missing_roles, suggest_roles
from tsconv.check.suggestions.column_roles.time_columns import choose_time
from tsconv.check.suggestions.file_names import header_of, id_pattern
from tsconv.check.suggestions.number_format import suggest_number_format
from tsconv.check.suggestions.reading_keys import (
    most_lenient,
    suggest_categories,
    suggest_csv_format,
    suggest_for_bad_cells,
    suggest_time_format,
)
from tsconv.check.suggestions.suggestion import NO_SUGGESTION, Suggestion
from tsconv.check.suggestions.zones import suggest_zone_of_offsets
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
    last_error: TsconvError | None = None  # at which it stops under the suggested keys
    obstacle: str | None = None  # why no key reads the file, and what to change in it
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

    def with_obstacle(self, obstacle: str | None) -> ReadAttempt:
        """The attempt with this obstacle, unless it has an earlier one."""
        return dataclasses.replace(self, obstacle=self.obstacle or obstacle)

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


def read_lines(data: DataConfig) -> ReadAttempt:
    """Read the lines of `data.path`, under suggested keys where they cannot be read as configured.

    The lines are not on a grid yet, see `attempt_panel`. Raises TsconvError only where there is
    nothing to look at, such as no file.
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
    return _with_further_key(attempt, attempt.sorted_table)


def _read_with_suggestions(attempt: ReadAttempt) -> ReadAttempt:
    """Read under what the bytes, then the cells, then the names of the columns suggest."""
    files = attempt.files
    attempt = attempt.with_suggestion(suggest_csv_format(files, attempt.data))
    raw_table = read_raw_table(files, attempt.data)
    if raw_table is None:
        text = describe_layout(files, attempt.data, None)
        return attempt.with_obstacle(text)
    number_format = suggest_number_format(raw_table, attempt.data)
    if number_format:
        attempt = attempt.with_suggestion(number_format)
        raw_table = read_raw_table(files, attempt.data) or raw_table
    attempt = dataclasses.replace(attempt, raw_table=raw_table)
    no_table = describe_no_table(files, attempt.data, raw_table)
    if no_table is not None:
        return attempt.with_obstacle(no_table)
    attempt = _with_columns_of_files(attempt)
    if missing_roles(raw_table.names, attempt.data):
        roles = suggest_steps(raw_table, attempt.data) or suggest_roles(raw_table, attempt.data)
        attempt = attempt.with_suggestion(roles)
    attempt = _read_under_roles(attempt, raw_table)
    if attempt.sorted_table is not None:
        return attempt
    attempt = attempt.with_obstacle(describe_layout(files, attempt.data, raw_table))
    missing = missing_roles(raw_table.names, attempt.data)
    if "time" in missing:
        attempt = attempt.with_obstacle(describe_no_time(files, raw_table))
    if "target" in missing and as_list(attempt.data.target, "data.target") == []:
        used = set(declared_roles(raw_table.names, attempt.data))
        attempt = attempt.with_obstacle(f"{files[0]}: {describe_no_target(raw_table, used)}")
    return attempt


def _with_columns_of_files(attempt: ReadAttempt) -> ReadAttempt:
    """Where each file has a value column of its own: the target by its place, the id by the name.

    The files must have one column more than those that all of them share.
    """
    headers = [header_of(path, attempt.data) for path in attempt.files]
    shared = set.intersection(*map(set, headers)) if headers else set()
    own = {len(header) - len(shared) for header in headers}
    places = {next((i for i, n in enumerate(h, 1) if n not in shared), 0) for h in headers}
    pattern = id_pattern(attempt.files)
    if attempt.data.target is not None or own != {1} or len(places) > 1 or pattern is None:
        return attempt
    if len({tuple(header) for header in headers}) == 1:
        return attempt
    why = "each file has a value column of its own"
    suggestion = Suggestion.of("data.id_from_file", pattern, "it finds the series in a file's name")
    suggestion |= Suggestion.of("data.target_position", places.pop(), why)
    suggestion |= Suggestion.of("data.id", None, "the series stands in the file's name")
    return attempt.with_suggestion(suggestion)


def _read_under_roles(attempt: ReadAttempt, raw_table: RawTable) -> ReadAttempt:
    """Read the columns that have roles, under what their cells suggest."""
    attempt = attempt.with_suggestion(suggest_time_format(raw_table, attempt.data))
    attempt = attempt.with_suggestion(suggest_zone_of_offsets(raw_table, attempt.data))
    roles = declared_roles(raw_table.names, attempt.data)
    covariates = [name for name, key in roles.items() if key in _COVARIATES]
    attempt = attempt.with_suggestion(suggest_categories(raw_table, covariates, attempt.data))
    categories = as_list(attempt.data.categories, "data.categories")
    numbers = [name for name, key in roles.items() if key in _VALUES and name not in categories]
    attempt = attempt.with_suggestion(suggest_for_bad_cells(raw_table, numbers, attempt.data))
    table, error = try_call(read_table, attempt.data)
    attempt = attempt.with_error(error)
    lenient = most_lenient(raw_table, numbers, attempt.data)
    if table is None and lenient:
        table, again = try_call(read_table, lenient.applied_to(attempt.data))
        if table is not None:
            attempt = attempt.with_suggestion(lenient)
        error = error if table is None else again
    if table is None and error is not None:
        attempt = dataclasses.replace(attempt, last_error=error)
    return attempt.with_table(table)


def _with_further_key(attempt: ReadAttempt, table: SortedTable) -> ReadAttempt:
    """Where many lines share a time, read on with the columns that distinguish them."""
    raw_table, data = attempt.raw_table, attempt.data
    n_duplicates = len(duplicate_lines(table))
    has_rows = data.wide_columns_are or data.row_from_file
    if raw_table is None or has_rows or n_duplicates <= MOST_DUPLICATES * len(table):
        return attempt
    time, ids = as_list(data.time, "data.time"), as_list(data.id, "data.id")
    ids = [name for name in ids if name in raw_table]
    known = [*ids, *as_list(data.row, "data.row")]
    used = set(declared_roles(raw_table.names, data))
    key = find_line_key(raw_table, time, used, known)
    why = f"{n_duplicates:,} lines repeat a time of their series without"
    if key.sufficient:
        ids += [name for name in key.columns if name not in known]
        suggestion = Suggestion.of("data.id", ids[0] if len(ids) == 1 else ids, why)
    elif len(attempt.files) > 1 and not ids and (pattern := id_pattern(attempt.files)):
        suggestion = Suggestion.of("data.id_from_file", pattern, why)
    else:
        choice = choose_time(raw_table, used - set(time), known, find_key=False)
        if choice is None or not choice.key.sufficient:
            return attempt
        columns = list(choice.columns)
        columns_of_time = columns[0] if len(columns) == 1 else columns
        suggestion = Suggestion.of("data.time", columns_of_time, why)
    # As configured, training stops at the duplicates.
    _, error = try_call(build_panel, table.file_table, data.freq)
    further = attempt.with_error(error).with_suggestion(suggestion)
    further = further.with_suggestion(suggest_time_format(raw_table, further.data))
    with_key, error = try_call(read_table, further.data)
    return attempt if with_key is None else further.with_table(with_key)
