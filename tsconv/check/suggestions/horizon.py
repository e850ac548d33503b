"""A horizon and seasonal lags that suit a file, where none are given."""

from __future__ import annotations

from collections.abc import Sequence

from tsconv.data.seasons.periods import Season
from tsconv.data.timestamps.frequency import Frequency

_DAY = 86_400_000_000  # microseconds
_MOST_STEPS_A_DAY = 96  # with more, an hour is forecast
_STRONG = 0.2  # share of the variance from which a season is worth a lag of its own
_LONGEST_LAG = 2016


def suggest_horizon(
    frequency: Frequency, typical_length: int, seasons: Sequence[Season]
) -> tuple[int, str]:
    """Suggest a number of steps to forecast, and say why.

    typical_length: steps of a typical series, of which the horizon is an eighth at most.

    >>> from tsconv.data.timestamps.frequency import parse_frequency
    >>> suggest_horizon(parse_frequency("D"), 500, [])
    (14, 'two weeks')
    """
    steps, why = _usual_horizon(frequency, seasons)
    most = max(1, typical_length // 8)
    if steps > most:
        return most, f"an eighth of a typical series ({typical_length} steps)"
    return steps, why


def _usual_horizon(frequency: Frequency, seasons: Sequence[Season]) -> tuple[int, str]:
    if frequency.kind == "month":
        year = 12 // frequency.size
        return (max(1, year), "a year") if frequency.size <= 6 else (3, "three steps")
    if frequency.kind == "business":
        return 10, "two weeks"
    if frequency.kind == "fixed":
        if frequency.size >= 7 * _DAY:
            return 8, "eight weeks" if frequency.size == 7 * _DAY else "eight steps"
        if frequency.size >= _DAY:
            return max(1, 14 * _DAY // frequency.size), "two weeks"
        day = _DAY // frequency.size
        if day <= _MOST_STEPS_A_DAY:
            return day, "a day"
        return max(1, _DAY // 24 // frequency.size) if day <= 86_400 else 60, "an hour"
    strongest = max(seasons, key=lambda s: s.explained, default=None)
    if strongest is not None and strongest.explained >= _STRONG:
        shortest = min(s.period for s in seasons if s.explained >= _STRONG)
        return shortest, "the season in the data"
    return 10, "ten steps"


def suggest_lags(frequency: Frequency, seasons: Sequence[Season], train_length: int) -> list[int]:
    """Suggest seasonal lags from the data where the frequency has no usual ones; else [].

    train_length: steps of the training part of a typical series.
    """
    if frequency.seasons:
        return []
    return [
        s.period
        for s in seasons
        if s.explained >= _STRONG and 2 * s.period <= train_length and s.period <= _LONGEST_LAG
    ][:2]
