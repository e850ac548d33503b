"""The check of a file as a plain function: a config in, a report and training's error out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tsconv.check.file_sections import columns_section, file_section, suggested_section
from tsconv.check.findings.covariates import find_leaks, find_useless_columns
from tsconv.check.findings.hour_stamps import find_hour_ending, find_utc_times
from tsconv.check.findings.line_order import find_unsorted
from tsconv.check.findings.series import (
    find_early_ends,
    find_family,
    find_near_equal_names,
    find_open_tails,
    find_uninformative_series,
)
from tsconv.check.findings.time_grid import (
    find_missing_steps,
    find_mixed_frequencies,
    steps_between_lines,
)
from tsconv.check.findings.values import (
    find_missing_values,
    find_sentinels,
    find_zeros_and_negatives,
    sentinel_values,
)
from tsconv.check.panel_attempt import attempt_reading
from tsconv.check.panel_sections import series_section
from tsconv.check.read_attempt import ReadAttempt
from tsconv.check.report import Finding, Report, Section
from tsconv.check.suggestions.column_roles.roles import declared_roles
from tsconv.check.suggestions.column_roles.undeclared_columns import Candidate, candidate_roles
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.check.train_command import train_command
from tsconv.config.compose import CheckPlan
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.roles import as_list
from tsconv.errors import ConfigError, TsconvError, one_line

_WHOLE_SETTINGS = ("experiment=", "head=")  # they say what head and bounds a training has


def check_file(
    plan: CheckPlan, overrides: Sequence[str] = (), config_dir: str | None = None
) -> tuple[Report, TsconvError | None]:
    """Look at the files of a config as training would; nothing is trained, nothing is written.

    overrides, config_dir: what the command line gave, for the `tsconv train` command that the
    report ends with. It is tried before it is given. Returns the report and the error that says
    why no command trains on the file, None where the report ends with one.

    Raises TsconvError where there is nothing to look at: no file, or a config that fits no file.

    >>> from tsconv.config.compose import check_plan
    >>> check_file(check_plan([]))
    Traceback (most recent call last):
    tsconv.errors.ConfigError: `data.path` must be given, e.g. data.path=sales.csv
    """
    config = plan.base
    if config.data.path is None:
        raise ConfigError("`data.path` must be given, e.g. data.path=sales.csv")
    attempt = attempt_reading(config.data)
    sections, findings = _check_columns(attempt)
    lines_read, suggested = attempt.sorted_table is not None, bool(attempt.suggestion)
    attempt = dataclasses.replace(attempt, raw_table=None)
    panel = attempt.panel
    if panel is not None and attempt.sorted_table is not None:
        section, on_grid = _check_grid(attempt, attempt.sorted_table, panel)
        sections.append(section)
        findings += on_grid
    # The panel is all that a training needs: the lines leave room for Lightning.
    attempt = dataclasses.replace(attempt, sorted_table=None)
    pa.default_memory_pool().release_unused()
    from tsconv.check.panel_check import check_panel
    from tsconv.check.verify_command import verify_command
    from tsconv.training.prepare import check_config

    check_config(config)
    command, error, obstacle = None, attempt.error, attempt.obstacle
    if panel is not None:
        with_read = dataclasses.replace(config, data=attempt.data)
        named = any(override.lstrip("+").startswith(_WHOLE_SETTINGS) for override in overrides)
        of_panel = check_panel(with_read, plan.horizon, panel, findings, suggests=not named)
        sections += of_panel.sections
        findings += of_panel.findings
        preview = of_panel.preview
        needed = _fixing_keys(attempt, findings) | preview.keys
        command = train_command(overrides, of_panel.for_values.keys | needed, config_dir)
        plain = train_command(overrides, needed, config_dir)
        refusal: TsconvError | None = preview.error
        if refusal is None:
            read, prepared_config = attempt.data, preview.config
            del of_panel, preview  # the files may be read once more
            refusal = verify_command(command, read, panel, prepared_config)
            if refusal is not None and command != plain:
                # A head or a bound that goes with the values may not go with what was given.
                command = plain
                refusal = verify_command(command, read, panel, None)
        if refusal is not None:
            command, error, obstacle = None, error or refusal, obstacle or one_line(refusal)
    elif obstacle is None:
        refusal = attempt.last_error or error
        obstacle = None if refusal is None else one_line(refusal)
    report = Report(
        sections,
        findings,
        lines_read=lines_read,
        suggested=suggested,
        keys_given=any(_reads(override) for override in overrides),
        refused=None if error is None else one_line(error),
        obstacle=obstacle,
        train=command,
    )
    if command is not None or error is None:
        return report, None
    return report, error if obstacle is None else type(error)(obstacle)


def _reads(override: str) -> bool:
    """Whether an override says how the file is read, beside where it lies."""
    key = override.partition("=")[0].lstrip("+")
    return key.startswith("data.") and key != "data.path"


def _check_columns(attempt: ReadAttempt) -> tuple[list[Section], list[Finding]]:
    """What the columns and lines show before they lie on a grid."""
    raw_table, table = attempt.raw_table, attempt.sorted_table
    declared = declared_roles([] if raw_table is None else raw_table.names, attempt.data)
    undeclared = _undeclared_columns(attempt, declared)
    sections = [file_section(attempt)]
    if raw_table is not None:
        sections.append(columns_section(raw_table, declared, undeclared))
    sections.append(suggested_section(attempt.suggestion))
    findings = list(attempt.findings)
    if table is not None:
        findings += _findings_in_lines(attempt, table, declared, undeclared)
    return sections, findings


def _undeclared_columns(attempt: ReadAttempt, declared: dict[str, str]) -> list[Candidate]:
    if attempt.raw_table is None:
        return []
    names = [n for n in attempt.raw_table.names if n not in declared]
    table = attempt.sorted_table if attempt.data.wide_columns_are is None else None
    return candidate_roles(attempt.raw_table, names, table)


def _findings_in_lines(
    attempt: ReadAttempt,
    table: SortedTable,
    declared: dict[str, str],
    undeclared: Sequence[Candidate],
) -> list[Finding]:
    """What the lines show without their frequency."""
    data = attempt.data
    sentinels = find_sentinels(table)
    # With covariates known ahead, lines after the last target are there on purpose.
    has_future = "data.future_covariates" in declared.values()
    counted = ~table.after_last_target if has_future else None
    found = [find_unsorted(table), *sentinels, find_missing_values(table, counted)]
    table = table.without(sentinel_values(sentinels))
    found += [
        *find_near_equal_names(table),
        *find_uninformative_series(table),
        *find_zeros_and_negatives(table),
    ]
    if not has_future:
        known_ahead = [c.name for c in undeclared if c.role == "future"]
        found.append(find_open_tails(table, known_ahead))
    found += [
        find_early_ends(table),
        find_hour_ending(table, data),
        find_utc_times(table, data, [c.name for c in undeclared]),
    ]
    if attempt.raw_table is not None:
        found += find_useless_columns(attempt.raw_table, declared)
        if data.wide_columns_are is None:
            found.append(find_family(table, as_list(data.id, "data.id")))
            found += find_leaks(attempt.raw_table, table, declared)
    return [f for f in found if f is not None]


def _fixing_keys(attempt: ReadAttempt, findings: Sequence[Finding]) -> dict[str, Any]:
    """Config keys under which training would read the file: suggested, or of findings."""
    keys = dict(attempt.suggestion.keys)
    for finding in findings:
        keys |= finding.keys
    sentinels = sentinel_values(findings)
    if sentinels:
        keys["data.na_values"] = list(dict.fromkeys([*attempt.data.na_values, *sentinels]))
    return keys


def _check_grid(
    attempt: ReadAttempt, table: SortedTable, panel: Panel
) -> tuple[Section, list[Finding]]:
    """How the lines lie on the grid of the panel."""
    steps = steps_between_lines(table, panel.frequency)
    n_steps = int((panel.present.sum(1) * panel.lengths).sum())
    found = [
        find_missing_steps(table, steps, n_steps),
        find_mixed_frequencies(table, steps, panel.frequency),
    ]
    freq_given = attempt.data.freq is not None and "data.freq" not in attempt.suggestion.keys
    section = series_section(table, panel, steps, freq_given)
    return section, [f for f in found if f is not None]
