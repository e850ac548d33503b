"""Seasonal periods that the data support, by autocorrelation and the share that repeats.

Each sampled series is freed of its trend; candidates are peaks of the autocorrelation, averaged
over the sample. A candidate counts by how much of the variance a profile of its length explains
beyond chance, and beyond what neighbouring lengths explain.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tsconv.data.panel import Panel

Floats = npt.NDArray[np.float64]
_YEAR = 365 * 86_400_000_000  # microseconds
_MOST_SERIES, _MOST_STEPS = 100, 5000
_FEWEST_CYCLES = 3
_FEW_CYCLES = 6
_MOST_PEAKS = 25
_LEAST = 0.05  # share of the variance
_MOST_SEASONS = 4
_NOISE = 0.03  # share by which the best length of a broad peak may be off


@dataclasses.dataclass(frozen=True)
class Season:
    """A period in steps, its autocorrelation (mean over the sample) and what it explains."""

    period: int
    correlation: float
    explained: float  # share of the variance around the trend, beyond chance
    seen: float  # share of the sampled series in which it counts


def find_seasons(panel: Panel) -> list[Season]:
    """The periods of the first targets of up to 100 series, shortest first."""
    frequency = panel.frequency
    year = _YEAR // frequency.size if frequency.kind == "fixed" else 0
    return seasons_of(sample(panel), (*frequency.seasons, *([year] if year > 1 else [])))


def sample(panel: Panel) -> list[Floats]:
    """Up to 100 (series, target, row), spread evenly over the panel, up to 5,000 last steps each.

    Only stretches with enough values and some change: NaN where missing.
    """
    members, channels, rows = len(panel), len(panel.targets), panel.n_rows
    total = members * channels * rows
    picked = np.unique(np.linspace(0, total - 1, min(total, 4 * _MOST_SERIES)).astype("int64"))
    out: list[Floats] = []
    indptr = panel.indptr.numpy()
    for flat in picked[np.argsort((picked * 2_654_435_761) % 2**32, kind="stable")]:
        s, c, h = np.unravel_index(flat, (members, channels, rows))
        begin, end = int(indptr[s]), int(indptr[s + 1])
        x = panel.values[max(begin, end - _MOST_STEPS) : end, c, h].numpy()
        seen = ~np.isnan(x)
        if seen.sum() >= max(12, 0.3 * len(x)) and np.ptp(x[seen]) > 0:
            out.append(x)
        if len(out) == _MOST_SERIES:
            break
    return out


def seasons_of(series: Sequence[Floats], usual: Sequence[int] = ()) -> list[Season]:
    """The periods of some stretches of equal steps, shortest first.

    A period within noise of one of the `usual` ones is taken for it.
    """
    if not series:
        return []
    plain = [_detrended(x) for x in series]
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
        candidates = _peaks(r, longest, max(0.05, 2 * chance))
        period = _strongest(rest, candidates)
        if period is None:
            break
        # A long period may be that of two short ones together: those are taken off first.
        taken = [p for p in _parts_of(period, rest, candidates) if p not in found] or [period]
        for p in taken:
            rest = [x - _profile(x, p) for x in rest]
        found += [p for p in taken if p not in found]
    n = lengths[len(lengths) // 2]
    seasons = [_season(_snapped(p, usual), plain, correlation) for p in sorted(found)]
    return [s for s in seasons if s.explained >= _LEAST and s.correlation >= _least(s.period, n)]


def _least(period: int, n: int) -> float:
    """The autocorrelation that a period must have: few cycles are easily alike by chance."""
    return 0.1 if n >= _FEW_CYCLES * period else 0.3


def correlation_at(series: Sequence[Floats], lags: Sequence[int]) -> dict[int, float | None]:
    """Mean autocorrelation around the trend at given lags; None where series are too short."""
    fit = [lag for lag in lags if any(len(x) >= 2 * lag + 2 for x in series)]
    if not fit:
        return dict.fromkeys(lags)
    r = mean_correlation([_detrended(x) for x in series], max(fit))
    return {lag: float(r[lag]) if lag in fit else None for lag in lags}


def mean_correlation(series: Sequence[Floats], longest: int) -> Floats:
    """(longest + 1,) autocorrelation at lags 0.., missing values skipped, the mean over series."""
    total, weight = np.zeros(longest + 1), np.zeros(longest + 1)
    for x in series:
        m = ~np.isnan(x)
        z = np.where(m, x, 0)
        size = 1 << int(2 * len(x) - 1).bit_length()
        both = np.fft.rfft(np.stack([z, m.astype(float)]), size)
        product, pairs = np.fft.irfft(np.abs(both) ** 2, size)[:, : min(len(x), longest + 1)]
        pairs = np.round(pairs)
        variance = product[0] / max(1.0, pairs[0])
        if variance <= 0:
            continue
        use = pairs >= max(4, 0.1 * pairs[0])
        k = len(use)
        total[:k] += np.where(use, product / np.maximum(pairs, 1) / variance, 0)
        weight[:k] += use
    return np.where(weight > 0, total / np.maximum(weight, 1), 0)


def _detrended(x: Floats) -> Floats:
    """Less its straight line."""
    t = np.arange(len(x), dtype=float)
    m = ~np.isnan(x)
    slope, level = np.polyfit(t[m] / len(x), x[m], 1)
    return x - (level + slope * t / len(x))


def _peaks(r: Floats, longest: int, least: float) -> list[int]:
    """Lags 2..longest above both neighbours and `least`, the highest of each neighbourhood."""
    k = np.arange(2, min(longest, len(r) - 2) + 1)
    k = k[(r[k] > least) & (r[k] >= r[k + 1]) & (r[k] > r[k - 1])]
    dip = [r[1 : p + 1].min() for p in k]  # a slow decay has no peak: it must fall before it rises
    k = k[r[k] - np.array(dip, dtype=float) > 0.05] if len(k) else k
    k = k[np.argsort(-r[k], kind="stable")][:_MOST_PEAKS]
    # On a slope the peak of a period stands a step beside it.
    near = np.unique(np.concatenate([k, k[k >= 8] - 1, k[k >= 8] + 1]))
    return [int(p) for p in near if 2 <= p <= longest]


def _profile(x: Floats, period: int) -> Floats:
    """The mean of each phase, laid out along x; 0 where a phase has no value."""
    phase = np.arange(len(x)) % period
    m = ~np.isnan(x)
    sums = np.bincount(phase[m], weights=x[m], minlength=period)
    return (sums / np.maximum(1, np.bincount(phase[m], minlength=period)))[phase]


def explained(x: Floats, period: int) -> float:
    """Share of the variance that a profile of this length explains, corrected for its length."""
    m = ~np.isnan(x)
    n = int(m.sum())
    if n < 2 * period or n <= period + 2:
        return 0.0
    y = x[m] - x[m].mean()
    left = (x - _profile(x, period))[m]
    total = float(y @ y)
    if total <= 0:
        return 0.0
    return max(0.0, 1 - float(left @ left) / (n - period) / (total / (n - 1)))


def _gain(series: Sequence[Floats], period: int) -> float:
    """Beyond what lengths near it, that share no cycle with it, explain."""

    def mean(p: int) -> float:
        return float(np.mean([explained(x, p) for x in series]))

    near = max(mean(max(2, round(0.7 * period))), mean(round(1.37 * period)))
    return mean(period) - (near if period > 8 else 0.0)


def _strongest(series: Sequence[Floats], candidates: list[int]) -> int | None:
    gains = {p: _gain(series, p) for p in candidates}
    best = max(gains.values(), default=0.0)
    if best < _LEAST:
        return None
    shortest = min(p for p, gain in gains.items() if gain >= 0.85 * best)
    # Noise on a broad peak: the best of its neighbourhood, or what is near the best candidate.
    close = [p for p in gains if abs(p - shortest) <= 0.1 * shortest]
    peak = max(close, key=gains.__getitem__)
    about = max(1, round(_NOISE * peak)) if peak >= 8 else 0
    return max(range(peak - about, peak + about + 1), key=lambda p: _gain(series, p))


def _snapped(period: int, usual: Sequence[int]) -> int:
    return next((p for p in usual if abs(p - period) <= _NOISE * p), period)


def _parts_of(period: int, series: Sequence[Floats], candidates: list[int]) -> list[int]:
    """Periods that divide a longer one and are seasons themselves, such as 24 of 168."""
    whole = float(np.mean([explained(x, period) for x in series]))
    kept: list[int] = []
    for p in candidates:
        if p < period and period % p == 0:
            own = float(np.mean([explained(x, p) for x in series]))
            inside = any(p % shorter == 0 for shorter in kept)
            if own >= 0.4 * whole and not inside:
                kept.append(p)
    return kept


def _season(period: int, series: Sequence[Floats], correlation: Floats) -> Season:
    shares = np.array([explained(x, period) for x in series])
    return Season(
        period,
        round(float(correlation[period]), 3),
        round(float(shares.mean()), 3),
        round(float((shares >= _LEAST).mean()), 3),
    )
