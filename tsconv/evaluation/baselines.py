"""Baselines computed on the same dense origins as the network's forecasts."""

from __future__ import annotations

import torch
from torch import Tensor


def seasonal_naive(x: Tensor, mask: Tensor, n_origins: int, horizon: int, season: int) -> Tensor:
    """The last observed value of the same season, for each of the last `n_origins` steps.

    x, mask: (..., W); returns (..., n_origins, horizon), in the units of x. Where a season back is
    missing, the one before it counts, and so on; where all are, the last observed value does. NaN
    where nothing was observed up to the origin. Causal: step t uses steps up to t.

    >>> x = torch.tensor([1.0, 2.0, 3.0, 4.0])
    >>> seasonal_naive(x, torch.ones(4), n_origins=1, horizon=3, season=2)
    tensor([[3., 4., 3.]])
    """
    filled = fill_seasonally(torch.where(mask > 0, x, torch.nan), season)
    origin = torch.arange(x.shape[-1] - n_origins, x.shape[-1], device=x.device)
    ahead = torch.arange(1, horizon + 1, device=x.device)
    back = ahead - season * ((ahead + season - 1) // season)  # in -season + 1 .. 0
    step = origin[:, None] + back  # (O, horizon)
    forecast = filled[..., step.clamp_min(0)]
    last = fill_seasonally(filled, 1)[..., origin, None]
    known = (step >= 0) & ~forecast.isnan()
    return torch.where(known, forecast, last)


def fill_seasonally(x: Tensor, season: int) -> Tensor:
    """Replace each NaN by the value a season before it, itself filled. x: (..., W)."""
    if not x.isnan().any():
        return x
    width = x.shape[-1]
    cycles = -(-width // season)
    padded = torch.cat([x, x.new_full((*x.shape[:-1], cycles * season - width), torch.nan)], -1)
    grid = torch.unflatten(padded, -1, (cycles, season))
    index = torch.arange(cycles, device=x.device)[:, None].expand(cycles, season)
    seen = torch.where(grid.isnan(), -1, index).cummax(-2).values  # last cycle observed, or -1
    taken = grid.gather(-2, seen.clamp_min(0))
    return torch.where(seen >= 0, taken, torch.nan).flatten(-2)[..., :width]


def seasonal_naive_error(x: Tensor, season: int) -> Tensor:
    """Mean |x_t - x_{t-season}| over observed pairs, the scale of MASE (Hyndman & Koehler 2006).

    x: (W,) with NaN where missing. NaN where no pair is observed.
    """
    if len(x) <= season:
        return x.new_tensor(torch.nan)
    return (x[season:] - x[:-season]).abs().nanmean()
