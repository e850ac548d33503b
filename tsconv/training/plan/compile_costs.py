"""What compiling cost, and how fast compiled steps were: kept by trainings for later plans.

Nothing is chosen by it: a plan alone reads it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import math
import statistics
import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from tsconv.training.step.entries_file import CANNOT_KEEP, Entries, EntriesFile
from tsconv.training.step.precision import remembered_steps
from tsconv.training.step.timing_memory import describe_machine
from tsconv.training.step.training_step import TrainingStep
from tsconv.training.step.user_cache import user_cache

_MOST = 500  # entries of the file; the oldest go first
_LOCK_SECONDS = 2.0
_COMPILER = "torch._inductor.compile_fx"
_LEAST_STEPS = 20  # of a training whose mean step says something


@dataclasses.dataclass(frozen=True)
class CompileCost:
    """Seconds of compiling a training's step, and of its compiled steps."""

    first: float | None  # with nothing compiled before
    later: float | None  # with the code of an earlier training
    step: float | None  # of the Trainer, with the optimizer
    eager: float | None = None  # the same step uncompiled, forward and backward pass alone


class CompileCosts:
    """The file of costs; path: null for `default_path()`.

    A file that is missing, damaged or not writable is one without costs.

    >>> import tempfile
    >>> costs = CompileCosts(Path(tempfile.mkdtemp()) / "compile_costs.json")
    >>> costs.keep("machine", "step", CompileCost(20.0, None, 0.05))
    >>> costs.keep("machine", "step", CompileCost(None, 4.0, 0.04))
    >>> costs.recall("machine", "step")
    CompileCost(first=20.0, later=4.0, step=0.04, eager=None)
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path()
        self._file = EntriesFile(self.path, "costs", _LOCK_SECONDS)

    def keep(self, machine: str, shape: Hashable, cost: CompileCost) -> None:
        """Keep the costs of a shape of steps; what is None stays as it was."""
        key = _key(machine, shape)
        given = {k: v for k, v in dataclasses.asdict(cost).items() if v is not None}

        def add(entries: Entries) -> None:
            entries[key] = {"machine": machine, **entries.pop(key, {}), **given}

        with contextlib.suppress(*CANNOT_KEEP):
            self._file.change(add, _MOST)

    def recall(self, machine: str, shape: Hashable) -> CompileCost:
        """What is known of steps of a shape on this machine."""
        return _cost(self._file.read().get(_key(machine, shape), {}))

    def typical(self, machine: str) -> CompileCost:
        """The medians over all shapes on this machine; `step` is a share of an eager one."""
        costs = [_cost(e) for e in self._file.read().values() if e.get("machine") == machine]
        shares = [c.step / c.eager for c in costs if c.step is not None and c.eager is not None]
        return CompileCost(
            first=_median([c.first for c in costs if c.first is not None]),
            later=_median([c.later for c in costs if c.later is not None]),
            step=_median(shares),
        )


@dataclasses.dataclass(frozen=True)
class CompiledShape:
    """A shape of steps that a training compiles, and what is known of it before.

    was_compiled: whether the code of an earlier training lies there. is_first: whether it is the
    first that its process compiles; a later one finds the compiler loaded. eager: seconds of such a
    step uncompiled; None where it was not timed.
    """

    machine: str
    shape: Hashable
    was_compiled: bool
    is_first: bool
    eager: float | None

    @classmethod
    def of(
        cls, step: TrainingStep, precision: str, wanted: str, was_compiled: bool
    ) -> CompiledShape:
        """The shape of a step; wanted: the config's `precision`."""
        timing = remembered_steps(wanted, step)
        eager = None if timing is None else timing.seconds.get(precision)
        shape = (precision, *step.key())
        is_first = _COMPILER not in sys.modules
        return cls(describe_machine(step.device), shape, was_compiled, is_first, eager)

    def keep(self, compile_seconds: float, train_seconds: float, steps: int) -> None:
        """Keep what a training found; train_seconds: of its steps, without validations."""
        step = train_seconds / steps if steps >= _LEAST_STEPS else None
        cost = CompileCost(None, None, step, self.eager)
        if self.is_first:
            which = "later" if self.was_compiled else "first"
            cost = dataclasses.replace(cost, **{which: compile_seconds})
        CompileCosts().keep(self.machine, self.shape, cost)


def default_path() -> Path:
    """`tsconv/compile_costs.json` in $XDG_CACHE_HOME, else in ~/.cache.

    >>> default_path().name
    'compile_costs.json'
    """
    return user_cache() / "compile_costs.json"


def _key(machine: str, shape: Hashable) -> str:
    return hashlib.sha256(repr((machine, shape)).encode()).hexdigest()[:24]


def _cost(entry: dict[str, Any]) -> CompileCost:
    """The costs of an entry; what is no number of seconds counts as not known."""
    found = {}
    for field in dataclasses.fields(CompileCost):
        value = entry.get(field.name)
        is_seconds = isinstance(value, float) and math.isfinite(value) and value > 0
        found[field.name] = value if is_seconds else None
    return CompileCost(**found)


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None
