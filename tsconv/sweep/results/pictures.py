"""Pictures of a finished sweep: its history, what mattered, and every key beside the objective."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from optuna.trial import FrozenTrial, TrialState

from tsconv.config.schema import SweepConfig
from tsconv.output.plots import BLUE, GREY, ORANGE, figure_grid, finish
from tsconv.sweep.results.drawing import (
    MARGIN,
    Scale,
    completed,
    draw_dots,
    draw_legend,
    draw_line_axis,
    draw_value_axis,
    headline,
    key_scale,
    label_of,
    maximised,
    name_trials,
    number,
    numbers_of,
    others_of,
    place,
    robust_scale,
    running_best,
    shortened,
    signs_of,
    steps_of,
    values_of,
)
from tsconv.sweep.results.summary import best_trials, finished, short_names
from tsconv.sweep.search_space.ranges import Range, Space

_RAMP = LinearSegmentedColormap.from_list("tsconv", ["#c3d1de", "#6f9fc8", "#0d3a66"])
_REPORTED = "val.scaled_mae"  # what trials report while they train: all that a pruned one has
_FEWEST = 5  # completed trials from which importances say anything
_NOT_USED = -0.2  # height of the lane for trials that did not draw a key


def draw_all(study: optuna.Study, sweep: SweepConfig, space: Space, folder: Path) -> None:
    """Draw what the trials have to show; nothing where none was completed."""
    if not best_trials(study):
        return
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "history": history(study, sweep),
        "importances": importances(study, sweep, space),
        "slices": slices(study, sweep, space),
        "parallel": parallel(study, sweep, space),
        "pareto": pareto(study, sweep),
    }
    for name, figure in pictures.items():
        if figure is not None:  # renamed into place: two sweeps on one study may draw at once
            staging = folder / f".{name}.{os.getpid()}.part"
            figure.savefig(staging, dpi=110, format="png")
            os.replace(staging, folder / f"{name}.png")


def history(study: optuna.Study, sweep: SweepConfig) -> Any:
    """Every trial's value by its number, a panel for each objective."""
    count = len(sweep.objectives)
    figure, axes = figure_grid(count, 1, 7.5, 1 + 2.7 * count)
    for i, ax in enumerate(axes[:, 0]):
        _draw_history(ax, study, sweep, i)
    axes[-1][0].set_xlabel("trial", fontsize=9)
    draw_legend(figure, axes)
    return figure


def _draw_history(ax: Any, study: optuna.Study, sweep: SweepConfig, i: int) -> None:
    trials, done, front = finished(study), completed(study), best_trials(study)
    several, last = len(study.directions) > 1, trials[-1].number + 0.7
    pruned = [t for t in trials if t.state == TrialState.PRUNED]
    known = [t for t in pruned if t.values and sweep.objectives[i] == _REPORTED]
    scale = robust_scale(values_of(done, i), maximised(study, i), values_of(front, i))
    # Half trained trials may be far off: the completed ones keep a third of the height at least.
    near = [v for v in values_of(known, i) if -2 <= scale.share(v) <= 3]
    scale = Scale(min([scale.low, *near]), max([scale.high, *near]), scale.log)
    draw_value_axis(ax, scale, sweep.objectives[i])
    ax.set_xlim(-0.7, last)
    ax.xaxis.set_major_locator(steps_of(10, whole=True))
    for some, colour, size, name in (
        (others_of(done, front) if several else done, BLUE, 24, "completed"),
        (front if several else [], ORANGE, 34, "Pareto front"),
        (known, GREY, 9, "pruned"),
    ):
        draw_dots(ax, numbers_of(some), scale.share(values_of(some, i)), colour, size, name)
    if not several:
        so_far = scale.share(running_best(values_of(done, i), maximised(study, i)))
        style = {"color": ORANGE, "lw": 1.2, "label": "best so far"}
        ax.step([*numbers_of(done), last], [*so_far, so_far[-1]], where="post", **style)
    for some, marker, name in (
        (others_of(pruned, known), "|", "pruned"),
        ([t for t in trials if t.state == TrialState.FAIL], "x", "failed"),
    ):
        if some:
            edge = [0.02 - MARGIN] * len(some)
            ax.scatter(numbers_of(some), edge, s=22, lw=1, marker=marker, color=GREY, label=name)
    best = max(front, key=lambda t: signs_of(study)[i] * t.values[i])
    which = f"trial {best.number} is the best with {number(best.values[i])}"
    title = f"{label_of(study, sweep, i)}: {which}"
    ax.set_title(title, fontsize=10, loc="left", pad=8, parse_math=False)


def importances(study: optuna.Study, sweep: SweepConfig, space: Space) -> Any:
    """How much each key mattered, a panel for each objective; None where nothing can be said."""
    found = {name: key_shares(study, i, space) for i, name in enumerate(sweep.objectives)}
    found = {name: shares for name, shares in found.items() if shares}
    if not found:
        return None
    names = short_names([each.key for each in space])
    keys = sorted(names, key=lambda key: sum(shares[key] for shares in found.values()))
    figure, axes = figure_grid(1, len(found), 2 + 3.6 * len(found), 1.1 + 0.3 * len(keys))
    for ax, (name, shares) in zip(axes[0], found.items(), strict=True):
        values = [100 * shares[key] for key in keys]
        bars = ax.barh(range(len(keys)), values, height=0.62, color=BLUE, alpha=0.85)
        ax.bar_label(bars, fmt="%.0f%%", padding=3, fontsize=8)
        finish(ax)
        ax.set_yticks(range(len(keys)), [shortened(names[k], 32) for k in keys], parse_math=False)
        ax.tick_params(left=False, labelleft=ax is axes[0][0])
        ax.set(xticks=[], xlim=(0, 1.12 * max(values)))
        ax.grid(visible=False)
        ax.spines["bottom"].set_visible(False)
        ax.set_title(name, fontsize=9, loc="left", parse_math=False)
    count = len(completed(study))
    headline(figure, f"How much each key mattered, estimated from {count} completed trials")
    return figure


def key_shares(study: optuna.Study, i: int, space: Space) -> dict[str, float]:
    """Each key's share in what tells good trials from others; {} where nothing can be told."""
    trials = completed(study)
    if len(space) < 2 or len(trials) < _FEWEST or len(set(values_of(trials, i))) < 2:
        return {}
    sign = -signs_of(study)[i]  # the less, the better, is what is assumed of a target
    try:
        with warnings.catch_warnings(action="ignore"):
            found = optuna.importance.get_param_importances(
                study, target=lambda t: sign * t.values[i], normalize=False
            )
    except Exception:  # one picture less is no reason for a finished sweep to fail
        return {}
    total = sum(found.get(each.key, 0) for each in space)
    return {each.key: found.get(each.key, 0) / total for each in space} if total > 0 else {}


def slices(study: optuna.Study, sweep: SweepConfig, space: Space) -> Any:
    """The first objective by each key's value."""
    columns = min(4, len(space))
    rows = -(-len(space) // columns)
    figure, axes = figure_grid(rows, columns, max(6, 1.2 + 2.7 * columns), 1 + 2.4 * rows)
    trials, best = completed(study), best_trials(study)[0]
    scale = robust_scale(values_of(trials, 0), maximised(study, 0))
    ages = Normalize(0, max(1, trials[-1].number))
    names = short_names([each.key for each in space])
    for ax in list(axes.flat)[len(space) :]:
        ax.set_axis_off()
    for at, (each, ax) in enumerate(zip(space, axes.flat, strict=False)):
        drew = [t for t in trials if each.key in t.params]
        draw_value_axis(ax, scale, sweep.objectives[0] if at % columns == 0 else "")
        ax.tick_params(labelleft=at % columns == 0)
        _draw_slice(ax, each, drew, scale, _RAMP(ages(numbers_of(drew))), best)
        some = f" ({len(drew)} trials)" if len(drew) < len(trials) else ""
        title = shortened(names[each.key], 34) + some
        ax.set_title(title, fontsize=9, loc="left", parse_math=False)
    style = {"ticks": steps_of(5, whole=True), "aspect": 40, "fraction": 0.03, "pad": 0.01}
    bar = figure.colorbar(ScalarMappable(ages, _RAMP), ax=axes, label="trial", **style)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8)
    headline(figure, f"{label_of(study, sweep, 0)} by the value of each key")
    draw_legend(figure, axes)
    return figure


def _draw_slice(
    ax: Any, each: Range, drew: list[FrozenTrial], scale: Scale, colours: Any, best: FrozenTrial
) -> None:
    ax.set_xlim(-1.5 * MARGIN, 1 + 1.5 * MARGIN)
    ticks = key_scale(each).ticks()
    crowded = sum(len(label) + 2 for label in ticks.values()) > 38
    turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    ax.set_xticks(list(ticks), list(ticks.values()), parse_math=False, **turned)
    draw_dots(ax, [place(each, t) for t in drew], scale.share(values_of(drew, 0)), colours, 26)
    if each.key in best.params:
        style = {"color": "none", "ec": ORANGE, "lw": 1.8, "zorder": 3}
        name = f"trial {best.number}, the best"
        ax.scatter(place(each, best), scale.share(best.values[0]), s=80, label=name, **style)


def parallel(study: optuna.Study, sweep: SweepConfig, space: Space) -> Any:
    """A line for each completed trial over all keys, with the first objective at its end."""
    trials, best, sign = completed(study), best_trials(study)[0], signs_of(study)[0]
    scale = robust_scale(values_of(trials, 0), sign > 0)
    figure, axes = figure_grid(1, 1, max(6, 1.35 * (len(space) + 1)), 4.6)
    ax = axes[0][0]
    ax.set_axis_off()
    ranked = sorted(trials, key=lambda t: (t.number == best.number, sign * t.values[0]))
    for rank, trial in enumerate(ranked):
        heights = [place(r, trial) if r.key in trial.params else _NOT_USED for r in space]
        heights.append(float(np.clip(scale.share(trial.values[0]), 0, 1)))
        # By rank, and squared: few are dark, however many are nearly as good as each other.
        shade = _RAMP((rank / len(ranked)) ** 2), 1.1 if len(ranked) < 80 else 0.8
        colour, width = (ORANGE, 2.2) if trial.number == best.number else shade
        ax.plot(heights, color=colour, lw=width, marker="o", ms=2.5)
    names = short_names([each.key for each in space])
    floor = 0.0
    for at, each in enumerate(space):
        numeric = {0.0: f"{each.low:g}", 1.0: f"{each.high:g}"}
        marks = key_scale(each).ticks() if each.choices else numeric
        if any(each.key not in t.params for t in trials):
            marks[_NOT_USED] = "not used"
            floor = _NOT_USED
        draw_line_axis(ax, at, names[each.key], marks)
    marks = {0.0: number(scale.low), 1.0: number(scale.high)}
    worst = (min if sign > 0 else max)(values_of(trials, 0))
    if not scale.low <= worst <= scale.high:
        marks[0.0 if sign > 0 else 1.0] += f" to {number(worst)}"
    draw_line_axis(ax, len(space), sweep.objectives[0], marks)
    ax.set(xlim=(-0.3, len(space) + 0.4), ylim=(floor - 0.04, 1.04))
    guide = f"the better, the darker; trial {best.number}, the best, in orange"
    headline(figure, f"Completed trials: {guide}")
    return figure


def pareto(study: optuna.Study, sweep: SweepConfig) -> Any:
    """The first two objectives and the trials that no other beats; None for one objective."""
    if len(sweep.objectives) < 2:
        return None
    trials, front, signs = completed(study), best_trials(study), signs_of(study)
    figure, axes = figure_grid(1, 1, 7, 4.8)
    ax = axes[0][0]
    x, y = (robust_scale(values_of(trials, i), signs[i] > 0, values_of(front, i)) for i in (0, 1))
    draw_value_axis(ax, y, label_of(study, sweep, 1))
    ax.set_xlim(-MARGIN, 1 + MARGIN)
    ax.set_xticks(list(x.ticks()), list(x.ticks().values()))
    ax.set_xlabel(label_of(study, sweep, 0), fontsize=9, parse_math=False)
    others = others_of(trials, front)
    at = x.share(values_of(others, 0)), y.share(values_of(others, 1))
    draw_dots(ax, *at, BLUE, 24, "completed")
    places = np.column_stack([x.share(values_of(front, 0)), y.share(values_of(front, 1))])
    line = "-" if len(sweep.objectives) == 2 else "none"  # a front of three is no line in two
    style = {"marker": "o", "ms": 6, "color": ORANGE, "lw": 1.2, "zorder": 3}
    ax.plot(*places.T, ls=line, label="Pareto front", **style)
    name_trials(ax, front, places, signs)
    text = f"Beaten by no other: {len(front)} of {len(trials)} completed trials"
    count = len(sweep.objectives)
    headline(figure, text + (f" (by all {count} objectives)" if count > 2 else ""))
    draw_legend(figure, axes)
    return figure
