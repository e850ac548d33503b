"""What the pictures of a sweep are made of: scales, axes, points, and figures of trials.

All axes run from 0 to 1, and a `Scale` says which value stands where: ranges of numbers, of orders
of magnitude and of choices are drawn alike.
"""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from matplotlib.colors import to_rgba_array
from matplotlib.ticker import MaxNLocator
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tsconv.config.schema import SweepConfig
from tsconv.output.plots import GREY, finish
from tsconv.sweep.results.summary import finished, shown
from tsconv.sweep.search_space.ranges import Range

MARGIN = 0.06


@dataclasses.dataclass(frozen=True)
class Scale:
    """What an axis shows, from low (at 0) to high (at 1); choices are numbered from 0."""

    low: float
    high: float
    log: bool = False
    whole: bool = False
    choices: tuple[str, ...] = ()

    def share(self, values: Any) -> Any:
        """Where values stand; beyond 0 and 1 where they are beyond low and high."""
        given = (np.asarray(v, float) for v in (self.low, self.high, values))
        low, high, at = (np.log10(v) if self.log else v for v in given)
        return (at - low) / (high - low) if high > low else 0.5 + 0 * at

    def ticks(self) -> dict[float, str]:
        """place -> label of some round values, or of the choices."""
        if self.choices:
            labelled = range(0, len(self.choices), -(-len(self.choices) // 12))
            return {float(self.share(i)): shortened(self.choices[i], 14) for i in labelled}
        even = steps_of(5, self.whole).tick_values(self.low, self.high)
        values = log_ticks(self.low, self.high) if self.log else list(even)
        slack = 1e-9 * (self.high - self.low)
        inside = [v for v in values if self.low - slack <= v <= self.high + slack]
        return {float(self.share(v)): f"{v:g}" for v in inside or [self.low]}


def robust_scale(
    values: Sequence[float], maximise: bool = False, keep: Sequence[float] = ()
) -> Scale:
    """From the best value to the worst that does not flatten the others.

    At most a fifth of the values is left out, and none of `keep`.
    """
    ordered = np.sort(np.asarray(values, float))[:: -1 if maximise else 1]
    usual = int(0.8 * (len(ordered) - 1))
    ends = ordered[[0, usual]]
    log = bool(ordered.min() > 0 and ends.max() > 20 * ends.min())
    off = np.abs(np.log10(ordered / ends[0]) if log else ordered - ends[0])
    inside = [*(ordered[off <= 3 * off[usual]] if off[usual] > 0 else ordered), *keep]
    return Scale(float(min(inside)), float(max(inside)), log)


def running_best(values: Sequence[float], maximise: bool = False) -> list[float]:
    """The best value up to each trial."""
    return [float(v) for v in (np.maximum if maximise else np.minimum).accumulate(values)]


def key_scale(each: Range) -> Scale:
    """The whole range of a key, whatever was drawn of it."""
    if each.type == "categorical":
        names = tuple(shown(choice) for choice in each.choices)
        return Scale(-0.5, len(names) - 0.5, choices=names)
    log, whole = each.type.startswith("log_"), each.type.endswith("int")
    return Scale(each.low, each.high, log, whole)


def place(each: Range, trial: FrozenTrial) -> float:
    """Where a trial stands on a key's axis; those of one choice a little beside each other."""
    value = each.value(trial.params[each.key])
    if each.type != "categorical":
        return float(key_scale(each).share(value))
    aside = (trial.number * 0.618034) % 1 - 0.5  # the golden ratio: evenly spread, never at random
    return float(key_scale(each).share(each.choices.index(value) + 0.35 * aside))


def log_ticks(low: float, high: float) -> list[float]:
    """At most five round values between two, or both ends where there are not two round ones."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks: list[float] = []
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [float(f"{step}e{decade}") for decade in decades for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= 5:
            break
    return ticks[:: -(-len(ticks) // 5)] if len(ticks) > 1 else [low, high]


def wrapped(name: str) -> str:
    """A long key in several lines, broken behind its dots and underscores."""
    lines = textwrap.wrap(re.sub(r"([._])", r"\1 ", name), 17)
    return "\n".join(line.replace(" ", "") for line in lines)


def shortened(text: str, most: int) -> str:
    """Without its middle where it is long: lists often differ only at their ends."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-(most - most // 2 - 1) :]}"


def steps_of(most: int, whole: bool) -> MaxNLocator:
    return MaxNLocator(most, steps=[1, 2, 2.5, 5, 10], integer=whole, min_n_ticks=1)


def draw_value_axis(ax: Any, scale: Scale, label: str) -> None:
    finish(ax)
    ax.set_ylim(-MARGIN, 1 + MARGIN)
    ax.set_yticks(list(scale.ticks()), list(scale.ticks().values()))
    ax.set_ylabel(label, fontsize=9, parse_math=False)


def draw_line_axis(ax: Any, at: int, name: str, marks: dict[float, str]) -> None:
    ax.vlines(at, 0, 1, color=GREY, lw=0.8, zorder=3)
    box = {"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.8}
    style = {"fontsize": 7.5, "va": "center", "bbox": box, "zorder": 4, "parse_math": False}
    for height, label in marks.items():
        ax.text(at + 0.05, height, label, **style)
    ax.text(at, 1.08, wrapped(name), ha="center", va="bottom", fontsize=9, parse_math=False)


def draw_dots(ax: Any, x: Any, y: Any, colour: Any, size: float, label: str | None = None) -> None:
    """Points, and triangles at the edge for those beyond it."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    colours = np.broadcast_to(to_rgba_array(colour), (len(x), 4))
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    marks = np.select([y > high, y < low, x > right, x < left], ["^", "v", ">", "<"], "o")
    x, y = np.clip(x, left, right), np.clip(y, low, high)
    for mark in np.unique(marks)[::-1]:  # the dots first
        some = marks == mark
        style = {"color": colours[some], "lw": 0, "zorder": 2.5, "clip_on": False}
        beyond = f"{label}, beyond the picture" if label else "beyond the picture"
        name = label if mark == "o" else beyond
        ax.scatter(x[some], y[some], s=size, marker=mark, label=name, **style)


def name_trials(ax: Any, trials: list[FrozenTrial], places: Any, signs: list[int]) -> None:
    """Their numbers, on the side of what is better, where no other trial is."""
    style = {"ha": "left" if signs[0] > 0 else "right", "va": "center", "fontsize": 8}
    toward = (7 * signs[0], 7 * signs[1])
    named: list[Any] = []
    for trial, at in zip(trials, places, strict=True):
        if all(np.abs((at - other) / (0.04, 0.045)).max() > 1 for other in named):  # readable
            ax.annotate(str(trial.number), at, toward, textcoords="offset points", **style)
            named.append(at)


def draw_legend(figure: Any, axes: Any) -> None:
    """One legend for all panels."""
    found: dict[str, Any] = {}
    for ax in axes.flat:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    style = {"frameon": False, "fontsize": 8, "ncols": 6, "loc": "outside lower center"}
    figure.legend(found.values(), found.keys(), **style)


def headline(figure: Any, text: str) -> None:
    figure.suptitle(text, fontsize=10, parse_math=False)


def label_of(study: optuna.Study, sweep: SweepConfig, i: int) -> str:
    return f"{sweep.objectives[i]} ({'higher' if maximised(study, i) else 'lower'} is better)"


def number(value: float) -> str:
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.5g}"


def signs_of(study: optuna.Study) -> list[int]:
    return [1 if d == StudyDirection.MAXIMIZE else -1 for d in study.directions]


def maximised(study: optuna.Study, i: int) -> bool:
    return signs_of(study)[i] > 0


def completed(study: optuna.Study) -> list[FrozenTrial]:
    return [t for t in finished(study) if t.state == TrialState.COMPLETE]


def others_of(trials: Sequence[FrozenTrial], without: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    left_out = set(numbers_of(without))
    return [t for t in trials if t.number not in left_out]


def numbers_of(trials: Sequence[FrozenTrial]) -> list[int]:
    return [t.number for t in trials]


def values_of(trials: Sequence[FrozenTrial], i: int) -> list[float]:
    return [t.values[i] for t in trials]
