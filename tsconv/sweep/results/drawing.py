"""What the pictures of a sweep are drawn with: axes, points, legends, titles and labels."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import numpy as np
import optuna
from matplotlib.colors import to_rgba_array
from optuna.trial import FrozenTrial

from tsconv.config.schema import SweepConfig
from tsconv.output.plots import GREY, style_axes
from tsconv.sweep.results.scales import Scale
from tsconv.sweep.results.trials import is_maximised

MARGIN = 0.06  # of an axis, beyond 0 and 1


def draw_value_axis(ax: Any, scale: Scale, label: str) -> None:
    """Prepare a vertical axis for an objective's values."""
    style_axes(ax)
    ax.set_ylim(-MARGIN, 1 + MARGIN)
    ax.set_yticks(list(scale.ticks()), list(scale.ticks().values()))
    ax.set_ylabel(label, fontsize=9, parse_math=False)


def draw_key_axis(ax: Any, at: int, name: str, marks: dict[float, str]) -> None:
    """Draw one vertical axis among several, with its name above and its marks beside it."""
    ax.vlines(at, 0, 1, color=GREY, lw=0.8, zorder=3)
    box = {"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.8}
    style = {"fontsize": 7.5, "va": "center", "bbox": box, "zorder": 4, "parse_math": False}
    for height, label in marks.items():
        ax.text(at + 0.05, height, label, **style)
    ax.text(at, 1.08, wrap_key(name), ha="center", va="bottom", fontsize=9, parse_math=False)


def draw_dots(ax: Any, x: Any, y: Any, colour: Any, size: float, label: str | None = None) -> None:
    """Draw points, and triangles at the edge for those beyond it."""
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


def draw_trial_numbers(ax: Any, trials: list[FrozenTrial], points: Any, signs: list[int]) -> None:
    """Write each trial's number beside its point, where no other number is in the way.

    signs: of the two objectives, 1 where more is better; no other trial lies on the better side,
    so the numbers stand there.
    """
    style = {"ha": "left" if signs[0] > 0 else "right", "va": "center", "fontsize": 8}
    offset = (7 * signs[0], 7 * signs[1])
    numbered: list[Any] = []
    for trial, at in zip(trials, points, strict=True):
        if all(np.abs((at - other) / (0.04, 0.045)).max() > 1 for other in numbered):
            ax.annotate(str(trial.number), at, offset, textcoords="offset points", **style)
            numbered.append(at)


def draw_legend(figure: Any, axes: Any) -> None:
    """Draw one legend for all panels."""
    handles: dict[str, Any] = {}
    for ax in axes.flat:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    style = {"frameon": False, "fontsize": 8, "ncols": 6, "loc": "outside lower center"}
    figure.legend(handles.values(), handles.keys(), **style)


def draw_title(figure: Any, text: str) -> None:
    """Write the title of a figure."""
    figure.suptitle(text, fontsize=10, parse_math=False)


def objective_label(study: optuna.Study, sweep: SweepConfig, objective: int) -> str:
    """The name of an objective and which way is better."""
    better = "higher" if is_maximised(study, objective) else "lower"
    return f"{sweep.objectives[objective]} ({better} is better)"


def format_figure(value: float) -> str:
    """A value of an objective, short enough for a label.

    >>> format_figure(0.3293711), format_figure(123456.0)
    ('0.32937', '123,456')
    """
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.5g}"


def wrap_key(name: str) -> str:
    """A long key in several lines, broken after its dots and underscores."""
    lines = textwrap.wrap(re.sub(r"([._])", r"\1 ", name), 17)
    return "\n".join(line.replace(" ", "") for line in lines)
