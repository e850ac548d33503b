"""The four cards of a report: skill, error, bias and coverage, each with its rival and chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tsconv.backtest.backtest import Backtest
from tsconv.backtest.chance import chance_figures
from tsconv.backtest.rival_words import rival_words
from tsconv.backtest.summary import chance_words, change_to
from tsconv.data.batches.common_grid import common_steps
from tsconv.evaluation.significance import compare, overlap_of

Card = dict[str, str | None]


def cards_of(backtest: Backtest, metrics: dict[str, Any]) -> list[Card]:
    """The cards, over the origins that are judged.

    metrics: of `metrics_of`.
    """
    ours, rival = metrics[metrics["judged"]], metrics["rival"]
    theirs: dict[str, Any] = {} if rival is None else ours["baselines"][rival]
    name = ""
    if rival is not None:
        name = rival_words(rival, metrics["baseline_steps"][rival], metrics["freq"])
    return [
        _skill(metrics, ours, theirs, name),
        _error(ours, theirs, name, len(backtest.panel.targets)),
        _bias(backtest, ours, theirs, name),
        _coverage(backtest, ours),
    ]


def number(value: float | None) -> str:
    """A figure for people: three or four digits, thousands apart.

    >>> number(12345.678), number(0.012345), number(None)
    ('12,346', '0.0123', '')
    """
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.4g}"


def _skill(
    metrics: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any], name: str
) -> Card:
    key = metrics["compared_by"]
    change = change_to(ours, metrics["rival"], key)
    skill = None if change is None else -change
    unit = "" if key == "mae" else " deviations of each series"
    value = "" if skill is None else f"{100 * abs(skill):.0f}%"
    side = "closer than" if (skill or 0) >= 0 else "further off than"
    return {
        "key": "skill",
        "title": "Skill",
        "value": value,
        "detail": f"{side} {name}" if name else "no simple forecast to compare with",
        "rival": f"{number(ours[key])} against {number(theirs.get(key))}{unit}" if theirs else None,
        "chance": f"More than chance: {chance_words(metrics['chance'].get(metrics['rival']))}",
    }


def _error(ours: dict[str, Any], theirs: dict[str, Any], name: str, n_channels: int) -> Card:
    share = ours["wape"]
    units = "in the units of the data"
    if n_channels > 1:
        units = f"the mean over {n_channels} channels, each in its own units"
    return {
        "key": "error",
        "title": "Error",
        "value": number(ours["mae"]),
        "detail": f"mean absolute error, {units}"
        + (f"; {100 * share:.3g}% of the mean size" if share is not None else ""),
        "rival": f"{name}: {number(theirs['mae'])}" if theirs.get("mae") is not None else None,
        "chance": None,
    }


def _bias(backtest: Backtest, ours: dict[str, Any], theirs: dict[str, Any], name: str) -> Card:
    bias, mae = ours["bias"], ours["mae"]
    side = "too high" if (bias or 0) > 0 else "too low"
    share = f", {100 * abs(bias) / mae:.0f}% of the error" if mae else ""
    return {
        "key": "bias",
        "title": "Bias",
        "value": f"{'+' if (bias or 0) > 0 else ''}{number(bias)}",
        "detail": f"forecasts are {side} on average{share}" if bias else "no bias",
        "rival": f"{name}: {number(theirs['bias'])}" if theirs.get("bias") is not None else None,
        "chance": f"More than chance: {chance_words(_chance_by_date(backtest, 'error', 0.0))}",
    }


def _coverage(backtest: Backtest, ours: dict[str, Any]) -> Card:
    interval = backtest.judged.steps.interval
    card: Card = {"key": "coverage", "title": "Coverage", "rival": None, "chance": None}
    if interval is None:
        return {**card, "value": "none", "detail": "the bundle forecasts no intervals"}
    size = interval[0]
    chance = chance_words(_chance_by_date(backtest, "inside", size / 100))
    return {
        **card,
        "value": f"{100 * ours[f'coverage_{size}']:.0f}%",
        "detail": f"of the observations lie in the {size}% intervals, which are "
        f"{number(ours[f'width_{size}'])} wide",
        "rival": "simple forecasts give no intervals",
        "chance": f"Off by more than chance: {chance}",
    }


def _chance_by_date(backtest: Backtest, name: str, expected: float) -> dict[str, Any] | None:
    """Whether a mean over all forecasts differs from what is expected by more than chance.

    By the date that was forecast, over all series: forecasts for one date depend on each other.
    """
    part, panel = backtest.judged, backtest.panel
    time = common_steps(panel)
    inverse = part.steps.inverse.repeat_interleave(panel.lengths.cpu(), dim=0)  # (N, T, H)
    weight = inverse if name == "error" else (inverse > 0).to(inverse)
    sums = torch.zeros(2, int(time.max()) + 1, dtype=torch.float64)
    value = (part.steps.by_target[name] * weight).flatten(1).sum(1)
    points = (part.steps.by_target["points"] * (inverse > 0)).flatten(1).sum(1)
    sums[0].index_add_(0, time, value.double())
    sums[1].index_add_(0, time, points.double())
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (sums[0] / sums[1]).numpy() - expected
    return chance_figures(compare(mean, overlap_of(backtest.horizon), sums[1].numpy()))
