"""Training as a plain function: a config in, a run folder and its figures out."""

from __future__ import annotations

import dataclasses
import inspect
import logging
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger

from tsconv import speed
from tsconv.backtest import evaluate, training_scale
from tsconv.bundle import Bundle, save_bundle
from tsconv.callbacks import WEIGHTS, AveragedWeights, FiniteGuard, Throughput
from tsconv.data.chunks import draw_chunks
from tsconv.data.module import DenseDataModule
from tsconv.data.panel import Panel, build_panel
from tsconv.data.read import Table, read_table
from tsconv.data.split import Split, split_panel
from tsconv.defaults import Resolved, resolve
from tsconv.errors import ConfigError, nearest, require_choice
from tsconv.forecast import forecast_panel
from tsconv.losses import POINT_LOSSES
from tsconv.metrics import SeriesScale
from tsconv.model import ForecastNet, NetSpec
from tsconv.nn.heads import check_quantiles
from tsconv.report import write_config, write_json
from tsconv.schema import TrainConfig
from tsconv.training import OPTIMIZERS, SCHEDULERS, ForecastModule, dense_loss

# What tsconv gives the Trainer itself.
_OURS = (
    "logger", "callbacks", "max_epochs", "precision", "deterministic", "check_val_every_n_epoch",
    "num_sanity_val_steps", "enable_progress_bar", "enable_model_summary", "enable_checkpointing",
)  # fmt: skip


_LOGGERS: dict[str, Callable[[Path], Logger | bool]] = {
    "none": lambda run_dir: False,
    "csv": lambda run_dir: CSVLogger(run_dir, name="", version="log"),
    "tensorboard": lambda run_dir: TensorBoardLogger(run_dir, name="", version="log"),
}


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """What a training leaves: the folder, the bundle in memory, and the figures."""

    run_dir: Path
    bundle: Bundle
    metrics: dict[str, Any]


def train(config: TrainConfig, table: Table | None = None) -> TrainResult:
    """Read, resolve, train, score and write the run folder.

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
    net = ForecastNet(_net_spec(config))
    scale = training_scale(panel, split.train_end, resolved.season)
    module = _module(net, scale, config)
    data = _data_module(panel, split, net, config)
    run_dir = _make_run_dir(config)
    fitted = _fit(module, data, config, run_dir, resolved.reasons)
    config = dataclasses.replace(
        config,
        precision=fitted.figures["precision"],
        compile=str(fitted.figures["compiled"]).lower(),
    )
    metrics = {**fitted.figures, **_score(net, panel, split, scale, resolved.season)}
    info = {
        "channels": list(panel.channels),
        "seed": config.seed,
        "weights": fitted.weights_note,
        "series": len(panel),
        "reasons": resolved.reasons,
        "test": metrics["test"],
    }
    bundle = Bundle(net.eval(), config.data, panel.frequency.alias, resolved.season, info)
    _write(run_dir, bundle, metrics, resolved, fitted, config, panel, split)
    return TrainResult(run_dir, bundle, metrics)


def _check_choices(config: TrainConfig) -> None:
    """Everything that can be seen to be wrong before the file is read."""
    _check_trainer_keys(config.trainer)
    head = config.head
    for key, value, choices in (
        ("precision", config.precision, speed.PRECISIONS),
        ("head.kind", head.kind, ("point", "quantile")),
        ("head.loss", head.loss, POINT_LOSSES),
        ("head.loss_scale", head.loss_scale, ("series", "origin")),
        ("optimizer.name", config.optimizer.name, OPTIMIZERS),
        ("scheduler.name", config.scheduler.name, SCHEDULERS),
        ("callbacks.weights", config.callbacks.weights, WEIGHTS),
        ("logger.name", config.logger.name, tuple(_LOGGERS)),
    ):
        require_choice(key, value, choices)
    if head.kind == "quantile":
        check_quantiles(head.quantiles or ())
    if config.resume is not None:
        _resume_path(config)
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


def _net_spec(config: TrainConfig) -> NetSpec:
    head = config.head
    model = dataclasses.asdict(config.model)
    return NetSpec(
        horizon=config.horizon,
        context_length=config.context_length or 1,
        seasonal_lags=tuple(config.features.seasonal_lags or ()),
        quantiles=tuple(head.quantiles or ()) if head.kind == "quantile" else None,
        **model,
    )


def _module(net: ForecastNet, scale: SeriesScale, config: TrainConfig) -> ForecastModule:
    unit = torch.where(scale.std > 0, 1 / scale.std, 0)  # (S, C)
    return ForecastModule(
        net, unit, config.head, config.optimizer, config.scheduler, config.trainer["max_steps"]
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


@dataclasses.dataclass(frozen=True)
class _Fitted:
    figures: dict[str, Any]
    weights_note: str
    train_losses: list[tuple[int, float]]
    val_losses: dict[int, float]


def _fit(
    module: ForecastModule,
    data: DenseDataModule,
    config: TrainConfig,
    run_dir: Path,
    reasons: dict[str, str],
) -> _Fitted:
    """Run the Trainer and leave the chosen weights in the network."""
    callbacks = config.callbacks
    average = AveragedWeights(callbacks.ema_decay)
    throughput = Throughput(config.trainer["max_steps"], callbacks.progress)
    hooks: list[pl.Callback] = [FiniteGuard(), average, throughput]
    if data.val_segment is not None and callbacks.patience is not None:
        hooks.append(EarlyStopping("val_loss", patience=callbacks.patience, check_finite=False))
    if callbacks.checkpoints:
        hooks.append(_checkpoints(run_dir, config))
    with warnings.catch_warnings():
        _quiet_lightning()
        trainer = _trainer(config, run_dir, hooks, "32-true")
        choice, compile_seconds = _prepare(module, data, config, trainer, reasons)
        if choice.precision == "bfloat16":
            trainer = _trainer(config, run_dir, hooks, "bf16-mixed")
        trainer.fit(module, data, ckpt_path=_resume_path(config), weights_only=True)
    if trainer.interrupted:
        raise KeyboardInterrupt
    weights, note = average.choose(callbacks.weights, callbacks.weights_tolerance)
    module.net.load_state_dict({**module.net.state_dict(), **weights})
    module.net.to("cpu")
    figures = {
        "train_origins_per_second": round(throughput.origins_per_second, 1),
        "train_seconds": round(throughput.train_seconds, 3),
        "compile_seconds": round(compile_seconds, 3),
        "train_steps": trainer.global_step,
        "precision": choice.precision,
        "compiled": choice.compiled,
        "parameters": sum(p.numel() for p in module.net.parameters()),
    }
    return _Fitted(figures, note, throughput.history, average.losses)


def _prepare(
    module: ForecastModule,
    data: DenseDataModule,
    config: TrainConfig,
    trainer: pl.Trainer,
    reasons: dict[str, str],
) -> tuple[speed.Choice, float]:
    """Choose precision and compilation on a real batch; compile before the clock starts.

    Leaves the random state as it was, so that the choice does not change what is trained.
    """
    device = trainer.strategy.root_device
    module.to(device).train()
    data.panel = data.panel.to(device)
    share = max(1, data.chunks_per_batch // trainer.world_size)
    series, first = draw_chunks(data.train_segment, config.seed, 0, share, data.origins_per_chunk)
    batch = data.fetch(data.train_segment, series, first, data.origins_per_chunk)
    arguments = module.arguments(batch)
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        choice = speed.choose(
            config.compile, config.precision, dense_loss, arguments, config.trainer["max_steps"]
        )
        if config.precision == "auto":
            reasons["precision"] = choice.precision_reason
        if config.compile == "auto":
            reasons["compile"] = choice.compile_reason
        spent = 0.0
        if choice.compiled:
            module.loss_function = torch.compile(dense_loss, dynamic=False)
            spent = speed.warm_up(module.loss_function, arguments, choice.precision)
    return choice, spent


def _trainer(
    config: TrainConfig, run_dir: Path, hooks: list[pl.Callback], precision: str
) -> pl.Trainer:
    arguments = dict(config.trainer)
    return pl.Trainer(
        **arguments,
        precision=precision,  # type: ignore[arg-type]
        deterministic=config.deterministic,
        max_epochs=-1,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        logger=_LOGGERS[config.logger.name](run_dir),
        callbacks=hooks,
        default_root_dir=run_dir,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=config.callbacks.checkpoints,
    )


def _checkpoints(run_dir: Path, config: TrainConfig) -> ModelCheckpoint:
    return ModelCheckpoint(
        run_dir / "checkpoints",
        filename="last",
        every_n_train_steps=config.trainer["val_check_interval"],
        save_top_k=1,
        enable_version_counter=False,
    )


def _resume_path(config: TrainConfig) -> str | None:
    if config.resume is None:
        return None
    path = Path(config.resume) / "checkpoints" / "last.ckpt"
    if not path.is_file():
        raise ConfigError(f"`resume` (={config.resume}): there is no {path} to go on from")
    return str(path)


def _check_trainer_keys(given: dict[str, Any]) -> None:
    known = set(inspect.signature(pl.Trainer.__init__).parameters) - {"self"}
    for name in given:
        if name in _OURS:
            raise ConfigError(f"`trainer.{name}` is set by tsconv itself")
        if name not in known:
            keys = [f"trainer.{k}" for k in known]
            raise ConfigError(
                f"unknown config key `trainer.{name}`{nearest(f'trainer.{name}', keys)}"
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


def _score(
    net: ForecastNet, panel: Panel, split: Split, scale: SeriesScale, season: int
) -> dict[str, Any]:
    """`val` and `test` as metrics.json has them; None where the part is empty."""
    out: dict[str, Any] = {}
    for name, segment in (("val", split.val), ("test", split.test)):
        if segment is None or int(segment.counts.sum()) == 0:
            out[name] = None
            continue
        ours, naive = evaluate(net, panel, segment, scale, season)
        out[name] = {**ours.result(), "baselines": {"seasonal_naive": naive.result()}}
    return out


def _write(
    run_dir: Path,
    bundle: Bundle,
    metrics: dict[str, Any],
    resolved: Resolved,
    fitted: _Fitted,
    config: TrainConfig,
    panel: Panel,
    split: Split,
) -> None:
    write_config(config, resolved.reasons, run_dir / "config.yaml")
    write_json(metrics, run_dir / "metrics.json")
    save_bundle(bundle, run_dir / "bundle")
    if not config.plots:
        return
    from tsconv.plots import plot_forecasts, plot_training

    plots = run_dir / "plots"
    plots.mkdir(exist_ok=True)
    plot_training(
        fitted.train_losses, fitted.val_losses, plots / "training.png", fitted.weights_note
    )
    if split.test is not None:
        origins = torch.where(split.test.counts > 0, split.test.last, -1)
        forecast = forecast_panel(bundle.net, panel, origins=origins)
        path = plots / "test_forecasts.png"
        plot_forecasts(panel, forecast, bundle.net.quantiles, path)


def _quiet_lightning() -> None:
    """Lightning's advice on workers and devices does not apply to gathered batches."""
    for name in ("pytorch_lightning", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    warnings.filterwarnings("ignore", message=".*(LeafSpec|isinstance\\(treespec).*")
