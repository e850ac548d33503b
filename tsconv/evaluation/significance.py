"""Is one forecaster more accurate than another by more than chance: a Diebold-Mariano test.

The differentials of overlapping forecasts depend on each other over a whole horizon, so their mean
is judged by a long-run variance from a few slow cosines, and by Student's t with as many degrees of
freedom. They are also skewed, which slow cosines tell as well. `scripts/benchmarks/significance.py`
measures how often this and other tests are wrong.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from tsconv.errors import ConfigError

Array = NDArray[np.float64]

# Cosines of the variance and the skewness: for each overlap, times length^(2/3), and at most.
_OF_VARIANCE, _OF_SKEWNESS, _LEAST = (0.2, 0.15, 16), (0.8, 0.5, 48), 5
_FARTHEST = 3.0  # statistics beyond it are corrected for skewness as this one is
_NOISE = 1.25  # times what the noise of the skewness adds by its slope: curvature, by simulation
_VALUES_AT_ONCE = 1_000_000  # bounds memory, not results; an array that stays in the cache
_ROUNDING = 1e-13  # a standard error this small beside the differentials is one of 0


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The mean differential of two forecasters and what chance would make of it."""

    mean: float  # in the units of the differentials; below 0: the first one's errors are smaller
    standard_error: float
    statistic: float  # mean / standard_error, corrected for skewness: Student's t
    degrees_of_freedom: int
    p_value: float  # of so large a mean on either side where the forecasters are equally accurate
    n: int  # dates that have a differential


@dataclasses.dataclass(frozen=True)
class Comparisons:
    """As `Comparison`, an array of (k,) for each figure.

    Where there is no statement, `degrees_of_freedom` is 0, and all but `mean` and `n` are NaN.
    """

    mean: Array
    standard_error: Array
    statistic: Array
    degrees_of_freedom: NDArray[np.int64]
    p_value: Array
    n: NDArray[np.int64]


def compare(
    differential: ArrayLike, overlap: int, weights: ArrayLike | None = None
) -> Comparison | None:
    """Test whether the mean of a differential is 0.

    Args:
        differential: (n,) the first forecaster's loss less the second's at each origin, in order;
            NaN where there is none.
        overlap: origins whose forecasts share a step with those of one of them, itself among them:
            the horizon, or `overlap_of(horizon, stride)`.
        weights: (n,) what each origin counts for, such as its number of series; alike by default.

    Returns None where nothing can be said: fewer than 25 times as many origins as overlap, or than
    193, or a differential that does not vary, such as that of two equal forecasters.

    Raises ConfigError for an overlap below 1 or weights that are negative or not finite.

    The long-run variance is the equally weighted cosine estimate (Lazarus, Lewis, Stock and Watson
    2018), which Coroneo and Iacone (2020) take for the test of Diebold and Mariano (1995). The
    statistic is Hall's (1992) transformation, see docs/decisions/significance.md.

    >>> errors = np.random.default_rng(0).normal(size=(2, 1000))
    >>> found = compare(np.abs(errors[0]) - np.abs(1.1 * errors[1]), overlap=1)
    >>> round(found.mean, 2), round(found.p_value, 4), found.degrees_of_freedom
    (-0.13, 0.0006, 15)
    """
    values = np.asarray(differential, dtype=np.float64)[None]
    found = compare_many(values, overlap, None if weights is None else np.asarray(weights)[None])
    if not found.degrees_of_freedom[0]:
        return None
    fields = dataclasses.fields(Comparison)
    return Comparison(**{f.name: getattr(found, f.name)[0].item() for f in fields})


def compare_many(
    differentials: ArrayLike, overlap: int, weights: ArrayLike | None = None
) -> Comparisons:
    """Test each of many differentials alone, as `compare` does.

    Args:
        differentials: (k, n), such as those of k series or of k steps of the horizon.
        overlap: see `compare`.
        weights: (k, n) or (n,).

    Each is tested at its own level: among 100 equal ones 5 are below .05, see `adjusted`.

    >>> compare_many(np.random.default_rng(0).normal(size=(3, 500)), overlap=1).p_value.shape
    (3,)
    """
    values = np.asarray(differentials, dtype=np.float64)
    if overlap < 1:
        raise ConfigError(f"the overlap (={overlap}) must be 1 or more")
    weight = np.ones(1) if weights is None else np.asarray(weights, dtype=np.float64)
    if not np.all(np.isfinite(weight) & (weight >= 0)):
        raise ConfigError("the weights of a comparison must be finite and 0 or more")
    weight = np.broadcast_to(weight, values.shape)
    at_once = max(1, _VALUES_AT_ONCE // max(1, values.shape[1]))
    parts = [
        _compare(values[i : i + at_once], overlap, weight[i : i + at_once])
        for i in range(0, max(1, len(values)), at_once)
    ]
    return Comparisons(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def overlap_of(horizon: int, stride: int = 1) -> int:
    """Return how many origins in a row have a forecast step in common with the first of them.

    horizon: steps of each forecast; stride: steps from one origin to the next.

    >>> overlap_of(96), overlap_of(96, stride=7), overlap_of(1)
    (96, 14, 1)
    """
    return -(-horizon // stride)


def pool(differentials: ArrayLike, counts: ArrayLike | None = None) -> tuple[Array, Array]:
    """Average over the series at each date, since series of one date are not independent.

    Args:
        differentials: (k, n) of k series on the same dates, in comparable units; NaN for none.
        counts: (k, n) what each one counts for, such as its observed steps; alike by default.

    Returns the mean at each date (n,), NaN where there is none, and the sum of its counts (n,): the
    differential and the weights of `compare` (Driscoll and Kraay 1998).

    >>> pool([[1.0, 2.0, np.nan], [3.0, np.nan, np.nan]])
    (array([ 2.,  2., nan]), array([2., 1., 0.]))
    """
    values = np.asarray(differentials, dtype=np.float64)
    count = np.ones(values.shape) if counts is None else np.asarray(counts, dtype=np.float64)
    count = np.where(np.isnan(values), 0, count)
    total = count.sum(0)
    summed = np.where(count > 0, values * count, 0).sum(0)
    return np.divide(summed, total, out=np.full(total.shape, np.nan), where=total > 0), total


def adjusted(p_values: ArrayLike, dependent: bool = False) -> Array:
    """Return p values that hold for many tests at once: those below q are wrong at a rate of q.

    p_values: (k,), NaN where there is none, which stays NaN and does not count. By Benjamini and
    Hochberg (1995), for tests that are independent or move together, as steps of a horizon and
    series of a panel do; where `dependent`, by Benjamini and Yekutieli (2001) for any tests.

    >>> adjusted([0.01, 0.5, np.nan, 0.02])
    array([0.03, 0.5 ,  nan, 0.03])
    """
    p = np.array(p_values, dtype=np.float64)
    known = ~np.isnan(p)
    if known.any():
        p[known] = stats.false_discovery_control(p[known], method="by" if dependent else "bh")
    return p


def _n_cosines(length: Array, overlap: int, rule: tuple[float, float, int]) -> NDArray[np.int64]:
    """Cosines for so many origins.

    The fewer, the less the dependence within a horizon and beyond biases the variance, and the
    further is Student's t from the normal distribution; above a dozen that hardly matters.
    """
    per_overlap, of_power, most = rule
    n = np.minimum(per_overlap * length / overlap, of_power * length ** (2 / 3))
    return np.minimum(n + 1e-9, most).astype(np.int64)


def _compare(values: Array, overlap: int, weight: Array) -> tuple[NDArray[np.generic], ...]:
    """The fields of Comparisons for a few rows.

    Time runs with the weights: what counts for nothing takes none, so that gaps close (which makes
    dependence shorter), and each cosine is orthogonal to the mean, as without weights.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(np.isnan(values), 0, weight)
        values = np.where(weight > 0, values, 0)
        total = weight.sum(1)
        mean = (weight * values).sum(1) / total
        size = (weight * np.abs(values)).sum(1) / total
        length = np.nan_to_num(total**2 / (weight**2).sum(1))  # of as much, weighed alike
        few = _n_cosines(length, overlap, _OF_VARIANCE)
        many = np.maximum(few, _n_cosines(length, overlap, _OF_SKEWNESS))
        along = weight[:1] if (weight == weight[:1]).all() else weight
        clock = (np.cumsum(along, 1) - along / 2) / along.sum(1, keepdims=True)
        found = _cosines(weight * (values - mean[:, None]), clock, many)  # (k, most)
        error = np.sqrt(2 * _mean_square(found, few)) / total
        few = np.where((few >= _LEAST) & np.isfinite(error) & (error > _ROUNDING * size), few, 0)
        error = np.where(few > 0, error, math.nan)
        statistic = _corrected(mean / error, few, *_skewness(found, many))
        p = 2 * special.stdtr(np.where(few > 0, few, math.nan), -np.abs(statistic))
    return mean, error, statistic, few, p, (weight > 0).sum(1)


def _cosines(values: Array, clock: Array, many: NDArray[np.int64]) -> Array:
    """sum_t values_t cos(pi j clock_t) for j = 1.. to each row's own number, 0 beyond: (k, most).

    Each cosine follows from the two before it, so that no array of all is held.
    """
    first = np.cos(math.pi * clock)
    before, here = np.ones_like(first), first
    out = np.zeros((len(values), int(many.max(initial=0))))
    for j in range(out.shape[1]):
        out[:, j] = np.einsum("kn,kn->k", values, np.broadcast_to(here, values.shape))
        before, here = here, 2 * first * here - before
    return np.where(np.arange(out.shape[1]) < many[:, None], out, 0)


def _mean_square(found: Array, n: NDArray[np.int64]) -> Array:
    """(k, most) -> (k,) over the first n of each row."""
    return np.asarray(np.where(np.arange(found.shape[1]) < n[:, None], found**2, 0).sum(1) / n)


def _skewness(found: Array, many: NDArray[np.int64]) -> tuple[Array, Array]:
    """The skewness of the mean, and the deviation of this estimate were there none: (k,) each.

    The bispectrum at frequency 0: cos(j) cos(k) cos(j + k) has the mean 1/4 over time, so the
    product of three standardised projections has 2^1.5 / 4 times the skewness for its mean.
    """
    z = found / np.sqrt(_mean_square(found, many))[:, None]
    most = found.shape[1]
    total = np.zeros(len(z))
    for j in range(1, most // 2 + 1):
        k = np.arange(j, most - j + 1)
        total += z[:, j - 1] * np.einsum("kn,kn->k", z[:, k - 1], z[:, j + k - 1])
    pairs = many**2 // 4  # j <= k with j + k <= many; those with j = k vary twice as much
    return 2**0.5 * total / pairs, 2**0.5 * np.sqrt(pairs + many // 2) / pairs


def _corrected(t: Array, df: NDArray[np.int64], skewness: Array, deviation: Array) -> Array:
    """Hall's (1992) monotone transformation of t, less what the noise of the skewness adds to it.

    A mean of skewed values goes with its variance: those of one sign get too large a t.
    """
    near = np.clip(t, -_FARTHEST, _FARTHEST)
    hall = near + skewness / 3 * near**2 + skewness**2 / 27 * near**3 + skewness / 6
    slope = special.stdtrit(np.maximum(df, 1), 0.975) ** 2 / 3 + 1 / 6  # by the skewness, at p = 5%
    return np.asarray((hall + t - near) / np.sqrt(1 + (_NOISE * slope * deviation) ** 2))
