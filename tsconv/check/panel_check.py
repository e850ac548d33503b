"""What only a panel shows: its seasons, and the training that it would get.

This imports Lightning, which takes nearly 200 MB: `check_file` does so once the lines of the file
are no longer in memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tsconv.check.findings.from_notes import findings_from_notes
from tsconv.check.findings.training_fit import (
    find_long_horizon,
    find_long_seasons,
    find_missing_test,
    find_short_series,
)
from tsconv.check.findings.values import sentinel_values
from tsconv.check.panel_sections import seasons_section, training_section
from tsconv.check.report import Finding, Section
from tsconv.check.suggestions.suggestion import NO_SUGGESTION, Suggestion
from tsconv.check.training_preview import TrainingPreview, preview_training
from tsconv.check.value_kinds.groups import group_facts
from tsconv.check.value_kinds.section import values_section
from tsconv.check.value_kinds.suggest import suggest_for_values
from tsconv.config.schema import TrainConfig
from tsconv.data.panel.panel import Panel
from tsconv.data.seasons.sample import find_seasons
from tsconv.training.notes import training_notes
from tsconv.training.plan.run import plan_prepared
from tsconv.training.prepare import Prepared


@dataclasses.dataclass(frozen=True)
class PanelCheck:
    """What was found in a panel, and the training that was prepared on it."""

    sections: list[Section]
    findings: list[Finding]
    preview: TrainingPreview
    for_values: Suggestion  # a head and bounds


def check_panel(
    config: TrainConfig,
    horizon: int | None,
    panel: Panel,
    earlier: Sequence[Finding],
    suggests: bool = True,
) -> PanelCheck:
    """Find the seasons of a panel and prepare a training on it.

    horizon: steps to forecast; None where one is to be suggested. earlier: findings on the lines;
    what they say is not said again. suggests: whether a head and bounds may be suggested.
    """
    seasons = find_seasons(panel)
    strongest = max(seasons, key=lambda s: s.explained, default=None)
    facts = group_facts(panel, strongest.period if strongest else 1, sentinel_values(earlier))
    for_values = suggest_for_values(config, panel, facts) if suggests else NO_SUGGESTION
    config = dataclasses.replace(config, data=_bounds_of(for_values).applied_to(config.data))
    preview = preview_training(config, horizon, panel, seasons)
    prepared = preview.prepared
    lags = [] if prepared is None else list(prepared.config.features.seasonal_lags or ())
    sections = [values_section(facts, for_values), seasons_section(panel, seasons, lags)]
    if prepared is None:
        if preview.horizon_reason is not None:
            sections.append(Section("training", [], {"horizon_reason": preview.horizon_reason}))
        return PanelCheck(sections, [], preview, for_values)
    periods = [s.period for s in seasons] if panel.start.dtype.kind == "M" else []
    findings = [f for f in _fit_of_training(panel, periods, prepared) if f is not None]
    notes = (*panel.notes, *training_notes(prepared.panel, prepared.scale))
    findings += findings_from_notes(notes, [*earlier, *findings])
    sections.append(training_section(preview, prepared, plan_prepared(prepared)))
    return PanelCheck(sections, findings, preview, for_values)


def _bounds_of(suggestion: Suggestion) -> Suggestion:
    """What a suggestion says of the data alone."""
    return Suggestion({k: v for k, v in suggestion.keys.items() if k.startswith("data.")})


def _fit_of_training(
    panel: Panel, periods: Sequence[int], prepared: Prepared
) -> list[Finding | None]:
    """How the settings of a training fit the lengths and seasons (in steps) of the panel."""
    config, lengths = prepared.config, panel.lengths.numpy()
    context, horizon, split = config.context_length or 1, config.horizon, config.split
    return [
        find_long_seasons(periods, context, bool(config.features.calendar)),
        find_long_horizon(int(lengths.max()), horizon),
        find_short_series(lengths, panel.ids, context, horizon),
        find_missing_test(split.val_size or 0, split.test_size or 0, int(np.median(lengths))),
    ]
