"""Plan: what a training takes, in seconds and bytes, part by part."""

from __future__ import annotations

import dataclasses
from typing import Any

from tsconv.training.memory.estimate import MemoryEstimate

MEASURED, GUESS = "measured", "a guess"


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a training: its seconds, and how they are known."""

    name: str
    seconds: float
    source: str = MEASURED

    @property
    def is_guess(self) -> bool:
        """Whether nothing on this machine says so."""
        return self.source.startswith(GUESS)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a training of some settings on some data takes on this machine.

    >>> parts = (Part("reading", 0.5), Part("training", 9.5))
    >>> memory = MemoryEstimate(500, 100, 10, 80, 30, 5, None)
    >>> plan = Plan(parts, memory, 65, 336, 10_000, 100, 2048, 0.095, "float32", False, "cpu", 2)
    >>> plan.seconds, plan.part("training").seconds, plan.part("compiling")
    (10.0, 9.5, None)
    """

    parts: tuple[Part, ...]  # in the order of the training
    memory: MemoryEstimate
    receptive_field: int  # steps
    history: int  # steps before an origin that a batch holds
    parameters: int
    steps: int
    origins_per_step: int  # of all targets and rows
    step_seconds: float  # with the optimizer
    precision: str
    compiled: bool
    device: str
    threads: int
    validations: int = 0
    measured_peak: int | None = None  # bytes of a process that did a little of each part
    notes: tuple[str, ...] = ()  # what the figures rest on

    @property
    def seconds(self) -> float:
        """All parts together."""
        return sum(part.seconds for part in self.parts)

    @property
    def origins_per_second(self) -> float:
        """Forecast origins that training steps go through."""
        return self.origins_per_step / self.step_seconds if self.step_seconds else 0.0

    @property
    def peak_bytes(self) -> int:
        """The most memory at once: as measured, else as estimated by parts."""
        if self.measured_peak is None or self.device != "cpu":
            return self.memory.peak
        return self.measured_peak + self.memory.compiler

    def part(self, name: str) -> Part | None:
        """The part of a name; None where the training has none such."""
        return next((part for part in self.parts if part.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """The plan for programs: plain values, with the sums."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return plain | {
            "parts": [dataclasses.asdict(part) for part in self.parts],
            "memory": dataclasses.asdict(self.memory),
            "notes": list(self.notes),
            "seconds": self.seconds,
            "peak_bytes": self.peak_bytes,
        }
