"""Widths that follow what was observed: adaptive conformal inference, for every origin at once.

Each member (a series, target and row) has two widths, of the lower and of the upper half of its
forecasts. When a value is observed, the forecasts of it that were made at different steps before
tell whether too few or too many levels covered it, and the widths move a little. So it depends on
observed values alone, and a forecast from an origin on nothing later than that.
"""

from __future__ import annotations

import torch
from torch import Tensor

RATE = 0.02  # of the logarithm of a width, for one observation that all levels miss
MOST = 1.5  # of that logarithm, either way
MOST_STEPS = 12  # of the horizon that are looked at: neighbours tell nearly the same


def steps_looked_at(horizon: int) -> Tensor:
    """The steps of the horizon, from 0, whose forecasts move the widths.

    >>> steps_looked_at(24)
    tensor([ 1,  3,  5,  7,  9, 11, 13, 15, 17, 19, 21, 23])
    """
    count = min(MOST_STEPS, horizon)
    return (torch.arange(1, count + 1) * horizon) // count - 1


def distance_ratios(value: Tensor, levels: Tensor, median: Tensor) -> Tensor:
    """How far values lie from the median, as a multiple of how far some levels do.

    value, median: (...); levels: (..., J) of one side of the median. Returns (..., J): above 1
    where the value lies beyond the level; NaN where the value is, 0 where the level is the median.

    >>> distance_ratios(torch.tensor(13.0), torch.tensor([12.0, 14.0]), torch.tensor(10.0))
    tensor([1.5000, 0.7500])
    """
    reach = levels - median.unsqueeze(-1)
    away = (value - median).unsqueeze(-1).expand_as(reach)
    return torch.where(reach == 0, torch.where(away.isnan(), away, 0), away / reach)


def adaptive_widths(ratios: Tensor, shares: Tensor, rate: float = RATE) -> Tensor:
    """The widths, as logarithms, that are known after each time: online gradient descent.

    At each time a half's logarithm moves by `rate` times the share of its levels that the value
    lay beyond, less the share that should be. A width that is right on average stays.

    Args:
        ratios: (M, 2, W, N, J) of the values observed at W times, in the lower and in the upper
            half, of forecasts made at N steps before, by the J levels of the half, as
            `distance_ratios` gives them; NaN where nothing was observed or forecast.
        shares: (2, J) of the values that should lie beyond each level.
        rate: of a move.

    Returns (M, 2, W). Sources: Gibbs & Candes 2021, arXiv 2106.00170; with the step on the width
    itself, Angelopoulos et al. 2023, arXiv 2307.16895.

    >>> ratios = torch.full((1, 2, 50, 1, 1), 1.5)  # always beyond a level that 10% should be
    >>> widths = adaptive_widths(ratios, torch.full((2, 1), 0.1))
    >>> round(widths[0, 0, -1].exp().item(), 1)  # until the width is 1.5 times as large
    1.5
    """
    members, halves, width = ratios.shape[:3]
    log_width = ratios.new_zeros(members, halves)
    out = ratios.new_zeros(members, halves, width)
    known = ~ratios.isnan()
    count = known.sum((-1, -2)).clamp_min(1)  # (M, 2, W)
    expected = (known * shares[None, :, None, None, :]).sum((-1, -2))
    for t in range(width):
        beyond = ratios[:, :, t] > log_width.exp()[..., None, None]  # (M, 2, N, J)
        excess = (beyond.sum((-1, -2)) - expected[..., t]) / count[..., t]
        log_width = (log_width + rate * excess).clamp(-MOST, MOST)
        out[..., t] = log_width
    return out


def adaptive_widths_reference(ratios: Tensor, shares: Tensor, rate: float = RATE) -> Tensor:
    """Reference of `adaptive_widths`: a loop over members, halves, times, steps and levels."""
    members, halves, width, steps, levels = ratios.shape
    out = torch.zeros(members, halves, width, dtype=ratios.dtype)
    for m in range(members):
        for half in range(halves):
            now = 0.0
            for t in range(width):
                excess, count = 0.0, 0
                for n in range(steps):
                    for j in range(levels):
                        ratio = float(ratios[m, half, t, n, j])
                        if ratio == ratio:
                            beyond = ratio > float(torch.tensor(now, dtype=ratios.dtype).exp())
                            excess += beyond - float(shares[half, j])
                            count += 1
                now = min(MOST, max(-MOST, now + rate * excess / max(1, count)))
                out[m, half, t] = now
    return out


def at_observed_times(ratios: Tensor, steps: Tensor) -> Tensor:
    """Forecasts by the time of what they foretold instead of by their origin.

    ratios: (..., O, N, J) of O origins that follow each other, at the steps `steps` (N,) of their
    horizons, from 0. Returns (..., O, N, J): place t has the forecasts of what is observed at the
    t-th origin itself; NaN where they are of earlier origins than the first.

    >>> ratios = torch.arange(4.0).view(4, 1, 1)
    >>> at_observed_times(ratios, torch.tensor([1])).flatten()
    tensor([nan, nan, 0., 1.])
    """
    out = torch.full_like(ratios, torch.nan)
    n_origins = ratios.shape[-3]
    for i, step in enumerate(steps.tolist()):
        late = step + 1
        if late < n_origins:
            out[..., late:, i, :] = ratios[..., : n_origins - late, i, :]
    return out
