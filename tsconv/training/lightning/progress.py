"""How a training shows its progress: a bar on a terminal, a line at times elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol, TextIO

from tqdm import tqdm

from tsconv.text import format_seconds

_SHARE = 0.1  # of the steps between two lines
_SHORTEST, _LONGEST = 2.0, 30.0  # seconds between two lines


class Progress(Protocol):
    """What shows the steps of a training."""

    def update(self, step: int, figures: dict[str, str]) -> None:
        """A step was finished; `figures` are the newest ones, by name."""

    def close(self) -> None:
        """The training has ended."""


class ProgressBar:
    """A bar that is redrawn in place; total: steps of the training, initial: those done before."""

    def __init__(self, total: int, initial: int = 0) -> None:
        self._step = initial
        self._bar: tqdm[Any] = tqdm(
            total=total,
            initial=initial,
            desc="train",
            unit="step",
            mininterval=0.5,
            smoothing=0,  # the time left by the mean speed: a busy moment is not the rule
            dynamic_ncols=True,
        )

    def update(self, step: int, figures: dict[str, str]) -> None:
        self._bar.set_postfix(figures, refresh=False)
        self._bar.update(step - self._step)
        self._step = step

    def close(self) -> None:
        self._bar.close()


class ProgressLines:
    """A line at each tenth of the steps, none within 2 s of the last, one after 30 s at the latest.

    Args:
        total: steps of the training.
        initial: those done before this start.
        out: where the lines go; None: standard error.

    >>> lines = ProgressLines(total=20, out=sys.stdout)
    >>> for step in range(1, 21):
    ...     lines.update(step, {"loss": "0.5"})
    step 20 of 20 (100%), loss 0.5
    """

    def __init__(self, total: int, initial: int = 0, out: TextIO | None = None) -> None:
        self._total, self._initial, self._out = total, initial, out
        self._begun = self._shown_at = time.monotonic()
        self._shown_step = initial

    def update(self, step: int, figures: dict[str, str]) -> None:
        now = time.monotonic()
        waited = now - self._shown_at
        # By the mean speed: a busy moment is not the rule.
        left = (now - self._begun) / max(1, step - self._initial) * (self._total - step)
        tenth = step - self._shown_step >= _SHARE * self._total
        due = waited >= _LONGEST or (tenth and waited >= _SHORTEST and left >= _SHORTEST)
        if step < self._total and not due:
            return
        parts = [f"step {step} of {self._total} ({100 * step // self._total}%)"]
        parts += [
            f"{figure} {name}" if name.endswith("/s") else f"{name} {figure}"
            for name, figure in figures.items()
        ]
        if step < self._total:
            parts.append(f"{format_seconds(left)} left")
        print(", ".join(parts), file=self._out or sys.stderr, flush=True)
        self._shown_at, self._shown_step = now, step

    def close(self) -> None:
        """Print nothing: the last line stays."""


def make_progress(total: int, initial: int = 0) -> Progress:
    """A bar in a terminal and in a notebook, else lines."""
    redraws = sys.stderr.isatty() or "ipykernel" in sys.modules
    return (ProgressBar if redraws else ProgressLines)(total, initial)
