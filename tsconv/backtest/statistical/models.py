"""AutoETS and AutoTheta of statsforecast, which the extra `baselines` installs, one fit at a time.

One process and one thread fit them, one series up to one origin after the other.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tsconv.errors import ConfigError

Floats = npt.NDArray[np.float64]
Model = Callable[[Floats, int], Floats]  # history without NaN, horizon -> forecasts

NAMES = {"auto_ets": "AutoETS", "auto_theta": "AutoTheta"}
_LONGEST_SEASON = 24  # that exponential smoothing is fitted with
_SEASONS, _LEAST, _MOST = 10, 200, 1000  # of history, the last two in steps


def require_statsforecast(key: str) -> None:
    """Raise ConfigError where statsforecast is not installed; key: the config's, for messages."""
    if importlib.util.find_spec("statsforecast") is None:
        raise ConfigError(
            f"`{key}` needs statsforecast, which is not installed: pip install tsconv[baselines]"
        )


def statistical_models(season: int) -> dict[str, Model]:
    """AutoETS and AutoTheta by their key in metrics.json.

    season: in steps. AutoETS takes those of up to 24 steps, beyond that it is fitted without
    (Hyndman et al. 2008); AutoTheta takes the season out first (Fiorucci et al. 2016).
    """
    from statsforecast.models import AutoETS, AutoTheta

    short = season if season <= _LONGEST_SEASON else 1
    models = {
        "auto_ets": AutoETS(season_length=short),
        "auto_theta": AutoTheta(season_length=season),
    }
    return {key: _forecaster(model) for key, model in models.items()}


def longest_history(season: int) -> int:
    """The steps before an origin that a model is fitted to: the last ten seasons.

    At least 200 and at most 1,000: a fit takes time in proportion.

    >>> longest_history(7), longest_history(24), longest_history(168)
    (200, 240, 1000)
    """
    return min(_MOST, max(_LEAST, _SEASONS * season))


def filled(values: Floats) -> Floats:
    """From the first value on, each missing one on the line between its neighbours.

    values: (n,) up to an origin, NaN where missing. After the last value it is repeated: nothing
    later is known.

    >>> filled(np.array([np.nan, 1.0, np.nan, 3.0, np.nan])).tolist()
    [1.0, 2.0, 3.0, 3.0]
    """
    known = np.flatnonzero(~np.isnan(values))
    if len(known) == 0:
        return values[:0]
    return np.interp(np.arange(known[0], len(values)), known, values[known])


def forecasts_of(
    models: Mapping[str, Model], past: Floats, horizon: int
) -> dict[str, tuple[Floats, bool]]:
    """The forecast (horizon,) of each model, and whether it refused the history.

    past: (n,) without NaN and not empty. Where a model refuses, or forecasts what is no number, the
    last value stands in.

    >>> forecasts_of({"mean": lambda past, h: np.full(h, past.mean())}, np.array([1.0, 3.0]), 2)
    {'mean': (array([2., 2.]), False)}
    """
    found = {}
    for key, model in models.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                forecast = np.asarray(model(past, horizon), dtype=np.float64)
        except Exception:  # too short or constant a series: each model has its own words for it
            forecast = np.full(horizon, np.nan)
        refused = not bool(np.isfinite(forecast).all())
        found[key] = (np.where(np.isfinite(forecast), forecast, past[-1]), refused)
    return found


def _forecaster(model: Any) -> Model:
    def forecast(history: Floats, horizon: int) -> Floats:
        found: Floats = model.forecast(y=history, h=horizon)["mean"]
        return found

    return forecast
