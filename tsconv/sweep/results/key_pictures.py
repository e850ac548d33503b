"""Pictures of the keys: how much each mattered, and the objective by their values."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import optuna
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from optuna.trial import FrozenTrial

from tsconv.config.schema import SweepConfig
from tsconv.output.plots import BLUE, ORANGE, figure_grid, style_axes
from tsconv.sweep.results.drawing import (
    MARGIN,
    draw_dots,
    draw_key_axis,
    draw_legend,
    draw_title,
    draw_value_axis,
    format_figure,
    objective_label,
)
from tsconv.sweep.results.scales import (
    Scale,
    cut_middle,
    even_ticks,
    key_scale,
    position_on,
    robust_scale,
)
from tsconv.sweep.results.summary import short_names
from tsconv.sweep.results.trials import (
    best_trials,
    completed,
    is_maximised,
    numbers_of,
    signs,
    values_of,
)
from tsconv.sweep.search_space.ranges import Range, Space

_RAMP = LinearSegmentedColormap.from_list("tsconv", ["#c3d1de", "#6f9fc8", "#0d3a66"])
_FEWEST = 5  # completed trials from which importances say anything
_NOT_USED = -0.2  # height of the lane for trials that did not draw a key


def importances(study: optuna.Study, sweep: SweepConfig, space: Space) -> Any:
    """How much each key mattered, a panel for each objective; None where nothing can be said."""
    shares_of = {name: key_shares(study, i, space) for i, name in enumerate(sweep.objectives)}
    shares_of = {name: shares for name, shares in shares_of.items() if shares}
    if not shares_of:
        return None
    names = short_names([key_range.key for key_range in space])
    keys = sorted(names, key=lambda key: sum(shares[key] for shares in shares_of.values()))
    figure, axes = figure_grid(1, len(shares_of), 2 + 3.6 * len(shares_of), 1.1 + 0.3 * len(keys))
    for ax, (name, shares) in zip(axes[0], shares_of.items(), strict=True):
        values = [100 * shares[key] for key in keys]
        bars = ax.barh(range(len(keys)), values, height=0.62, color=BLUE, alpha=0.85)
        labels = [f"{value:.0f}%" if value >= 0.5 else "<1%" for value in values]
        ax.bar_label(bars, labels, padding=3, fontsize=8)
        style_axes(ax)
        ax.set_yticks(range(len(keys)), [cut_middle(names[k], 32) for k in keys], parse_math=False)
        ax.tick_params(left=False, labelleft=ax is axes[0][0])
        ax.set(xticks=[], xlim=(0, 1.12 * max(values)))
        ax.grid(visible=False)
        ax.spines["bottom"].set_visible(False)
        ax.set_title(name, fontsize=9, loc="left", parse_math=False)
    count = len(completed(study))
    draw_title(figure, f"How much each key mattered, estimated from {count} completed trials")
    return figure


def key_shares(study: optuna.Study, objective: int, space: Space) -> dict[str, float]:
    """Each key's share in what separates good trials from others, by PED-ANOVA.

    Watanabe, Bansal and Hutter 2023, arXiv 2304.10255, as Optuna has it. The shares add up to 1;
    {} where too few trials, too few keys or equal values leave nothing to estimate.
    """
    trials = completed(study)
    if len(space) < 2 or len(trials) < _FEWEST or len(set(values_of(trials, objective))) < 2:
        return {}
    sign = -signs(study)[objective]  # Optuna takes less as better where a target is given
    try:
        with warnings.catch_warnings(action="ignore"):
            found = optuna.importance.get_param_importances(
                study, target=lambda t: sign * t.values[objective], normalize=False
            )
    except Exception:  # a missing picture is no reason for a finished sweep to fail
        return {}
    shares = {key_range.key: found.get(key_range.key, 0) for key_range in space}
    total = sum(shares.values())
    return {key: share / total for key, share in shares.items()} if total > 0 else {}


def slices(study: optuna.Study, sweep: SweepConfig, space: Space) -> Any:
    """The first objective by each key's value, a panel for each key; a matplotlib Figure."""
    columns = min(4, len(space))
    lines = -(-len(space) // columns)
    figure, axes = figure_grid(lines, columns, max(6, 1.2 + 2.7 * columns), 1 + 2.4 * lines)
    trials, best = completed(study), best_trials(study)[0]
    scale = robust_scale(values_of(trials, 0), is_maximised(study, 0))
    ages = Normalize(0, max(1, trials[-1].number))
    names = short_names([key_range.key for key_range in space])
    for ax in list(axes.flat)[len(space) :]:
        ax.set_axis_off()
    for at, (key_range, ax) in enumerate(zip(space, axes.flat, strict=False)):
        drew = [t for t in trials if key_range.key in t.params]
        draw_value_axis(ax, scale, sweep.objectives[0] if at % columns == 0 else "")
        ax.tick_params(labelleft=at % columns == 0)
        _draw_slice(ax, key_range, drew, scale, _RAMP(ages(numbers_of(drew))), best)
        some = f" ({len(drew)} trials)" if len(drew) < len(trials) else ""
        title = cut_middle(names[key_range.key], 34) + some
        ax.set_title(title, fontsize=9, loc="left", parse_math=False)
    style = {"ticks": even_ticks(5, whole=True), "aspect": 40, "fraction": 0.03, "pad": 0.01}
    bar = figure.colorbar(ScalarMappable(ages, _RAMP), ax=axes, label="trial", **style)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8)
    draw_title(figure, f"{objective_label(study, sweep, 0)} by the value of each key")
    draw_legend(figure, axes)
    return figure


def _draw_slice(
    ax: Any,
    key_range: Range,
    drew: list[FrozenTrial],
    scale: Scale,
    colours: Any,
    best: FrozenTrial,
) -> None:
    ax.set_xlim(-1.5 * MARGIN, 1 + 1.5 * MARGIN)
    ticks = key_scale(key_range).ticks()
    crowded = sum(len(label) + 2 for label in ticks.values()) > 38
    turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    ax.set_xticks(list(ticks), list(ticks.values()), parse_math=False, **turned)
    positions = [position_on(key_range, t) for t in drew]
    draw_dots(ax, positions, scale.position(values_of(drew, 0)), colours, 26)
    if key_range.key in best.params:
        style = {"color": "none", "ec": ORANGE, "lw": 1.8, "zorder": 3}
        at = position_on(key_range, best), scale.position(best.values[0])
        ax.scatter(*at, s=80, label=f"trial {best.number}, the best", **style)


def parallel(study: optuna.Study, sweep: SweepConfig, space: Space) -> Any:
    """A line for each completed trial over all keys, with the first objective at its end."""
    trials, best, sign = completed(study), best_trials(study)[0], signs(study)[0]
    scale = robust_scale(values_of(trials, 0), sign > 0)
    figure, axes = figure_grid(1, 1, max(6, 1.35 * (len(space) + 1)), 4.6)
    ax = axes[0][0]
    ax.set_axis_off()
    ranked = sorted(trials, key=lambda t: (t.number == best.number, sign * t.values[0]))
    for rank, trial in enumerate(ranked):
        heights = [position_on(r, trial) if r.key in trial.params else _NOT_USED for r in space]
        heights.append(float(np.clip(scale.position(trial.values[0]), 0, 1)))
        # By rank, and squared: few are dark, however many are nearly as good as each other.
        shade = _RAMP((rank / len(ranked)) ** 2), 1.1 if len(ranked) < 80 else 0.8
        colour, width = (ORANGE, 2.2) if trial.number == best.number else shade
        ax.plot(heights, color=colour, lw=width, marker="o", ms=2.5)
    names = short_names([key_range.key for key_range in space])
    floor = 0.0
    for at, key_range in enumerate(space):
        ends = {0.0: f"{key_range.low:g}", 1.0: f"{key_range.high:g}"}
        marks = key_scale(key_range).ticks() if key_range.choices else ends
        if any(key_range.key not in t.params for t in trials):
            marks[_NOT_USED] = "not used"
            floor = _NOT_USED
        draw_key_axis(ax, at, names[key_range.key], marks)
    marks = {0.0: format_figure(scale.low), 1.0: format_figure(scale.high)}
    worst = (min if sign > 0 else max)(values_of(trials, 0))
    if not scale.low <= worst <= scale.high:
        marks[0.0 if sign > 0 else 1.0] += f" to {format_figure(worst)}"
    draw_key_axis(ax, len(space), sweep.objectives[0], marks)
    ax.set(xlim=(-0.3, len(space) + 0.4), ylim=(floor - 0.04, 1.04))
    guide = f"the better, the darker; trial {best.number}, the best, in orange"
    draw_title(figure, f"Completed trials: {guide}")
    return figure
