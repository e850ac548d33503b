"""Laying the lines of a file on their grid and, where that is refused, under further keys."""

from __future__ import annotations

import dataclasses

import numpy as np

from tsconv.check.findings.clock_changes import ClockChanges, find_clock_changes
from tsconv.check.findings.line_order import find_duplicates
from tsconv.check.findings.time_grid import describe_no_grid, finer_step
from tsconv.check.findings.values import find_sentinels, sentinel_values
from tsconv.check.layouts.tables import describe_part_of_day
from tsconv.check.read_attempt import ReadAttempt, read_lines, try_call
from tsconv.check.suggestions.suggestion import NO_SUGGESTION, Suggestion
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import read_table
from tsconv.data.reading.table import Table


def attempt_reading(data: DataConfig) -> ReadAttempt:
    """Read the files of `data.path` up to the panel, under suggested keys where that is needed.

    Raises TsconvError only where there is nothing to look at, such as no file.
    """
    attempt = read_lines(data)
    table = attempt.sorted_table
    return attempt if table is None else _with_panel(attempt, table)


def _with_panel(attempt: ReadAttempt, table: SortedTable) -> ReadAttempt:
    """Lay the lines on their grid; where that is refused, with what the findings suggest for it."""
    data = attempt.data
    duplicates = find_duplicates(table, data.duplicates)
    clock = find_clock_changes(table, data.timezone or table.file_table.time_zone)
    lines = _without_sentinels(table)
    attempt = _try_panel(attempt, lines, data.freq)
    zone_resolves = False
    if clock is not None:
        attempt, clock, zone_resolves = _with_zone(attempt, clock)
        table = attempt.sorted_table or table
        lines = _without_sentinels(table)
    if zone_resolves:
        duplicates = None
    if attempt.panel is None and duplicates is not None and duplicates.keys:
        lines = dataclasses.replace(lines, duplicates=duplicates.keys["data.duplicates"])
        attempt = _try_panel(attempt, lines, data.freq)
    elif attempt.panel is None and duplicates is not None and duplicates.level == "error":
        raw_table = attempt.raw_table
        part = None if raw_table is None else describe_part_of_day(raw_table)
        attempt = attempt.with_obstacle(part or f"{duplicates.text}; {duplicates.advice}")
    if attempt.panel is None and lines.gaps == "error":
        lines = dataclasses.replace(lines, gaps="mask")
        mask = Suggestion.of("data.gaps", "mask", "steps are missing")
        attempt = _try_panel(attempt, lines, data.freq, mask)
    if attempt.panel is None and data.freq is None:
        step = finer_step(table)
        if step is not None:
            finer = Suggestion.of("data.freq", step, "the step on which every line lies")
            attempt = _try_panel(attempt, lines, step, finer)
    if attempt.panel is None and data.freq is None:
        attempt = attempt.with_obstacle(describe_no_grid(table))
    found = (duplicates, None if clock is None else clock.finding())
    return dataclasses.replace(attempt, findings=tuple(f for f in found if f is not None))


def _with_zone(attempt: ReadAttempt, clock: ClockChanges) -> tuple[ReadAttempt, ClockChanges, bool]:
    """Try the zones whose clock changes fit; one counts only where it reads every line.

    Returns the attempt, read in that zone where it needs one, what was found of the clock, and
    whether the zone made every time of a series differ.
    """
    refusal = None
    for zone in clock.zones:
        why = Suggestion.of("data.timezone", zone, "its clock changes fit")
        data = why.applied_to(attempt.data)
        zoned, error = try_call(read_table, data)
        panel = None
        if zoned is not None:
            lines = _without_sentinels(SortedTable(zoned))
            panel, error = try_call(build_panel, lines, data.freq)
        if panel is None:
            refusal = refusal or error
            continue
        clock = dataclasses.replace(clock, zone=zone)
        if attempt.panel is not None:  # the lines fit without a zone too: it is only advised
            return attempt, clock, False
        attempt = attempt.with_suggestion(why).with_table(zoned)
        return dataclasses.replace(attempt, panel=panel), clock, True
    return attempt, dataclasses.replace(clock, refusal=refusal), False


def _try_panel(
    attempt: ReadAttempt,
    lines: Table,
    freq: str | None,
    suggestion: Suggestion = NO_SUGGESTION,
) -> ReadAttempt:
    """Build the panel; where that succeeds, add it and the suggestion that it needed."""
    panel, error = try_call(build_panel, lines, freq)
    if panel is None:
        return dataclasses.replace(attempt.with_error(error), last_error=error)
    return dataclasses.replace(attempt.with_suggestion(suggestion), panel=panel)


def _without_sentinels(table: SortedTable) -> Table:
    """The table with the numbers missing that probably stand for missing values."""
    sentinels = sentinel_values(find_sentinels(table))
    lines = table.file_table
    if not sentinels:
        return lines
    values = np.where(np.isin(lines.values, sentinels), np.nan, lines.values)
    return dataclasses.replace(lines, values=values)
