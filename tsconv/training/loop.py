"""The run of Lightning's Trainer: callbacks, precision, compilation, checkpoints, final weights."""

from __future__ import annotations

import dataclasses
import inspect
import logging
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from tsconv.config.schema import TrainConfig
from tsconv.data.batches.chunks import draw_chunks
from tsconv.data.batches.data_module import DenseDataModule
from tsconv.errors import ConfigError, nearest
from tsconv.training import precision as speed
from tsconv.training.callbacks import AveragedWeights, FiniteGuard, Throughput
from tsconv.training.lightning_module import ForecastModule, dense_loss

# What tsconv gives the Trainer itself.
_OURS = (
    "logger", "callbacks", "max_epochs", "precision", "deterministic", "check_val_every_n_epoch",
    "num_sanity_val_steps", "enable_progress_bar", "enable_model_summary", "enable_checkpointing",
)  # fmt: skip


LOGGERS: dict[str, Callable[[Path], Logger | bool]] = {
    "none": lambda run_dir: False,
    "csv": lambda run_dir: CSVLogger(run_dir, name="", version="log"),
    "tensorboard": lambda run_dir: TensorBoardLogger(run_dir, name="", version="log"),
}


@dataclasses.dataclass(frozen=True)
class Fitted:
    """What a run of the Trainer leaves beside the weights in the network."""

    figures: dict[str, Any]
    weights_note: str
    train_losses: list[tuple[int, float]]
    val_losses: dict[int, float]

    def settle(self, config: TrainConfig) -> TrainConfig:
        """The config with the precision and the compilation that were chosen by measurement."""
        compiled = str(self.figures["compiled"]).lower()
        return dataclasses.replace(config, precision=self.figures["precision"], compile=compiled)


def fit(
    module: ForecastModule,
    data: DenseDataModule,
    config: TrainConfig,
    run_dir: Path,
    reasons: dict[str, str],
    hooks: Sequence[pl.Callback] = (),
    shapes: speed.CompileCache | None = None,
) -> Fitted:
    """Run the Trainer and leave the chosen weights in the network.

    `hooks` are further callbacks. `shapes` remembers between trainings of one process what was
    compiled, so that a second one of the same shape starts at once.
    """
    callbacks = config.callbacks
    average = AveragedWeights(callbacks.ema_decay)
    throughput = Throughput(config.trainer["max_steps"], callbacks.progress)
    hooks = [FiniteGuard(), average, throughput, *hooks]
    if data.val_segment is not None and callbacks.patience is not None:
        hooks.append(EarlyStopping("val_loss", patience=callbacks.patience, check_finite=False))
    if callbacks.checkpoints:
        hooks.append(_checkpoints(run_dir, config))
    with warnings.catch_warnings():
        _quiet_lightning()
        trainer = _trainer(config, run_dir, hooks, "32-true")
        choice, compile_seconds = _prepare(module, data, config, trainer, reasons, shapes)
        if choice.precision == "bfloat16":
            trainer = _trainer(config, run_dir, hooks, "bf16-mixed")
        try:
            trainer.fit(module, data, ckpt_path=resume_path(config), weights_only=True)
        except RuntimeError as error:
            if config.resume is None or "loading state_dict" not in str(error):
                raise
            raise ConfigError(
                f"`resume` (={config.resume}): its network is another one; give the same `model`, "
                f"`head`, `horizon` and `context_length` as that run's config.yaml"
            ) from error
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
    return Fitted(figures, note, throughput.history, average.losses)


def _prepare(
    module: ForecastModule,
    data: DenseDataModule,
    config: TrainConfig,
    trainer: pl.Trainer,
    reasons: dict[str, str],
    shapes: speed.CompileCache | None,
) -> tuple[speed.Choice, float]:
    """Choose precision and compilation on a real batch; compile before the clock starts.

    Leaves the random state as it was, so that the choice does not change what is trained.
    """
    device = trainer.strategy.root_device
    module.to(device).train()
    data.panel = data.panel.to(device)
    series, first = draw_chunks(
        data.train_segment, config.seed, 0, data.chunks_per_rank, data.origins_per_chunk
    )
    batch = data.fetch(data.train_segment, series, first, data.origins_per_chunk)
    arguments = module.arguments(batch)
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        choice = speed.choose(
            config.compile,
            config.precision,
            dense_loss,
            arguments,
            config.trainer["max_steps"],
            shapes,
        )
        if config.precision == "auto":
            reasons["precision"] = choice.precision_reason
        if config.compile == "auto":
            reasons["compile"] = choice.compile_reason
        spent = 0.0
        if choice.compiled:
            module.loss_function = speed.compiled(dense_loss)
            spent = speed.warm_up(module.loss_function, arguments, choice.precision)
    return choice, spent


def _trainer(
    config: TrainConfig, run_dir: Path, hooks: list[pl.Callback], precision: str
) -> pl.Trainer:
    try:
        return _build_trainer(config, run_dir, hooks, precision)
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise ConfigError(f"`trainer`: {str(error).splitlines()[0]}") from error


def _build_trainer(
    config: TrainConfig, run_dir: Path, hooks: list[pl.Callback], precision: str
) -> pl.Trainer:
    return pl.Trainer(
        **config.trainer,
        precision=precision,  # type: ignore[arg-type]
        deterministic=config.deterministic,
        max_epochs=-1,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        logger=LOGGERS[config.logger.name](run_dir),
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


def resume_path(config: TrainConfig) -> str | None:
    if config.resume is None:
        return None
    path = Path(config.resume) / "checkpoints" / "last.ckpt"
    if not path.is_file():
        raise ConfigError(f"`resume` (={config.resume}): there is no {path} to go on from")
    return str(path)


def check_trainer_keys(given: dict[str, Any]) -> None:
    """Raise ConfigError for an argument that Lightning's Trainer does not have, or not for us."""
    for name in ("devices", "num_nodes"):
        if given.get(name, 1) not in (1, "1"):
            raise ConfigError(
                f"`trainer.{name}` (={given[name]}): tsconv trains on one device so far"
            )
    known = set(inspect.signature(pl.Trainer.__init__).parameters) - {"self"}
    for name in given:
        if name in _OURS:
            raise ConfigError(f"`trainer.{name}` is set by tsconv itself")
        if name not in known:
            keys = [f"trainer.{k}" for k in known]
            raise ConfigError(
                f"unknown config key `trainer.{name}`{nearest(f'trainer.{name}', keys)}"
            )


def _quiet_lightning() -> None:
    """Lightning's advice on workers and devices does not apply to gathered batches."""
    for name in ("pytorch_lightning", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for module in ("pytorch_lightning", "lightning_fabric"):
        warnings.filterwarnings("ignore", module=module)
    warnings.filterwarnings("ignore", message=".*(LeafSpec|isinstance\\(treespec).*")
