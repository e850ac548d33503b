"""Normal forecasts made by hand, and a dependence of known correlation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tsconv.calibration.dependence import Dependence, DependenceCollector
from tsconv.calibration.knots import scores_of
from tsconv.data.panel.panel import Panel
from tsconv.forecasting.forecast import Forecast

GRID = (0.01, *(i / 20 for i in range(1, 20)), 0.99)


def shops(lengths: tuple[int, ...], last: int = 40) -> pd.DataFrame:
    """Daily series that end together, of two regions in turn, each in the region that it names."""
    parts = []
    for s, length in enumerate(lengths):
        ds = pd.date_range("2024-01-01", periods=last, freq="D")[last - length :]
        y = np.round(10 * (s + 1) + np.arange(length) % 7 + 0.1, 1)
        region = ("north", "south")[s % 2]
        parts.append(pd.DataFrame({"region": region, "shop": s, "ds": ds, "y": y}))
    return pd.concat(parts, ignore_index=True)


def normal_forecast(
    panel: Panel, horizon: int, std: float = 1.0, mean: Tensor | float = 0.0, back: int = 0
) -> Forecast:
    """N(mean, std) at every step, at the levels of GRID; `back` steps before the last ones."""
    shape = (len(panel), len(panel.targets), panel.n_rows, horizon, 1)
    middle = torch.as_tensor(mean, dtype=torch.float64).expand(shape)
    values = middle + std * scores_of(GRID)
    point = values[..., GRID.index(0.5)]
    return Forecast(
        values=values,
        quantiles=GRID,
        point=point,
        unlimited=point,
        has_forecast=torch.ones(shape[:3], dtype=torch.bool),
        series=torch.arange(len(panel)),
        origin=panel.lengths - 1 - back,
        skipped=(),
    )


def normal_scores(
    n: int, n_series: int, horizon: int, over_steps: float, over_series: float, seed: int = 0
) -> Tensor:
    """(N, K, 1, 1, h) standard normal scores with these correlations of neighbours and series."""
    generator = torch.Generator().manual_seed(seed)
    step = torch.arange(horizon, dtype=torch.float64)
    steps = over_steps ** (step[:, None] - step).abs()
    series = torch.full((n_series, n_series), over_series, dtype=torch.float64)
    series.fill_diagonal_(1)
    noise = torch.randn(n, n_series, horizon, generator=generator, dtype=torch.float64)
    factors = torch.linalg.cholesky(series), torch.linalg.cholesky(steps)
    return torch.einsum("ab,nbj,hj->nah", factors[0], noise, factors[1])[:, :, None, None]


def dependence_of(scores: Tensor) -> Dependence:
    """Templates with the scores (N, K, T, H, h), NaN where nothing was observed."""
    n, n_series, targets, rows, horizon = scores.shape
    collector = DependenceCollector(torch.arange(n).expand(n_series, n), targets, rows, horizon)
    first = torch.zeros(n_series, dtype=torch.int64)
    collector.add(torch.arange(n_series), first, 1, scores.permute(1, 2, 3, 0, 4))
    found = collector.finish()
    assert found is not None
    return found
