"""The choice of float32 or bfloat16, by a short measurement on a real batch.

bfloat16 pays only where the processor has the instructions, and not for every network: neither is
guessed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch

from tsconv.training.step.timing_memory import Timing, TimingMemory
from tsconv.training.step.training_step import TrainingStep, fastest

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
_STEP = "a training step"  # what was timed, in the file of timings
_CLEAR_LEAD = 0.85  # of float32's time: below it, the difference is no noise


def precisions_to_time(wanted: str, device: torch.device) -> tuple[str, ...]:
    """The precisions that a choice is between: bfloat16 only where it is possible and not pinned.

    >>> precisions_to_time("float32", torch.device("cpu"))
    ('float32',)
    """
    both = wanted == "auto" and has_bfloat16(device)
    return ("float32", "bfloat16") if both else ("float32",)


def choose_precision(
    wanted: str, step: TrainingStep, compiled: bool, memory: TimingMemory, eager: Timing | None
) -> tuple[str, str]:
    """Return the precision, and the reason; float16 only where it is wanted.

    Args:
        wanted: one of `PRECISIONS`.
        step: a step in the shape of the training's.
        compiled: whether the training's steps will be compiled.
        memory: of earlier timings.
        eager: the timing of eager steps in `precisions_to_time`, None where there is none.
    """
    if wanted != "auto":
        return wanted, "as set"
    if not has_bfloat16(step.device):
        return "float32", "the processor has no bfloat16 instructions"
    if compiled:  # compiling twice to compare would cost more than either saves
        timing, what = time_products(step, memory), "the linear branch's product"
    else:
        timing, what = eager or time_steps(wanted, step, memory), "a step"
    brief, full = timing.seconds["bfloat16"], timing.seconds["float32"]
    chosen = "bfloat16" if brief < _CLEAR_LEAD * full else "float32"
    return chosen, (
        f"{what} took {1000 * brief:.1f} ms in bfloat16, {1000 * full:.1f} in float32"
        f"{timing.origin}"
    )


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies matrices in bfloat16 by instructions of its own."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device.type == "cpu":
        mkldnn: Any = torch.backends.mkldnn  # without types
        return bool(mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return False


def time_steps(wanted: str, step: TrainingStep, memory: TimingMemory) -> Timing:
    """The seconds of an eager step in each of `precisions_to_time`."""
    precisions = precisions_to_time(wanted, step.device)
    shape = (precisions, step.key())
    return memory.recall_or_measure(_STEP, shape, step.device, lambda: step.seconds(precisions))


def remembered_steps(
    wanted: str, step: TrainingStep, memory: TimingMemory | None = None
) -> Timing | None:
    """What `time_steps` found before on this machine; None where it has not timed such a step."""
    shape = (precisions_to_time(wanted, step.device), step.key())
    return (memory or TimingMemory()).recall(_STEP, shape, step.device)


def time_products(step: TrainingStep, memory: TimingMemory) -> Timing:
    """The seconds of a product of the linear branch's shape in both precisions, forward only."""
    return memory.recall_or_measure(
        "the linear branch's product",
        step.key(),
        step.device,
        lambda: _product_seconds(step, ("float32", "bfloat16")),
    )


def _product_seconds(step: TrainingStep, precisions: Sequence[str]) -> dict[str, float]:
    spec, batch, device = step.net.spec, step.batch, step.device
    members = batch.y[0, ..., 0].numel()  # targets and rows
    windows = torch.ones(members * batch.valid.numel(), spec.context_length, device=device)
    weight = torch.ones(spec.horizon, spec.context_length, device=device)
    dtypes = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    factors = {p: (windows.to(dtypes[p]), weight.to(dtypes[p])) for p in precisions}

    def run(precision: str) -> float:
        begun = time.perf_counter()
        torch.nn.functional.linear(*factors[precision])
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - begun

    return fastest(run, precisions)
