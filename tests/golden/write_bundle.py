"""Write a folder for `test_bundles.py` with the version of tsconv that runs.

    python -m tests.golden.write_bundle calibrated_bundle

A folder holds `data.csv`, a bundle trained on it, and what it forecasts. Folders are written once,
when the format of bundles or a kind of network is new, and stay as they are from then on.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from tsconv.config.compose import train_config
from tsconv.forecaster import Forecaster
from tsconv.model.ensemble import EnsembleNet
from tsconv.model.network import ForecastNet
from tsconv.training.run import train

HERE = Path(__file__).parent
SMALL = {
    "horizon": 4, "context_length": 14, "model.hidden": 4, "model.levels": 2,
    "trainer.max_steps": 30, "compile": "false", "precision": "float32", "threads": 1,
    "split.val_size": 20, "split.test_size": 8, "callbacks.progress": "false", "plots": "false",
    "logger": "none", "refit": "false",
}  # fmt: skip
SHOPS = {"data.time": "day", "data.id": "shop", "data.target": "sold"}
STATIONS = {
    "data.time": "day", "data.id": "null", "data.row": "place", "data.target": "[no2,o3]",
    "data.past_covariates": "wind", "model.rows": "pooled", "model.cross_row": "mean",
}  # fmt: skip
CALENDAR = {"features.calendar": "[weekday]"}
# What each folder is trained on, and further settings; of several, the networks are averaged.
KINDS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "calibrated_bundle": ("shops", [{"conformal": "split"}]),
    "count_bundle": ("shops", [{"head": "negative_binomial", "data.lower": 0}]),
    "rows_bundle": ("stations", [{}]),
    "several_networks": ("shops", [{}, {"context_length": 21, "model.hidden": 6, **CALENDAR}]),
    "third_format": ("shops", [{"conformal": "adaptive", "data.lower": 0, **CALENDAR}]),
    "third_format_several": ("stations", [{}, {"context_length": 21, "model.rows": "separate"}]),
}


def shops() -> pd.DataFrame:
    """Counts of 90 days with a weekly season, of three shops of unlike size; one day is missing."""
    day = np.arange(90)
    parts = []
    for k, size in enumerate((3, 9, 40)):
        wave = 1 + 0.5 * np.sin(2 * np.pi * (day + k) / 7) + 0.3 * np.sin(0.7 * day * (k + 1))
        parts.append(pd.DataFrame({"shop": f"00{k + 1}", "day": day, "sold": size * wave}))
    frame = pd.concat(parts, ignore_index=True)
    frame["sold"] = frame.sold.round().astype(int)
    return _dated(frame).drop(index=40)


def stations() -> pd.DataFrame:
    """Two gases of 90 days at three places, and the wind that is observed with them."""
    day = np.arange(90)
    parts = []
    for k, place in enumerate(("dock", "hill", "park")):
        wind = 3 + np.sin(0.9 * day + k)
        no2 = 20 + 5 * k + 4 * np.sin(2 * np.pi * day / 7 + k) - wind
        o3 = 50 - 0.8 * no2 + 2 * np.cos(1.3 * day)
        values = {"no2": no2.round(1), "o3": o3.round(1), "wind": wind.round(2)}
        parts.append(pd.DataFrame({"place": place, "day": day, **values}))
    return _dated(pd.concat(parts, ignore_index=True))


def _dated(frame: pd.DataFrame) -> pd.DataFrame:
    first = pd.Timestamp("2024-01-01")
    return frame.assign(day=(first + pd.to_timedelta(frame.day, "D")).dt.strftime("%Y-%m-%d"))


def write(name: str) -> None:
    """Make the folder `name`; raises FileExistsError where it is there."""
    data, settings = KINDS[name]
    folder = HERE / name
    folder.mkdir()
    path = folder / "data.csv"
    {"shops": shops, "stations": stations}[data]().to_csv(path, index=False)
    bundles = []
    for further in settings:
        roles = SHOPS if data == "shops" else STATIONS
        with tempfile.TemporaryDirectory() as run:
            keys = {**SMALL, **roles, **further, "data.path": path, "run_dir": run}
            bundles.append(train(train_config([f"{k}={v}" for k, v in keys.items()])).bundle)
    bundle = bundles[0]
    if len(bundles) > 1:
        nets = [b.net for b in bundles if isinstance(b.net, ForecastNet)]
        bundle = dataclasses.replace(bundle, net=EnsembleNet(nets, [2.0, 1.0]))
    forecaster = Forecaster()
    forecaster._bundle = bundle
    forecaster.save(folder / "bundle")
    with patch("tsconv.forecasting.frame.round_to_data", lambda values, _: values):
        found = Forecaster.load(folder / "bundle").forecast(str(path), columns="nixtla")
    found.to_csv(folder / "expected.csv", index=False)


if __name__ == "__main__":
    for kind in sys.argv[1:]:
        write(kind)
