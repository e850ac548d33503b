"""Pictures of the objectives: their history over the trials, and the Pareto front of two."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

from tsconv.config.schema import SweepConfig
from tsconv.output.plots import BLUE, GREY, ORANGE, figure_grid
from tsconv.sweep.results.drawing import (
    MARGIN,
    draw_dots,
    draw_legend,
    draw_title,
    draw_trial_numbers,
    draw_value_axis,
    format_figure,
    objective_label,
)
from tsconv.sweep.results.scales import Scale, even_ticks, robust_scale, running_best
from tsconv.sweep.results.trials import (
    best_trials,
    completed,
    excluding,
    finished,
    is_maximised,
    numbers_of,
    signs,
    values_of,
)

_REPORTED = "val.scaled_mae"  # what trials report during training, all that pruned ones have


def history(study: optuna.Study, sweep: SweepConfig) -> Any:
    """Every trial's value by its number, a panel for each objective; a matplotlib Figure."""
    count = len(sweep.objectives)
    figure, axes = figure_grid(count, 1, 7.5, 1 + 2.7 * count)
    for objective, ax in enumerate(axes[:, 0]):
        _draw_history(ax, study, sweep, objective)
    axes[-1][0].set_xlabel("trial", fontsize=9)
    draw_legend(figure, axes)
    return figure


def _draw_history(ax: Any, study: optuna.Study, sweep: SweepConfig, objective: int) -> None:
    trials, done, front = finished(study), completed(study), best_trials(study)
    several, last = len(study.directions) > 1, trials[-1].number + 0.7
    pruned = [t for t in trials if t.state == TrialState.PRUNED]
    failed = [t for t in trials if t.state == TrialState.FAIL]
    reported = [t for t in pruned if t.values and sweep.objectives[objective] == _REPORTED]
    values = values_of(done, objective)
    maximise = is_maximised(study, objective)
    scale = robust_scale(values, maximise, values_of(front, objective))
    # Half trained trials may be far off: the completed ones keep a third of the height at least.
    near = [v for v in values_of(reported, objective) if -2 <= scale.position(v) <= 3]
    scale = Scale(min([scale.low, *near]), max([scale.high, *near]), scale.log)
    draw_value_axis(ax, scale, sweep.objectives[objective])
    ax.set_xlim(-0.7, last)
    ax.xaxis.set_major_locator(even_ticks(10, whole=True))
    for some, colour, size, name in (
        (excluding(done, front) if several else done, BLUE, 24, "completed"),
        (front if several else [], ORANGE, 34, "Pareto front"),
        (reported, GREY, 9, "pruned"),
    ):
        heights = scale.position(values_of(some, objective))
        draw_dots(ax, numbers_of(some), heights, colour, size, name)
    if not several:
        so_far = scale.position(running_best(values, maximise))
        style = {"color": ORANGE, "lw": 1.2, "label": "best so far"}
        ax.step([*numbers_of(done), last], [*so_far, so_far[-1]], where="post", **style)
    # Trials without a value stand at the lower edge.
    for some, marker, name in (
        (excluding(pruned, reported), "|", "pruned"),
        (failed, "x", "failed"),
    ):
        if some:
            edge = [0.02 - MARGIN] * len(some)
            ax.scatter(numbers_of(some), edge, s=22, lw=1, marker=marker, color=GREY, label=name)
    best = max(front, key=lambda t: signs(study)[objective] * t.values[objective])
    text = f"trial {best.number} is the best with {format_figure(best.values[objective])}"
    title = f"{objective_label(study, sweep, objective)}: {text}"
    ax.set_title(title, fontsize=10, loc="left", pad=8, parse_math=False)


def pareto(study: optuna.Study, sweep: SweepConfig) -> Any:
    """The first two objectives and the trials that no other beats; None for one objective."""
    if len(sweep.objectives) < 2:
        return None
    trials, front = completed(study), best_trials(study)
    figure, axes = figure_grid(1, 1, 7, 4.8)
    ax = axes[0][0]
    x, y = (
        robust_scale(values_of(trials, i), is_maximised(study, i), values_of(front, i))
        for i in (0, 1)
    )
    draw_value_axis(ax, y, objective_label(study, sweep, 1))
    ax.set_xlim(-MARGIN, 1 + MARGIN)
    ax.set_xticks(list(x.ticks()), list(x.ticks().values()))
    ax.set_xlabel(objective_label(study, sweep, 0), fontsize=9, parse_math=False)
    others = excluding(trials, front)
    at = x.position(values_of(others, 0)), y.position(values_of(others, 1))
    draw_dots(ax, *at, BLUE, 24, "completed")
    points = np.column_stack([x.position(values_of(front, 0)), y.position(values_of(front, 1))])
    count = len(sweep.objectives)
    line = "-" if count == 2 else "none"  # a front of three objectives is no line in two of them
    style = {"marker": "o", "ms": 6, "color": ORANGE, "lw": 1.2, "zorder": 3}
    ax.plot(*points.T, ls=line, label="Pareto front", **style)
    draw_trial_numbers(ax, front, points, signs(study))
    text = f"Beaten by no other: {len(front)} of {len(trials)} completed trials"
    draw_title(figure, text + (f" (by all {count} objectives)" if count > 2 else ""))
    draw_legend(figure, axes)
    return figure
