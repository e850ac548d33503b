"""The choice of float32 or bfloat16, by a short measurement on a real batch.

bfloat16 pays only where the processor has the instructions, and not for every network: neither is
guessed.
"""

from __future__ import annotations

import time
from typing import Any

import torch

from tsconv.training.step.training_step import TrainingStep

PRECISIONS = ("auto", "float32", "bfloat16")


def choose_precision(
    wanted: str, step: TrainingStep, compiled: bool, eager_seconds: float
) -> tuple[str, str]:
    """Return "float32" or "bfloat16", and the reason.

    Args:
        wanted: one of `PRECISIONS`.
        step: a step in the shape of the training's.
        compiled: whether the training's steps will be compiled.
        eager_seconds: of an eager float32 step, 0 where none was timed.
    """
    if wanted != "auto":
        return wanted, "as set"
    if not has_bfloat16(step.device):
        return "float32", "the processor has no bfloat16 instructions"
    if compiled:  # compiling twice to compare would cost more than either saves
        times = [_product_seconds(step, p) for p in ("float32", "bfloat16")]
        what = "the linear branch's product"
    else:
        eager_seconds = eager_seconds or step.seconds("float32")  # measured once
        times = [eager_seconds, step.seconds("bfloat16")]
        what = "a step"
    # A clear lead, or noise would choose: a run on the same machine should repeat the last one.
    chosen = "bfloat16" if times[1] < 0.85 * times[0] else "float32"
    reason = f"{what} took {1000 * times[1]:.1f} ms in bfloat16, {1000 * times[0]:.1f} in float32"
    return chosen, reason


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies matrices in bfloat16 by instructions of its own."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device.type == "cpu":
        mkldnn: Any = torch.backends.mkldnn  # without types
        return bool(mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return False


def _product_seconds(step: TrainingStep, precision: str) -> float:
    """Time a product of the linear branch's shape, forward only: the best of three."""
    spec, batch, device = step.net.spec, step.batch, step.device
    members = batch.y[0, ..., 0].numel()  # targets and rows
    windows = torch.ones(members * batch.valid.numel(), spec.context_length, device=device)
    weight = torch.ones(spec.horizon, spec.context_length, device=device)
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    windows, weight = windows.to(dtype), weight.to(dtype)
    seconds = []
    for _ in range(4):
        begun = time.perf_counter()
        torch.nn.functional.linear(windows, weight)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - begun)
    return min(seconds[1:])
