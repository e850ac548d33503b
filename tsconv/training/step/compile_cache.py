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
from tsconv.training.step.precision import PRECISIONS, choose_precision, time_steps
from tsconv.training.step.timing_memory import Timing, TimingMemory
from tsconv.training.step.training_step import TrainingStep

_COMPILE_SECONDS = 25.0  # what compiling a small network costs, the first time
_COMPILE_SAVES = 0.45  # of an eager step's time
_NO_TIMING = "deterministic=true lets no timing decide"
_MOST_COMPILED = 48  # shapes in one process


@dataclasses.dataclass(frozen=True)
class StepChoice:
    """How training steps run, and why."""

    precision: str  # float32 | bfloat16 | float16
    compiled: bool
    precision_reason: str
    compile_reason: str
    note: str = ""  # where the timings could not be kept, or compiling failed

    def without_compiling(self, fault: str, cache: CompileCache | None) -> StepChoice:
        """The same for eager steps, since compiled ones could not be built; the cache remembers.

        fault: of compiling.
        """
        if cache is not None:
            cache.fault = fault
        note = (
            f"training steps could not be compiled ({fault}), in an empty folder neither: they run "
            f"uncompiled, which is slower"
        )
        notes = f"{self.note}; {note}" if self.note else note
        return dataclasses.replace(
            self, compiled=False, compile_reason=f"compiling failed: {fault}", note=notes
        )


@dataclasses.dataclass(frozen=True)
class _CachedChoice:
    choice: StepChoice
    eager: Timing | None  # of eager steps; None where none was timed
    steps: int  # trained so far


class CompileCache:
    """What was chosen for steps of one shape, kept between the trainings of one process.

    Compiled code serves every later training of the same shape, so compile=auto counts the steps
    of all of them: what does not repay the first time may do so the third. Where the machine cannot
    compile, the trainings to come are eager.
    """

    def __init__(self) -> None:
        self.fault = ""  # why code could not be built: no training tries again
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
    memory: TimingMemory | None = None,
) -> StepChoice:
    """Choose compilation and precision for `n_steps` training steps like the given one.

    Args:
        compile_value: auto, true or false.
        precision_value: one of `PRECISIONS`.
        step: an eager step on a real batch, to be timed where either is auto.
        n_steps: steps of the training.
        cache: what earlier trainings of this process chose; this choice is added.
        memory: what earlier trainings on this machine measured; null for the user's.
    """
    wanted = normalize_compile(compile_value)
    if cache is not None and cache.fault:
        wanted = "false"
    require_choice("precision", precision_value, PRECISIONS)
    memory = memory or TimingMemory()
    key = (wanted, precision_value, *step.key())
    cached = cache.find(key) if cache is not None else None
    eager = None
    if cached is not None:
        eager, n_steps = cached.eager, n_steps + cached.steps
    elif wanted == "auto" and can_compile(step.device):
        eager = time_steps(precision_value, step, memory)
    compiled, reason = _choose_compile(wanted, eager, n_steps)
    if cached is not None and cached.choice.compiled == compiled:
        choice = dataclasses.replace(cached.choice, compile_reason=reason, note="")
    else:
        precision, why = choose_precision(precision_value, step, compiled, memory, eager)
        choice = StepChoice(precision, compiled, why, reason, memory.fault_note)
    if cache is not None:
        cache.keep(key, _CachedChoice(choice, eager, n_steps))
    return choice


def choose_without_timing(compile_value: str, precision_value: str) -> StepChoice:
    """Choose float32 and no compilation where a value is auto: the same on every start.

    >>> choice = choose_without_timing("auto", "bfloat16")
    >>> choice.compiled, choice.precision
    (False, 'bfloat16')
    """
    compiled = normalize_compile(compile_value) == "true"
    require_choice("precision", precision_value, PRECISIONS)
    precision = "float32" if precision_value == "auto" else precision_value
    return StepChoice(precision, compiled, _NO_TIMING, _NO_TIMING)


def can_compile(device: torch.device) -> bool:
    """Whether torch.compile can make code for the device: for a CPU, by a C++ compiler."""
    return device.type != "cpu" or any(map(shutil.which, ("g++", "clang++")))


def _choose_compile(wanted: str, eager: Timing | None, n_steps: int) -> tuple[bool, str]:
    if wanted != "auto":
        return wanted == "true", "as set"
    if eager is None:
        return False, "there is no C++ compiler"
    seconds = eager.seconds["float32"]
    worth = _COMPILE_SAVES * seconds * n_steps > _COMPILE_SECONDS
    return worth, (
        f"compiling takes about {_COMPILE_SECONDS:.0f} s, {'less' if worth else 'more'} than it "
        f"saves in {n_steps} steps of {1000 * seconds:.1f} ms{eager.origin}"
    )
