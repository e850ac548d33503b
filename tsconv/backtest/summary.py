"""The summary that `tsconv backtest` prints: how close forecasts were, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsconv.backtest.rival_words import rival_words
from tsconv.backtest.statistical.models import NAMES as STATISTICAL_NAMES
from tsconv.evaluation.rivals import describe_baseline
from tsconv.output.metrics_table import percent_change
from tsconv.output.tables import Column, format_number, format_table
from tsconv.text import plural

_SHOWN = (
    "mae", "rmse", "smape", "mase", "rmsse", "wape", "bias", "wql", "crps", "coverage_80",
    "width_80", "revision",
)  # fmt: skip
_NO_CHANGE = ("bias", "coverage_80", "width_80", "revision")
_CHANCE = 0.05  # p values below it are called more than chance


def summary_text(metrics: Mapping[str, Any]) -> str:
    """The figures beside the rival's, all baselines with their chances, and what to know of them.

    metrics: as `metrics.json` of a backtest has them.
    """
    judged, rival = metrics["judged"], metrics["rival"]
    ours = metrics[judged]
    parts = [_range_line(metrics), ""]
    if rival is None:
        theirs, name = {}, ""
    else:
        theirs = ours["baselines"][rival]
        name = describe_baseline(rival, metrics["baseline_steps"][rival])
    parts.append(_metrics_table(metrics, ours, theirs, name))
    if rival is not None:
        parts += ["", _baselines_table(metrics)]
    if "statistical" in metrics:
        parts += ["", _statistical_table(metrics)]
    parts += remarks(metrics)
    return "\n".join(parts)


def verdict(metrics: Mapping[str, Any]) -> str:
    """One sentence: how much closer than the rival, over how many forecasts, and the coverage.

    metrics: as `metrics.json` of a backtest has them.
    """
    judged, rival = metrics["judged"], metrics["rival"]
    ours = metrics[judged]
    what = " that the training had not seen"
    if not metrics["knows_training"]:
        what = ""
    elif metrics["held_out"] is None:
        what = " whose outcomes the training has used"
    parts = [f"{plural(ours['n_origins'], 'forecast')}{what}"]
    change = change_to(ours, rival, metrics["compared_by"])
    if change is not None:
        name = rival_words(str(rival), metrics["baseline_steps"][rival], metrics["freq"])
        side = "closer" if change < 0 else "further off"
        chance = metrics["chance"].get(rival)
        unsure = chance is None or chance["p_value"] >= _CHANCE
        doubt = ", which may be chance" if unsure and abs(change) > 1e-12 else ""
        parts = [f"{_percent(abs(change))} {side} than {name}{doubt}, over {parts[0]}"]
    covered = ours.get("coverage_80")
    if covered is not None:
        parts.append(f"the 80% intervals held {_percent(covered)}")
    return "; ".join(parts) + "."


def remarks(metrics: Mapping[str, Any]) -> list[str]:
    """What a reader must know of the figures, a sentence each."""
    out = []
    if not metrics["knows_training"]:
        out.append(
            "the bundle does not say which steps its training has used: figures of those flatter"
        )
    elif metrics["held_out"] is None:
        out.append(
            "the training has used all of these steps: the figures flatter; train with a test part "
            "and without refit, or backtest on newer data"
        )
    elif metrics["seen"] is not None:
        share = metrics["seen"]["n_origins"]
        out.append(
            f"not counted here: {plural(share, 'origin')} whose outcomes the training has used "
            f"(`seen` in metrics.json)"
        )
    left = metrics["left_out"]
    for key, why in (
        ("mase", "hardly change in the training part, and are not in mase and rmsse"),
        ("scaled", "have no spread in the training part, and are not in the test of chance"),
        ("wape", "are 0 throughout: wape and wql divide by the sum over all series"),
    ):
        if left[key]:
            out.append(f"{plural(left[key], 'series', 'series')} {why}")
    return out


def _range_line(metrics: Mapping[str, Any]) -> str:
    origins = metrics["origins"]
    stride = "" if origins["stride"] == 1 else f", every {origins['stride']} steps"
    total = plural(metrics["overall"]["n_origins"], "origin")
    line = f"{total} from {origins['first']} to {origins['last']}{stride}"
    if metrics["held_out"] is not None and metrics["seen"] is not None:
        unseen = metrics["held_out"]["n_origins"]
        line += f"; {unseen:,} from {origins['held_out_from']} on, which the training had not seen"
    return line


def _metrics_table(
    metrics: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any], name: str
) -> str:
    columns = [Column(14, "<"), Column(12), Column(max(12, len(name)), indent=2), Column(8, ">", 1)]
    unseen = metrics["held_out"] is not None and metrics["knows_training"]
    heading = "held out" if unseen else "all origins"
    lines = [[heading, "tsconv", name, ""]]
    for key in _SHOWN:
        a, b = ours.get(key), theirs.get(key)
        if a is None:
            continue
        change = [] if key in _NO_CHANGE else percent_change(a, b)
        lines.append([key, format_number(a, ".4g"), format_number(b, ".4g"), *change])
    lines.append(["n_origins", f"{ours['n_origins']:,}", "", ""])
    return format_table(columns, lines)


def _baselines_table(metrics: Mapping[str, Any]) -> str:
    """All simple forecasts, the best first, and whether the difference is more than chance."""
    ours, steps = metrics[metrics["judged"]], metrics["baseline_steps"]
    columns = [Column(30, "<"), Column(12), Column(12), Column(26, indent=2)]
    lines = [["forecast", "mae", "tsconv", "more than chance?"]]
    scores = {k: v["mae"] for k, v in ours["baselines"].items() if v["mae"] is not None}
    for key in sorted(scores, key=scores.__getitem__):
        words = describe_baseline(key, steps[key])
        lines.append(_forecast_line(words, ours, scores[key], metrics["chance"][key]))
    return format_table(columns, lines)


def _statistical_table(metrics: Mapping[str, Any]) -> str:
    """Statistical models, the best first, beside the network at the points of their own."""
    found, rival = metrics["statistical"], metrics["rival"]
    ours = found["tsconv"]
    columns = [Column(30, "<"), Column(12), Column(12), Column(26, indent=2)]
    n, dates = found["n_origins"], f"every {found['stride']} steps"
    lines = [[f"{n:,} origins, {dates}", "mae", "tsconv", "more than chance?"]]
    scores = {k: v["mae"] for k, v in found["baselines"].items() if v["mae"] is not None}
    for key in sorted(scores, key=scores.__getitem__):
        if key == rival:
            words = describe_baseline(key, metrics["baseline_steps"][key])
            lines.append([*_forecast_line(words, ours, scores[key], None)[:3], ""])
        else:
            chance = found["chance"][key]
            lines.append(_forecast_line(STATISTICAL_NAMES[key], ours, scores[key], chance))
    if ours["mae"] is not None:
        lines.append(["tsconv", f"{ours['mae']:.4g}", "", ""])
    return format_table(columns, lines)


def _forecast_line(
    words: str, ours: Mapping[str, Any], mae: float, chance: Mapping[str, Any] | None
) -> list[str]:
    """A forecast's error, by how much ours differs from it, and whether that is chance."""
    change = "".join(percent_change(ours["mae"], mae))
    return [words, f"{mae:.4g}", change, chance_words(chance)]


def chance_words(chance: Mapping[str, Any] | None) -> str:
    """Whether a difference is more than chance, in words.

    >>> chance_words({"p_value": 0.2}), chance_words({"p_value": 0.0001}), chance_words(None)
    ('no (p = 0.20)', 'yes (p < 0.001)', 'too few origins to say')
    """
    if chance is None:
        return "too few origins to say"
    p = chance["p_value"]
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < _CHANCE else f"p = {p:.2f}"
    return f"{'yes' if p < _CHANCE else 'no'} ({shown})"


def change_to(ours: Mapping[str, Any], rival: str | None, key: str) -> float | None:
    """The relative difference to the rival's error; None where there is nothing to divide by.

    ours: a part of metrics.json. key: of the error.
    """
    if rival is None:
        return None
    a, b = ours.get(key), ours["baselines"][rival].get(key)
    return float(a / b - 1) if a is not None and b else None


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%" if share >= 0.0095 or share == 0 else f"{100 * share:.1f}%"
