"""What the values of some members, series of one kind, have in common, as arrays show it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tsconv.check.tables.array_types import Floats
from tsconv.check.value_kinds.counts import are_counts
from tsconv.check.value_kinds.demand import Demand, demand_of, excess_zeros
from tsconv.check.value_kinds.tails import has_heavy_tails

_FEWEST = 50  # observed values, below which nothing is said of how often one of them is met
_FEWEST_LEVELS = 10  # distinct values, below which each of them is met often
_OFTEN = 0.02  # share of the values that a bound has
_TIMES = 3  # as often as the values beside it
_BESIDE = 3  # distinct values that a bound is compared with


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the values of some members are like, as far as all or most of them agree."""

    name: str  # of the target, or of the series
    observed: int
    low: float
    high: float
    middle: float  # the median
    zeros: int
    counts: bool  # see `are_counts`
    floor: float | None  # the least value, where it is met often
    ceiling: float | None  # the greatest value, where it is met often
    demand: Demand | None  # of a typical member, where no value is negative and some are 0
    excess_zeros: float  # of a typical member: see `excess_zeros`
    heavy_tails: bool


def facts_of(name: str, members: Sequence[Floats], season: int = 1) -> Facts | None:
    """The facts about members, (n,) values each, step by step, NaN where missing; None without any.

    season: steps, of the strongest season; 1 for none.

    >>> found = facts_of("rain", [np.array([0.0, 0.0, 2.5, 0.3] * 50)])
    >>> (found.zeros, found.counts, found.demand.kind)
    (100, False, 'lumpy')
    """
    observed = [values[~np.isnan(values)] for values in members]
    observed = [seen for seen in observed if len(seen)]
    if not observed:
        return None
    every = np.concatenate(observed)
    low, high = float(every.min()), float(every.max())
    floor = _met_by_most(observed)
    ceiling = _met_by_most([-seen for seen in observed])
    counts = ceiling is None and are_counts(members)
    zeros = int((every == 0).sum())
    bounded = floor is not None or ceiling is not None
    return Facts(
        name=name,
        observed=len(every),
        low=low,
        high=high,
        middle=float(np.median(every)),
        zeros=zeros,
        counts=counts,
        floor=floor,
        ceiling=None if ceiling is None else -ceiling,
        demand=_typical_demand(observed) if zeros and low >= 0 else None,
        excess_zeros=float(np.median([excess_zeros(v, season) for v in members])) if counts else 0,
        heavy_tails=not (counts or bounded)
        and bool(np.mean([has_heavy_tails(values, season) for values in members]) > 0.5),
    )


def _met_by_most(observed: Sequence[Floats]) -> float | None:
    """The least value of all, where most members that are long enough meet it often."""
    low = min(float(seen.min()) for seen in observed)
    long = [seen for seen in observed if len(seen) >= _FEWEST] or [np.concatenate(observed)]
    often = sum(often_met(seen) == low for seen in long)
    return low if 2 * often > len(long) else None


def _typical_demand(observed: Sequence[Floats]) -> Demand | None:
    """The medians of the figures of the commonest kind."""
    found = [demand for seen in observed if (demand := demand_of(seen)) is not None]
    if not found:
        return None
    kind = Counter(demand.kind for demand in found).most_common(1)[0][0]
    same = [demand for demand in found if demand.kind == kind]
    interval = float(np.median([demand.interval for demand in same]))
    return Demand(interval, float(np.median([demand.variation for demand in same])))


def often_met(values: Floats) -> float | None:
    """The least of (n,) values where it is met far more often than those next to it.

    >>> often_met(np.concatenate([np.zeros(30), np.linspace(1, 9, 80)]))
    0.0
    """
    levels, counts = np.unique(values, return_counts=True)
    if len(values) < _FEWEST or len(levels) < _FEWEST_LEVELS:
        return None
    beside = counts[1 : 1 + _BESIDE].max()
    often = counts[0] >= max(5, _OFTEN * len(values)) and counts[0] >= _TIMES * beside
    return float(levels[0]) if often else None
