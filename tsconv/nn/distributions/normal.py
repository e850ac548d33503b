"""The normal distribution: log-probability, cumulative probability and quantiles."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def normal_log_prob(y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """Return the log density of y, elementwise; scale > 0.

    >>> normal_log_prob(torch.zeros(1), torch.zeros(1), torch.ones(1))
    tensor([-0.9189])
    """
    z = (y - loc) / scale
    return -0.5 * z * z - scale.log() - _HALF_LOG_2PI


def normal_log_cdf(y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """Return the log of the probability of a value up to y, elementwise; scale > 0.

    >>> normal_log_cdf(torch.zeros(1), torch.zeros(1), torch.ones(1))
    tensor([-0.6931])
    """
    found: Tensor = torch.special.log_ndtr((y - loc) / scale)
    return found


@functools.lru_cache(maxsize=1024)
def standard_normal_quantile(level: float) -> float:
    """Return the quantile of the standard normal distribution at a level between 0 and 1.

    >>> round(standard_normal_quantile(0.975), 6), standard_normal_quantile(0.5)
    (1.959964, 0.0)
    """
    return float(torch.special.ndtri(torch.tensor(level, dtype=torch.float64)))


def normal_quantile(loc: Tensor, scale: Tensor, level: float) -> Tensor:
    """Return the quantile at a level between 0 and 1, elementwise.

    >>> normal_quantile(torch.tensor([10.0]), torch.tensor([2.0]), 0.5)
    tensor([10.])
    """
    return loc + scale * standard_normal_quantile(level)
