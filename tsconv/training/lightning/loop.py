"""The run of Lightning's Trainer: callbacks, precision, compilation, checkpoints, final weights."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.plugins.precision import MixedPrecision
from torch import Tensor

from tsconv.config.schema import TrainConfig
from tsconv.data.batches.chunks import Batch
from tsconv.data.batches.data_module import DenseDataModule
from tsconv.distributed.ranks import Ranks
from tsconv.errors import ConfigError, TrainingError, nearest
from tsconv.nn.block import set_batch_share
from tsconv.training.lightning.accumulation import batches_per_step
from tsconv.training.lightning.averaged_weights import AveragedWeights
from tsconv.training.lightning.checkpoints.file import CheckedCheckpoints
from tsconv.training.lightning.checkpoints.last import LastCheckpoint
from tsconv.training.lightning.checkpoints.resume import resume_path
from tsconv.training.lightning.interruption import (
    AgreeOnStop,
    StopAfterStep,
    StopRequest,
    TrainingStopped,
)
from tsconv.training.lightning.lightning_module import ForecastModule
from tsconv.training.lightning.loggers import LOGGERS
from tsconv.training.lightning.not_finite import (
    NO_CAUSE,
    NotFinite,
    describe_cause,
    faulty_chunks,
)
from tsconv.training.lightning.strategy import check_strategy, trainer_arguments
from tsconv.training.lightning.throughput import Throughput
from tsconv.training.plan.compile_costs import CompiledShape
from tsconv.training.step.compile_cache import (
    CompileCache,
    StepChoice,
    choose_step,
    choose_without_timing,
)
from tsconv.training.step.compiled_loss import (
    CompiledStep,
    compile_step,
    folder_for,
    kept_random_state,
)
from tsconv.training.step.dense_loss import dense_loss
from tsconv.training.step.process_settings import quiet_lightning
from tsconv.training.step.training_step import TrainingStep, autocast
from tsconv.training.step.weighted_mean import WeightedMean

# What tsconv gives the Trainer itself.
_OURS = (
    "logger", "callbacks", "max_epochs", "precision", "plugins", "deterministic",
    "check_val_every_n_epoch", "num_sanity_val_steps", "enable_progress_bar",
    "enable_model_summary", "enable_checkpointing",
)  # fmt: skip


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C ended a training behind a step.

    step, steps: finished, and of the whole training. saved_step: of the checkpoint from which it
    can be resumed; None where there is none. is_agreed: all ranks ended behind this step. weights:
    the averaged ones then, by name.
    """

    is_agreed = True

    def __init__(self, step: int, steps: int, saved_step: int | None) -> None:
        super().__init__()
        self.step, self.steps, self.saved_step = step, steps, saved_step
        self.weights: dict[str, Tensor] = {}


@dataclasses.dataclass(frozen=True)
class TrainerResult:
    """What a run of the Trainer leaves beside the weights in the network."""

    figures: dict[str, Any]  # of metrics.json
    reasons: dict[str, str]  # key of the config -> why it has its value
    weights_note: str
    train_losses: list[tuple[int, float]]  # (step, loss)
    val_losses: dict[int, float]  # step -> loss

    def resolve(self, config: TrainConfig) -> TrainConfig:
        """Return the config with the precision and the compilation that were chosen."""
        return with_step_choice(config, self.figures["precision"], self.figures["compiled"])


def with_step_choice(config: TrainConfig, precision: str, compiled: bool) -> TrainConfig:
    """Return the config with a precision and a compilation in place of `auto`."""
    return dataclasses.replace(config, precision=precision, compile=str(compiled).lower())


def step_reasons(config: TrainConfig, choice: StepChoice) -> dict[str, str]:
    """Why a choice was made, by the keys of the config that left it open."""
    reasons = {"precision": choice.precision_reason, "compile": choice.compile_reason}
    return {key: why for key, why in reasons.items() if getattr(config, key) == "auto"}


def run_trainer(
    module: ForecastModule,
    data: DenseDataModule,
    config: TrainConfig,
    run_dir: Path | None,
    callbacks: Sequence[pl.Callback] = (),
    compile_cache: CompileCache | None = None,
    chosen: Callable[[StepChoice], None] | None = None,
    ranks: Ranks | None = None,
) -> TrainerResult:
    """Run the Trainer and leave the chosen weights in the module's network, on the CPU.

    Args:
        module: the network is trained in place.
        data: batches of training and validation.
        config: without open ends, see `prepare`.
        run_dir: gets checkpoints and the logger's files; None for a config without both, which
            then writes nothing at all.
        callbacks: further ones.
        compile_cache: remembers between trainings of one process what was compiled, so that a
            second one of the same shape starts at once.
        chosen: is called before the first step with the choice of precision and compilation.
        ranks: that train together; each calls this with the same module and config, and with its
            own share of the data. Rank 0 chooses, and alone writes.

    Raises TrainingError for a gradient that is not finite, ConfigError where `trainer` or `resume`
    is at fault, TrainingInterrupted after Ctrl-C.
    """
    ranks, run_dir = ranks or Ranks.alone(), run_dir or Path.cwd()
    average = AveragedWeights(config.callbacks.ema_decay)
    module.step_mean = WeightedMean(
        ranks.size, data.batches_per_step, data.terms_per_batch / ranks.size, ranks.sum_
    )
    steps = config.trainer["max_steps"]
    throughput = Throughput(steps, config.callbacks.progress, module.step_mean)
    stop = StopRequest()
    ours: list[pl.Callback] = [average, throughput, *callbacks]
    if ranks.size > 1:
        ours.insert(0, AgreeOnStop(stop))
    if data.val_origins is not None and config.callbacks.patience is not None:
        patience = config.callbacks.patience
        ours.append(EarlyStopping("val_loss", patience=patience, check_finite=False))
    checkpoint = LastCheckpoint(run_dir, config.trainer["val_check_interval"], stop)
    ours.append(checkpoint if config.callbacks.checkpoints else StopAfterStep(stop))
    with ExitStack() as settings:
        settings.enter_context(quiet_lightning())
        trainer = _trainer(config, run_dir, ours, ranks)
        device = trainer.strategy.root_device
        share = data.share
        count, lead = share.stop - share.start, module.net.series_as_rows
        set_batch_share(module.net, share.start, count, data.chunks_per_batch, lead)
        step = first_step(module, data, device)
        choice = None
        if config.deterministic:
            choice = choose_without_timing(config.compile, config.precision)
        elif ranks.is_main:
            with kept_random_state(device):
                n_steps = steps * data.batches_per_step  # each batch is a pass of its own
                choice = choose_step(config.compile, config.precision, step, n_steps, compile_cache)
        choice = ranks.broadcast(choice)
        compile_seconds, shape = 0.0, None
        if choice.compiled:
            was_compiled = folder_for(step, choice.precision).published.is_dir()
            shape = CompiledShape.of(step, choice.precision, config.precision, was_compiled)
            built = _compile_in_turn(ranks, step, choice.precision, settings)
            compile_seconds = built.seconds
            if built.loss is None:
                shape = None
                choice = choice.without_compiling(built.fault, compile_cache)
            else:
                module.loss_function = built.loss
        if chosen is not None:
            chosen(choice)
        del step  # its batch is not needed any more
        if choice.precision != "float32":
            trainer = _trainer(config, run_dir, ours, ranks, _mixed(choice.precision, device))
        with stop.listen(), data.panel.read_at_random():
            try:
                _fit(trainer, module, data, config, checkpoint, stop)
            except NotFinite as error:
                raise _explained(error, module, data, ranks, choice.precision) from error
            except TrainingInterrupted as interrupted:
                interrupted.is_agreed = not stop.at_once
                interrupted.weights = {k: v.cpu() for k, v in average.average.items()}
                raise
    weights, note = average.choose(config.callbacks.weights, config.callbacks.weights_tolerance)
    module.net.load_state_dict({**module.net.state_dict(), **weights})
    set_batch_share(module.net, 0, 1, 1)
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
    if shape is not None and ranks.is_main and ranks.size == 1 and config.resume is None:
        seconds = throughput.train_seconds - throughput.validation_seconds
        shape.keep(compile_seconds, seconds, trainer.global_step)
    reasons = step_reasons(config, choice)
    return TrainerResult(figures, reasons, note, throughput.history, average.losses)


def _fit(
    trainer: pl.Trainer,
    module: ForecastModule,
    data: DenseDataModule,
    config: TrainConfig,
    checkpoint: LastCheckpoint,
    stop: StopRequest,
) -> None:
    """Run the Trainer, from the checkpoint where there is one to go on from."""
    try:
        trainer.fit(module, data, ckpt_path=resume_path(config), weights_only=True)
    except (TrainingStopped, SystemExit) as error:
        asked = stop.pressed or trainer.interrupted
        if not isinstance(error, TrainingStopped) and not asked:
            raise
        # Lightning ends the process by SystemExit where a KeyboardInterrupt or SIGTERM reaches it.
        steps = config.trainer["max_steps"]
        raise TrainingInterrupted(trainer.global_step, steps, checkpoint.saved_step) from None
    except RuntimeError as error:
        if config.resume is None or "loading state_dict" not in str(error):
            raise
        raise ConfigError(
            f"`resume` (={config.resume}): its network is another one; give the same `model`, "
            f"`head`, `horizon` and `context_length` as that run's config.yaml"
        ) from error


def _explained(
    error: NotFinite, module: ForecastModule, data: DenseDataModule, ranks: Ranks, precision: str
) -> TrainingError:
    """The error with the series and times that cause it: the step is computed once more, in parts.

    All ranks come here for an error in a step, one alone for an error in validation.
    """
    batches = (
        [error.batch]
        if error.batch is not None
        else [data.training_batch(error.step, part) for part in range(data.batches_per_step)]
    )
    set_batch_share(module.net, 0, 1, 1)

    def loss(batch: Batch) -> Tensor:
        with autocast(precision, batch.x.device):
            return dense_loss(module.net, batch, module.inv_scale[batch.series], module.head)[0]

    faulty = [faulty_chunks(loss, batch, list(module.net.parameters())) for batch in batches]
    cause = describe_cause(faulty, data.panel, sum(len(batch.series) for batch in batches))
    if error.batch is None:
        causes = ranks.gather(cause) or [cause]
        cause = next((c for c in causes if c != NO_CAUSE), NO_CAUSE)
    return error.explained(module.learning_rate(error.step), cause)


def first_step(module: ForecastModule, data: DenseDataModule, device: torch.device) -> TrainingStep:
    """Move module and panel to the device; return the training's step 0 there, uncompiled."""
    module.to(device).train()
    data.move_to(device)
    batch = data.training_batch(step=0)
    inv_scale: Tensor = module.inv_scale[batch.series]
    return TrainingStep(dense_loss, module.net, batch, inv_scale, module.head)


def _compile_in_turn(
    ranks: Ranks, step: TrainingStep, precision: str, until_end: ExitStack
) -> CompiledStep:
    """Compile on one rank of each machine; the others then load what it has published.

    Where one rank fails, all train eagerly: their steps must take the same time.
    """
    folder = folder_for(step, precision)
    if ranks.local_rank == 0:
        built = compile_step(step, precision, until_end, folder)
    ranks.barrier()
    if ranks.local_rank != 0:
        built = compile_step(step, precision, until_end, folder)
    faults = [fault for fault in ranks.gather(built.fault) or [] if fault]
    fault = ranks.broadcast(faults[0] if faults else "")
    return dataclasses.replace(built, loss=None, fault=fault) if fault else built


def _mixed(precision: str, device: torch.device) -> MixedPrecision:
    """What runs steps in mixed precision; given a name, Lightning takes no float16 on a CPU."""
    return MixedPrecision("16-mixed" if precision == "float16" else "bf16-mixed", device.type)


def _trainer(
    config: TrainConfig,
    run_dir: Path,
    hooks: list[pl.Callback],
    ranks: Ranks,
    precision: MixedPrecision | None = None,
) -> pl.Trainer:
    try:
        return _build_trainer(config, run_dir, hooks, ranks, precision)
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise ConfigError(f"`trainer`: {str(error).splitlines()[0]}") from error


def _build_trainer(
    config: TrainConfig,
    run_dir: Path,
    hooks: list[pl.Callback],
    ranks: Ranks,
    precision: MixedPrecision | None,
) -> pl.Trainer:
    arguments = trainer_arguments(_counted_in_batches(config.trainer), ranks)
    plugins = [*arguments.pop("plugins", ()), *([] if precision is None else [precision])]
    plugins.append(CheckedCheckpoints())
    return pl.Trainer(
        **arguments,
        plugins=plugins,
        deterministic=config.deterministic,
        max_epochs=-1,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        logger=LOGGERS[config.logger.name](run_dir) if ranks.is_main else False,
        callbacks=hooks,
        default_root_dir=run_dir,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=config.callbacks.checkpoints,
    )


def _counted_in_batches(trainer: dict[str, Any]) -> dict[str, Any]:
    """The Trainer's arguments with the interval of validations in batches, as Lightning counts."""
    interval = trainer.get("val_check_interval")
    if not isinstance(interval, int):
        return trainer
    return {**trainer, "val_check_interval": interval * batches_per_step(trainer)}


def check_trainer_keys(given: dict[str, Any]) -> None:
    """Raise ConfigError for an argument that Lightning's Trainer does not have, or not for us."""
    check_strategy(given)
    known = set(inspect.signature(pl.Trainer.__init__).parameters) - {"self"}
    for name in given:
        if name in _OURS:
            raise ConfigError(f"`trainer.{name}` is set by tsconv itself")
        if name not in known:
            keys = [f"trainer.{k}" for k in known]
            raise ConfigError(
                f"unknown config key `trainer.{name}`{nearest(f'trainer.{name}', keys)}"
            )
