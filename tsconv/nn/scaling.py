"""Causal scaling: the trailing mean and spread of every step, from window sums by doubling.

It takes the place of instance normalisation (RevIN), which ties a forward to one origin: here each
step is scaled by what was known at that step, so one pass still serves every origin.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from tsconv.errors import require_positive

# Below this share of the mean square, the difference that gives the variance is rounding noise.
_NOISE = 1e-12


class CausalScale(NamedTuple):
    """Trailing statistics of each step; `inverse` is 0 where the window has no spread."""

    mu: Tensor  # (..., W) mean of the observed values; 0 where none was observed
    sigma: Tensor  # (..., W) population standard deviation; 0 for a constant window
    inverse: Tensor  # (..., W) 1 / sigma, or 0
    n_observed: Tensor  # (..., W) observed values in the window


def causal_scale(x: Tensor, mask: Tensor, context_length: int) -> CausalScale:
    """Mean and standard deviation of the observed values in the trailing `context_length` steps.

    x: (..., W), any finite value where mask is 0; mask: (..., W) of 0 and 1. A step belongs to its
    own window. Sums run in float64; results have the dtype of x. A constant window gets sigma 0
    and inverse 0 rather than a floor, so that scaling a series by any positive factor, however
    small, scales the result alike. Shifting is the caller's: the closer x is to 0, the better.
    """
    require_positive(context_length=context_length)
    observed = mask.double()
    value = x.double() * observed
    n, total, square = (_trailing_sum(v, context_length) for v in (observed, value, value * value))
    at_least_one = n.clamp_min(1)
    mu = total / at_least_one
    mean_square = square / at_least_one
    variance = mean_square - mu * mu
    spread = variance > _NOISE * mean_square
    sigma = torch.where(spread, variance, 1).sqrt()
    inverse = torch.where(spread, 1 / sigma, 0)
    sigma = torch.where(spread, sigma, 0)
    return CausalScale(mu.to(x.dtype), sigma.to(x.dtype), inverse.to(x.dtype), n.to(x.dtype))


def _trailing_sum(x: Tensor, window: int) -> Tensor:
    """Sum of the last `window` steps at each step (fewer at the start), by doubling.

    Sums of 1, 2, 4, ... steps are added up along the binary digits of `window`: about
    2 log2(window) shifted additions. Unlike a difference of prefix sums nothing cancels, and a step
    outside the window cannot change the result by a bit, however large it is and however long the
    chunk.
    """
    total, reached, power, size = torch.zeros_like(x), 0, x, 1
    while size <= window:
        if window & size:
            total = total + _delayed(power, reached)
            reached += size
        power = power + _delayed(power, size)
        size *= 2
    return total


def _delayed(x: Tensor, steps: int) -> Tensor:
    """x moved `steps` later, zeros in front; the same width."""
    width = x.shape[-1]
    return F.pad(x, (steps, 0))[..., :width] if steps < width else torch.zeros_like(x)


def causal_scale_reference(x: Tensor, mask: Tensor, context_length: int) -> CausalScale:
    """Readable twin of `causal_scale`: a loop over steps and their windows. x: (B, W)."""
    mu, sigma, n_observed = (torch.zeros_like(x) for _ in range(3))
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            window = slice(max(0, t + 1 - context_length), t + 1)
            seen = x[b, window][mask[b, window] > 0].double()
            n_observed[b, t] = len(seen)
            if len(seen):
                mu[b, t] = seen.mean()
                sigma[b, t] = seen.std(correction=0)
    spread = sigma**2 > _NOISE * (mu**2 + sigma**2)
    sigma = torch.where(spread, sigma, 0)
    inverse = torch.where(spread, 1 / torch.where(spread, sigma, 1), 0)
    return CausalScale(mu, sigma, inverse, n_observed)
