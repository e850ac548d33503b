"""The best published figures of a data set, from tables of published results."""

from __future__ import annotations

import csv
import re
from pathlib import Path

LONG_TERM, M4 = "longterm.csv", "m4.csv"
_M4_PREFIX = "M4 "
# Papers that drop the last test batch score other windows than we do, so only lines count whose
# source says that nothing was dropped.
_ALL_WINDOWS = re.compile(r"drop_last=False|no drop_last", re.IGNORECASE)


def best_published(folder: Path, data_set: str, horizon: int) -> dict[str, float]:
    """The lowest error of each metric among comparable results; {} where there is none.

    folder: with `longterm.csv` (model, dataset, horizon, mse, mae, source) and `m4.csv` (model,
    frequency, mase, smape); a missing file has no results. data_set: as longterm.csv has it, or
    `M4 Hourly`. Metrics are called as in metrics.json, and may come from different models.
    """
    if data_set.startswith(_M4_PREFIX):
        frequency = data_set.removeprefix(_M4_PREFIX)
        lines = [line for line in _lines(folder / M4) if line["frequency"] == frequency]
        return _lowest(lines, {"mase": "mase", "smape": "smape"})
    lines = [
        line
        for line in _lines(folder / LONG_TERM)
        if (line["dataset"], line["horizon"]) == (data_set, str(horizon))
        and _ALL_WINDOWS.search(line["source"])
    ]
    return _lowest(lines, {"scaled_mse": "mse", "scaled_mae": "mae"})


def _lines(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _lowest(lines: list[dict[str, str]], columns: dict[str, str]) -> dict[str, float]:
    """The least number in each column that has one, by the metric's name."""
    found = {
        metric: [float(line[column]) for line in lines if line[column]]
        for metric, column in columns.items()
    }
    return {metric: min(values) for metric, values in found.items() if values}
