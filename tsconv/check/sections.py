"""The parts of a report that say what a file is, and what a training on it would take."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np

from tsconv.check.estimate import Estimate
from tsconv.check.findings.covariates import Candidate
from tsconv.check.read_attempt import ReadAttempt
from tsconv.check.report import Report
from tsconv.check.suggestions.autocorrelation import correlation_at
from tsconv.check.suggestions.seasons import Season, sample
from tsconv.check.tables.raw_table import Column
from tsconv.check.tables.sorted_table import Ints
from tsconv.data.panel.panel import Panel
from tsconv.text import format_bytes, percentage, plural, shorten
from tsconv.training.prepare import Prepared

_MOST_COLUMNS = 24  # of a report's lines
_ROLES = (
    "data.time", "data.id", "data.row", "data.target", "data.past_covariates",
    "data.future_covariates", "data.static_covariates",
)  # fmt: skip
_MOST_ALIKE = 4  # columns of one role beyond which they share a line


def file_section(report: Report, patient: ReadAttempt) -> None:
    """Names, sizes, lines and columns."""
    files, raw = patient.files, patient.raw
    sizes = [f.stat().st_size for f in files]
    name = str(files[0]) if len(files) == 1 else f"{patient.data.path} ({len(files)} files)"
    parts = [format_bytes(sum(sizes))]
    if raw is not None:
        parts += [plural(len(raw), "row"), plural(len(raw.columns), "column")]
        if not raw.whole:
            parts.append("columns as in the first 256 MB")
    report.add("file", [(name, ", ".join(parts))])
    report.data["files"] = [{"path": str(f), "bytes": n} for f, n in zip(files, sizes, strict=True)]
    report.data["rows"] = None if raw is None else len(raw)


def columns_section(
    report: Report, patient: ReadAttempt, declared: dict[str, str], beside: list[Candidate]
) -> None:
    """A line for each column: what it holds and its role; many of one role share one."""
    if patient.raw is None:
        return
    raw = patient.raw
    cells: list[tuple[str, str, str]] = []
    for key in _ROLES:
        names = [n for n in raw.names if declared.get(n) == key]
        if len(names) > _MOST_ALIKE or (key == "data.time" and len(names) > 1):
            cells.append(
                (
                    shorten(names, 6 if key == "data.time" else 3),
                    _together([raw[n] for n in names]),
                    f"-> {key}",
                )
            )
        else:
            cells += [(n, _holds(raw[n]), f"-> {key}") for n in names]
    for role in dict.fromkeys(c.text for c in beside):
        alike = [c.name for c in beside if c.text == role]
        if len(alike) > _MOST_ALIKE:
            cells.append((shorten(alike, 3), _together([raw[n] for n in alike]), f"?  {role}"))
        else:
            cells += [(n, _holds(raw[n]), f"?  {role}") for n in alike]
    width = max((len(holds) for _, holds, _ in cells), default=0)
    lines = [(name, f"{holds:<{width}}  {role}") for name, holds, role in cells]
    if len(lines) > _MOST_COLUMNS:
        rest = len(lines) - _MOST_COLUMNS
        lines = [*lines[:_MOST_COLUMNS], ("...", f"{rest} more columns")]
    title = "columns (?: not declared, what it could be)" if beside else "columns"
    report.add(title, lines)
    roles = {c.name: c.role for c in beside}
    report.data["columns"] = [
        dataclasses.asdict(c) | {"declared": declared.get(c.name), "could_be": roles.get(c.name)}
        for c in raw.columns
    ]


def _holds(column: Column) -> str:
    gaps = f", {column.missing:,} missing" if column.missing and column.kind != "empty" else ""
    bad = f", {column.bad:,} not a number" if column.bad else ""
    if column.numeric:
        return f"{column.low:.6g} to {column.high:.6g}{gaps}{bad}"
    if column.kind == "text":
        return ("text" if column.distinct is None else plural(column.distinct, "value")) + gaps
    return f"{column.kind}{gaps}"


def _together(columns: list[Column]) -> str:
    numbers = [c for c in columns if c.numeric]
    if len(numbers) < len(columns):
        return plural(len(columns), "column")
    low, high = min(c.low for c in numbers), max(c.high for c in numbers)
    missing = sum(c.missing for c in numbers)
    gaps = f", {missing:,} missing" if missing else ""
    return f"{low:.6g} to {high:.6g}{gaps}"


def suggested_section(report: Report, patient: ReadAttempt) -> None:
    """The keys under which the file was read where it could not be read as asked."""
    report.data["suggested"] = {
        k: {"value": v, "reason": patient.reasons.get(k)} for k, v in patient.keys.items()
    }
    if not patient.keys:
        return
    lines = []
    for key, value in patient.keys.items():
        shown = (
            "null"
            if value is None
            else f"[{', '.join(map(str, value))}]"
            if isinstance(value, list)
            else value
        )
        lines.append((f"{key}={shown}", patient.reasons.get(key, "")))
    report.add(
        "suggestions: what follows reads the file under these, which were not asked for", lines
    )


def series_section(report: Report, patient: ReadAttempt, steps: Ints, n_members: int) -> None:
    """How many, how long, from when to when, and on which grid."""
    panel, lines = patient.panel, patient.lines
    assert panel is not None
    assert lines is not None
    lengths = panel.lengths.numpy()
    low, middle, high = int(lengths.min()), int(np.median(lengths)), int(lengths.max())
    what = plural(len(panel), "series", "series")
    if panel.rows:
        what += f" of {plural(len(panel.rows), 'row')}: {shorten(panel.rows, 4)}"
    if len(panel.targets) > 1:
        what += f", {len(panel.targets)} targets"
    spread = (
        f"{low:,} steps each"
        if low == high
        else f"shortest {low:,}, median {middle:,}, longest {high:,} steps"
    )
    first, last = lines.at(lines.time.argmin()), lines.at(lines.time.argmax())
    inside = int((steps >= 1).sum())
    one = int((steps == 1).sum())
    if patient.data.freq is not None and "data.freq" not in patient.keys:
        how = "given (`data.freq`)"
    else:
        how = f"inferred: the step between {one:,} of {inside:,} lines ({percentage(one, inside)})"
    alias = panel.frequency.alias if lines.dated else f"{panel.frequency.alias} (integers)"
    pairs = [("series", what), ("lengths", spread), ("span", f"{first} to {last}")]
    if panel.time_zone:
        pairs.append(("time zone", panel.time_zone))
    report.add("series", [*pairs, ("frequency", f"{alias}, {how}")])
    report.data["series"] = {
        "ids": len(panel), "rows": len(panel.rows), "members": n_members,
        "targets": list(panel.targets), "shortest": low, "median": middle, "longest": high,
        "first": first, "last": last, "frequency": panel.frequency.alias,
        "frequency_found": how, "steps": int(lengths.sum()),
    }  # fmt: skip


def seasons_section(
    report: Report, panel: Panel, seasons: list[Season], prepared: Prepared | None
) -> None:
    """The periods that the data support beside the lags that a training would take."""
    lags = list(prepared.config.features.seasonal_lags or ()) if prepared is not None else []
    lines = [
        (
            f"{s.period:,} steps",
            f"autocorrelation {s.correlation:.2f}, explains {100 * s.explained:.0f}% of the "
            f"variance, in {100 * s.seen:.0f}% of the series looked at"
            + ("" if not lags or s.period in lags else "; not among the seasonal lags"),
        )
        for s in seasons
    ]
    idle = correlation_at(
        sample(panel), [lag for lag in lags if lag not in {s.period for s in seasons}]
    )
    for lag, r in idle.items():
        told = "series too short to tell" if r is None else f"autocorrelation {r:.2f}"
        lines.append(
            (f"{lag:,} steps", f"{told}, no season of its own; a seasonal lag of the defaults")
        )
    if not lines:
        lines = [("none", "no period explains 10% of the variance")]
    report.add("seasons", lines)
    report.data["seasons"] = [dataclasses.asdict(s) for s in seasons]


def training_section(report: Report, prepared: Prepared, cost: Estimate) -> None:
    """What the defaults would choose, and what it would take here."""
    config, why = prepared.config, prepared.reasons
    split, model = config.split, config.model
    field = prepared.net.receptive_field
    given = report.data.pop("horizon_reason", None)
    rows: list[tuple[str, Any, str]] = [
        ("horizon", config.horizon, f"{given}; suggested" if given else "given"),
        ("context", config.context_length, why.get("context_length", "given")),
        ("receptive field", field, f"{model.levels} blocks of {model.hidden} channels"),
        ("seasonal lags", config.features.seasonal_lags or "none",
         why.get("features.seasonal_lags", "from the data" if given else "given")),
        ("held out", f"{split.val_size} + {split.test_size}",
         f"validation and test: {why.get('split.test_size', 'given')}"),
    ]  # fmt: skip
    lines = [(label, f"{value}  ({reason})") for label, value, reason in rows]
    lines += [("time", _time(cost)), ("memory", _memory(cost))]
    report.add("training, as the defaults have it", lines)
    report.data["training"] = {
        "horizon": config.horizon, "context_length": config.context_length,
        "receptive_field": field, "seasonal_lags": list(config.features.seasonal_lags or ()),
        "hidden": model.hidden, "levels": model.levels, "val_size": split.val_size,
        "test_size": split.test_size, "max_steps": cost.steps, "reasons": why,
    }  # fmt: skip
    report.data["estimate"] = dataclasses.asdict(cost) | {"processors": os.cpu_count()}


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _time(cost: Estimate) -> str:
    return (
        f"about {_duration(cost.train_seconds)} for {cost.steps} steps of "
        f"{1000 * cost.step_seconds:.0f} ms, an estimate ({cost.device}, "
        f"{plural(cost.threads, 'thread')}, not compiled)"
    )


def _memory(cost: Estimate) -> str:
    return (
        f"about {format_bytes(cost.panel_bytes)} for the panel and "
        f"{format_bytes(cost.step_bytes)} for a step, beside the libraries; "
        f"{cost.parameters:,} parameters"
    )
