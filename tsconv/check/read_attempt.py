"""Reading a file as training would, and, where training would refuse it, as it could be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tsconv.check.findings.clock_changes import clock_changes
from tsconv.check.findings.grid import coarser_fit
from tsconv.check.findings.lines import duplicate_lines, duplicates, sentinel_values, sentinels
from tsconv.check.report import Finding
from tsconv.check.suggestions.fixes import (
    category_keys,
    decimal_keys,
    reading_keys,
    time_keys,
    value_keys,
)
from tsconv.check.suggestions.roles import (
    Suggestion,
    declared_roles,
    extra_key,
    missing_roles,
    suggest_roles,
)
from tsconv.check.tables.raw_table import RawTable, read_raw
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
_MANY = 0.01  # share of doubles from which a column that tells them apart is looked for
Result = TypeVar("Result")


@dataclasses.dataclass
class ReadAttempt:
    """A file as far as it could be read, under `data`: what was asked, and `keys` besides."""

    files: list[Path]
    data: DataConfig
    raw: RawTable | None = None
    lines: SortedTable | None = None
    panel: Panel | None = None
    error: TsconvError | None = None  # the first thing that training would stop at
    keys: dict[str, Any] = dataclasses.field(default_factory=dict)
    reasons: dict[str, str] = dataclasses.field(default_factory=dict)
    findings: list[Finding] = dataclasses.field(default_factory=list)

    def attempt(self, what: Callable[..., Result], *arguments: Any) -> Result | None:
        """The result, or None with the error kept, if it is the first."""
        try:
            return what(*arguments)
        except TsconvError as error:
            self.error = self.error or error
            return None

    def apply(self, suggestion: Suggestion) -> bool:
        """Read on under these keys; whether there were any."""
        values = {k.removeprefix("data."): v for k, v in suggestion.keys.items()}
        self.data = dataclasses.replace(self.data, **values)
        self.keys |= suggestion.keys
        self.reasons |= suggestion.reasons
        return bool(values)


def read_patient(data: DataConfig) -> ReadAttempt:
    """Read the files of `data.path`; raises TsconvError only where there is nothing to look at."""
    patient = ReadAttempt(find_files(str(data.path)), data)
    table = patient.attempt(read_table, data)
    if table is None:
        table = _read_otherwise(patient)
    else:
        patient.raw = read_raw(patient.files, data)
    if table is None:
        return patient
    patient.lines = SortedTable(table)
    _look_for_a_key(patient)
    _build(patient)
    return patient


def _read_otherwise(patient: ReadAttempt) -> Table | None:
    """Try what the bytes, the cells and the names suggest, from the outside in."""
    patient.apply(reading_keys(patient.files, patient.data))
    raw = read_raw(patient.files, patient.data)
    if raw is None:
        return None
    if patient.apply(decimal_keys(raw, patient.data)):
        raw = read_raw(patient.files, patient.data) or raw
    patient.raw = raw
    if missing_roles(raw.names, patient.data):
        patient.apply(suggest_roles(raw, patient.data))
    patient.apply(time_keys(raw, patient.data))
    roles = declared_roles(raw.names, patient.data)
    covariates = [n for n, key in roles.items() if key in _COVARIATES]
    patient.apply(category_keys(raw, covariates, patient.data))
    categories = as_list(patient.data.categories, "data.categories")
    numbers = [n for n, key in roles.items() if key in _VALUES and n not in categories]
    patient.apply(value_keys(raw, numbers, patient.data))
    table = patient.attempt(read_table, patient.data)
    if table is None and patient.data.bad_values == "error":
        lenient = dataclasses.replace(patient.data, bad_values="missing")
        table = patient.attempt(read_table, lenient)
        if table is not None:
            why = {"data.bad_values": "there are cells that are no numbers"}
            patient.apply(Suggestion({"data.bad_values": "missing"}, why))
    return table


def _look_for_a_key(patient: ReadAttempt) -> None:
    """Where many lines share a time, the column that tells them apart: a row that was not named."""
    lines, raw, data = patient.lines, patient.raw, patient.data
    assert lines is not None
    again = len(duplicate_lines(lines))
    wide = data.wide_columns_are or data.row or data.row_from_file
    if raw is None or wide or again <= _MANY * len(lines):
        return
    time = as_list(data.time, "data.time")
    name = extra_key(raw, time, data.id, set(lines.table.channels))
    if name is None:
        return
    patient.attempt(build_panel, lines.table, data.freq)  # as asked: the doubles are refused
    key = "data.id" if data.id is None else "data.row"
    patient.apply(Suggestion({key: name}, {key: f"it tells {again:,} lines of one time apart"}))
    table = patient.attempt(read_table, patient.data)
    if table is not None:
        patient.lines = SortedTable(table)


def _build(patient: ReadAttempt) -> None:
    """Lay the lines on their grid; where that is refused, with what the findings suggest for it."""
    lines, data = patient.lines, patient.data
    assert lines is not None
    doubles = duplicates(lines, data.duplicates)
    clock = clock_changes(lines, data.timezone or lines.table.time_zone)
    patient.findings += [f for f in (doubles, clock) if f is not None]
    table = _without_sentinels(lines)
    panel = patient.attempt(build_panel, table, data.freq)
    if panel is None and clock is not None and clock.keys:
        patient.apply(Suggestion(clock.keys, {"data.timezone": "its clocks change so"}))
        zoned = patient.attempt(read_table, patient.data)
        patient.lines = lines if zoned is None else SortedTable(zoned)
        table = _without_sentinels(patient.lines)
        panel = patient.attempt(build_panel, table, data.freq)
    if panel is None and doubles is not None and doubles.keys:
        table = dataclasses.replace(table, duplicates=doubles.keys["data.duplicates"])
        panel = patient.attempt(build_panel, table, data.freq)
    if panel is None and table.gaps == "error":
        table = dataclasses.replace(table, gaps="mask")
        panel = patient.attempt(build_panel, table, data.freq)
        if panel is not None:
            patient.apply(Suggestion({"data.gaps": "mask"}, {"data.gaps": "steps are missing"}))
    if panel is None and data.freq is None:
        step = coarser_fit(patient.lines or lines)
        if step is not None:
            panel = patient.attempt(build_panel, table, step)
        if panel is not None:
            reason = {"data.freq": "the step on which every line lies"}
            patient.apply(Suggestion({"data.freq": step}, reason))
    if panel is not None and data.timezone is None and patient.data.timezone is not None:
        # The zone settles the doubles.
        patient.findings = [f for f in patient.findings if f is not doubles]
    patient.panel = panel


def _without_sentinels(lines: SortedTable) -> Table:
    found = sentinel_values(sentinels(lines))
    table = lines.table
    if not found:
        return table
    values = np.where(np.isin(table.values, found), np.nan, table.values)
    return dataclasses.replace(table, values=values)
