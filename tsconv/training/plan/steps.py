"""What a training step takes: a few steps of Lightning's Trainer, on a copy of the network."""

from __future__ import annotations

import copy
import dataclasses
import time

import pytorch_lightning as pl
import torch

from tsconv.data.batches.data_module import DenseDataModule, ScoredChunks
from tsconv.data.batches.share import shared_tiles
from tsconv.nn.block import set_batch_share
from tsconv.training.lightning.accumulation import batches_per_step
from tsconv.training.lightning.lightning_module import ForecastModule
from tsconv.training.lightning.loop import TrainerResult, first_step, run_trainer
from tsconv.training.lightning.strategy import training_device
from tsconv.training.plan.compile_costs import CompileCost, CompileCosts, CompiledShape
from tsconv.training.plan.plan import GUESS, MEASURED
from tsconv.training.prepare import Prepared
from tsconv.training.step.compile_cache import (
    StepChoice,
    choose_step,
    choose_without_timing,
)
from tsconv.training.step.compiled_loss import folder_for, kept_random_state
from tsconv.training.step.timing_memory import TimingMemory
from tsconv.training.step.training_step import TrainingStep, autocast

_LEAST, _MOST = 3, 40  # timed steps
# Where nothing was compiled on this machine yet: on a CPU with small networks.
_FIRST, _LATER, _COMPILED_SHARE = 25.0, 8.0, 0.6
_FIRST_TIME, _AGAIN = "the first time", "code of an earlier training"


@dataclasses.dataclass(frozen=True)
class StepCost:
    """What training steps cost; seconds."""

    choice: StepChoice
    setting_up: float  # the choice of precision and compilation, and the Trainer
    compiling: float
    compiling_source: str
    step: float  # as it is trained, with the optimizer
    step_source: str
    validation: float  # one pass over the validation part
    batch_bytes: int
    trained: TrainerResult  # of the timed steps


class _StepTimes(pl.Callback):
    """The moments at which batches end."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_batch_end(self, *args: object) -> None:
        self.ends.append(time.perf_counter())


def measure_steps(prepared: Prepared, ranks: int = 1, enough: float = 1.2) -> StepCost:
    """Time a few training steps and a part of a validation; the network does not change.

    ranks: that train together, of which this takes the share of the first. enough: seconds of timed
    steps, and of a validation. Raises torch.OutOfMemoryError where the device has no memory for a
    batch.
    """
    config = prepared.config
    device = training_device(config.trainer)
    own = dataclasses.replace(prepared, net=copy.deepcopy(prepared.net))
    module, data = own.module(), own.data(0, ranks)
    count, lead = data.share.stop - data.share.start, module.net.series_as_rows
    with kept_random_state(device):
        own.seed_process()
        begun = time.perf_counter()
        set_batch_share(module.net, 0, count, data.chunks_per_batch, lead)
        step = first_step(module, data, device)
        batches = batches_per_step(config.trainer)
        n_steps = int(config.trainer["max_steps"])
        if config.deterministic:
            choice = choose_without_timing(config.compile, config.precision)
        else:
            memory = TimingMemory(keeps=False)
            choice = choose_step(
                config.compile, config.precision, step, n_steps * batches, memory=memory
            )
        choosing = time.perf_counter() - begun
        shape = None
        if choice.compiled:
            published = folder_for(step, choice.precision).published.is_dir()
            shape = CompiledShape.of(step, choice.precision, config.precision, published)
        eager = min(step.run(choice.precision) for _ in range(2))
        validation = _validation_seconds(module, data, choice.precision, enough)
        batch_bytes = _bytes_of(step)
        del step
        timed = min(_MOST, max(_LEAST, round(enough / eager))) if n_steps else 0
        taken, seconds, trained = _run(own, data, choice, timed)
    in_trainer = max(0.0, seconds - timed * taken)
    taken *= batches
    compiling, compiling_source = 0.0, MEASURED
    step_source = MEASURED
    if shape is not None:
        cost = CompileCosts().recall(shape.machine, shape.shape)
        compiling, compiling_source = _compiling(cost, shape)
        taken, step_source = _compiled_step(cost, shape.machine, taken)
    return StepCost(
        choice, choosing + in_trainer, compiling, compiling_source, taken, step_source,
        validation, batch_bytes, trained,
    )  # fmt: skip


def _run(
    own: Prepared, data: DenseDataModule, choice: StepChoice, steps: int
) -> tuple[float, float, TrainerResult]:
    """Train so many steps, uncompiled: the seconds of a batch, those of the whole, the result."""
    config, times = own.config, _StepTimes()
    trainer = {**config.trainer, "max_steps": steps, "val_check_interval": steps, "devices": 1}
    callbacks = dataclasses.replace(
        config.callbacks, checkpoints=False, patience=None, weights="last", progress=False
    )
    mini = dataclasses.replace(
        config,
        compile="false",
        precision=choice.precision,
        resume=None,
        trainer={**trainer, "strategy": "auto", "num_nodes": 1},
        callbacks=callbacks,
        logger=dataclasses.replace(config.logger, name="none"),
    )
    data.val_origins = None
    begun = time.perf_counter()
    trained = run_trainer(own.module(), data, mini, None, callbacks=[times])
    whole = time.perf_counter() - begun
    between = torch.tensor(times.ends).double().diff()
    return float(between.median()), whole, trained


def _validation_seconds(
    module: ForecastModule, data: DenseDataModule, precision: str, enough: float
) -> float:
    """The seconds of a pass over the validation part; 0 where there is none."""
    if data.val_origins is None:
        return 0.0
    scored, device = ScoredChunks(data, data.val_origins), data.panel.values.device
    n = sum(
        1 for _ in shared_tiles(scored.origins, scored.n_origins, scored.n_chunks, data.rank,
                                data.world_size)
    )  # fmt: skip
    seconds: list[float] = []
    module.eval()
    with torch.inference_mode(), autocast(precision, device):
        begun = time.perf_counter()
        for batch in scored:
            module.validation_step(batch, 0)
            seconds.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            if sum(seconds) > enough and len(seconds) > 2:
                break
    module.train()
    warm = seconds[1:] or seconds
    return n * sum(warm) / max(1, len(warm))


def _bytes_of(step: TrainingStep) -> int:
    batch = step.batch
    tensors = [t for t in batch if isinstance(t, torch.Tensor)]
    tensors += [] if batch.covariates is None else list(batch.covariates)
    return sum(t.numel() * t.element_size() for t in tensors)


def _compiling(cost: CompileCost, shape: CompiledShape) -> tuple[float, str]:
    """Seconds of compiling and where they come from."""
    which = _AGAIN if shape.was_compiled else _FIRST_TIME
    known = cost.later if shape.was_compiled else cost.first
    if known is not None:
        return known, f"remembered from an earlier training, {which}"
    typical = CompileCosts().typical(shape.machine)
    known = typical.later if shape.was_compiled else typical.first
    if known is not None:
        return known, f"as other trainings on this machine took, {which}"
    seconds = _LATER if shape.was_compiled else _FIRST
    return seconds, f"{GUESS}: no training says yet what it takes here, {which}"


def _compiled_step(cost: CompileCost, machine: str, eager: float) -> tuple[float, str]:
    """Seconds of a compiled step and where they come from; eager: of one that is not compiled."""
    if cost.step is not None:
        return cost.step, "remembered from an earlier training"
    share = CompileCosts().typical(machine).step
    if share is not None:
        return share * eager, "measured uncompiled, times what compiling saved here"
    return _COMPILED_SHARE * eager, f"{GUESS}: {_COMPILED_SHARE:g} of an uncompiled step"
