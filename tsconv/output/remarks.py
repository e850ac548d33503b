"""Sentences on the test figures: what to mind, which figure to look at, and who is better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsconv.evaluation.rivals import describe_baseline
from tsconv.text import plural

_UNLIKE = 10  # spreads that differ by more than this factor
_CLEAR = 0.5  # per cent: a smaller difference has no sign
# Two figures that may disagree on who is better, and which to look at then.
_DISAGREEMENTS = (
    (
        "mae",
        "mase",
        "the largest series dominate mae, and every series counts alike in mase; look at mase "
        "unless "
        "the largest series matter most",
    ),
    (
        "scaled_mae",
        "mase",
        "series count by the number of their values in scaled_mae and alike in mase; look at mase "
        "where short series matter as much as long ones",
    ),
    (
        "mae",
        "mse",
        "a few large errors dominate mse; look at mse where one large error costs more than "
        "several small ones, else at mae",
    ),
    (
        "mae",
        "wql",
        "mae judges the median alone, wql the intervals too; look at wql where you use the "
        "intervals, else at mae",
    ),
    (
        "mae",
        "smape",
        "smape counts an error by its share of the value, so values near zero rule it; look at mae "
        "unless shares matter more to you than amounts",
    ),
)


def has_unlike_sizes(metrics: Mapping[str, Any]) -> bool:
    """Whether the spreads of what was scored differ by more than a factor of 10.

    >>> has_unlike_sizes({"n_scored": 3, "spread_ratio": 40.0})
    True
    """
    ratio = metrics.get("spread_ratio")
    return ratio is not None and ratio > _UNLIKE


def error_name(metrics: Mapping[str, Any]) -> str:
    """The error that compares forecasts: `scaled_mae`, or `mae` where no series has a spread.

    metrics: as `metrics.json` has them, with a test part.
    """
    return "mae" if metrics["test"].get("scaled_mae") is None else "scaled_mae"


def summary_remarks(metrics: Mapping[str, Any]) -> list[str]:
    """What a reader of the test figures should know, one sentence or two each.

    metrics: as `metrics.json` has them, with a test part and a rival.
    """
    test = metrics["test"]
    remarks = [
        _rival_choice(metrics),
        _closer_baseline(metrics),
        _better_baseline(metrics),
        _disagreement(metrics),
    ]
    left_out, stride = test.get("mase_left_out") or 0, test.get("origin_stride") or 1
    if left_out:
        remarks.append(
            f"mase leaves out {plural(left_out, 'series', 'series')} that hardly "
            f"{'changes' if left_out == 1 else 'change'} in the training part"
        )
    if stride > 1:
        remarks.append(
            f"scored: every {stride}{_ordinal(stride)} step of the test part as an origin "
            f"(split.test_stride=1 scores all)"
        )
    conformal = metrics.get("conformal")
    if conformal is not None and conformal["kind"] != "none":
        remarks.append(f"intervals are calibrated: {conformal['text']}")
    if metrics.get("point") == "mean":
        remarks.append("the point forecast is the mean, and the errors are its own")
    return [remark for remark in remarks if remark]


def _rival_choice(metrics: Mapping[str, Any]) -> str:
    """On which part the rival was chosen, where it was not the validation part."""
    if metrics.get("rival_chosen_on") == "val":
        return ""
    return "no validation part: the simple forecast beside tsconv is the best one on the test part"


def _closer_baseline(metrics: Mapping[str, Any]) -> str:
    """By how much the network beats the best simple forecast of the test part, if not the rival."""
    test, name, rival = metrics["test"], error_name(metrics), metrics["rival"]
    ours = test.get(name)
    scores = {k: v[name] for k, v in test["baselines"].items() if v.get(name) is not None}
    if ours is None or rival not in scores:
        return ""
    best = min(scores, key=scores.__getitem__)
    if scores[best] >= scores[rival] or scores[best] <= ours:
        return ""
    steps = metrics["baseline_steps"]
    return (
        f"{describe_baseline(rival, steps[rival])} was the best simple forecast on the validation "
        f"part; on the test part it is {describe_baseline(best, steps[best])}, and tsconv is "
        f"{100 * (1 - ours / scores[best]):.1f}% better than that ({name})"
    )


def _better_baseline(metrics: Mapping[str, Any]) -> str:
    """The best of the simple forecasts that beat the network on the test part."""
    test, name = metrics["test"], error_name(metrics)
    ours = test.get(name)
    scores = {k: v[name] for k, v in test["baselines"].items() if v.get(name) is not None}
    if ours is None or not scores:
        return ""
    best = min(scores, key=scores.__getitem__)
    if scores[best] >= ours:
        return ""
    words = describe_baseline(best, metrics["baseline_steps"][best])
    share = 100 * (1 - scores[best] / ours)
    if share < _CLEAR:
        return f"{words} is as good as tsconv here ({name} {scores[best]:.4g}, tsconv {ours:.4g})"
    return (
        f"{words} is better than tsconv here by {share:.1f}% ({name} {scores[best]:.4g}, tsconv "
        f"{ours:.4g}): use it, or give the network more to learn from (a longer context_length, "
        f"covariates, more data)"
    )


def _disagreement(metrics: Mapping[str, Any]) -> str:
    """Which figure to look at where one is better than the rival's and another is worse."""
    test, rival = metrics["test"], metrics["test"]["baselines"][metrics["rival"]]
    change = {}
    for key in ("scaled_mae", "mase", "mae", "mse", "wql", "smape"):
        ours, theirs = test.get(key), rival.get(key)
        if ours is not None and theirs:
            change[key] = 100 * (ours / theirs - 1)
    for a, b, why in _DISAGREEMENTS:
        if a not in change or b not in change:
            continue
        clear = min(abs(change[a]), abs(change[b])) >= _CLEAR
        if clear and (change[a] < 0) != (change[b] < 0):
            words = [
                f"{key} is {abs(change[key]):.1f}% {'better' if change[key] < 0 else 'worse'}"
                for key in (a, b)
            ]
            return f"{' and '.join(words)}: {why}"
    return ""


def _ordinal(number: int) -> str:
    """The ending of an ordinal number: 2 -> "nd".

    >>> [f"{n}{_ordinal(n)}" for n in (2, 3, 7, 11, 21)]
    ['2nd', '3rd', '7th', '11th', '21st']
    """
    if number % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
