"""Choosing precision and compilation by a short measurement on a real batch, before training.

Compiling costs 10 to 40 seconds on a CPU and about halves a step; bfloat16 pays only where the
processor has the instructions. Neither is guessed: two steps of each are timed.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tsconv.errors import ConfigError

PRECISIONS = ("auto", "float32", "bfloat16")
_COMPILE_SECONDS = 25.0  # what compiling a small network costs, the first time
_COMPILE_SAVES = 0.45  # of an eager step's time
Loss = Callable[..., tuple[Tensor, Tensor]]


def compile_choice(value: str) -> str:
    """Normalise `compile`: auto, true or false."""
    choice = value.strip().lower()
    if choice not in ("auto", "true", "false"):
        raise ConfigError(f"`compile` (={value}) must be auto, true or false")
    return choice


def choose_precision(value: str, loss: Loss, arguments: tuple[Any, ...]) -> tuple[str, str, float]:
    """Return (precision, reason, seconds of an eager training step in it)."""
    if value not in PRECISIONS:
        raise ConfigError(f"`precision` (={value}) must be one of {', '.join(PRECISIONS)}")
    if value != "auto":
        return value, "as set", _step_seconds(loss, arguments, value)
    plain = _step_seconds(loss, arguments, "float32")
    if not _has_bfloat16(arguments[1].device):
        return "float32", "the processor has no bfloat16 instructions", plain
    mixed = _step_seconds(loss, arguments, "bfloat16")
    figures = f"a step took {1000 * mixed:.0f} ms in bfloat16, {1000 * plain:.0f} in float32"
    return ("bfloat16", figures, mixed) if mixed < 0.97 * plain else ("float32", figures, plain)


def choose_compile(value: str, step_seconds: float, steps: int, device: torch.device) -> tuple[bool, str]:
    """Return whether to compile the loss, and the reason."""
    choice = compile_choice(value)
    if choice != "auto":
        return choice == "true", "as set"
    if device.type == "cpu" and shutil.which("g++") is None and shutil.which("clang++") is None:
        return False, "there is no C++ compiler"
    saved = _COMPILE_SAVES * step_seconds * steps
    worth = saved > _COMPILE_SECONDS
    verb = "repay" if worth else "do not repay"
    return worth, (
        f"{steps} eager steps of {1000 * step_seconds:.0f} ms {verb} about {_COMPILE_SECONDS:.0f} s"
    )


def warm_up(loss: Loss, arguments: tuple[Any, ...], precision: str) -> float:
    """Run one step, which compiles it; returns the seconds it took."""
    begun = time.perf_counter()
    _step(loss, arguments, precision)
    return time.perf_counter() - begun


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """The context that a training step runs in."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def _step_seconds(loss: Loss, arguments: tuple[Any, ...], precision: str) -> float:
    """The faster of two steps, after one that does not count."""
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        _step(loss, arguments, precision)
        seconds.append(time.perf_counter() - begun)
    return min(seconds[1:])


def _step(loss: Loss, arguments: tuple[Any, ...], precision: str) -> None:
    net, device = arguments[0], arguments[1].device
    with autocast(precision, device):
        value, _ = loss(*arguments)
    value.backward()
    net.zero_grad(set_to_none=True)
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device.type == "cpu":
        return bool(torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return False
