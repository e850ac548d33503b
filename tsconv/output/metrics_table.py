"""The tables that `tsconv train` prints: test metrics beside the baseline's."""

from __future__ import annotations

from typing import Any

from tsconv.evaluation.metrics import METRIC_NAMES
from tsconv.output.tables import Column, format_table


def metrics_table(ours: dict[str, Any], naive: dict[str, Any]) -> str:
    """The test metrics beside seasonal naive's, one a line, and the difference in per cent.

    ours, naive: metrics as `metrics.json` has them.

    >>> ours, naive = {"mae": 0.3914, "n_origins": 2785}, {"mae": 0.5, "n_origins": 2785}
    >>> print(metrics_table(ours, naive))  # doctest: +NORMALIZE_WHITESPACE
    test                tsconv  seasonal naive
    mae                 0.3914             0.5    -21.7%
    n_origins            2,785           2,785
    """
    columns = (Column(14, "<"), Column(12), Column(16), Column(10))
    lines = [["test", "tsconv", "seasonal naive", ""]]
    for key in METRIC_NAMES:
        a, b = ours.get(key), naive.get(key)
        if a is None:
            continue
        spec = "," if key == "n_origins" else ".4g"
        change = [] if key in ("n_origins", "coverage_80") else _percent_change(a, b)
        other = [] if b is None else [format(b, spec)]
        lines.append([key, format(a, spec), *other, *change])
    return format_table(columns, lines)


def breakdown_tables(ours: dict[str, Any], naive: dict[str, Any], most: int = 12) -> str:
    """MASE by channel and by row beside seasonal naive's, the worst first; "" for neither.

    ours, naive: metrics as `metrics.json` has them. most: lines of each table. The text begins with
    a line end, to follow `metrics_table`.
    """
    columns = (Column(26, "<", longest=25), Column(12), Column(16), Column(10))
    text = ""
    for key, heading in (("by_channel", "mase by channel"), ("by_row", "mase by row")):
        parts = {k: v for k, v in ours.get(key, {}).items() if v["mase"] is not None}
        if not parts:
            continue
        lines = [[heading, "tsconv", "seasonal naive"]]
        worst_first = sorted(parts, key=lambda k: -parts[k]["mase"])
        for name in worst_first[:most]:
            a, b = parts[name]["mase"], naive[key][name]["mase"]
            lines.append([name, f"{a:.4g}", f"{b or 0:.4g}", *_percent_change(a, b)])
        text += f"\n{format_table(columns, lines)}"
        if len(parts) > most:
            text += f"\n... {len(parts) - most} more in metrics.json"
    return text


def _percent_change(ours: float, naive: float | None) -> list[str]:
    """A cell with how far ours is above seasonal naive's, in per cent; [] without a base."""
    return [f"{100 * (ours - naive) / naive:+.1f}%"] if naive else []
