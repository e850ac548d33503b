"""Choosing precision and compilation by a short measurement on a real batch, before training.

Compiling costs 10 to 40 seconds on a CPU and about halves a step; bfloat16 pays only where the
processor has the instructions. Neither is guessed: two steps of each are timed.
"""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from tsconv.errors import ConfigError, require_choice

PRECISIONS = ("auto", "float32", "bfloat16")
_COMPILE_SECONDS = 25.0  # what compiling a small network costs, the first time
_COMPILE_SAVES = 0.45  # of an eager step's time
_MOST_COMPILED = 48  # shapes in one process
Loss = Callable[..., tuple[Tensor, Tensor]]


def compile_choice(value: str) -> str:
    """Normalise `compile`: auto, true or false."""
    choice = value.strip().lower()
    if choice not in ("auto", "true", "false"):
        raise ConfigError(f"`compile` (={value}) must be auto, true or false")
    return choice


@dataclasses.dataclass(frozen=True)
class Choice:
    """How training steps run, and why."""

    precision: str  # float32 | bfloat16
    compiled: bool
    precision_reason: str
    compile_reason: str


@dataclasses.dataclass(frozen=True)
class _CachedChoice:
    choice: Choice
    step_seconds: float  # of an eager step in float32; 0 where none was timed
    steps: int  # trained so far


class CompileCache:
    """What was chosen for steps of one shape, kept between the trainings of one process.

    Compiled code serves every later training of the same shape, so compile=auto counts the steps
    of all of them: what does not repay the first time may do so the third.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, _CachedChoice] = {}

    def find(self, key: Hashable) -> _CachedChoice | None:
        return self._known.get(key)

    def keep(self, key: Hashable, known: _CachedChoice) -> None:
        if known.choice.compiled and key not in self._known:
            compiled = sum(k.choice.compiled for k in self._known.values())
            if compiled >= _MOST_COMPILED:  # it all stays in memory
                torch.compiler.reset()
                self._known.clear()
        self._known[key] = known


def choose(
    compile_value: str,
    precision_value: str,
    loss: Loss,
    arguments: tuple[Any, ...],
    steps: int,
    shapes: CompileCache | None = None,
) -> Choice:
    """Settle `compile` and `precision` for `steps` training steps like loss(*arguments)."""
    wanted = compile_choice(compile_value)
    require_choice("precision", precision_value, PRECISIONS)
    key = (wanted, precision_value, *_shape(arguments))
    known = shapes.find(key) if shapes is not None else None
    if known is not None:
        plain, steps = known.step_seconds, steps + known.steps
    else:
        plain = _step_seconds(loss, arguments, "float32") if wanted == "auto" else 0.0
    compiled, reason = _choose_compile(wanted, plain, steps, arguments[1].device)
    if known is not None and known.choice.compiled == compiled:
        choice = dataclasses.replace(known.choice, compile_reason=reason)
    else:
        precision, why = _choose_precision(precision_value, loss, arguments, compiled, plain)
        choice = Choice(precision, compiled, why, reason)
    if shapes is not None:
        shapes.keep(key, _CachedChoice(choice, plain, steps))
    return choice


def compiled(loss: Loss) -> Loss:
    """The loss, compiled for each shape that it meets."""
    import torch._dynamo.config as dynamo  # takes a second

    dynamo.recompile_limit = 2 * _MOST_COMPILED  # beyond it, torch goes on eagerly in silence
    return torch.compile(loss, dynamic=False)


def _shape(arguments: tuple[Any, ...]) -> tuple[Hashable, ...]:
    """All that compiled code of a step depends on. The rate of dropout is not among it."""
    net, tensors, names = arguments[0], arguments[1:7], arguments[7:9]  # the spec tells the rest
    spec = dataclasses.replace(net.spec, dropout=float(net.spec.dropout > 0))
    return spec, *(tuple(t.shape) for t in tensors), *names, str(tensors[0].device)


def _choose_precision(
    wanted: str, loss: Loss, arguments: tuple[Any, ...], compiled: bool, plain: float
) -> tuple[str, str]:
    if wanted != "auto":
        return wanted, "as set"
    if not _has_bfloat16(arguments[1].device):
        return "float32", "the processor has no bfloat16 instructions"
    if compiled:  # compiling twice to compare would cost more than either saves
        times = [_product_seconds(arguments, p) for p in ("float32", "bfloat16")]
        what = "the linear branch's product"
    else:
        plain = plain or _step_seconds(loss, arguments, "float32")  # measured once
        times = [plain, _step_seconds(loss, arguments, "bfloat16")]
        what = "a step"
    # A clear lead, or noise would choose: a run on the same machine should repeat the last one.
    chosen = "bfloat16" if times[1] < 0.85 * times[0] else "float32"
    reason = f"{what} took {1000 * times[1]:.1f} ms in bfloat16, {1000 * times[0]:.1f} in float32"
    return chosen, reason


def _choose_compile(
    wanted: str, step_seconds: float, steps: int, device: torch.device
) -> tuple[bool, str]:
    if wanted != "auto":
        return wanted == "true", "as set"
    if device.type == "cpu" and shutil.which("g++") is None and shutil.which("clang++") is None:
        return False, "there is no C++ compiler"
    worth = _COMPILE_SAVES * step_seconds * steps > _COMPILE_SECONDS
    verb = "repay" if worth else "do not repay"
    return worth, (
        f"{steps} eager steps of {1000 * step_seconds:.0f} ms {verb} about {_COMPILE_SECONDS:.0f} s"
    )


def _product_seconds(arguments: tuple[Any, ...], precision: str) -> float:
    """The best of three products of the shape of the linear branch, forward only."""
    net, x, y, valid = arguments[0], arguments[1], arguments[3], arguments[5]
    side_by_side = y[0, ..., 0].numel()  # targets and rows
    windows = torch.ones(side_by_side * valid.numel(), net.spec.context_length, device=x.device)
    weight = torch.ones(net.spec.horizon, net.spec.context_length, device=x.device)
    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    windows, weight = windows.to(kind), weight.to(kind)
    seconds = []
    for _ in range(4):
        begun = time.perf_counter()
        torch.nn.functional.linear(windows, weight)
        if x.device.type == "cuda":
            torch.cuda.synchronize(x.device)
        seconds.append(time.perf_counter() - begun)
    return min(seconds[1:])


def warm_up(loss: Loss, arguments: tuple[Any, ...], precision: str) -> float:
    """Run one step, which compiles it; returns the seconds it took."""
    begun = time.perf_counter()
    _step(loss, arguments, precision)
    return time.perf_counter() - begun


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """The context that Lightning runs a training step in; compiled code is bound to its flags."""
    if precision != "bfloat16":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)


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
        return bool(
            torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        )
    return False
