"""The components of a report: how large each is, and the latest forecasts as sums of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from tsconv.backtest.run import BacktestResult
from tsconv.forecasting.forecast import forecast_panel
from tsconv.forecasting.match import training_row_index
from tsconv.report.content.common_times import time_texts
from tsconv.report.content.series import Place, plain

_MOST = 6  # examples


def components_content(
    result: BacktestResult, places: Sequence[Place], featured: Sequence[int]
) -> dict[str, Any] | None:
    """Names, mean sizes and examples; None where the backtest made no components.

    places: series, targets and rows that are drawn. featured: positions of the examples in it.
    """
    sizes = result.metrics.get("components")
    if not sizes:
        return None
    names = [name for name in sizes if sizes[name] > 0]
    return {
        "names": [component_words(name) for name in names],
        "share": [float(f"{sizes[name]:.6g}") for name in names],
        "examples": _examples(result, places, list(featured)[:_MOST]),
    }


def component_words(name: str) -> str:
    """A component as people call it.

    >>> component_words("2-seasons-back"), component_words("state-covariate-price")
    ('2 seasons back', 'price, through the state')
    """
    inner = name.removeprefix("state-")
    through = ", through the state" if inner != name else ""
    for prefix in ("covariate-", "calendar-"):
        if inner.startswith(prefix):
            return f"{inner.removeprefix(prefix)}{through}"
    return inner.replace("-", " ")


def _examples(
    result: BacktestResult, places: Sequence[Place], featured: Sequence[int]
) -> list[dict[str, Any]]:
    """The last forecast of each featured place that was scored, and the parts of its median."""
    backtest = result.backtest
    panel, bundle, part = backtest.panel, backtest.bundle, backtest.judged.origins
    last = part.first + (part.counts - 1) * part.stride
    chosen = {places[i][0] for i in featured}
    wanted = torch.tensor([s in chosen for s in range(len(panel))]) & (part.counts > 0)
    if not bool(wanted.any()):
        return []
    forecast = forecast_panel(
        bundle.net,
        panel,
        origins=torch.where(wanted, last, -1),
        row_index=training_row_index(bundle, panel),
        components=True,
        season=bundle.season,
    ).head(backtest.horizon)
    number = {s: i for i, s in enumerate(forecast.series.tolist())}
    middle = bundle.net.quantiles.index(0.5)
    out = []
    for i in featured:
        s, c, h = places[i]
        if s not in number or not bool(forecast.has_forecast[number[s], c, h]):
            continue
        n = number[s]
        steps = int(forecast.origin[n]) + np.arange(1, backtest.horizon + 1)
        parts = {k: v[n, c, h].numpy() for k, v in forecast.components.items()}
        out.append(
            {
                "series": i,
                "times": time_texts(panel.times(s, steps), panel),
                "values": {component_words(k): plain(v) for k, v in parts.items()},
                "median": plain(forecast.values[n, c, h, :, middle].numpy()),
            }
        )
    return out
