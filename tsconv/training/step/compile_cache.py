"""The choice to compile training steps, and what was chosen before in the same process.

Compiling costs 10 to 40 seconds on a CPU and about halves a step: it pays in long trainings, and
in several trainings of one shape.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Hashable

import torch

from tsconv.errors import ConfigError, require_choice
from tsconv.training.step.precision import PRECISIONS, choose_precision
from tsconv.training.step.training_step import Loss, TrainingStep

_COMPILE_SECONDS = 25.0  # what compiling a small network costs, the first time
_COMPILE_SAVES = 0.45  # of an eager step's time
_MOST_COMPILED = 48  # shapes in one process


@dataclasses.dataclass(frozen=True)
class StepChoice:
    """How training steps run, and why."""

    precision: str  # float32 | bfloat16
    compiled: bool
    precision_reason: str
    compile_reason: str


@dataclasses.dataclass(frozen=True)
class _CachedChoice:
    choice: StepChoice
    step_seconds: float  # of an eager step in float32; 0 where none was timed
    steps: int  # trained so far


class CompileCache:
    """What was chosen for steps of one shape, kept between the trainings of one process.

    Compiled code serves every later training of the same shape, so compile=auto counts the steps
    of all of them: what does not repay the first time may do so the third.
    """

    def __init__(self) -> None:
        self._choices: dict[Hashable, _CachedChoice] = {}

    def find(self, key: Hashable) -> _CachedChoice | None:
        """Return what was kept for the key, or None."""
        return self._choices.get(key)

    def keep(self, key: Hashable, cached: _CachedChoice) -> None:
        """Keep a choice; where too much is compiled already, drop all compiled code before."""
        if cached.choice.compiled and key not in self._choices:
            compiled = sum(c.choice.compiled for c in self._choices.values())
            if compiled >= _MOST_COMPILED:  # it all stays in memory
                torch.compiler.reset()
                self._choices.clear()
        self._choices[key] = cached


def normalize_compile(value: str) -> str:
    """Return `compile` as auto, true or false; raises ConfigError for anything else.

    >>> normalize_compile(" True ")
    'true'
    """
    choice = value.strip().lower()
    if choice not in ("auto", "true", "false"):
        raise ConfigError(f"`compile` (={value}) must be auto, true or false")
    return choice


def choose_step(
    compile_value: str,
    precision_value: str,
    step: TrainingStep,
    n_steps: int,
    cache: CompileCache | None = None,
) -> StepChoice:
    """Choose compilation and precision for `n_steps` training steps like the given one.

    Args:
        compile_value: auto, true or false.
        precision_value: auto, float32 or bfloat16.
        step: an eager step on a real batch, to be timed where either is auto.
        n_steps: steps of the training.
        cache: what earlier trainings of this process chose; this choice is added.
    """
    wanted = normalize_compile(compile_value)
    require_choice("precision", precision_value, PRECISIONS)
    key = (wanted, precision_value, *step.key())
    cached = cache.find(key) if cache is not None else None
    if cached is not None:
        eager_seconds, n_steps = cached.step_seconds, n_steps + cached.steps
    else:
        eager_seconds = step.seconds("float32") if wanted == "auto" else 0.0
    compiled, reason = _choose_compile(wanted, eager_seconds, n_steps, step.device)
    if cached is not None and cached.choice.compiled == compiled:
        choice = dataclasses.replace(cached.choice, compile_reason=reason)
    else:
        precision, why = choose_precision(precision_value, step, compiled, eager_seconds)
        choice = StepChoice(precision, compiled, why, reason)
    if cache is not None:
        cache.keep(key, _CachedChoice(choice, eager_seconds, n_steps))
    return choice


def compile_loss(loss: Loss) -> Loss:
    """Return the loss, compiled for each shape that it meets; see `recompile_limit`."""
    return torch.compile(loss, dynamic=False)


def _choose_compile(
    wanted: str, step_seconds: float, n_steps: int, device: torch.device
) -> tuple[bool, str]:
    if wanted != "auto":
        return wanted == "true", "as set"
    if device.type == "cpu" and shutil.which("g++") is None and shutil.which("clang++") is None:
        return False, "there is no C++ compiler"
    worth = _COMPILE_SAVES * step_seconds * n_steps > _COMPILE_SECONDS
    verb = "repay" if worth else "do not repay"
    return worth, (
        f"{n_steps} eager steps of {1000 * step_seconds:.0f} ms {verb} about "
        f"{_COMPILE_SECONDS:.0f} s"
    )
