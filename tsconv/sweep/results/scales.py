"""Where values stand on the axes of a sweep's pictures.

All axes run from 0 to 1, and a `Scale` says which value stands where, so that numbers, orders of
magnitude and choices are drawn alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from optuna.trial import FrozenTrial

from tsconv.sweep.results.trials import format_value
from tsconv.sweep.search_space.ranges import Range

_MOST_TICKS, _MOST_CHOICES = 5, 12
_CHOICE_SPREAD = 0.35  # of a choice's width, over which its trials are spread


@dataclasses.dataclass(frozen=True)
class Scale:
    """What an axis shows, from low (at 0) to high (at 1); choices are numbered from 0.

    >>> Scale(0.001, 0.1, log=True).position(0.01)
    np.float64(0.5)
    >>> list(Scale(2, 4, whole=True).ticks().values())
    ['2', '3', '4']
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False  # whole numbers only
    choices: tuple[str, ...] = ()

    def position(self, values: Any) -> Any:
        """Where values stand: from 0 to 1, beyond them where a value is beyond low or high."""
        given = (np.asarray(v, float) for v in (self.low, self.high, values))
        low, high, at = (np.log10(v) if self.log else v for v in given)
        return (at - low) / (high - low) if high > low else 0.5 + 0 * at

    def ticks(self) -> dict[float, str]:
        """position -> label of some round values, or of the choices."""
        if self.choices:
            labelled = range(0, len(self.choices), -(-len(self.choices) // _MOST_CHOICES))
            return {float(self.position(i)): cut_middle(self.choices[i], 14) for i in labelled}
        even = even_ticks(_MOST_TICKS, self.whole).tick_values(self.low, self.high)
        values = log_ticks(self.low, self.high) if self.log else list(even)
        slack = 1e-9 * (self.high - self.low)
        inside = [v for v in values if self.low - slack <= v <= self.high + slack]
        return {float(self.position(v)): f"{v:g}" for v in inside or [self.low]}


def robust_scale(
    values: Sequence[float], maximise: bool = False, keep: Sequence[float] = ()
) -> Scale:
    """A scale from the best value to the worst that does not flatten the others.

    At most a fifth of the values is left out, and none of `keep`. It is a log scale where the
    values span more than a factor of 20.

    >>> robust_scale([1, 2, 3, 4, 500]).high
    4.0
    """
    ordered = np.sort(np.asarray(values, float))[:: -1 if maximise else 1]
    usual = int(0.8 * (len(ordered) - 1))
    ends = ordered[[0, usual]]
    log = bool(ordered.min() > 0 and ends.max() > 20 * ends.min())
    off = np.abs(np.log10(ordered / ends[0]) if log else ordered - ends[0])
    inside = [*(ordered[off <= 3 * off[usual]] if off[usual] > 0 else ordered), *keep]
    return Scale(float(min(inside)), float(max(inside)), log)


def running_best(values: Sequence[float], maximise: bool = False) -> list[float]:
    """The best value up to each trial.

    >>> running_best([3, 5, 2])
    [3.0, 3.0, 2.0]
    """
    return [float(v) for v in (np.maximum if maximise else np.minimum).accumulate(values)]


def key_scale(key_range: Range) -> Scale:
    """The scale of a key's whole range, whichever values were drawn from it."""
    if key_range.type == "categorical":
        names = tuple(format_value(choice) for choice in key_range.choices)
        return Scale(-0.5, len(names) - 0.5, choices=names)
    log, whole = key_range.type.startswith("log_"), key_range.type.endswith("int")
    return Scale(key_range.low, key_range.high, log, whole)


def position_on(key_range: Range, trial: FrozenTrial) -> float:
    """Where a trial stands on a key's axis; the trials of one choice stand beside each other."""
    value = key_range.value(trial.params[key_range.key])
    if key_range.type != "categorical":
        return float(key_scale(key_range).position(value))
    aside = (trial.number * 0.618034) % 1 - 0.5  # the golden ratio: evenly spread, never at random
    at = key_range.choices.index(value) + _CHOICE_SPREAD * aside
    return float(key_scale(key_range).position(at))


def log_ticks(low: float, high: float) -> list[float]:
    """At most five round values between two, or the two where there are not two round ones."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks: list[float] = []
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [float(f"{step}e{decade}") for decade in decades for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= _MOST_TICKS:
            break
    return ticks[:: -(-len(ticks) // _MOST_TICKS)] if len(ticks) > 1 else [low, high]


def even_ticks(most: int, whole: bool) -> MaxNLocator:
    """At most so many steps between evenly spaced round values."""
    return MaxNLocator(most, steps=[1, 2, 2.5, 5, 10], integer=whole, min_n_ticks=1)


def cut_middle(text: str, most: int) -> str:
    """Cut the middle out of a long text, because lists often differ only at their ends.

    >>> cut_middle("[1, 2, 4, 8, 16, 32]", 14)
    '[1, 2, …6, 32]'
    """
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-(most - most // 2 - 1) :]}"
