"""AutoETS and AutoTheta of statsforecast, where it is installed, at some origins of the test part.

Each fit is of one series up to one origin, so only some origins are forecast; the network and its
rival are scored at the same ones.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel
from tsconv.evaluation.metrics import MetricSums, SeriesScale

Floats = npt.NDArray[np.float64]
Forecaster = Callable[[Floats, int], Floats]  # history without NaN, horizon -> forecasts
_LEAST_ORIGINS = 4  # of a series, where it has as many and there are more series than fits
_LONGEST_SEASON = 24  # that exponential smoothing is fitted with


def statistical_models(season: int) -> dict[str, Forecaster]:
    """AutoETS and AutoTheta for a season in steps; {} where statsforecast is not installed."""
    if importlib.util.find_spec("statsforecast") is None:
        return {}
    from statsforecast.models import AutoETS, AutoTheta

    length = season if season <= _LONGEST_SEASON else 1

    def of(model: Any) -> Forecaster:
        return lambda history, horizon: model.forecast(y=history, h=horizon)["mean"]

    return {"AutoETS": of(AutoETS(season_length=length)),
            "AutoTheta": of(AutoTheta(season_length=length))}  # fmt: skip


def sample_origins(origins: OriginRange, members: int, fits: int, season: int) -> OriginRange:
    """At most about `fits` pairs of an origin and a member of a series, spread over both.

    origins: of the test part. members: targets times rows of a series. season: steps; the stride
    has no divisor in common with it, so that the origins meet every phase. Series that are not
    taken have no origin.

    >>> ten = OriginRange(torch.tensor([10, 10]), torch.tensor([29, 29]), torch.tensor([30, 30]))
    >>> sample_origins(ten, members=1, fits=8, season=6).counts
    tensor([4, 4])
    """
    able = torch.nonzero(origins.counts > 0).flatten()
    pairs = max(1, fits // members)
    each = min(_LEAST_ORIGINS, int(origins.counts.max()))
    n_series = max(1, min(len(able), pairs // each))
    taken = able[(torch.arange(n_series) * len(able)) // n_series]
    stride = max(1, math.ceil(int(origins.spans.max()) * n_series / pairs))
    while math.gcd(stride, season) > 1:
        stride += 1
    last = origins.first - 1
    last[taken] = origins.last[taken]
    return dataclasses.replace(origins, last=last, stride=stride)


def score_model(
    forecast: Forecaster,
    panel: Panel,
    origins: OriginRange,
    scale: SeriesScale,
    horizon: int,
    history: int,
) -> float | None:
    """MASE of forecasts from the last `history` steps before each origin; None for none."""
    sums = MetricSums(scale, (0.5,))
    values, indptr = panel.values.cpu().numpy(), panel.indptr.tolist()
    for s in torch.nonzero(origins.counts > 0).flatten().tolist():
        first, last, end = (int(part[s]) for part in (origins.first, origins.last, origins.end))
        series = values[indptr[s] : indptr[s] + end, : len(panel.targets)]
        for t in range(first, last + 1, origins.stride):
            known, ahead = series[: t + 1][-history:], series[t + 1 : t + 1 + horizon]
            for c, h in np.ndindex(ahead.shape[1:]):
                seen = ~np.isnan(ahead[:, c, h])
                past = filled(known[:, c, h])
                if not seen.any() or len(past) == 0:
                    continue
                miss = np.abs(_or_last_value(forecast, past, len(ahead)) - ahead[:, c, h])
                sums.sums["absolute"][s, c, h] += miss[seen].sum()
                sums.sums["points"][s, c, h] += seen.sum()
    return sums.result()["mase"]


def filled(values: Floats) -> Floats:
    """From the first value to the last, what is missing between interpolated on a line.

    >>> filled(np.array([np.nan, 1.0, np.nan, 3.0])).tolist()
    [1.0, 2.0, 3.0]
    """
    known = np.flatnonzero(~np.isnan(values))
    if len(known) == 0:
        return values[:0]
    steps = np.arange(known[0], len(values))
    return np.interp(steps, known, values[known])


def _or_last_value(forecast: Forecaster, past: Floats, horizon: int) -> Floats:
    """The forecast, or the last value where the model refuses so short a series."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = forecast(past, horizon)
    except Exception:
        found = np.full(horizon, np.nan)
    return np.where(np.isfinite(found), found, past[-1])
