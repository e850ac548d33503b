"""Training as a plain function: a config in, a run folder and its figures out."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from tsconv import speed
from tsconv.backtest import score, training_scale
from tsconv.bundle import Bundle, save_bundle
from tsconv.callbacks import WEIGHTS
from tsconv.data.module import DenseDataModule
from tsconv.data.panel import Panel, build_panel
from tsconv.data.read import read_table
from tsconv.data.split import Split, split_panel
from tsconv.data.table import Table
from tsconv.defaults import Resolved, resolve
from tsconv.errors import ConfigError, require_choice
from tsconv.fit import LOGGERS, Fitted, check_trainer_keys, fit, resume_path
from tsconv.forecast import forecast_panel
from tsconv.losses import POINT_LOSSES
from tsconv.metrics import SeriesScale
from tsconv.model import ForecastNet
from tsconv.nn.crossrow import CROSS_ROW
from tsconv.nn.heads import check_quantiles
from tsconv.nn.rows import ROWS
from tsconv.report import training_notes, write_config, write_json
from tsconv.schema import TrainConfig
from tsconv.spec import CHANNELS, NetSpec
from tsconv.training import OPTIMIZERS, SCHEDULERS, ForecastModule

LONGEST_SIGMA = 2048  # steps: a trailing filter sees twice as many


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """What a training leaves: the folder, the bundle in memory, and the figures."""

    run_dir: Path
    bundle: Bundle
    metrics: dict[str, Any]


def train(
    config: TrainConfig, table: Table | None = None, notify: Callable[[str], None] | None = None
) -> TrainResult:
    """Read, resolve, train, score and write the run folder.

    `notify` is told, before training, what happened to the data on the way, a line at a time.
    `table` takes the place of `config.data.path` for data that are already in memory. Raises
    TsconvError where the data or the config are at fault, before anything is written.
    """
    _check_choices(config)
    config = dataclasses.replace(config, compile=speed.compile_choice(config.compile))
    if table is None:
        if config.data.path is None:
            raise ConfigError("`data.path` must be given, e.g. data.path=sales.csv")
        table = read_table(config.data)
    panel = _cut(build_panel(table, config.data.freq), config)
    resolved = resolve(config, panel)
    config = resolved.config
    split = split_panel(
        panel, config.horizon, config.split.val_size or 0, config.split.test_size or 0
    )
    pl.seed_everything(config.seed, verbose=False)
    net = ForecastNet(_net_spec(config, panel))
    scale = training_scale(panel, split.train_end, resolved.season)
    if notify is not None:
        for line in (*panel.notes, *training_notes(panel, scale)):
            notify(line)
    module = _module(net, panel, scale, config)
    data = _data_module(panel, split, net, config)
    run_dir = _make_run_dir(config)
    fitted = fit(module, data, config, run_dir, resolved.reasons)
    config = dataclasses.replace(
        config,
        precision=fitted.figures["precision"],
        compile=str(fitted.figures["compiled"]).lower(),
    )
    metrics = {**fitted.figures, **score(net, panel, split, scale, resolved.season)}
    info = {
        "seed": config.seed,
        "weights": fitted.weights_note,
        "series": len(panel),
        "reasons": resolved.reasons,
        "test": metrics["test"],
    }
    freq, season = panel.frequency.alias, resolved.season
    bundle = Bundle(net.eval(), config.data, freq, season, info, panel.channels, panel.rows)
    _write(run_dir, bundle, metrics, resolved, fitted, config, panel, split)
    return TrainResult(run_dir, bundle, metrics)


def _check_choices(config: TrainConfig) -> None:
    """Everything that can be seen to be wrong before the file is read."""
    check_trainer_keys(config.trainer)
    if not 0 <= config.seed < 2**32:
        raise ConfigError(f"`seed` (={config.seed}) must be between 0 and {2**32 - 1}")
    head = config.head
    for key, value, choices in (
        ("precision", config.precision, speed.PRECISIONS),
        ("model.rows", config.model.rows, ROWS),
        ("model.cross_row", config.model.cross_row, CROSS_ROW),
        ("model.channels", config.model.channels or CHANNELS[0], CHANNELS),
        ("head.kind", head.kind, ("point", "quantile")),
        ("head.loss", head.loss, POINT_LOSSES),
        ("head.loss_scale", head.loss_scale, ("series", "origin")),
        ("optimizer.name", config.optimizer.name, OPTIMIZERS),
        ("scheduler.name", config.scheduler.name, SCHEDULERS),
        ("callbacks.weights", config.callbacks.weights, WEIGHTS),
        ("logger.name", config.logger.name, tuple(LOGGERS)),
    ):
        require_choice(key, value, choices)
    for key, sigmas in (("smooth", config.features.smooth), ("slope", config.features.slope)):
        for sigma in sigmas:
            if not 0 < sigma <= LONGEST_SIGMA:
                raise ConfigError(
                    f"`features.{key}` (={sigmas}) must be steps above 0 and up to {LONGEST_SIGMA}"
                )
    if head.kind == "quantile":
        check_quantiles(head.quantiles or ())
    for key in ("weight_decay", "row_decay"):
        if getattr(config.optimizer, key) < 0:
            raise ConfigError(
                f"`optimizer.{key}` (={getattr(config.optimizer, key)}) must not be negative"
            )
    if config.resume is not None:
        resume_path(config)
    if config.run_dir is not None and (Path(config.run_dir) / "bundle").exists():
        raise ConfigError(
            f"`run_dir` (={config.run_dir}) already holds a finished run; name another"
        )


def _cut(panel: Panel, config: TrainConfig) -> Panel:
    """Keep the first train + val + test steps where `split.train_size` is set."""
    split = config.split
    if split.train_size is None:
        return panel
    if split.val_size is None or split.test_size is None:
        raise ConfigError("`split.train_size` needs `split.val_size` and `split.test_size` too")
    return panel.head(split.train_size + split.val_size + split.test_size)


def _net_spec(config: TrainConfig, panel: Panel) -> NetSpec:
    head = config.head
    model = dataclasses.asdict(config.model)
    grouped = config.model.rows != "shared" or config.model.cross_row == "dense"
    return NetSpec(
        horizon=config.horizon,
        context_length=config.context_length or 1,
        seasonal_lags=tuple(config.features.seasonal_lags or ()),
        smooth=tuple(config.features.smooth),
        slope=tuple(config.features.slope),
        quantiles=tuple(head.quantiles or ()) if head.kind == "quantile" else None,
        n_rows=panel.n_rows if grouped else None,
        n_targets=len(panel.targets),
        n_past=panel.n_past,
        **model,
    )


def _module(
    net: ForecastNet, panel: Panel, scale: SeriesScale, config: TrainConfig
) -> ForecastModule:
    unit = torch.where(scale.std > 0, 1 / scale.std, 0)  # (S, T, H)
    names = {"channels": list(panel.channels), "rows": list(panel.rows)}
    return ForecastModule(
        net,
        unit,
        names,
        config.head,
        config.optimizer,
        config.scheduler,
        config.trainer["max_steps"],
    )


def _data_module(
    panel: Panel, split: Split, net: ForecastNet, config: TrainConfig
) -> DenseDataModule:
    has_val = split.val is not None and int(split.val.counts.sum()) > 0
    return DenseDataModule(
        panel,
        split.train,
        split.val if has_val else None,
        history=net.history,
        horizon=config.horizon,
        origins_per_chunk=config.data.origins_per_chunk or 1,
        chunks_per_batch=config.data.chunks_per_batch or 1,
        seed=config.seed,
    )


def _make_run_dir(config: TrainConfig) -> Path:
    """A folder of its own for every run: two that start in the same second do not share one."""
    if config.run_dir is not None:
        folder = Path(config.run_dir)
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    stem = Path("runs") / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_seed{config.seed}"
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
    resolved: Resolved,
    fitted: Fitted,
    config: TrainConfig,
    panel: Panel,
    split: Split,
) -> None:
    write_config(config, resolved.reasons, run_dir / "config.yaml")
    write_json(metrics, run_dir / "metrics.json")
    save_bundle(bundle, run_dir / "bundle")
    if not config.plots:
        return
    from tsconv.plots import plot_errors_by_row, plot_forecasts, plot_training

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
        plot_forecasts(panel, forecast, bundle.net.quantiles, path, most)
    test = metrics["test"]
    if test is not None and "by_row" in test:
        naive = test["baselines"]["seasonal_naive"]["by_row"]
        plot_errors_by_row(test["by_row"], naive, plots / "errors_by_row.png")
