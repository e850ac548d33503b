"""What a training would cost: its memory is estimated, its time measured on a few real steps."""

from __future__ import annotations

import dataclasses
import math
import time

import torch

from tsconv.data.batches.chunks import draw_chunks
from tsconv.distributed.threads import torch_threads
from tsconv.training.memory.estimate import MemoryEstimate, estimate_memory, panel_bytes
from tsconv.training.prepare import Prepared
from tsconv.training.step.dense_loss import dense_loss
from tsconv.training.step.training_step import TrainingStep

_ENOUGH_SECONDS = 2.0  # of timed steps
_MOST_TIMED_STEPS = 3
_MOST_TRIAL_BYTES = 50_000_000  # of the forecasts of a timed step
_FORECAST_COPIES = 6  # forecasts, targets, errors, and what their gradients need
_FORWARD_SHARE = 0.35  # of a step's time


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Seconds and bytes; `train_seconds` is for steps on this machine, not compiled, in float32."""

    step_seconds: float
    steps: int
    train_seconds: float
    panel_bytes: int  # of its tensors
    memory: MemoryEstimate  # of the training's process
    peak_bytes: int  # of its memory
    parameters: int
    device: str
    threads: int


def estimate_training(prepared: Prepared) -> Estimate:
    """Run a few training steps on a real batch; the weights of the network do not change."""
    with torch_threads(prepared.config.threads):
        return _estimate(prepared)


def _estimate(prepared: Prepared) -> Estimate:
    config = prepared.config
    cuda = torch.cuda.is_available() and config.trainer.get("accelerator") in (
        "auto",
        "gpu",
        "cuda",
    )
    device = torch.device("cuda" if cuda else "cpu")
    module, data = prepared.module().to(device).train(), prepared.data()
    data.move_to(device)
    per_chunk = data.origins_per_chunk
    chunks, per_chunk = _within_memory(prepared, data.chunks_per_batch, per_chunk)
    part = data.chunks_per_batch * data.origins_per_chunk / (chunks * per_chunk)
    series, first = draw_chunks(data.train_origins, config.seed, 0, chunks, per_chunk)
    start = time.perf_counter()
    batch = data.fetch(data.train_origins, series, first, per_chunk)
    inv_scale = module.inv_scale[batch.series]
    gather = time.perf_counter() - start
    step = TrainingStep(dense_loss, module.net, batch, inv_scale, module.head)
    seconds = [step.run("float32")]
    while len(seconds) < _MOST_TIMED_STEPS and sum(seconds) < _ENOUGH_SECONDS:
        seconds.append(step.run("float32"))
    step_seconds = (min(seconds) + gather) * part
    validations = _validation_steps(prepared) * _FORWARD_SHARE * step_seconds
    steps = int(config.trainer["max_steps"])
    memory = estimate_memory(prepared)
    return Estimate(
        step_seconds=step_seconds,
        steps=steps,
        train_seconds=steps * step_seconds + validations,
        panel_bytes=panel_bytes(prepared.panel),
        memory=memory,
        peak_bytes=memory.peak,
        parameters=sum(p.numel() for p in module.net.parameters()),
        device=device.type,
        threads=torch.get_num_threads(),
    )


def _within_memory(prepared: Prepared, chunks: int, per_chunk: int) -> tuple[int, int]:
    """How many chunks, of how many origins, a trial step takes: a whole batch where that is small.

    A part of a batch is measured, and scaled up, where its forecasts would take too much memory.
    """
    config, panel = prepared.config, prepared.panel
    quantiles = 1 if config.head.kind == "point" else len(config.head.quantiles or ())
    per_origin = 4 * _FORECAST_COPIES * config.horizon * max(1, quantiles)
    per_origin *= len(panel.targets) * panel.n_rows
    most = max(1, _MOST_TRIAL_BYTES // per_origin)  # origins
    per_chunk = max(1, min(per_chunk, most))
    return max(1, min(chunks, most // per_chunk)), per_chunk


def _validation_steps(prepared: Prepared) -> float:
    """Batches of all validations and of the test, each of the size of a training step's."""
    config, split = prepared.config, prepared.split
    batch = (config.data.origins_per_chunk or 1) * (config.data.chunks_per_batch or 1)
    every = config.trainer.get("val_check_interval") or config.trainer["max_steps"]
    times = math.floor(config.trainer["max_steps"] / every) if every >= 1 else 0
    val, test = (int(p.counts.sum()) if p is not None else 0 for p in (split.val, split.test))
    return ((times + 1) * val + test) / batch
