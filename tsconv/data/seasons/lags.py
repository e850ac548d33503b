"""Seasonal lags from the data, for frequencies that do not tell their seasons.

A month has a year of 12 and an hour a day of 24; integer time says nothing, and a step of 7 minutes
divides no day. The finder then looks at a sample of the training part alone: no later step counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from tsconv.data.panel.panel import Panel
from tsconv.data.seasons.periods import Season, find_periods
from tsconv.data.seasons.sample import sample_stretches
from tsconv.data.timestamps.frequency import DAY, Frequency
from tsconv.text import plural

_HOUR, _WEEK, _YEAR = DAY // 24, 7 * DAY, 365 * DAY  # microseconds
_SHORT = DAY // 24 // 15  # the step below which an hour is a season
_OFF = 0.03  # share of a cycle by which its nearest number of whole steps may be off
_FEWEST, _MOST, _MOST_VALUES = 15, 100, 60_000  # series that are sampled, and their values
_EXPLAINED, _CORRELATION = 0.2, 0.2  # what a season must have to be a lag
_OF_SHORTER = 0.5  # of what a shorter season explains, a longer one must explain so much
_NEAR = 1 / 6  # of a season: so far from its multiples, a longer period still repeats some of it
_HARMONIC = 1.5  # where twice or three times a period explain so much more, it is a part of theirs
_MOST_LAGS = 3


def tells_seasons(frequency: Frequency) -> bool:
    """Whether the seasons of a step are known from the frequency: each is a whole number of steps.

    >>> from tsconv.data.timestamps.frequency import parse_frequency
    >>> [tells_seasons(parse_frequency(alias)) for alias in ("h", "MS", "1", "7min", "10D")]
    [True, True, False, False, False]
    """
    odd = any(cycle % frequency.size for cycle in _cycles(frequency))
    return bool(frequency.seasons) and not odd


def find_lags(panel: Panel, end: Tensor) -> tuple[list[int], str]:
    """Find the seasonal lags that the first steps of each series support, shortest first; and why.

    panel: of S series; end: (S,) the step before which each training part ends. Looks at up to 100
    series, spread over the panel, and about 60,000 values: at least 15 series of up to 5,000 steps.
    """
    lengths = end.cpu().sort().values
    typical = max(1, int(lengths[len(lengths) // 2]))
    most = min(_MOST, max(_FEWEST, _MOST_VALUES // typical))
    sample = sample_stretches(panel, end, most)
    if not sample:
        return [], "no season: no series of the training part has 12 values that change"
    seasons = lag_seasons(find_periods(sample, _usual(panel.frequency)))
    among = f"in {plural(len(sample), 'series', 'series')} of the training part"
    if not seasons:
        return [], f"no season found {among}; name one by `features.seasonal_lags`, e.g. [24]"
    shares = [f"{s.period} (explains {100 * s.explained:.0f}%)" for s in seasons]
    return [s.period for s in seasons], f"the seasons found {among}: {', '.join(shares)}"


def lag_seasons(seasons: Sequence[Season]) -> list[Season]:
    """Choose from the seasons that were found those that are worth a lag, shortest first.

    A season must explain a fifth of the variance and half of what each shorter one explains; close
    to a multiple of a shorter one it must explain more, or it is an echo, such as 47 beside 24. The
    half of a day with two peaks gives way to the day.

    >>> found = [Season(24, 0.9, 0.87, 1.0), Season(47, 0.8, 0.31, 0.9), Season(168, 0.8, 0.87, 1)]
    >>> [season.period for season in lag_seasons(found)]
    [24, 168]
    """
    kept: list[Season] = []
    for season in sorted(seasons, key=lambda s: s.period):
        least = max([_EXPLAINED, *(_least_beside(season, shorter) for shorter in kept)])
        if season.explained >= least and season.correlation >= _CORRELATION:
            kept.append(season)
    kept = [s for s in kept if not any(_is_harmonic(s, other) for other in kept)]
    strongest = sorted(kept, key=lambda s: -s.explained)[:_MOST_LAGS]
    return sorted(strongest, key=lambda s: s.period)


def _least_beside(season: Season, shorter: Season) -> float:
    """The share that a season must explain beside a shorter one."""
    off = abs(season.period - shorter.period * round(season.period / shorter.period))
    echo = 0 < off <= _NEAR * shorter.period
    return shorter.explained if echo else _OF_SHORTER * shorter.explained


def _is_harmonic(season: Season, of: Season) -> bool:
    whole = of.period in (2 * season.period, 3 * season.period)
    return whole and of.explained > _HARMONIC * season.explained


def _cycles(frequency: Frequency) -> list[int]:
    """Hour, day and week where they are longer than a step, in its units; an hour of short steps.

    Only steps of a fixed length have cycles that they may divide or not.
    """
    if frequency.kind != "fixed":
        return []
    hour = [_HOUR] if frequency.size < _SHORT else []
    return [cycle for cycle in (*hour, DAY, _WEEK) if cycle > frequency.size]


def _usual(frequency: Frequency) -> list[int]:
    """Cycles of the calendar as the nearest whole steps, where these come close."""
    cycles = [*_cycles(frequency), _YEAR] if frequency.kind == "fixed" else []
    steps = {round(cycle / frequency.size): cycle / frequency.size for cycle in cycles}
    return sorted(n for n, exact in steps.items() if n > 1 and abs(n - exact) <= _OFF * exact)
