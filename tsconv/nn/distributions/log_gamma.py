"""The part of log Gamma that stays small: what likelihoods are made of without losing digits."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_SHIFT = 8  # above it Stirling's series is exact to 1e-12
_LOG_2PI = math.log(2 * math.pi)


def log_gamma_rest(z: Tensor) -> Tensor:
    """Return log Gamma(z) - z log z + z for z > 0, elementwise.

    Likelihoods of counts are differences of log Gamma that nearly cancel where counts or sizes are
    large: in float32 nothing would be left of them. Of this part, everything is: it falls as
    -1/2 log z. Below 8 the recurrence Gamma(z + 1) = z Gamma(z) is applied eight times, above it
    stands Stirling's series. It is made of logarithms and products alone, so that it compiles into
    one loop with what surrounds it.

    >>> z = torch.tensor([0.5, 3.0, 1e6], dtype=torch.float64)
    >>> torch.allclose(log_gamma_rest(z), torch.lgamma(z) - z * z.log() + z, atol=1e-8)
    True
    """
    below = z < _SHIFT
    shifted = torch.where(below, z + _SHIFT, z)
    log = shifted.log()
    inverse = 1 / shifted
    square = inverse * inverse
    series = inverse * (
        1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))
    )
    rest = 0.5 * (_LOG_2PI - log) + series
    small = z.clamp_max(_SHIFT)
    product = small
    for i in range(1, _SHIFT):
        product = product * (small + i)
    moved = shifted * log - _SHIFT - product.log() - small * small.log()
    return rest + torch.where(below, moved, 0)


def log_factorial_rest(y: Tensor) -> Tensor:
    """Return log y! - y log y + y for y >= 0, elementwise; 0 at 0.

    >>> log_factorial_rest(torch.tensor([0.0, 1.0])).round(decimals=5).abs()
    tensor([0., 1.])
    """
    positive = y > 0
    safe = torch.where(positive, y, 1)
    return torch.where(positive, log_gamma_rest(safe) + safe.log(), 0)
