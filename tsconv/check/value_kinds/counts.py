"""Counts: numbers of things that happen, beside other values that are written in whole numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsconv.check.tables.array_types import Floats

_FEWEST = 50  # observed values
_FEWEST_LEVELS = 4  # distinct values: fewer are flags or classes
_DISPERSED = 0.75  # of a Poisson's variance, that changes have at least
_DISPERSED_ALONE = 0.5  # the same of a single member, whose figure is less certain
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
    changes = [np.diff(values) for values in members]
    changes = [change[~np.isnan(change)] for change in changes]
    falls, total = sum(int((c < 0).sum()) for c in changes), sum(map(len, changes))
    if total == 0 or falls < _FALLS * total:
        return False
    squares = np.array([float((change**2).sum()) for change in changes])
    poisson = np.array(
        [
            2 * float(np.nanmean(v)) * len(c) if len(c) else 0.0
            for v, c in zip(members, changes, strict=True)
        ]
    )
    if squares.sum() < _DISPERSED * poisson.sum():
        return False
    long = np.array([len(change) >= _FEWEST for change in changes]) & (poisson > 0)
    alone = squares[long] >= _DISPERSED_ALONE * poisson[long]
    return bool(len(alone) == 0 or alone.mean() >= _MOST)
