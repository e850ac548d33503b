"""Heavy tails of the changes from step to step, by quantiles alone: outliers do not decide."""

from __future__ import annotations

import numpy as np

from tsconv.check.tables.array_types import Floats, Ints

_BLOCK = 64  # changes that share a scale: what varies slowly is no tail
_FEWEST = 100  # changes
_MOST_ALIKE = (
    0.2  # share of changes that are 0: beyond it the values rest, and quartiles say little
)
_FEWEST_OF_PHASE = 20  # changes of one phase of a season that have a scale of their own
_HEAVY = (
    5.0  # 2.9 for normal changes, 1.9 to 2.7 for uniform ones, 5.3 for a Student t of 2 degrees
)
_MARGIN = 5.0  # is divided by the square root of the number of changes


def tail_weight(values: Floats, lag: int = 1, season: int = 1) -> float | None:
    """How far the tails of the changes over `lag` steps reach, in units of their middle half.

    The distance of the 2.5% and 97.5% quantiles over that of the quartiles (Crow and Siddiqui
    1967), of changes that were divided by the spread of their neighbourhood, and of their phase of
    the season: spread that comes and goes is no tail. None where there are too few changes, or
    many are 0.

    values: (n,) of a series, NaN where missing. season: steps; 1 for none.

    >>> rng = np.random.default_rng(0)
    >>> round(tail_weight(rng.normal(size=10_000)), 1)
    2.9
    """
    changes = values[lag:] - values[:-lag]
    known = ~np.isnan(changes)
    phase, changes = (np.arange(len(changes)) % season)[known], changes[known]
    if len(changes) < _FEWEST or np.mean(changes == 0) > _MOST_ALIKE:
        return None
    n = len(changes) // _BLOCK * _BLOCK
    blocks, phase = changes[:n].reshape(-1, _BLOCK), phase[:n].reshape(-1, _BLOCK)
    spread = np.subtract(*np.quantile(blocks, [0.75, 0.25], axis=1))
    usable = spread > 0
    if not usable.any():
        return None
    scaled = (blocks[usable] / spread[usable, None]).ravel()
    if season > 1 and len(scaled) >= _FEWEST_OF_PHASE * season:
        scaled = _by_phase(scaled, phase[usable].ravel(), season)
    outer, inner, inner_high, outer_high = np.quantile(scaled, [0.025, 0.25, 0.75, 0.975])
    return float((outer_high - outer) / (inner_high - inner)) if inner_high > inner else None


def _by_phase(changes: Floats, phase: Ints, season: int) -> Floats:
    """(n,) changes, each divided by the spread of its phase of the season, where that is not 0."""
    order = np.argsort(phase, kind="stable")
    parts = np.split(changes[order], np.searchsorted(phase[order], np.arange(1, season)))
    out = []
    for part in parts:
        spread = np.subtract(*np.quantile(part, [0.75, 0.25])) if len(part) else 0.0
        out.append(part / spread if spread > 0 else part)
    return np.concatenate(out)


def has_heavy_tails(values: Floats, season: int = 1) -> bool:
    """Whether the tails are heavy from step to step and over a season, by a margin if short.

    season: steps; 1 for none.

    >>> rng = np.random.default_rng(0)
    >>> has_heavy_tails(rng.normal(size=500)), has_heavy_tails(rng.standard_cauchy(size=500))
    (False, True)
    """
    limit = _HEAVY + _MARGIN / max(1, len(values)) ** 0.5
    weights = [tail_weight(values, lag, season) for lag in sorted({1, season})]
    known = [weight for weight in weights if weight is not None]
    return bool(known) and bool(min(known) > limit)
