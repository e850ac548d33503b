"""Marks below a forecast: which category of a future covariate holds when."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tsconv.data.covariates.encode import Encoding
from tsconv.data.panel.covariate_grid import Covariates
from tsconv.data.panel.panel import Panel

_MOST_MARKS = 8  # runs of a category in one plot; more cannot be read
_MARK_HEIGHT = 0.14  # of a line of marks, as a share of the curve's height
_LETTER_WIDTH = 0.06  # of a mark's name, in inches
_LEAST_LETTERS = 4  # of a name that is cut; a shorter one says nothing
_MARGIN = 0.04  # of the axes right of the last step
_COLORS = ("#1f6fb4", "#7fb2dd")  # of one run and the next, which may touch


class Run(NamedTuple):
    """Steps begin..end - 1 that are of one category."""

    begin: int
    end: int
    name: str


def mark_categories(
    ax: Any,
    panel: Panel,
    member: tuple[int, int],
    steps: tuple[int, int],
    encodings: Sequence[Encoding],
) -> None:
    """Draw a bar and a name below the curve for each run of a category that is known ahead.

    member: a series and a row; steps: the first one and the one behind the last. The name of a
    column stands at the right end of its line. An empty category has no name and no mark; a column
    that changes all the time has none either.
    """
    covariates, (s, h) = panel.covariates, member
    if covariates is None:
        return
    first, last = steps[0], min(steps[1], int(covariates.lengths[s]))
    lines = list(_lines(covariates, s, h, slice(first, last), encodings))
    low, high = ax.get_ylim()
    ax.set_ylim(low - _MARK_HEIGHT * len(lines) * (high - low), high)
    of_line = _MARK_HEIGHT / (1 + _MARK_HEIGHT * len(lines))  # of the axes' height
    wide = ax.figure.get_figwidth() / ax.get_subplotspec().get_gridspec().ncols  # inches
    letter = _LETTER_WIDTH / (0.88 * wide) * (last - first)  # steps
    half = np.diff(panel.times(s, np.arange(first, first + 2)))[0] / 2
    text = {"va": "bottom", "fontsize": 7, "parse_math": False, "color": _COLORS[0]}
    for number, (column, runs) in enumerate(lines):
        y = of_line * (number + 0.15)
        ax.text(1.005, y, column, transform=ax.transAxes, **(text | {"va": "center"}))
        names = place_names(runs, (1 + _MARGIN) * (last - first), letter)
        for at, (run, (name, side)) in enumerate(zip(runs, names, strict=True)):
            x = panel.times(s, np.array([first + run.begin, first + run.end - 1]))
            edges = [x[0] - half, x[1] + half]
            look = {"lw": 3, "solid_capstyle": "butt", "color": _COLORS[at % 2]}
            ax.plot(edges, [y, y], transform=ax.get_xaxis_transform(), **look)
            if not name:
                continue
            shown = f"{name} " if side == "right" else name  # apart from what follows
            at_end = side == "right"
            across = {"transform": ax.get_xaxis_transform(), "ha": side}
            ax.text(edges[at_end], y + 0.015, shown, **across, **text)


def _lines(
    covariates: Covariates, s: int, h: int, steps: slice, encodings: Sequence[Encoding]
) -> Iterator[tuple[str, list[Run]]]:
    """Each column of categories with its runs, where there are not too many of them."""
    for encoding in encodings:
        if encoding.role != "future" or encoding.categories is None:
            continue
        at, column = int(covariates.indptr[s]), covariates.names.index(encoding.name)
        values = covariates.values[at + steps.start : at + steps.stop, column, h]
        cells = values.cpu().nan_to_num(-1).int().numpy()
        cuts = [0, *(np.flatnonzero(np.diff(cells)) + 1).tolist(), len(cells)]
        names = ("unknown", *encoding.categories, "")  # the last: missing
        runs = [Run(a, b, names[cells[a]]) for a, b in itertools.pairwise(cuts) if names[cells[a]]]
        if 0 < len(runs) <= _MOST_MARKS:
            yield encoding.name, runs


def place_names(runs: Sequence[Run], end: float, letter: float) -> list[tuple[str, str]]:
    """The name of each run, cut or empty where there is no room, and the end that it stands at.

    runs: in order. end: the steps that are shown. letter: steps that a letter takes.

    >>> place_names([Run(0, 3, "sale"), Run(12, 14, "fair")], end=14, letter=1)
    [('sale', 'left'), ('fair', 'right')]
    """
    placed = []
    taken = 0.0  # up to this step names stand on the line
    following = [*(float(run.begin) for run in runs[1:]), end]
    for run, limit in zip(runs, following, strict=True):
        size = letter * (len(run.name) + 1)
        begin = max(taken, run.begin)
        if begin == run.begin and run.begin + size <= limit:
            placed.append((run.name, "left"))
            taken = run.begin + size
        elif run.end - size >= taken:
            placed.append((run.name, "right"))
            taken = run.end
        else:
            letters = int((limit - run.begin) / letter) - 1
            fits = begin == run.begin and letters >= _LEAST_LETTERS
            placed.append((run.name[: letters - 1] + "…" if fits else "", "left"))
            taken = limit if fits else taken
    return placed
