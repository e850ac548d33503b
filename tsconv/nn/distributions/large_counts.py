"""Quantiles of counts too large to sum their probabilities one by one, in closed form.

P(y <= k) of a negative binomial of size n and mean m is an incomplete beta function. Where n is
small, it is close to an incomplete gamma function (DiDonato & Morris 1992, BGRAT) with k scaled,
whose inverse stands in a table; else the normal approximation of Peizer & Pratt (1968) is inverted.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

_SMALL_SIZE = 20.0  # below it the gamma function is used
_LEAST_SIZE, _SIZES = 1e-4, 192  # of the table, in logarithmic steps
_MOST_Z, _PER_Z = 8.0, 20  # normal quantiles of the table, and its nodes for each unit
_POISSON_SIZE = 1e15  # a negative binomial that is Poisson
_SECANTS = 2


def large_count_quantile(mean: Tensor, alpha: Tensor | None, level: Tensor) -> Tensor:
    """Return the quantile of jittered counts where it lies above some thirty; all (N,).

    The arguments are those of `count_quantiles`, with one level for each element. Below, the
    approximation is rough.

    >>> one = torch.ones(1)
    >>> large_count_quantile(1000 * one, None, 0.5 * one)
    tensor([999.8333])
    """
    m, z = mean.double(), torch.special.ndtri(level.double()).clamp(-_MOST_Z, _MOST_Z)
    size = torch.full_like(m, _POISSON_SIZE) if alpha is None else 1 / alpha.double()
    found = torch.empty_like(m)
    small = size < _SMALL_SIZE
    (few,), (many,) = (torch.nonzero(v, as_tuple=True) for v in (small, ~small))
    if len(few):
        found[few] = _by_gamma(m[few], size[few], z[few])
    if len(many):
        found[many] = _by_normal(m[many], size[many], z[many])
    return found.to(mean.dtype)


def _by_gamma(m: Tensor, size: Tensor, z: Tensor) -> Tensor:
    """Two terms of BGRAT's series, inverted: the second is small."""
    table = _gamma_table(m.device)
    step = (math.log(_SMALL_SIZE) - math.log(_LEAST_SIZE)) / (_SIZES - 1)
    row, along = _place((size.log() - math.log(_LEAST_SIZE)) / step, _SIZES)
    column, across = _place((z + _MOST_Z) * _PER_Z, table.shape[1])
    first = torch.lerp(table[row, column], table[row, column + 1], across)
    second = torch.lerp(table[row + 1, column], table[row + 1, column + 1], across)
    g = torch.lerp(first, second, along).exp()
    rate = torch.log1p(size / m)
    correction = (size - 1) / 24 * ((size + 1) / g + 1)
    return g / rate + rate * correction - size / 2


def _place(at: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The node before a place of a grid, and how far behind it the place is, from 0 to 1."""
    node = at.floor().clamp(0, count - 2)
    return node.long(), (at - node).clamp(0, 1)


@functools.lru_cache(maxsize=8)
def _gamma_table(device: torch.device) -> Tensor:
    """Logs of the quantiles of gamma distributions: (sizes, normal quantiles).

    By bisection, then Newton's method on the logarithm. Logs below -60 are not needed: with a mean
    of 1e9, a count of 30 is not as low.
    """
    logs = torch.linspace(math.log(_LEAST_SIZE), math.log(_SMALL_SIZE), _SIZES, dtype=torch.float64)
    z = torch.linspace(-_MOST_Z, _MOST_Z, round(2 * _MOST_Z * _PER_Z) + 1, dtype=torch.float64)
    size = logs.exp()[:, None].expand(-1, len(z)).contiguous()
    below = z <= 0
    tail = torch.special.ndtr(-z.abs()).expand_as(size)  # the smaller one of both tails
    low, high = torch.full_like(size, -60), torch.full_like(size, 5)

    def excess(v: Tensor) -> Tensor:
        """The probability up to exp(v), less what is wanted."""
        g = v.exp()
        lower = torch.special.gammainc(size[:, below], g[:, below]) - tail[:, below]
        upper = tail[:, ~below] - torch.special.gammaincc(size[:, ~below], g[:, ~below])
        return torch.cat([lower, upper], 1)

    for _ in range(18):
        middle = (low + high) / 2
        over = excess(middle) > 0
        low, high = torch.where(over, low, middle), torch.where(over, middle, high)
    v = (low + high) / 2
    for _ in range(2):
        slope = (size * v - v.exp() - torch.lgamma(size)).exp()  # of the probability over v
        moved = v - excess(v) / slope.clamp_min(1e-300)
        v = torch.maximum(low, torch.minimum(high, moved))
    return v.to(device)


def _by_normal(m: Tensor, size: Tensor, z: Tensor) -> Tensor:
    """Secant steps from the quantile of Cornish and Fisher."""
    deviation = (m * (1 + m / size)).sqrt()
    skew = (1 + 2 * m / size) / deviation
    k = (m + deviation * (z + skew * (z * z - 1) / 6) - 0.5).clamp_min(0)
    before = k + 0.25 * deviation
    at, at_before = _peizer_pratt(k, m, size) - z, _peizer_pratt(before, m, size) - z
    for _ in range(_SECANTS):
        change = at - at_before
        moves = change.abs() > 1e-13
        step = torch.where(moves, at * (k - before) / torch.where(moves, change, 1), 0)
        before, at_before = k, at
        k = (k - step).clamp_min(0)
        at = _peizer_pratt(k, m, size) - z
    return k + 0.5


def _peizer_pratt(k: Tensor, m: Tensor, size: Tensor) -> Tensor:
    """The normal quantile of P(y <= k), by the binomial that fails `size` times in k + size."""
    p, q = size / (size + m), m / (size + m)
    n = size + k
    # k - n q and size - n p, with what is large taken out of the differences
    beyond = (k - m) * p
    distance = beyond + 2 / 3 - q / 3
    distance = distance + 0.02 * (q / (k + 1) - p / size + (q - 0.5) / (n + 1))
    terms = q * _skew_term((-beyond - 0.5) / (n * p)) + p * _skew_term((beyond + 0.5) / (n * q))
    return distance * ((1 + terms) / ((n + 1 / 6) * p * q)).sqrt()


def _skew_term(u: Tensor) -> Tensor:
    """(1 - x^2 + 2 x log x) / (1 - x)^2 for x = 1 + u, u > -1; 0 at u = 0."""
    near = u.abs() < 1e-2
    far = torch.where(near, 1, u)
    x = 1 + far
    whole = (1 - x * x + 2 * x * x.log()) / (far * far)
    series = -u * (1 / 3 - u * (1 / 6 - u * (1 / 10 - u * (1 / 15 - u / 21))))
    return torch.where(near, series, whole)
