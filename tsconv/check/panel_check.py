"""What only a panel shows: its seasons, and the training that it would get.

This imports Lightning, which takes nearly 200 MB: `check_file` does so once the lines of the file
are no longer in memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tsconv.check.estimate import estimate_training
from tsconv.check.findings.from_notes import findings_from_notes
from tsconv.check.findings.training_fit import (
    find_long_horizon,
    find_long_seasons,
    find_missing_test,
    find_short_series,
)
from tsconv.check.panel_sections import seasons_section, training_section
from tsconv.check.report import Finding, Section
from tsconv.check.training_preview import TrainingPreview, preview_training
from tsconv.config.schema import TrainConfig
from tsconv.data.panel.panel import Panel
from tsconv.data.seasons.sample import find_seasons
from tsconv.training.notes import training_notes
from tsconv.training.prepare import Prepared


@dataclasses.dataclass(frozen=True)
class PanelCheck:
    """What was found in a panel, and the training that was prepared on it."""

    sections: list[Section]
    findings: list[Finding]
    preview: TrainingPreview


def check_panel(
    config: TrainConfig, horizon: int | None, panel: Panel, earlier: Sequence[Finding]
) -> PanelCheck:
    """Find the seasons of a panel and prepare a training on it.

    horizon: steps to forecast; None where one is to be suggested. earlier: findings on the lines;
    what they say is not said again.
    """
    seasons = find_seasons(panel)
    preview = preview_training(config, horizon, panel, seasons)
    prepared = preview.prepared
    lags = [] if prepared is None else list(prepared.config.features.seasonal_lags or ())
    sections = [seasons_section(panel, seasons, lags)]
    if prepared is None:
        if preview.horizon_reason is not None:
            sections.append(Section("training", [], {"horizon_reason": preview.horizon_reason}))
        return PanelCheck(sections, [], preview)
    periods = [s.period for s in seasons] if panel.start.dtype.kind == "M" else []
    findings = [f for f in _fit_of_training(panel, periods, prepared) if f is not None]
    notes = (*panel.notes, *training_notes(prepared.panel, prepared.scale))
    findings += findings_from_notes(notes, [*earlier, *findings])
    sections.append(training_section(preview, prepared, estimate_training(prepared)))
    return PanelCheck(sections, findings, preview)


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
