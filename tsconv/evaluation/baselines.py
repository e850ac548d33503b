"""Simple forecasts computed on the same dense origins as the network's.

Each function takes x and mask (..., W), of which the last `n_origins` steps are origins, and
returns (..., n_origins, horizon), in the units of x. They are causal, skip what is not observed,
and move with x when it is shifted or scaled. Where nothing was observed up to an origin they are
NaN.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def naive(x: Tensor, mask: Tensor, n_origins: int, horizon: int) -> Tensor:
    """The last observed value, at every step of the horizon.

    >>> naive(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1, 1, 0]), n_origins=2, horizon=2)
    tensor([[2., 2.],
            [2., 2.]])
    """
    last = _last_observed(x, mask)[..., x.shape[-1] - n_origins :]
    return last.unsqueeze(-1).expand(*last.shape, horizon)


def seasonal_naive(x: Tensor, mask: Tensor, n_origins: int, horizon: int, season: int) -> Tensor:
    """The last observed value of the same season, for each of the last `n_origins` steps.

    Where a season back is missing, the one before it counts, and so on; where all are, the last
    observed value does.

    >>> x = torch.tensor([1.0, 2.0, 3.0, 4.0])
    >>> seasonal_naive(x, torch.ones(4), n_origins=1, horizon=3, season=2)
    tensor([[3., 4., 3.]])
    """
    filled = fill_seasonally(torch.where(mask > 0, x, torch.nan), season)
    lacking = season + n_origins - 1 - x.shape[-1]
    filled = F.pad(filled, (lacking, 0), value=torch.nan)  # cuts what is more than enough
    cycle = filled.unfold(-1, season, 1)  # (..., O, season), a view: the season up to each origin
    cycles = -(-horizon // season)
    forecast = (cycle if cycles == 1 else torch.cat([cycle] * cycles, -1))[..., :horizon]
    unknown = forecast.isnan()
    if not unknown.any():
        return forecast
    return torch.where(unknown, naive(x, mask, n_origins, 1), forecast)


def drift(x: Tensor, mask: Tensor, n_origins: int, horizon: int, window: int) -> Tensor:
    """The line through the first and the last observed value of the trailing `window` steps.

    With one observed value it is level; with none, at the last observed value before.

    >>> drift(torch.tensor([9.0, 1.0, 2.0, 3.0]), torch.ones(4), 1, horizon=2, window=3)
    tensor([[4., 5.]])
    """
    width = x.shape[-1]
    seen = mask > 0
    step = torch.arange(width, device=x.device)
    last = torch.where(seen, step, -1).cummax(-1).values  # (..., W) last observed up to each step
    first = torch.where(seen, step, width).flip(-1).cummin(-1).values.flip(-1)  # from it on
    origin = step[width - n_origins :]
    last = last[..., width - n_origins :]
    begin = first[..., (origin - window + 1).clamp_min(0)]  # (..., O)
    begin = torch.where(begin > last, last, begin)  # nothing in the window: a level line
    known = last >= 0
    last, begin = last.clamp_min(0), begin.clamp_min(0)
    end_value = torch.where(known, x.gather(-1, last), torch.nan)
    slope = (end_value - x.gather(-1, begin)) / (last - begin).clamp_min(1)
    ahead = torch.arange(1, horizon + 1, device=x.device)
    start = end_value + slope * (origin - last)  # the line at the origin
    return torch.addcmul(start.unsqueeze(-1), slope.unsqueeze(-1), ahead.to(x.dtype))


def window_average(x: Tensor, mask: Tensor, n_origins: int, horizon: int, window: int) -> Tensor:
    """The mean of what was observed in the trailing `window` steps, at every step of the horizon.

    Where that is nothing, the last observed value.

    >>> x = torch.tensor([9.0, 1.0, 2.0, 3.0])
    >>> window_average(x, torch.ones(4), n_origins=2, horizon=1, window=2)
    tensor([[1.5000],
            [2.5000]])
    """
    seen = (mask > 0).double()
    total = _trailing_sum(torch.where(mask > 0, x.double(), 0), n_origins, window)
    count = _trailing_sum(seen, n_origins, window)
    last = _last_observed(x, mask)[..., x.shape[-1] - n_origins :]
    mean = torch.where(count > 0, total / count.clamp_min(1), last.double()).to(x.dtype)
    return mean.unsqueeze(-1).expand(*mean.shape, horizon)


def _trailing_sum(x: Tensor, n_origins: int, window: int) -> Tensor:
    """(..., W) -> (..., n_origins): sums over the trailing `window` steps of the last steps."""
    sums = F.pad(x.cumsum(-1), (1, 0))
    end = torch.arange(x.shape[-1] - n_origins, x.shape[-1], device=x.device) + 1
    return sums[..., end] - sums[..., (end - window).clamp_min(0)]


def _last_observed(x: Tensor, mask: Tensor) -> Tensor:
    """(..., W): the last observed value up to each step; NaN where there is none."""
    return fill_seasonally(torch.where(mask > 0, x, torch.nan), 1)


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
