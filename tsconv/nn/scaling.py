"""Causal scaling: the trailing mean and standard deviation at each step.

It replaces instance normalisation (RevIN, Kim et al. 2022), which ties a forward pass to one
forecast origin. Here each step is scaled by what was known at that step, so that one pass serves
every origin.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from tsconv.errors import require_positive
from tsconv.nn.functional.materialize import materialized

# Below this share of the mean square, the difference that gives the variance is rounding noise.
_NOISE = 1e-12


class CausalScale(NamedTuple):
    """Trailing statistics at each step, as `causal_scale` returns them.

    Examples:
        >>> import torch
        >>> scale = causal_scale(torch.tensor([[1.0, 3]]), torch.ones(1, 2), context_length=2)
        >>> (torch.tensor([[1.0, 3]]) - scale.mu) * scale.inverse  # scaled values
        tensor([[0., 1.]])
    """

    mu: Tensor  # (..., W) mean of the observed values; 0 where none was observed
    sigma: Tensor  # (..., W) population standard deviation; 0 for a constant window
    inverse: Tensor  # (..., W) 1 / sigma, or 0
    n_observed: Tensor  # (..., W) observed values in the window


def causal_scale(x: Tensor, mask: Tensor, context_length: int) -> CausalScale:
    """Return mean and standard deviation of the observed values in each step's trailing window.

    A step belongs to its own window. Sums run in float64; results have the dtype of x. A constant
    window gets sigma 0 and inverse 0 instead of a floor, so that a series times any positive factor
    has statistics times that factor. Precision is best where x is close to 0: shift it before.

    Args:
        x: (..., W), with any finite value where mask is 0.
        mask: (..., W), 1 where x was observed and 0 where not.
        context_length: steps in a window.

    Raises:
        ConfigError: context_length is not an integer of at least 1.

    Examples:
        >>> import torch
        >>> x, mask = torch.tensor([[1.0, 3, 0, 5]]), torch.tensor([[1.0, 1, 0, 1]])
        >>> scale = causal_scale(x, mask, context_length=2)
        >>> scale.mu.tolist(), scale.sigma.tolist()
        ([[1.0, 2.0, 3.0, 5.0]], [[0.0, 1.0, 0.0, 0.0]])
    """
    require_positive(context_length=context_length)
    observed = mask.double()
    value = x.double() * observed
    n, total, square = (_trailing_sum(v, context_length) for v in (observed, value, value * value))
    at_least_one = n.clamp_min(1)
    mu = total / at_least_one
    mean_square = square / at_least_one
    variance = mean_square - mu * mu
    varies = variance > _NOISE * mean_square
    sigma = torch.where(varies, variance, 1).sqrt()
    inverse = torch.where(varies, 1 / sigma, 0)
    sigma = torch.where(varies, sigma, 0)
    # every step of a context and of a horizon reads them: compiled code keeps them
    return CausalScale(*(materialized(v.to(x.dtype)) for v in (mu, sigma, inverse, n)))


def _trailing_sum(x: Tensor, window: int) -> Tensor:
    """Sum the last `window` steps at each step (fewer at the start), by doubling.

    Sums of 1, 2, 4, ... steps are added up along the binary digits of `window`: about
    2 log2(window) shifted additions. Nothing cancels, as it does in a difference of prefix sums,
    and a step outside the window does not change a bit of the result, however large it is.
    """
    total, reached, power, size = torch.zeros_like(x), 0, x, 1
    while size <= window:
        if window & size:
            total = total + _delayed(power, reached)
            reached += size
        power = materialized(power + _delayed(power, size))
        size *= 2
    return total


def _delayed(x: Tensor, steps: int) -> Tensor:
    """Shift x by `steps` to later, with zeros in front; the width stays."""
    width = x.shape[-1]
    return F.pad(x, (steps, 0))[..., :width] if steps < width else torch.zeros_like(x)


def causal_scale_reference(x: Tensor, mask: Tensor, context_length: int) -> CausalScale:
    """Reference of `causal_scale`: a loop over steps and their windows. x: (B, W)."""
    mu, sigma, n_observed = (torch.zeros_like(x) for _ in range(3))
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            window = slice(max(0, t + 1 - context_length), t + 1)
            observed = x[b, window][mask[b, window] > 0].double()
            n_observed[b, t] = len(observed)
            if len(observed):
                mu[b, t] = observed.mean()
                sigma[b, t] = observed.std(correction=0)
    varies = sigma**2 > _NOISE * (mu**2 + sigma**2)
    sigma = torch.where(varies, sigma, 0)
    inverse = torch.where(varies, 1 / torch.where(varies, sigma, 1), 0)
    return CausalScale(mu, sigma, inverse, n_observed)
