"""Panels that nothing measured: each has one trait of real data, from a seeded generator.

Every function gives a frame of `unique_id`, `ds` and `y`, the columns that need no override.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


class MadeUpPanel(NamedTuple):
    """How a panel is made, and the steps that a user of such data would forecast."""

    make: Callable[[np.random.Generator], pd.DataFrame]
    horizon: int


def made_up_panel(name: str, seed: int = 0) -> pd.DataFrame:
    """The frame of a panel of `PANELS`; equal names and seeds give equal frames.

    >>> list(made_up_panel("trends").columns)
    ['unique_id', 'ds', 'y']
    """
    return PANELS[name].make(np.random.default_rng([seed, *name.encode()]))


def frame_of(series: Iterable[Floats], freq: str | None) -> pd.DataFrame:
    """Long form: series of any lengths, on dates of a frequency or on integers where it is None.

    Series of unlike lengths end on the same step.
    """
    series = list(series)
    longest = max(map(len, series))
    steps = pd.Series(range(1, longest + 1))
    if freq is not None:
        steps = pd.Series(pd.date_range("2015-01-01", periods=longest, freq=freq))
    parts = [
        pd.DataFrame({"unique_id": f"s{n:03}", "ds": steps.iloc[-len(y) :], "y": y.round(6)})
        for n, y in enumerate(series)
    ]
    return pd.concat(parts, ignore_index=True)


def season(length: int, period: float, rng: np.random.Generator, waves: int = 2) -> Floats:
    """(length,) a cycle of about unit size, with a phase and overtones of its own."""
    t = 2 * np.pi * np.arange(length) / period
    phases = rng.uniform(0, 2 * np.pi, waves)
    return sum((np.sin(k * t + p) / k for k, p in enumerate(phases, 1)), np.zeros(length))


def autoregressive(length: int, share: float, rng: np.random.Generator) -> Floats:
    """(length,) noise of unit innovations, of which a share lasts to the next step."""
    noise = rng.normal(size=length)
    for t in range(1, length):
        noise[t] += share * noise[t - 1]
    return noise


def _intermittent_counts(rng: np.random.Generator) -> pd.DataFrame:
    """Daily sales of slow articles: most days 0, more on some weekdays."""
    week = rng.uniform(0.3, 1.7, (80, 7))
    rate = rng.uniform(0.05, 0.5, 80)[:, None] * week[:, np.arange(500) % 7]
    sold = rng.random(rate.shape) < np.minimum(rate, 0.95)
    return frame_of((sold * (1 + rng.poisson(1.5, rate.shape))).astype(float), "D")


def _seasonal_counts(rng: np.random.Generator) -> pd.DataFrame:
    """Hourly calls: small counts with a day and a week, never below 0."""

    def one() -> Floats:
        log_rate = rng.uniform(0, 2) + season(1500, 24, rng) + 0.3 * season(1500, 168, rng)
        return rng.poisson(np.exp(log_rate)).astype(float)

    return frame_of((one() for _ in range(20)), "h")


def _trends(rng: np.random.Generator) -> pd.DataFrame:
    """Monthly series that go up or down all the way, with a mild year."""

    def one() -> Floats:
        slope, t = rng.normal(0, 0.5), np.arange(144)
        return 50 + slope * t + 2 * season(144, 12, rng) + autoregressive(144, 0.4, rng)

    return frame_of((one() for _ in range(40)), "MS")


def _level_shifts(rng: np.random.Generator) -> pd.DataFrame:
    """Daily series with a week, whose level jumps three times or so."""

    def one() -> Floats:
        jumps = (rng.random(730) < 3 / 730) * rng.normal(0, 8, 730)
        return 30 + jumps.cumsum() + 2 * season(730, 7, rng) + rng.normal(size=730)

    return frame_of((one() for _ in range(30)), "D")


def _short_series(rng: np.random.Generator) -> pd.DataFrame:
    """Many quarterly series of 16 to 40 steps."""

    def one() -> Floats:
        length, level = int(rng.integers(16, 41)), rng.uniform(20, 200)
        growth = rng.normal(0.01, 0.02) * np.arange(length)
        return level * (1 + growth + 0.1 * season(length, 4, rng) + rng.normal(0, 0.04, length))

    return frame_of((one() for _ in range(200)), "QS")


def _one_short_series(rng: np.random.Generator) -> pd.DataFrame:
    """A single monthly series of ten years: growth, a year, little noise."""
    t = np.arange(120)
    log_values = 4 + 0.008 * t + 0.15 * season(120, 12, rng) + rng.normal(0, 0.03, 120)
    return frame_of([np.exp(log_values)], "MS")


def _random_walks(rng: np.random.Generator) -> pd.DataFrame:
    """Working days of prices: nothing beats the last value."""
    return frame_of(100 + rng.normal(size=(30, 700)).cumsum(1), "B")


def _white_noise(rng: np.random.Generator) -> pd.DataFrame:
    """Hourly noise around a level: nothing beats the mean."""
    return frame_of(rng.normal(rng.uniform(5, 50, (30, 1)), 3, (30, 900)), "h")


def _growth_with_season(rng: np.random.Generator) -> pd.DataFrame:
    """Monthly series that grow by a share of themselves, their year with them."""

    def one() -> Floats:
        year, drift = rng.uniform(0.1, 0.3) * season(168, 12, rng), rng.normal(0.008, 0.006, 168)
        return np.exp(rng.uniform(2, 8) + drift.cumsum() + year + rng.normal(0, 0.03, 168))

    return frame_of((one() for _ in range(50)), "MS")


def _unlike_scales(rng: np.random.Generator) -> pd.DataFrame:
    """Hourly series of one shape, from thousandths to millions."""

    def one() -> Floats:
        shape = 4 + season(720, 24, rng) + 0.4 * autoregressive(720, 0.7, rng)
        return 10 ** rng.uniform(-2, 6) * shape

    return frame_of((one() for _ in range(120)), "h")


def _missing_values(rng: np.random.Generator) -> pd.DataFrame:
    """Daily series with a week and a year, of which a quarter is missing, some of it in weeks."""

    def one() -> Floats:
        y = (
            20
            + 3 * season(900, 7, rng)
            + 4 * season(900, 365.25, rng)
            + autoregressive(900, 0.5, rng)
        )
        y[rng.random(900) < 0.15] = np.nan
        for first in rng.integers(0, 880, 6):
            y[first : first + rng.integers(5, 30)] = np.nan
        return y

    return frame_of((one() for _ in range(30)), "D")


def _two_seasons(rng: np.random.Generator) -> pd.DataFrame:
    """Hourly series with a day and a week, as loads and visits have them."""

    def one() -> Floats:
        day, week = season(2000, 24, rng, waves=4), season(2000, 168, rng, waves=3)
        return 100 + 20 * day + 10 * week + 4 * autoregressive(2000, 0.8, rng)

    return frame_of((one() for _ in range(10)), "h")


def _season_of_integers(rng: np.random.Generator) -> pd.DataFrame:
    """Integer time, which tells no season; the values repeat every 20 steps."""

    def one() -> Floats:
        return 10 + 3 * season(600, 20, rng, waves=4) + autoregressive(600, 0.5, rng)

    return frame_of((one() for _ in range(40)), None)


PANELS: dict[str, MadeUpPanel] = {
    "intermittent_counts": MadeUpPanel(_intermittent_counts, 14),
    "seasonal_counts": MadeUpPanel(_seasonal_counts, 24),
    "trends": MadeUpPanel(_trends, 12),
    "level_shifts": MadeUpPanel(_level_shifts, 14),
    "short_series": MadeUpPanel(_short_series, 4),
    "one_short_series": MadeUpPanel(_one_short_series, 12),
    "random_walks": MadeUpPanel(_random_walks, 10),
    "white_noise": MadeUpPanel(_white_noise, 24),
    "growth_with_season": MadeUpPanel(_growth_with_season, 12),
    "unlike_scales": MadeUpPanel(_unlike_scales, 24),
    "missing_values": MadeUpPanel(_missing_values, 14),
    "two_seasons": MadeUpPanel(_two_seasons, 48),
    "season_of_integers": MadeUpPanel(_season_of_integers, 20),
}
