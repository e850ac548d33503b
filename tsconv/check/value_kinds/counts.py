"""Counts: numbers of things that happen, beside other values that are written in whole numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsconv.check.tables.array_types import Floats

_FEWEST = 50  # observed values
_FEWEST_LEVELS = 4  # distinct values: fewer are flags or classes
_DISPERSED = 0.75  # of a Poisson's variance, that changes have at least
_DISPERSED_ALONE = 0.5  # the same of a single member, whose figure is less certain
_PARTS = ((1.0, 1.0), (0.5, 0.9), (0.25, 0.7))  # share of the pairs, the smallest; of the limit
_MOST = 0.8  # share of the members of which that holds
_FALLS = 0.02  # share of changes downwards, below which a series is a running total
_LARGEST = 2**53  # whole numbers in float64


def are_counts(members: Sequence[Floats]) -> bool:
    """Whether the values of some members, (n,) each and NaN where missing, can be counts.

    They are whole, not negative and not all multiples of a number; they vary from step to step as
    counts do, at least about as a Poisson variable of their mean, which temperatures, prices and
    percentages in whole numbers seldom do; and they do not only rise, as running totals do.

    >>> rng = np.random.default_rng(0)
    >>> are_counts([rng.poisson(5, size=300).astype(float)])
    True
    >>> are_counts([20 + np.round(3 * np.sin(np.arange(300.0)))])  # whole degrees
    False
    """
    every = np.concatenate([values[~np.isnan(values)] for values in members])
    if len(every) < _FEWEST or (every < 0).any() or (every % 1 != 0).any():
        return False
    levels = np.unique(every)
    if len(levels) < _FEWEST_LEVELS or levels[-1] > _LARGEST:
        return False
    if np.gcd.reduce(levels.astype("int64")) != 1:
        return False
    pairs = [_pairs(values) for values in members]
    changes = np.concatenate([change for change, _ in pairs])
    if (changes < 0).sum() < _FALLS * len(changes):
        return False
    sums = np.concatenate([total for _, total in pairs])
    if not _vary_enough(changes, sums, _DISPERSED):
        return False
    alone = [_vary_enough(*pair, _DISPERSED_ALONE) for pair in pairs if len(pair[0]) >= _FEWEST]
    return not alone or bool(np.mean(alone) >= _MOST)


def _pairs(values: Floats) -> tuple[Floats, Floats]:
    """The change and the sum of each two values side by side that are known and not both 0."""
    change, total = np.diff(values), values[1:] + values[:-1]
    known = total > 0
    return change[known], total[known]


def _vary_enough(changes: Floats, sums: Floats, least: float) -> bool:
    """Whether squared changes are at least so large a part of what they are for Poisson variables.

    Given the sum of two such variables, the square of their difference is expected to be that sum:
    so it has to hold where sums are small too, where errors of measurement are small as well.
    """
    if len(sums) == 0:
        return False
    for share, lenience in _PARTS:
        low = sums <= np.quantile(sums, share)
        if (changes[low] ** 2).sum() < lenience * least * sums[low].sum():
            return False
    return True
