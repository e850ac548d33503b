"""Which simple forecasts a network is compared with, and the best of them: its rival."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor

from tsconv.evaluation.baselines import drift, naive, seasonal_naive, window_average

SEASONAL_NAIVE = "seasonal_naive"


@dataclasses.dataclass(frozen=True)
class Baseline:
    """A simple forecast: its key in metrics.json, and the steps that it looks back on."""

    key: str
    steps: int  # the season of a seasonal naive, the window of a drift or an average, or 1

    def forecast(self, x: Tensor, mask: Tensor, n_origins: int, horizon: int) -> Tensor:
        """(..., W) -> (..., n_origins, horizon), see `baselines.py`."""
        if self.key == "naive":
            return naive(x, mask, n_origins, horizon)
        if self.key == "drift":
            return drift(x, mask, n_origins, horizon, self.steps)
        if self.key == "window_average":
            return window_average(x, mask, n_origins, horizon, self.steps)
        return seasonal_naive(x, mask, n_origins, horizon, self.steps)


def choose_baselines(
    season: int, seasons: Iterable[int], context_length: int, train_length: int
) -> tuple[Baseline, ...]:
    """The last value, seasonal naive at each season, the drift of the context and a mean.

    Args:
        season: of MASE; its seasonal naive is always there, as `seasonal_naive`.
        seasons: those of the frequency and the seasonal lags; further ones count where a typical
            training part holds them twice.
        context_length: steps whose drift goes on.
        train_length: steps of a typical training part.

    The mean is that of the longest season, so that no part of a cycle weighs more than another, or
    of the context where there is no season.

    >>> [b.key for b in choose_baselines(24, [24, 168], 336, 5000)]
    ['naive', 'seasonal_naive', 'seasonal_naive_168', 'drift', 'window_average']
    """
    others = sorted({s for s in seasons if s > 1 and 2 * s <= train_length} - {season})
    longest = max([season, *others])
    return (
        Baseline("naive", 1),
        Baseline(SEASONAL_NAIVE, season),
        *(Baseline(f"{SEASONAL_NAIVE}_{s}", s) for s in others),
        Baseline("drift", context_length),
        Baseline("window_average", longest if longest > 1 else context_length),
    )


def history_of(baselines: Sequence[Baseline]) -> int:
    """Steps before an origin that the baselines look at."""
    return max((baseline.steps for baseline in baselines), default=1) - 1


def find_rival(scores: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The key of the best of the baselines' scores; None where none has an error.

    Compared by `scaled_mae`, which weighs series of any unit alike, or by `mae` where no series
    has a spread. Of equals the first is taken.

    >>> find_rival({"naive": {"scaled_mae": 0.5}, "drift": {"scaled_mae": 0.4}})
    'drift'
    """
    for name in ("scaled_mae", "mae"):
        errors = {key: part.get(name) for key, part in scores.items()}
        known = {key: error for key, error in errors.items() if error is not None}
        if known:
            return min(known, key=known.__getitem__)
    return None


def describe_baseline(key: str, steps: int) -> str:
    """A baseline in plain words.

    >>> describe_baseline("seasonal_naive_168", 168), describe_baseline("naive", 1)
    ('seasonal naive, 168 steps', 'last value')
    """
    if key == "naive" or steps == 1:
        return "last value"
    name = {"drift": "drift", "window_average": "mean"}.get(key, "seasonal naive")
    return f"{name}, {steps:,} steps"
