"""Plots: the training curve, forecasts with their intervals, errors by row."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tsconv.data.covariates.encode import Encoding
from tsconv.data.panel.panel import Panel
from tsconv.data.timestamps.zones import find_zone
from tsconv.forecasting.forecast import Forecast
from tsconv.forecasting.frame import quantile_columns
from tsconv.forecasting.outputs import PICTURE_TITLE

_MOST_ROWS = 100
_MOST_MARKS = 8  # runs of a category in one plot; more cannot be read
_MARK_HEIGHT = 0.14  # of a line of marks, as a share of the curve's height
_LETTER_WIDTH = 0.056  # of a mark's name, in inches
BLUE, GREY, ORANGE = "#1f6fb4", "#444444", "#d9601a"


def figure_grid(rows: int, columns: int, width: float, height: float) -> tuple[Any, Any]:
    """A figure of width x height inches, and its (rows, columns) array of axes.

    >>> figure, axes = figure_grid(2, 3, 7, 4)
    >>> axes.shape
    (2, 3)
    """
    # matplotlib's object-oriented interface: it has no global state and needs no display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def plot_training(
    train: list[tuple[int, float]], val: dict[int, float], path: Path, note: str
) -> None:
    """Draw training and validation loss by step to `path`.

    train, val: loss by step. note: which weights were kept, for the title.
    """
    figure, axes = figure_grid(1, 1, 7, 3.6)
    ax = axes[0][0]
    if train:
        steps, losses = zip(*train, strict=True)
        ax.plot(steps, losses, color=GREY, alpha=0.45, lw=1, label="training (each batch)")
    if val:
        ax.plot(list(val), list(val.values()), color=BLUE, marker="o", ms=4, label="validation")
    ax.set(xlabel="step", ylabel="loss", title=f"weights kept: {note}")
    ax.title.set_fontsize(9)
    figure.legend(frameon=False, fontsize=8, ncols=2, loc="outside lower right")
    style_axes(ax)
    figure.savefig(path, dpi=110)


def plot_forecasts(
    panel: Panel,
    forecast: Forecast,
    quantiles: tuple[float, ...],
    path: Path,
    most: int = 6,
    encodings: Sequence[Encoding] = (),
) -> None:
    """Draw small multiples to `path`: each series' recent past, its forecast and intervals.

    Where the forecast was made from an earlier origin, the steps observed since are drawn too. A
    panel without rows shows `most` plots, one with rows `most` rows below one another or in three
    columns, several targets side by side. encodings: of the panel's covariates, whose categories
    are marked below the curve.
    """
    tiles, columns = _tiles(panel, forecast, most)
    lines = max(1, -(-len(tiles) // columns))
    width = 6.4 if columns <= 2 else 4.6
    figure, axes = figure_grid(lines, columns, width * columns, 2.5 * lines + 0.3)
    for ax, (i, c, h) in zip(axes.flat, tiles, strict=False):
        draw_forecast(ax, panel, forecast, quantiles, (i, c, h), encodings)
        s = int(forecast.series[i])
        ax.set_title(panel.name(s, c, h), fontsize=9, loc="left", parse_math=False)
        style_axes(ax)
    for ax in list(axes.flat)[len(tiles) :]:
        ax.set_axis_off()
    if tiles:
        handles, labels = axes[0][0].get_legend_handles_labels()
        figure.legend(
            handles, labels, frameon=False, fontsize=9, ncols=3, loc="outside upper right"
        )
    figure.savefig(path, dpi=110, metadata={"Title": PICTURE_TITLE})


def draw_forecast(
    ax: Any,
    panel: Panel,
    forecast: Forecast,
    quantiles: tuple[float, ...],
    tile: tuple[int, int, int],
    encodings: Sequence[Encoding] = (),
) -> None:
    """Draw one forecast: the observed values, the forecast with its intervals, the categories.

    tile: positions of the forecast, the target and the row.
    """
    i, c, h = tile
    horizon = forecast.values.shape[-2]
    s, t = int(forecast.series[i]), int(forecast.origin[i])
    observed = panel.series(s)[: t + horizon + 1, c, h].cpu().numpy()
    first = max(0, t + 1 - max(3 * horizon, 48))
    past = np.arange(first, len(observed))
    ax.plot(panel.times(s, past), observed[past], color=GREY, lw=1.1, label="observed")
    ahead = panel.times(s, np.arange(t + 1, t + 1 + horizon))
    _draw_fan(ax, ahead, forecast.values[i, c, h].numpy(), quantiles)
    _mark_categories(ax, panel, (s, h), (first, t + 1 + horizon), encodings)
    if ahead.dtype.kind == "M":
        import matplotlib.dates

        dates: Any = matplotlib.dates  # its classes have no types
        # Steps finer than a day lie on UTC, so that a clock change does not fold the curve.
        on_utc = panel.time_zone is not None and not panel.wall_clock
        zone = find_zone(panel.time_zone) if panel.time_zone and on_utc else None
        locator = dates.AutoDateLocator(minticks=3, tz=zone)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=zone))


def _mark_categories(
    ax: Any,
    panel: Panel,
    member: tuple[int, int],
    steps: tuple[int, int],
    encodings: Sequence[Encoding],
) -> None:
    """Draw a bar and a name below the curve for each run of a category that is known ahead.

    member: a series and a row; steps: the first one and the one behind the last. An empty category
    has no name and no mark; a column that changes all the time has none either.
    """
    covariates, (s, h) = panel.covariates, member
    if covariates is None:
        return
    first, last = steps[0], min(steps[1], int(covariates.lengths[s]))
    lines = []
    for encoding in encodings:
        if encoding.role != "future" or encoding.categories is None:
            continue
        at, column = int(covariates.indptr[s]), covariates.names.index(encoding.name)
        values = covariates.values[at + first : at + last, column, h]
        cells = values.cpu().nan_to_num(-1).int().numpy()
        cuts = [0, *(np.flatnonzero(np.diff(cells)) + 1).tolist(), len(cells)]
        names = ("unknown", *encoding.categories, "")  # the last: missing
        runs = [(a, b, names[cells[a]]) for a, b in itertools.pairwise(cuts) if names[cells[a]]]
        if 0 < len(runs) <= _MOST_MARKS:
            lines.append(runs)
    low, high = ax.get_ylim()
    ax.set_ylim(low - _MARK_HEIGHT * len(lines) * (high - low), high)
    of_line = _MARK_HEIGHT / (1 + _MARK_HEIGHT * len(lines))  # of the axes' height
    wide = ax.figure.get_figwidth() / ax.get_subplotspec().get_gridspec().ncols  # inches
    letter = _LETTER_WIDTH / (0.92 * wide) * (last - first)  # steps
    half = np.diff(panel.times(s, np.arange(first, first + 2)))[0] / 2
    for line, runs in enumerate(lines):
        y = of_line * (line + 0.15)
        starts = [a for a, _, _ in runs[1:]] + [last - first]
        taken = 0.0  # up to this step names stand on the line
        for (a, b, name), following in zip(runs, starts, strict=True):
            x = panel.times(s, np.array([first + a, first + b - 1]))
            edges = [x[0] - half, x[1] + half]
            place = {"transform": ax.get_xaxis_transform(), "color": BLUE}
            ax.plot(edges, [y, y], lw=3, solid_capstyle="butt", **place)
            size = letter * (len(name) + 1)
            text = {"va": "bottom", "fontsize": 7, "parse_math": False, **place}
            if a + size <= following:
                ax.text(edges[0], y + 0.015, name, ha="left", **text)
                taken = a + size
            elif b - size >= taken and (b < following or b == last - first):
                ax.text(edges[1], y + 0.015, name, ha="right", **text)
                taken = b


def _tiles(panel: Panel, forecast: Forecast, most: int) -> tuple[list[tuple[int, int, int]], int]:
    """Which (forecast, target, row) are drawn, line by line, and in how many columns."""
    targets = range(len(panel.targets))
    has_forecast = forecast.has_forecast
    if not panel.rows:
        shown = _evenly_spaced(len(forecast.series), most)
        tiles = [(i, c, 0) for i in shown for c in targets if has_forecast[i, c, 0]][:most]
        return tiles, min(2, max(1, len(tiles)))
    members = has_forecast.any(1).nonzero().tolist()  # (forecast, row) with anything to draw
    kept = [members[m] for m in _evenly_spaced(len(members), most)]
    tiles = [(i, c, h) for i, h in kept for c in targets if has_forecast[i, c, h]]
    side_by_side = len(tiles) == len(kept) * len(targets) and 1 < len(targets) <= 4
    return tiles, len(targets) if side_by_side else min(3, max(1, len(tiles)))


def plot_errors_by_row(
    ours: dict[str, dict[str, Any]], naive: dict[str, dict[str, Any]], path: Path
) -> None:
    """Draw MASE of every row beside seasonal naive's to `path`, the worst on top.

    ours, naive: row -> metrics, as metrics.json has them.
    """
    named = [r for r in ours if None not in (ours[r]["mase"], naive[r]["mase"])]
    names = sorted(named, key=lambda r: ours[r]["mase"])[-_MOST_ROWS:]  # more cannot be read
    figure, axes = figure_grid(1, 1, 7, 1.1 + 0.21 * max(4, len(names)))
    ax = axes[0][0]
    at = np.arange(len(names))
    a, b = ([part[r]["mase"] for r in names] for part in (ours, naive))
    ax.hlines(at, a, b, color=GREY, alpha=0.3, lw=1.5)
    ax.plot(b, at, "o", ms=4.5, color=GREY, label="seasonal naive")
    ax.plot(a, at, "o", ms=5, color=ORANGE, label="tsconv")
    ax.set(yticks=at, xlabel="MASE on the test part")
    ax.set_yticklabels(names, parse_math=False)
    style_axes(ax)
    ax.grid(axis="x", alpha=0.25, lw=0.6)
    ax.set_ylim(-0.7, len(names) - 0.3)
    figure.legend(frameon=False, fontsize=8, ncols=2, loc="outside upper right")
    figure.savefig(path, dpi=110)


def _draw_fan(ax: Any, times: Any, values: Any, quantiles: tuple[float, ...]) -> None:
    """Draw the median and the central intervals. values: (horizon, Q)."""
    names = quantile_columns(quantiles)
    widths = [name.removeprefix("tsconv-lo-") for name in names if name.startswith("tsconv-lo-")]
    for width in widths:
        low, high = values[:, names[f"tsconv-lo-{width}"]], values[:, names[f"tsconv-hi-{width}"]]
        label = f"{width}% interval" if width == widths[0] else None
        ax.fill_between(times, low, high, color=ORANGE, alpha=0.16, lw=0, label=label)
    ax.plot(times, values[:, names["tsconv"]], color=ORANGE, lw=1.5, label="forecast")


def _evenly_spaced(count: int, most: int) -> list[int]:
    """At most `most` positions spread evenly over `count`."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, most))}) if count else []


def style_axes(ax: Any) -> None:
    """Give axes the look of all plots: no upper and right border, a light grid, small labels."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", alpha=0.25, lw=0.6)
    ax.tick_params(labelsize=8)
