"""Pictures of a backtest: error by horizon, error over time, and coverage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsconv.backtest.backtest import Backtest
from tsconv.evaluation.rivals import describe_baseline
from tsconv.output.plots import BLUE, GREY, ORANGE, figure_grid, save_figure, style_axes

_MOST_POINTS = 400  # of a line over time; more are averaged
_STYLES = ("--", ":", "-.", "-")


def plot_backtest(backtest: Backtest, over_time: pd.DataFrame, folder: Path) -> None:
    """Draw error_by_horizon.png, error_over_time.png and, with quantiles, coverage.png.

    over_time: of `over_time_frame`. folder: exists.
    """
    plot_by_horizon(backtest, folder / "error_by_horizon.png")
    plot_over_time(backtest, over_time, folder / "error_over_time.png")
    if len(backtest.quantiles) > 1:
        plot_coverage(backtest, folder / "coverage.png")


def plot_by_horizon(backtest: Backtest, path: Path) -> None:
    """Draw the error of each step of the horizon, beside those of the simple forecasts."""
    part = backtest.judged
    figure, axes = figure_grid(1, 1, 7, 3.6)
    ax = axes[0][0]
    steps = np.arange(1, backtest.horizon + 1)
    marker = "o" if backtest.horizon <= 30 else None
    words = {b.key: describe_baseline(b.key, b.steps) for b in backtest.baselines}
    others = [key for key in part.simple if key != backtest.rival]
    for i, key in enumerate(others):
        error = part.simple[key].columns("step")["mae"].numpy()
        ax.plot(
            steps,
            error,
            color=GREY,
            lw=1,
            alpha=0.6,
            ls=_STYLES[i % len(_STYLES)],
            label=words[key],
        )
    if backtest.rival is not None:
        error = part.simple[backtest.rival].columns("step")["mae"].numpy()
        ax.plot(steps, error, color=ORANGE, lw=1.6, ls="--", label=words[backtest.rival])
    ours = part.ours.columns("step")["mae"].numpy()
    ax.plot(steps, ours, color=BLUE, lw=2, marker=marker, ms=3, label="tsconv")
    ax.set(xlabel="steps ahead", ylabel="mean absolute error", title=_title(backtest))
    ax.title.set_fontsize(9)
    ax.set_ylim(bottom=0)
    figure.legend(frameon=False, fontsize=8, ncols=3, loc="outside lower center")
    style_axes(ax)
    save_figure(figure, path)


def plot_over_time(backtest: Backtest, frame: pd.DataFrame, path: Path) -> None:
    """Draw the error of the forecasts for each time, and where the training ended."""
    figure, axes = figure_grid(1, 1, 9, 3.4)
    ax = axes[0][0]
    group = np.arange(len(frame)) // max(1, -(-len(frame) // _MOST_POINTS))
    time = _plain_time(frame["ds"])
    middle = pd.Series(time).groupby(group).first().to_numpy()

    def mean(name: str) -> Any:
        total = (frame[name] * frame["n"]).groupby(group).sum()
        return (total / frame["n"].groupby(group).sum()).to_numpy()

    if backtest.rival is not None:
        steps = {b.key: b.steps for b in backtest.baselines}
        words = describe_baseline(backtest.rival, steps[backtest.rival])
        ax.plot(middle, mean(f"{backtest.rival}_mae"), color=ORANGE, lw=1, ls="--", label=words)
    ax.plot(middle, mean("mae"), color=BLUE, lw=1.4, label="tsconv")
    many = int(backtest.judged.ours.scored.sum()) > 1
    unit = " in units of each series' deviation" if many else ""
    ax.set(ylabel=f"mean absolute error\n{unit.strip()}".strip(), xlabel="time that was forecast")
    ax.set_ylim(bottom=0)
    if backtest.seen is not None and backtest.held_out is not None:
        _mark_training(ax, backtest)
    figure.legend(frameon=False, fontsize=8, ncols=2, loc="outside upper right")
    style_axes(ax)
    save_figure(figure, path)


def plot_coverage(backtest: Backtest, path: Path) -> None:
    """Draw which share of the observations was at most each quantile, against what it should be."""
    ours = backtest.judged.ours
    figure, axes = figure_grid(1, 1, 4, 4)
    ax = axes[0][0]
    observed = [share if share is not None else np.nan for share in ours.quantile_coverage()]
    ax.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--")
    ax.text(0.55, 0.42, "dashed: as it should be", fontsize=8, color=GREY)
    ax.plot(ours.quantiles, observed, color=BLUE, marker="o", ms=4)
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="quantile", ylabel="share of observations below it")
    ax.set_aspect("equal")
    style_axes(ax)
    save_figure(figure, path)


def _title(backtest: Backtest) -> str:
    count = int(backtest.judged.ours.result()["n_origins"] or 0)
    used = "that the training has used" if backtest.held_out is None else "held out"
    return f"{count:,} origins {used}"


def _mark_training(ax: Any, backtest: Backtest) -> None:
    """A line where the training ended."""
    panel, held = backtest.panel, backtest.origins.held_out
    some = (held.counts > 0).numpy()
    begin = panel.frequency.advance(panel.start[some], held.first.numpy()[some] + 1).min()
    ax.axvline(_plain_time(pd.Series([begin]))[0], color=GREY, lw=1)
    ax.annotate(
        "held out from here ",
        (_plain_time(pd.Series([begin]))[0], ax.get_ylim()[1]),
        ha="right",
        va="top",
        fontsize=8,
        color=GREY,
    )


def _plain_time(time: pd.Series) -> Any:
    if getattr(time.dtype, "tz", None) is not None:
        time = time.dt.tz_localize(None)
    return time.to_numpy()
