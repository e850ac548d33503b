"""The pictures of a training: its losses, some forecasts of the test part, errors by row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tsconv.data.batches.split import Split
from tsconv.data.panel.panel import Panel
from tsconv.evaluation.rivals import describe_baseline
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.forecasting.forecast import forecast_panel
from tsconv.forecasting.intervals.calibrators import bundle_calibrator
from tsconv.forecasting.match import training_row_index

_CHOSEN_FROM = 60  # series of a larger panel: no others are forecast for the pictures
Losses = tuple[list[tuple[int, float]], dict[int, float], str]


def plot_run(
    plots: Path,
    bundle: Bundle,
    metrics: Mapping[str, Any],
    panel: Panel,
    split: Split,
    losses: Losses,
) -> None:
    """Draw the losses, some test forecasts, and the errors by row where there are rows.

    plots: the folder, which is made. metrics: as metrics.json has them. panel, split: of the
    training. losses: of training and of validation by step, and which weights were kept.
    """
    from tsconv.output.plots import plot_errors_by_row, plot_forecasts, plot_training

    plots.mkdir(exist_ok=True)
    of_training, of_validation, weights = losses
    if of_training:
        plot_training(of_training, of_validation, plots / "training.png", weights)
    if split.test is not None:
        origins = torch.where(split.test.counts > 0, split.test.last, -1)
        if len(panel) > _CHOSEN_FROM:
            panel, origins = _some_series(panel, origins, _CHOSEN_FROM)
        calibrator = bundle_calibrator(bundle, panel)
        index = training_row_index(bundle, panel)
        forecast = forecast_panel(
            bundle.net, panel, origins=origins, row_index=index, calibrator=calibrator
        )
        most = 12 if panel.rows else 6
        plot_forecasts(panel, forecast, plots / "test_forecasts.png", most, bundle.encodings)
    test, rival = metrics["test"], metrics["rival"]
    if test is not None and rival is not None and "by_row" in test:
        name = describe_baseline(rival, metrics["baseline_steps"][rival])
        theirs = test["baselines"][rival]["by_row"]
        plot_errors_by_row(test["by_row"], theirs, plots / "errors_by_row.png", name)


def _some_series(panel: Panel, origins: torch.Tensor, most: int) -> tuple[Panel, torch.Tensor]:
    """A panel of some series, evenly spaced among those that have an origin, and their origins.

    origins: (S,) steps, -1 for none.
    """
    able = (origins >= 0).nonzero().flatten()
    at = torch.linspace(0, len(able) - 1, min(most, len(able))).round().long()
    kept = able[at].unique()  # type: ignore[no-untyped-call]
    return panel.with_series(kept), origins[kept]
