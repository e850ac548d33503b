"""Sections of the report on the panel: its series, its seasons, and a training on it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tsconv.check.report import Section
from tsconv.check.tables.array_types import Ints
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.data.panel.panel import Panel
from tsconv.data.seasons.autocorrelation import correlation_at
from tsconv.data.seasons.periods import Season
from tsconv.data.seasons.sample import sample_stretches
from tsconv.text import format_bytes, format_seconds, percentage, plural, shorten

if TYPE_CHECKING:  # these import Lightning
    from tsconv.check.training_preview import TrainingPreview
    from tsconv.training.plan.plan import Plan
    from tsconv.training.prepare import Prepared


def series_section(table: SortedTable, panel: Panel, steps: Ints, frequency_given: bool) -> Section:
    """How many series, how long, from when to when, and on which grid.

    steps: (N - 1,) from each line of the table to the next.
    """
    lengths = panel.lengths.numpy()
    shortest, median, longest = int(lengths.min()), int(np.median(lengths)), int(lengths.max())
    first, last = table.format_time(table.time.argmin()), table.format_time(table.time.argmax())
    how = "given (`data.freq`)" if frequency_given else _how_inferred(steps)
    alias = panel.frequency.alias + ("" if table.has_timestamps else " (integers)")
    pairs = [
        ("series", _describe_series(panel)),
        ("lengths", _describe_lengths(shortest, median, longest)),
        ("span", f"{first} to {last}"),
    ]
    if panel.time_zone:
        pairs.append(("time zone", panel.time_zone))
    pairs.append(("frequency", f"{alias}, {how}"))
    data = {
        "ids": len(panel),
        "rows": len(panel.rows),
        "members": int(panel.present.sum()),
        "targets": list(panel.targets),
        "shortest": shortest,
        "median": median,
        "longest": longest,
        "first": first,
        "last": last,
        "frequency": panel.frequency.alias,
        "frequency_found": how,
        "steps": int(lengths.sum()),
    }
    return Section("series", pairs, {"series": data})


def _describe_series(panel: Panel) -> str:
    text = plural(len(panel), "series", "series")
    if panel.rows:
        text += f" of {plural(len(panel.rows), 'row')}: {shorten(panel.rows, 4)}"
    if len(panel.targets) > 1:
        text += f", {len(panel.targets)} targets"
    return text


def _describe_lengths(shortest: int, median: int, longest: int) -> str:
    if shortest == longest:
        return f"{shortest:,} steps each"
    return f"shortest {shortest:,}, median {median:,}, longest {longest:,} steps"


def _how_inferred(steps: Ints) -> str:
    inside, single = int((steps >= 1).sum()), int((steps == 1).sum())
    share = percentage(single, inside)
    return f"inferred: {share} of the lines follow the one before by it"


def seasons_section(panel: Panel, seasons: Sequence[Season], lags: Sequence[int]) -> Section:
    """The periods that the data support, then the other seasonal lags of a training.

    lags: in steps; () where no training could be prepared.
    """
    lines = [(f"{s.period:,} steps", _describe_season(s, lags)) for s in seasons]
    periods = {s.period for s in seasons}
    others = [lag for lag in lags if lag not in periods]
    for lag, r in correlation_at(sample_stretches(panel), others).items():
        strength = "the series are too short to tell" if r is None else f"autocorrelation {r:.2f}"
        text = f"{strength}, no season found; a seasonal lag by default"
        lines.append((f"{lag:,} steps", text))
    if not lines:
        lines = [("none", "no period explains 10% of the variance")]
    return Section("seasons", lines, {"seasons": [dataclasses.asdict(s) for s in seasons]})


def _describe_season(season: Season, lags: Sequence[int]) -> str:
    text = (
        f"autocorrelation {season.correlation:.2f}, explains {100 * season.explained:.0f}% of the "
        f"variance, in {100 * season.seen:.0f}% of the sampled series"
    )
    return text + ("; not among the seasonal lags" if lags and season.period not in lags else "")


_TRAINING = ("solving", "setting up", "compiling", "training", "validating")


def training_section(preview: TrainingPreview, prepared: Prepared, plan: Plan) -> Section:
    """What a training would choose for this panel, and what it would cost on this machine."""
    from tsconv.training.memory.estimate import panel_bytes

    config, reasons = prepared.config, prepared.reasons
    split, model = config.split, config.model
    field = prepared.net.receptive_field
    horizon_reason = preview.horizon_reason
    lags_reason = "from the data" if "features.seasonal_lags" in preview.keys else "given"
    choices: list[tuple[str, Any, str]] = [
        ("horizon", config.horizon, f"{horizon_reason}; suggested" if horizon_reason else "given"),
        ("context", config.context_length, reasons.get("context_length", "given")),
        ("receptive field", field, f"{model.levels} blocks of {model.hidden} channels"),
        (
            "seasonal lags",
            config.features.seasonal_lags or "none",
            reasons.get("features.seasonal_lags", lags_reason),
        ),
        (
            "held out",
            f"{split.val_size} + {split.test_size}",
            f"validation and test: {reasons.get('split.test_size', 'given')}",
        ),
    ]
    lines = [(label, f"{value}  ({reason})") for label, value, reason in choices]
    lines += [("parameters", f"{plan.parameters:,}"), ("steps", _describe_steps(plan))]
    lines += [("time", _describe_time(plan)), ("memory", _describe_memory(plan))]
    data = {
        "training": {
            "horizon": config.horizon,
            "context_length": config.context_length,
            "receptive_field": field,
            "seasonal_lags": list(config.features.seasonal_lags or ()),
            "hidden": model.hidden,
            "levels": model.levels,
            "val_size": split.val_size,
            "test_size": split.test_size,
            "max_steps": plan.steps,
            "reasons": reasons,
        },
        "estimate": {
            **plan.to_dict(),
            "train_seconds": sum(part.seconds for part in plan.parts if part.name in _TRAINING),
            "panel_bytes": panel_bytes(prepared.panel),
            "processors": os.cpu_count(),
        },
    }
    return Section("training with the default settings", lines, data)


def _describe_steps(plan: Plan) -> str:
    if not plan.steps:
        return "none: the linear branch alone is solved"
    how = "compiled" if plan.compiled else "not compiled"
    return (
        f"{plan.steps:,} of {1000 * plan.step_seconds:.0f} ms, "
        f"{plan.origins_per_second:,.0f} origins/s ({plan.device}, "
        f"{plural(plan.threads, 'thread')}, {plan.precision}, {how})"
    )


def _describe_time(plan: Plan) -> str:
    guessed = [part.name for part in plan.parts if part.is_guess]
    of_all = " and ".join(filter(None, (", ".join(guessed[:-1]), *guessed[-1:])))
    text = ", ".join(f"{part.name} {part.seconds:.1f}" for part in plan.parts)
    text = f"about {format_seconds(plan.seconds)}, without reading: {text}"
    return f"{text}; {of_all} by a guess" if guessed else text


def _describe_memory(plan: Plan) -> str:
    memory = plan.memory
    phase = max(("training", "scoring", "solving"), key=lambda name: getattr(memory, name))
    return (
        f"about {format_bytes(memory.peak)} at its peak: {format_bytes(memory.libraries)} for the "
        f"libraries, {format_bytes(memory.panel)} for the panel and reading it, "
        f"{format_bytes(memory.largest_phase)} for {phase}"
    )
