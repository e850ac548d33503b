"""The check as a plain function: a config in, a report and what training would stop at out."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import numpy as np

from tsconv.check import sections
from tsconv.check.estimate import PanelWorkshop, estimate
from tsconv.check.findings import covariates, grid
from tsconv.check.findings import lines as findings
from tsconv.check.read_attempt import ReadAttempt, read_patient
from tsconv.check.report import Finding, Report
from tsconv.check.suggestions.horizon import horizon_for, lags_for
from tsconv.check.suggestions.roles import declared_roles
from tsconv.check.suggestions.seasons import Season, find_seasons
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.check.train_line import train_line
from tsconv.config.compose import CheckPlan
from tsconv.errors import ConfigError, DataError, TsconvError
from tsconv.training.notes import training_notes
from tsconv.training.prepare import Prepared, check_config


def check(
    plan: CheckPlan, overrides: Sequence[str] = (), config_dir: str | None = None
) -> tuple[Report, TsconvError | None]:
    """Look at the files of a config as training would; nothing is written.

    Returns the report and the error at which a training would stop, if there is one. Raises
    TsconvError where there is nothing to look at: no file, or a config that fits no file.
    """
    config = check_config(plan.base)
    if config.data.path is None:
        raise ConfigError("`data.path` must be given, e.g. data.path=sales.csv")
    patient = read_patient(config.data)
    report = Report()
    names = [] if patient.raw is None else patient.raw.names
    declared = declared_roles(names, patient.data)
    beside = _undeclared(patient, declared)
    sections.file_section(report, patient)
    sections.columns_section(report, patient, declared, beside)
    sections.suggested_section(report, patient)
    report.find(*patient.findings)
    report.looked = patient.lines is not None
    if patient.lines is not None:
        ahead = [c.name for c in beside if c.role == "future"]
        _look_at_lines(report, patient, patient.lines, declared, ahead)
    keys = dict(patient.keys)
    for finding in report.findings:
        keys |= finding.keys
    disguised = findings.sentinel_values(report.findings)
    if disguised:
        known = [*patient.data.na_values, *disguised]
        keys["data.na_values"] = list(dict.fromkeys(known))
    if patient.panel is not None:
        _look_at_panel(report, patient, plan, keys)
    else:
        report.mend = True  # no key was found that reads it
    refusal = patient.error
    report.refused = None if refusal is None else " ".join(str(refusal).split())
    report.train = train_line(overrides, keys, config_dir)
    return report, refusal


def _undeclared(patient: ReadAttempt, declared: dict[str, str]) -> list[covariates.Candidate]:
    if patient.raw is None:
        return []
    names = [n for n in patient.raw.names if n not in declared]
    lines = patient.lines if patient.data.wide_columns_are is None else None
    return covariates.candidates(patient.raw, names, lines)


def _look_at_lines(
    report: Report,
    patient: ReadAttempt,
    lines: SortedTable,
    declared: dict[str, str],
    ahead: list[str],
) -> None:
    data = patient.data
    report.find(findings.unsorted(lines))
    disguised = findings.sentinels(lines)
    plans = "data.future_covariates" in declared.values()  # lines behind the targets are meant
    use = ~covariates.behind_targets(lines) if plans else None
    report.find(*disguised, findings.missing_values(lines, use))
    lines = lines.without(findings.sentinel_values(disguised))
    for look in findings.ALL:
        report.find(*look(lines))
    report.find(None if plans else grid.open_tails(lines, ahead), grid.early_ends(lines))
    if patient.raw is not None:
        report.find(*covariates.useless(patient.raw, declared))
        if data.wide_columns_are is None:
            report.find(grid.family(lines, data.id))
            report.find(*covariates.leaks(patient.raw, lines, declared))


def _look_at_panel(report: Report, patient: ReadAttempt, plan: CheckPlan, keys: dict) -> None:
    """Everything that needs the grid: holes, seasons, the defaults, what a training would take."""
    panel, lines = patient.panel, patient.lines
    assert panel is not None
    assert lines is not None
    steps = grid.line_steps(lines, panel.frequency)
    n_members = int(panel.present.sum())
    n_steps = int((panel.present.sum(1) * panel.lengths).sum())
    report.find(grid.missing_steps(lines, steps, n_steps))
    report.find(grid.mixed_steps(lines, steps, panel.frequency))
    sections.series_section(report, patient, steps, n_members)
    seasons = find_seasons(panel)
    prepared = _prepare(report, patient, plan, keys, seasons)
    sections.seasons_section(report, panel, seasons, prepared)
    if prepared is None:
        return
    context = prepared.config.context_length or 1
    lengths = panel.lengths.numpy()
    horizon, held = prepared.config.horizon, prepared.config.split
    report.find(
        grid.far_seasons(
            [s.period for s in seasons] if lines.dated else [],
            context,
            bool(prepared.config.features.calendar),
        ),
        grid.too_far(int(lengths.max()), horizon),
        grid.short_series(lengths, panel.ids, context, horizon),
        grid.not_scored(held.val_size or 0, held.test_size or 0, int(np.median(lengths))),
    )
    notes = (*panel.notes, *training_notes(prepared.panel, prepared.scale))
    _add_notes(report, [str(note) for note in notes])
    sections.training_section(report, prepared, estimate(prepared))


def _prepare(
    report: Report,
    patient: ReadAttempt,
    plan: CheckPlan,
    keys: dict,
    seasons: list[Season],
) -> Prepared | None:
    """All that a training would choose, for the horizon given or suggested."""
    panel = patient.panel
    assert panel is not None
    config = dataclasses.replace(plan.base, data=patient.data, resume=None, run_dir=None)
    typical = int(np.median(panel.lengths.numpy()))
    if plan.horizon is None:
        horizon, why = horizon_for(panel.frequency, typical, seasons)
        config = dataclasses.replace(config, horizon=horizon)
        keys["horizon"] = horizon
        report.data["horizon_reason"] = why
    if config.features.seasonal_lags is None:
        lags = lags_for(panel.frequency, seasons, typical - 2 * config.horizon)
        if lags:
            keys["features.seasonal_lags"] = lags
            features = dataclasses.replace(config.features, seasonal_lags=lags)
            config = dataclasses.replace(config, features=features)
    try:
        return PanelWorkshop(panel).prepare(config)
    except (ConfigError, DataError) as error:
        patient.error = patient.error or error
        report.mend = True
        return None


_COUNT_ALL = {"duplicates", "unsorted", "missing steps"}  # findings of which one tells of all
_NAME = re.compile(r"`(.+?)`")
# What reading notes in its own words, by a piece of them, where a finding has counted it already.
_TOLD = {
    "values are missing": "missing values",
    "are both series": "duplicates",
    "were put in order of time": "unsorted",
    "far from all other": "sentinel values",
    "differ by case": "near-equal names",
    "are not in the file": "missing steps",
    "a single row": "one-point series",
    "no value at all": "empty series",
    "the same value throughout": "constant series",
}


def _add_notes(report: Report, notes: list[str]) -> None:
    """What reading and training would say, less what is said already."""
    found = list(report.findings)
    for note in notes:
        kinds = {kind for piece, kind in _TOLD.items() if piece in note}
        if not any(f.kind in kinds and _tells(f, note) for f in found):
            report.find(Finding("note", "note", note))


def _tells(finding: Finding, note: str) -> bool:
    """Whether a finding tells of all that a note of its kind names: columns, series, values."""
    if finding.kind in _COUNT_ALL:
        return True
    text = " ".join(filter(None, (finding.text, finding.first, finding.advice)))
    names = {name.replace("'", "") for name in _NAME.findall(note)}
    return names <= set(_NAME.findall(text))
