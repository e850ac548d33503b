"""The summary that `tsconv train` prints: test figures beside those of simple forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tsconv.evaluation.rivals import describe_baseline
from tsconv.output.remarks import error_name, has_unlike_sizes, summary_remarks
from tsconv.output.tables import Column, format_number, format_table

# In units of each series, where series are of unlike size; then the rest, in the units of the data.
_COMPARABLE = ("scaled_mae", "mase", "wql", "scaled_mse", "smape", "coverage_80")
_RAW = ("mae", "mse", "rmse")
# The order of the table where all series are of one size.
_ALL = (
    "mse", "mae", "rmse", "smape", "mase", "wql", "coverage_80", "scaled_mse", "scaled_mae",
    "n_origins",
)  # fmt: skip
_NOT_ERRORS = ("n_origins", "coverage_80")


def summary_text(metrics: Mapping[str, Any]) -> str:
    """The test figures of metrics.json as text: beside the rival's, all baselines, and remarks.

    metrics: as `metrics.json` has them, with a test part.
    """
    test, rival = metrics["test"], metrics.get("rival")
    if rival is None:  # nothing that was scored has an observed value
        return metrics_table(test, {}, "")
    name = describe_baseline(rival, metrics["baseline_steps"][rival])
    n_unlike = metrics["n_scored"] if has_unlike_sizes(metrics) else None
    parts = [
        metrics_table(test, test["baselines"][rival], name, n_unlike)
        + breakdown_tables(test, test["baselines"][rival], name),
        baselines_table(metrics),
        *summary_remarks(metrics),
    ]
    return "\n".join(part for part in parts if part)


def metrics_table(
    ours: Mapping[str, Any], rival: Mapping[str, Any], rival_name: str, n_unlike: int | None = None
) -> str:
    """The test metrics beside the rival's, one a line, and the difference in per cent.

    ours, rival: metrics as `metrics.json` has them. rival_name: in words. n_unlike: the number of
    series where they are of unlike size: what can be compared then comes first, and a line marks
    the means over values of unlike size.

    >>> ours, naive = {"mae": 0.3914, "n_origins": 2785}, {"mae": 0.5, "n_origins": 2785}
    >>> print(metrics_table(ours, naive, "last value"))  # doctest: +NORMALIZE_WHITESPACE
    test                tsconv      last value
    mae                 0.3914             0.5    -21.7%
    n_origins            2,785           2,785
    """
    columns = _columns(14, rival_name)
    lines: list[list[str]] = [["test", "tsconv", rival_name, ""]]
    for key in _ALL if n_unlike is None else (*_COMPARABLE, *_RAW, "n_origins"):
        a, b = ours.get(key), rival.get(key)
        if a is None:
            continue
        if n_unlike is not None and key == _RAW[0]:
            lines.append([f"(mean over {n_unlike:,} series of unlike size:)"])
        spec = "," if key == "n_origins" else ".4g"
        change = [] if key in _NOT_ERRORS else percent_change(a, b)
        other = [] if b is None else [format(b, spec)]
        lines.append([key, format(a, spec), *other, *change])
    return format_table(columns, lines)


def breakdown_tables(
    ours: Mapping[str, Any], rival: Mapping[str, Any], rival_name: str, most: int = 12
) -> str:
    """MASE by channel and by row beside the rival's, the worst first; "" for neither.

    ours, rival: metrics as `metrics.json` has them. most: lines of each table. The text begins with
    a line end, to follow `metrics_table`.
    """
    columns = _columns(26, rival_name, longest=25)
    text = ""
    for key, heading in (("by_channel", "mase by channel"), ("by_row", "mase by row")):
        parts = {k: v for k, v in ours.get(key, {}).items() if v["mase"] is not None}
        if not parts:
            continue
        lines = [[heading, "tsconv", rival_name]]
        worst_first = sorted(parts, key=lambda k: -parts[k]["mase"])
        for name in worst_first[:most]:
            a, b = parts[name]["mase"], rival[key][name]["mase"]
            lines.append([name, f"{a:.4g}", format_number(b, ".4g"), *percent_change(a, b)])
        text += f"\n{format_table(columns, lines)}"
        if len(parts) > most:
            text += f"\n... {len(parts) - most} more in metrics.json"
    return text


def baselines_table(metrics: Mapping[str, Any]) -> str:
    """tsconv and all simple forecasts on the test part, the best first.

    metrics: as `metrics.json` has them, with a test part.
    """
    test, steps = metrics["test"], metrics["baseline_steps"]
    first = error_name(metrics)
    keys = [key for key in (first, "mase", "wql") if test.get(key) is not None]
    scores = {"tsconv": test}
    for key, part in test["baselines"].items():
        scores.setdefault(
            describe_baseline(key, steps[key]), part
        )  # a season of 1 is the last value
    named = {k: v for k, v in scores.items() if v.get(first) is not None}
    best_first = sorted(named, key=lambda k: named[k][first])
    width = max(26, *(len(name) + 1 for name in named))
    columns = (Column(width, "<"), *(Column(12) for _ in keys))
    lines = [[f"all, best {first} first", *keys]]
    lines += [
        [name, *(format_number(named[name].get(key), ".4g") for key in keys)] for name in best_first
    ]
    return format_table(columns, lines)


def _columns(width: int, rival_name: str, longest: int | None = None) -> Sequence[Column]:
    rival = max(16, len(rival_name) + 2)
    return (Column(width, "<", longest=longest), Column(12), Column(rival), Column(10))


def percent_change(ours: float, rival: float | None) -> list[str]:
    """A cell with how far ours is above the rival's, in per cent; [] without a base.

    >>> percent_change(0.75, 1.0), percent_change(0.75, None)
    (['-25.0%'], [])
    """
    return [f"{100 * (ours - rival) / rival:+.1f}%"] if rival else []
