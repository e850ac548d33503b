"""Training as a plain function: a config in, a run folder and its figures out."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tsconv.config.schema import TrainConfig
from tsconv.data.reading.table import Table
from tsconv.errors import ConfigError
from tsconv.evaluation.scoring import score
from tsconv.forecasting.bundle import Bundle, save_bundle
from tsconv.forecasting.forecast import forecast_panel
from tsconv.output.run_files import write_config, write_json
from tsconv.training.loop import Fitted, fit
from tsconv.training.notes import training_notes
from tsconv.training.prepare import PanelCache, Prepared


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """What a training leaves: the folder, the bundle in memory, and the figures."""

    run_dir: Path
    bundle: Bundle
    metrics: dict[str, Any]


def train(
    config: TrainConfig,
    table: Table | None = None,
    notify: Callable[[str], None] | None = None,
    workshop: PanelCache | None = None,
) -> TrainResult:
    """Read, resolve, train, score and write the run folder.

    `notify` is told, before training, what happened to the data on the way, a line at a time.
    `table` takes the place of `config.data.path` for data that are already in memory. `workshop`
    lets several trainings share what they read and compiled. Raises TsconvError where the data or
    the config are at fault, before anything is written.
    """
    workshop = workshop or PanelCache()
    prepared = workshop.prepare(config, table)
    panel, config = prepared.panel, prepared.config
    if notify is not None:
        ends, context = prepared.split.train_end, config.context_length
        for note in (*panel.notes, *training_notes(panel, prepared.scale, ends, context)):
            notify(str(note))
    run_dir = make_run_dir(config)
    module, data = prepared.module(), prepared.data()
    fitted = fit(module, data, config, run_dir, prepared.reasons, shapes=workshop.shapes)
    config = fitted.settle(config)
    metrics = {
        **fitted.figures,
        **score(prepared.net, panel, prepared.split, prepared.scale, prepared.season),
    }
    info = {
        "seed": config.seed,
        "weights": fitted.weights_note,
        "series": len(panel),
        "reasons": prepared.reasons,
        "test": metrics["test"],
    }
    net, freq = prepared.net.eval(), panel.frequency.alias
    bundle = Bundle(
        net,
        config.data,
        freq,
        prepared.season,
        info,
        panel.channels,
        panel.rows,
        prepared.encodings,
    )
    _write(run_dir, bundle, metrics, prepared, fitted, config)
    return TrainResult(run_dir, bundle, metrics)


def make_run_dir(config: TrainConfig) -> Path:
    """A folder of its own for every run: `run_dir`, or a new one under runs/."""
    if config.run_dir is not None:
        folder = Path(config.run_dir)
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    return free_folder(Path("runs") / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_seed{config.seed}")


def free_folder(stem: Path) -> Path:
    """Make the folder, or one with a number behind: two that start at once do not share one."""
    for attempt in range(1, 1000):
        folder = stem if attempt == 1 else stem.with_name(f"{stem.name}_{attempt}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            continue
    raise ConfigError(f"no free run folder beside {stem}; set `run_dir`")


def _write(
    run_dir: Path,
    bundle: Bundle,
    metrics: dict[str, Any],
    prepared: Prepared,
    fitted: Fitted,
    config: TrainConfig,
) -> None:
    write_config(config, prepared.reasons, run_dir / "config.yaml")
    write_json(metrics, run_dir / "metrics.json")
    save_bundle(bundle, run_dir / "bundle")
    if not config.plots:
        return
    panel, split = prepared.panel, prepared.split
    from tsconv.output.plots import plot_errors_by_row, plot_forecasts, plot_training

    plots = run_dir / "plots"
    plots.mkdir(exist_ok=True)
    plot_training(
        fitted.train_losses, fitted.val_losses, plots / "training.png", fitted.weights_note
    )
    if split.test is not None:
        origins = torch.where(split.test.counts > 0, split.test.last, -1)
        forecast = forecast_panel(bundle.net, panel, origins=origins)
        path = plots / "test_forecasts.png"
        most = 12 if panel.rows else 6
        plot_forecasts(panel, forecast, bundle.net.quantiles, path, most, bundle.encodings)
    test = metrics["test"]
    if test is not None and "by_row" in test:
        naive = test["baselines"]["seasonal_naive"]["by_row"]
        plot_errors_by_row(test["by_row"], naive, plots / "errors_by_row.png")
