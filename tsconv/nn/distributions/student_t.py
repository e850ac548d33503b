"""Student's t distribution with a location and a scale; quantiles by Chebyshev polynomials."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from tsconv.nn.distributions.log_gamma import log_gamma_rest
from tsconv.nn.distributions.normal import standard_normal_quantile

LEAST_DF = 2.0  # degrees of freedom; the variance is finite above it
_NODES = 24  # of the polynomials in 1 / df
_PANELS = 400  # of Simpson's rule


def student_t_log_prob(y: Tensor, loc: Tensor, scale: Tensor, df: Tensor) -> Tensor:
    """Return the log density of y, elementwise; scale > 0, df > 0 degrees of freedom.

    >>> one = torch.ones(1)
    >>> student_t_log_prob(one, one, one, 3 * one)
    tensor([-1.0009])
    """
    half = df / 2
    # log Gamma(half + 1/2) - log Gamma(half), with what is large taken out of the difference.
    ratio = log_gamma_rest(half + 0.5) - log_gamma_rest(half) - 0.5
    ratio = ratio + half * torch.log1p(0.5 / half) + 0.5 * (half + 0.5).log()
    z = (y - loc) / scale
    tail = (half + 0.5) * torch.log1p(z * z / df)
    return ratio - 0.5 * (df.log() + math.log(math.pi)) - scale.log() - tail


def student_t_quantile(loc: Tensor, scale: Tensor, df: Tensor, level: float) -> Tensor:
    """Return the quantile at a level between 0 and 1, elementwise; df >= 2.

    Over 1/df from 0 to 1/2 the quantile divided by the normal one is a smooth function, and a
    Chebyshev polynomial with 24 nodes has it to 1e-7 for levels from .005 to .995. The
    coefficients of a level are computed once.

    >>> one = torch.ones(1)
    >>> student_t_quantile(0 * one, one, 5 * one, 0.975)
    tensor([2.5706])
    """
    if level == 0.5:
        return loc + 0 * scale
    t = 4 / df - 1  # 1/df from 0 to 1/2 -> -1 to 1
    later, last = torch.zeros_like(t), torch.zeros_like(t)
    first, *rest = _coefficients(min(level, 1 - level))
    for c in reversed(rest):  # Clenshaw's recurrence
        later, last = c + 2 * t * later - last, later
    ratio = first + t * later - last
    return loc + scale * ratio * standard_normal_quantile(level)


@functools.lru_cache(maxsize=1024)
def _coefficients(level: float) -> tuple[float, ...]:
    """The Chebyshev coefficients of quantile(df) / quantile(normal) over t = 4 / df - 1."""
    angles = [math.pi * (i + 0.5) / _NODES for i in range(_NODES)]
    z = standard_normal_quantile(level)
    values = [_standard_quantile(level, 4 / (1 + math.cos(a))) / z for a in angles]
    out = []
    for j in range(_NODES):
        total = sum(v * math.cos(j * a) for v, a in zip(values, angles, strict=True))
        out.append((1 if j == 0 else 2) * total / _NODES)
    return tuple(out)


def _standard_quantile(level: float, df: float) -> float:
    """The quantile below 1/2, by bisection: slow and exact."""
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _below(middle, df) > level else (low, middle)
    return -math.sqrt(df) * math.tan((low + high) / 2)


def _below(angle: float, df: float) -> float:
    """The probability of a value below -sqrt(df) tan(angle).

    With x = sqrt(df) tan(a) the density is that of a, cos(a) ** (df - 1) but for a factor.
    """
    ends = torch.linspace(0, angle, _PANELS + 1, dtype=torch.float64)
    weights = torch.full_like(ends, 2)
    weights[1::2] = 4
    weights[0] = weights[-1] = 1
    inside = float((weights * ends.cos().pow(df - 1)).sum()) * angle / (3 * _PANELS)
    log_factor = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(math.pi)
    return 0.5 - math.exp(log_factor) * inside
