"""Seasonal periods that the data support, by autocorrelation and the share that repeats.

The trend is subtracted from each sampled series; candidates are peaks of the autocorrelation,
averaged over the sample. A candidate is a season if a profile of its length (the mean of each
phase) explains a share of the variance around a running mean, beyond chance and beyond what
neighbouring lengths explain. The shortest is subtracted; longer ones are looked for in the rest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tsconv.data.seasons.autocorrelation import Floats, detrend, mean_correlation

_FEWEST_CYCLES = 3
_FEW_CYCLES = 8
_MOST_PEAKS = 25
_LEAST = 0.1  # share of the variance
_STRONG, _STRONG_CORRELATION = 0.3, 0.4  # what a period that is not usual must reach
_MOST_SEASONS = 4
_BROAD = 0.15  # share of a period within which peaks belong together
_NOISE = 0.03  # share by which the best length of a broad peak may be off
_ROUNDING = 1e-9  # of a series' largest value: less is left of a straight line


@dataclasses.dataclass(frozen=True)
class Season:
    """A period in steps, its autocorrelation (mean over the sample) and what it explains.

    >>> Season(period=24, correlation=0.9, explained=0.8, seen=1.0).period
    24
    """

    period: int
    correlation: float
    explained: float  # share of the variance around the running mean, beyond chance
    seen: float  # share of the sampled series in which it explains enough


def find_periods(series: Sequence[Floats], usual: Sequence[int] = ()) -> list[Season]:
    """Find the seasonal periods of some series, shortest first.

    series: each (T,) of equal steps, NaN where missing. A period close to one of the `usual` ones
    is reported as that one.

    >>> noise = np.random.default_rng(0).normal(size=400)
    >>> week = np.sin(2 * np.pi * np.arange(400) / 7)
    >>> [season.period for season in find_periods([week + 0.1 * noise])]
    [7]
    """
    plain = [y for x in series if _varies(y := detrend(_within_one(x)))]
    if not plain:
        return []
    lengths = sorted(len(x) for x in plain)
    longest = lengths[len(lengths) // 2] // _FEWEST_CYCLES
    if longest < 2:
        return []
    correlation = mean_correlation(plain, longest + longest // 2)
    chance = 2 / np.sqrt(sum(lengths))
    found: list[int] = []
    rest = plain
    for _ in range(_MOST_SEASONS):
        r = mean_correlation(rest, longest + longest // 2) if found else correlation
        peaks = _peaks(r, longest, max(0.05, 2 * chance))
        candidates = sorted({*peaks, *(p for p in usual if 2 <= p <= longest)})
        period = _shortest_season(_Shares(rest), candidates, longest, found)
        if period is None or period in found:
            break
        found.append(period)
        rest = [x - _profile(x, period) for x in rest]
    n = lengths[len(lengths) // 2]
    seasons = [_season(_nearest_usual(p, usual), plain, correlation) for p in sorted(found)]
    return [
        s
        for s in seasons
        if s.explained >= (1 if s.period in usual else 1.5) * _LEAST
        and (s.period in usual or not usual or _is_strong(s, n, usual))
        and s.correlation >= _least_correlation(s.period, n, s.period in usual)
    ]


def _within_one(x: Floats) -> Floats:
    """The series in units of a power of two, which changes no digit: squares then stay finite."""
    _, exponent = np.frexp(np.nanmax(np.abs(x)))
    unit: Floats = np.ldexp(x, -exponent)
    return unit


def _varies(rest: Floats) -> bool:
    """Whether more than rounding is left around the trend of a series between -1 and 1."""
    return bool(np.nanmax(np.abs(rest)) > _ROUNDING)


def _is_strong(season: Season, n: int, usual: Sequence[int]) -> bool:
    """Whether a period that is not usual stands on evidence of its own, in series of n steps.

    On hours, harmonics of a year and near multiples of a day or a week look like seasons: 361, 602.
    """
    near = [p for p in usual if abs(season.period - p * round(season.period / p)) <= _NOISE * p]
    multiple = any(season.period > p for p in near)
    return (
        not multiple
        and season.explained >= _STRONG
        and season.correlation >= _STRONG_CORRELATION
        and n >= _FEW_CYCLES * season.period
    )


def _least_correlation(period: int, n: int, usual: bool) -> float:
    """The autocorrelation that a period must have: few cycles are easily alike by chance."""
    if n >= _FEW_CYCLES * period:
        return 0.1
    return 0.3 if usual else 0.5


def _peaks(r: Floats, longest: int, least: float) -> list[int]:
    """Lags 2..longest at which r exceeds both neighbours and `least`, and the lags beside them."""
    k = np.arange(2, min(longest, len(r) - 2) + 1)
    k = k[(r[k] > least) & (r[k] >= r[k + 1]) & (r[k] > r[k - 1])]
    dip = [r[1 : p + 1].min() for p in k]  # a slow decay has no peak: it must fall before it rises
    k = k[r[k] - np.array(dip, dtype=float) > 0.05] if len(k) else k
    k = k[np.argsort(-r[k], kind="stable")][:_MOST_PEAKS]
    # On a slope the peak of a period stands a step beside it.
    near = np.unique(np.concatenate([k, k[k >= 8] - 1, k[k >= 8] + 1]))
    return [int(p) for p in near if 2 <= p <= longest]


def _profile(x: Floats, period: int) -> Floats:
    """The mean of each phase around the running mean, laid out along x; 0 where it has no value."""
    return _phase_means(x - _running_mean(x, period), period)


def _phase_means(y: Floats, period: int) -> Floats:
    phase = np.arange(len(y)) % period
    observed = ~np.isnan(y)
    sums = np.bincount(phase[observed], weights=y[observed], minlength=period)
    return (sums / np.maximum(1, np.bincount(phase[observed], minlength=period)))[phase]


def _running_mean(x: Floats, period: int) -> Floats:
    """The mean of the observed values of the period around each step; whole periods at the ends."""
    observed = ~np.isnan(x)
    sums = np.concatenate([[0.0], np.cumsum(np.where(observed, x, 0))])
    counts = np.concatenate([[0], np.cumsum(observed)])
    begin = np.clip(np.arange(len(x)) - period // 2, 0, max(0, len(x) - period))
    end = np.minimum(begin + period, len(x))
    mean: Floats = (sums[end] - sums[begin]) / np.maximum(1, counts[end] - counts[begin])
    return mean


def explained_share(x: Floats, period: int) -> float:
    """The share of the variance around a running mean that a profile of this period explains.

    x: (T,), NaN where missing; period: in steps, also the length of the running mean, which takes
    slow changes out. Corrected for the profile's degrees of freedom.

    >>> explained_share(np.tile([0.0, 1.0, 5.0], 20), 3)
    1.0
    """
    observed = ~np.isnan(x)
    n = int(observed.sum())
    if n < 2 * period or n <= period + 2:
        return 0.0
    around = x - _running_mean(x, period)
    y = around[observed] - around[observed].mean()
    left = (around - _phase_means(around, period))[observed]
    total = float(y @ y)
    if total <= 0:
        return 0.0
    return max(0.0, 1 - float(left @ left) / (n - period) / (total / (n - 1)))


class _Shares:
    """What periods explain of some series, on average; each is computed once."""

    def __init__(self, series: Sequence[Floats]) -> None:
        self._series = series
        self._known: dict[int, float] = {}

    def mean(self, period: int) -> float:
        """The share that a profile of this period explains, as `explained_share` has it."""
        if period not in self._known:
            shares = [explained_share(x, period) for x in self._series]
            self._known[period] = float(np.mean(shares))
        return self._known[period]

    def beyond_neighbours(self, period: int) -> float:
        """What a period explains beyond lengths near it that share no cycle with it."""
        own = self.mean(period)
        if own < _LEAST or period <= 8:
            return own
        near = (max(2, round(0.7 * period)), round(1.37 * period))
        return own - max(self.mean(p) for p in near)


def _shortest_season(
    shares: _Shares, candidates: Sequence[int], longest: int, found: Sequence[int]
) -> int | None:
    """The shortest candidate that is a season; None where none is."""
    for candidate in sorted(candidates):
        if any(abs(candidate - p) <= _BROAD * p for p in found):
            continue
        if shares.beyond_neighbours(candidate) < _LEAST:
            continue
        period = _best_length_near(shares, candidate, candidates, found)
        own = shares.mean(period)
        multiples = [m * period for m in (2, 3) if m * period <= longest]
        if not any(shares.mean(p) > 1.5 * own for p in multiples):
            return period
    return None


def _best_length_near(
    shares: _Shares, first: int, candidates: Sequence[int], found: Sequence[int]
) -> int:
    """The best length of a broad peak; whole multiples of a season found already go first."""
    broad = [p for p in candidates if first <= p <= (1 + _BROAD) * first]
    peak = max(broad, key=shares.beyond_neighbours)
    about = max(1, round(_NOISE * peak)) if peak >= 8 else 0
    lengths = range(peak - about, peak + about + 1)
    gains = {p: shares.beyond_neighbours(p) for p in lengths}
    best = max(gains, key=gains.__getitem__)
    whole = [p for p in gains if any(p % f == 0 for f in found) and gains[p] > 0.8 * gains[best]]
    return max(whole, key=gains.__getitem__, default=best)


def _nearest_usual(period: int, usual: Sequence[int]) -> int:
    return next((p for p in usual if abs(p - period) <= _NOISE * p), period)


def _season(period: int, series: Sequence[Floats], correlation: Floats) -> Season:
    shares = np.array([explained_share(x, period) for x in series])
    return Season(
        period,
        round(float(correlation[period]), 3),
        round(float(shares.mean()), 3),
        round(float((shares >= _LEAST).mean()), 3),
    )
