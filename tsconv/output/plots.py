"""Plots: the training curve, forecasts with their intervals, errors by row."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tsconv.atomic_write import replace_file
from tsconv.data.covariates.encode import Encoding
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.id_columns import SINGLE_SERIES
from tsconv.forecasting.forecast import Forecast
from tsconv.forecasting.frame import quantile_columns
from tsconv.forecasting.outputs import PICTURE_TITLE
from tsconv.output.category_marks import mark_categories
from tsconv.output.time_axis import format_time_axis

_MOST_ROWS = 100
_NO_NAME = "y"  # the target of wide files, whose columns are series or rows
_LIGHTEST, _DARKEST = 0.18, 0.6  # shades of the widest and the narrowest interval
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


def save_figure(figure: Any, path: Path, **further: Any) -> None:
    """Write a figure to `path` whole or not at all, in the format that its ending says.

    further: arguments of matplotlib's `savefig`. Raises OSError.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "empty.png"
    >>> save_figure(figure_grid(1, 1, 2, 1)[0], path)
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    with replace_file(path) as temporary, warnings.catch_warnings():
        # It names a character that the font lacks as it stands, which may steer a terminal.
        warnings.filterwarnings("ignore", message="Glyph ")
        figure.savefig(temporary, dpi=110, format=path.suffix[1:].lower(), **further)


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
    save_figure(figure, path)


def plot_forecasts(
    panel: Panel,
    forecast: Forecast,
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
        draw_forecast(ax, panel, forecast, forecast.quantiles, (i, c, h), encodings)
        s = int(forecast.series[i])
        ax.set_title(_title(panel, s, c, h), fontsize=9, loc="left", parse_math=False)
        style_axes(ax)
    for ax in list(axes.flat)[len(tiles) :]:
        ax.set_axis_off()
    if tiles:
        handles, labels = axes[0][0].get_legend_handles_labels()
        ncols = max(2, int(width * columns))
        if len(panel.targets) == 1 and panel.targets[0] != _NO_NAME and not _is_lone(panel):
            # The titles name the series alone.
            figure.suptitle(panel.targets[0], fontsize=10, ha="left", x=0.01, parse_math=False)
        figure.legend(
            handles, labels, frameon=False, fontsize=8, ncols=ncols, loc="outside upper right"
        )
    save_figure(figure, path, metadata={"Title": PICTURE_TITLE})


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
    mark_categories(ax, panel, (s, h), (first, t + 1 + horizon), encodings)
    format_time_axis(ax, panel, panel.times(s, np.array([first, t + horizon])))


def _title(panel: Panel, s: int, c: int, h: int) -> str:
    """The name of one (series, target, row); a lone series without an id has its target's name."""
    return panel.channels[c] if _is_lone(panel) else panel.name(s, c, h)


def _is_lone(panel: Panel) -> bool:
    """Whether the panel is one series without an id."""
    return len(panel) == 1 and not panel.rows and panel.ids[0] == SINGLE_SERIES


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
    ours: dict[str, dict[str, Any]], rival: dict[str, dict[str, Any]], path: Path, rival_name: str
) -> None:
    """Draw MASE of every row beside the rival's to `path`, the worst on top.

    ours, rival: row -> metrics, as metrics.json has them.
    """
    named = [r for r in ours if None not in (ours[r]["mase"], rival[r]["mase"])]
    names = sorted(named, key=lambda r: ours[r]["mase"])[-_MOST_ROWS:]  # more cannot be read
    figure, axes = figure_grid(1, 1, 7, 1.1 + 0.21 * max(4, len(names)))
    ax = axes[0][0]
    at = np.arange(len(names))
    a, b = ([part[r]["mase"] for r in names] for part in (ours, rival))
    ax.hlines(at, a, b, color=GREY, alpha=0.3, lw=1.5)
    ax.plot(b, at, "o", ms=4.5, color=GREY, label=rival_name)
    ax.plot(a, at, "o", ms=5, color=ORANGE, label="tsconv")
    ax.set(yticks=at, xlabel="MASE on the test part")
    ax.set_yticklabels(names, parse_math=False)
    style_axes(ax)
    ax.grid(axis="x", alpha=0.25, lw=0.6)
    ax.set_ylim(-0.7, len(names) - 0.3)
    figure.legend(frameon=False, fontsize=8, ncols=2, loc="outside upper right")
    save_figure(figure, path)


def _draw_fan(ax: Any, times: Any, values: Any, quantiles: tuple[float, ...]) -> None:
    """Draw the median and the central intervals. values: (horizon, Q)."""
    names = quantile_columns(quantiles)
    widths = [name.removeprefix("tsconv-lo-") for name in names if name.startswith("tsconv-lo-")]
    for number, width in enumerate(widths):  # the widest first, each in a darker shade
        low, high = values[:, names[f"tsconv-lo-{width}"]], values[:, names[f"tsconv-hi-{width}"]]
        shade = _LIGHTEST + (_DARKEST - _LIGHTEST) * number / max(1, len(widths) - 1)
        color = [1 - shade * (1 - part) for part in _rgb(ORANGE)]
        label = f"{width}% interval" if number == 0 else f"{width}%"
        ax.fill_between(times, low, high, color=color, lw=0, label=label, zorder=1)
    ax.plot(times, values[:, names["tsconv"]], color=ORANGE, lw=1.5, label="forecast")


def _rgb(color: str) -> tuple[float, ...]:
    """Red, green and blue of #rrggbb, from 0 to 1."""
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))


def _evenly_spaced(count: int, most: int) -> list[int]:
    """At most `most` positions spread evenly over `count`."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, most))}) if count else []


def style_axes(ax: Any) -> None:
    """Give axes the look of all plots: no upper and right border, a light grid, small labels."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", alpha=0.25, lw=0.6)
    ax.tick_params(labelsize=8)
