"""Backtests of networks with random weights on small panels, and their forecasts one by one."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from tests.helpers.frames import daily_frame, stations
from tests.helpers.networks import random_net
from tests.helpers.panels import panel_of
from tsconv.backtest.backtest import Backtest, backtest_panel
from tsconv.backtest.origins import choose_origins
from tsconv.config.schema import DataConfig
from tsconv.data.covariates.encode import Encoding, encode, fit_encodings, with_calendar
from tsconv.data.panel.panel import Panel
from tsconv.evaluation.scoring import ScoredBatch
from tsconv.evaluation.training_ends import describe_ends
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.forecasting.forecast import forecast_panel
from tsconv.forecasting.match import training_row_index
from tsconv.model.ensemble import Network

QUANTILES = (0.1, 0.5, 0.9)
Key = tuple[int, int, int, int]  # series, target, row and origin
Values = npt.NDArray[np.float64]


def shops(n_series: int = 3, length: int = 60, seed: int = 0) -> Panel:
    """Daily series of unlike starts and sizes, with holes."""
    frame = daily_frame(n_series, length, seed)
    rng = np.random.default_rng(seed + 1)
    step = frame.groupby("unique_id").cumcount()
    late = frame.unique_id.rank(method="dense").astype(int) * 3 - 3
    frame = frame[(step >= late) & (rng.random(len(frame)) > 0.1)]
    return panel_of(frame, freq="D")


def grouped_frame(seed: int = 0) -> pd.DataFrame:
    """Stations with holes, a number and a category that are known ahead."""
    frame = stations(70, seed=seed)
    rng = np.random.default_rng(seed + 1)
    frame["event"] = np.where(frame.ds.dt.day % 9 == 0, "fair", "none")
    frame["price"] = rng.normal(size=len(frame))
    frame.loc[rng.random(len(frame)) < 0.1, "no2"] = np.nan
    frame.loc[rng.random(len(frame)) < 0.1, "price"] = np.nan
    return frame


GROUPED: dict[str, Any] = {
    "id": None,
    "row": "place",
    "target": ["no2", "o3"],
    "past_covariates": "wind",
    "future_covariates": ["event", "price"],
    "categories": "event",
}


def bundle_of(
    net: Network, panel: Panel, encodings: tuple[Encoding, ...] = (), **info: Any
) -> Bundle:
    """A bundle as a training on the panel leaves it, of daily data with a season of a week."""
    return Bundle(
        net, DataConfig(), panel.frequency.alias, 7, info, panel.channels, panel.rows, encodings
    )


def grouped_bundle(frame: pd.DataFrame, **settings: Any) -> tuple[Bundle, Panel]:
    """A float64 network for `grouped_frame` with rows and covariates, and its panel."""
    panel = panel_of(frame, **GROUPED)
    encodings = fit_encodings(panel, panel.lengths)
    spec = {
        "n_past": 1,
        "n_future": 1,
        "future_categories": (2,),
        "calendar": ("weekday",),
        "quantiles": QUANTILES,
        "n_rows": 3,
        "rows": "pooled",
        "cross_row": "mean",
    }
    net = random_net(**{**spec, **settings})
    panel = with_calendar(encode(panel, encodings), net.spec.calendar, net.spec.horizon)
    return bundle_of(net, panel, encodings), panel


class Collected:
    """An observer that keeps each forecast by series, target, row and origin: (horizon, Q)."""

    def __init__(self) -> None:
        self.forecasts: dict[Key, Values] = {}

    def __call__(self, scored: ScoredBatch) -> None:
        found = scored.forecasts
        offset = found.observed.offset
        levels = torch.stack([v.double() + offset for v in found.levels], -1)  # (B, T, H, O, J, Q)
        for b, c, h, o in found.usable.nonzero().tolist():
            origin = int(found.batch.first[b]) + found.stride * o
            key = (int(found.batch.series[b]), c, h, origin)
            self.forecasts[key] = levels[b, c, h, o].numpy()


def one_by_one(bundle: Bundle, panel: Panel, keys: list[Key]) -> dict[Key, Values]:
    """The same forecasts, each from a forward of its own over its own context."""
    found = {}
    row_index = training_row_index(bundle, panel)
    for s, origin in sorted({(s, origin) for s, _, _, origin in keys}):
        origins = torch.full((len(panel),), -1)
        origins[s] = origin
        out = forecast_panel(bundle.net, panel, origins=origins, row_index=row_index)
        for c, h in out.has_forecast[0].nonzero().tolist():
            found[(s, c, h, origin)] = out.values[0, c, h].numpy()
    return found


def backtest(
    bundle: Bundle,
    panel: Panel,
    seen: int | None = None,
    horizon: int | None = None,
    observers: tuple[Any, ...] = (),
    **choice: Any,
) -> Backtest:
    """A backtest of a bundle that has seen so many steps of each series, None for no knowledge."""
    spec = bundle.net.spec
    steps = None
    if seen is not None:
        steps = panel.lengths.clamp_max(seen)
        ends = describe_ends(panel, steps)
        info = {**bundle.info, "trained_until": ends, "seen_until": ends}
        bundle = dataclasses.replace(bundle, info=info)
    horizon = horizon or spec.horizon
    origins = choose_origins(panel, spec.context_length, horizon, seen_steps=steps, **choice)
    return backtest_panel(bundle, panel, origins, horizon, observers)
