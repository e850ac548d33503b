"""Seasonal lags from the data: found where they are, nowhere else, from the training part alone."""

import dataclasses
import time

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.checks import waves
from tests.helpers.panels import panel_of, panel_of_zeros
from tsconv.data.panel.panel import Panel
from tsconv.data.seasons.lags import find_lags, lag_seasons, tells_seasons
from tsconv.data.seasons.periods import Season
from tsconv.data.timestamps.frequency import parse_frequency


def integer_panel(*series: np.ndarray) -> Panel:
    """Series of integer time: s0, s1, ..."""
    parts = [
        pd.DataFrame({"unique_id": f"s{s:03}", "ds": range(len(y)), "y": y})
        for s, y in enumerate(series)
    ]
    return panel_of(pd.concat(parts))


def lags_of(panel: Panel, held: int = 0) -> list[int]:
    return find_lags(panel, (panel.lengths - held).clamp_min(0))[0]


def hours(seed: int, n: int = 700) -> np.ndarray:
    """A day and a week."""
    return waves(n, {24: 1.0, 168: 0.8}, 0.3, seed)


@pytest.mark.parametrize("alias", ["h", "2h", "15min", "5s", "min", "D", "W", "B", "MS", "QE"])
def test_usual_steps_tell_their_seasons(alias: str) -> None:
    assert tells_seasons(parse_frequency(alias))


@pytest.mark.parametrize("alias", ["1", "3", "7min", "7s", "5h", "7h", "10D", "2D", "2B", "YE"])
def test_odd_steps_do_not(alias: str) -> None:
    assert not tells_seasons(parse_frequency(alias))


def test_the_reason_names_seasons_shares_and_the_sample() -> None:
    panel = integer_panel(*(hours(seed) for seed in range(4)))
    lags, why = find_lags(panel, panel.lengths)
    assert lags == [24, 168]
    assert why.startswith("the seasons found in 4 series of the training part: 24 (explains ")


def test_held_out_steps_are_not_looked_at() -> None:
    """Whatever they are: nothing found, and nothing hidden."""
    noise, season = waves(200, {}, 1.0), waves(300, {12: 2.0}, 0.3)
    late = integer_panel(np.concatenate([noise, season]))
    early = integer_panel(np.concatenate([season, 100 * noise]))
    assert lags_of(late, held=300) == []
    assert lags_of(late) == [12], "seen without the split"
    assert lags_of(early, held=200) == [12]
    spoiled = dataclasses.replace(early, values=early.values.clone())
    spoiled.values[300:] = torch.nan
    end = early.lengths - 200
    assert find_lags(spoiled, end) == find_lags(early, end)


@pytest.mark.parametrize("alias", ["7min", "7h", "10D"])
def test_a_calendar_cycle_of_broken_steps_is_its_nearest_whole_steps(alias: str) -> None:
    frequency = parse_frequency(alias)
    cycle = {"7min": 1440 / 7, "7h": 24.0, "10D": 36.5}[alias]
    t = np.arange(12 * int(cycle))
    y = np.sin(2 * np.pi * t / cycle) + 0.2 * waves(len(t), {}, 1.0)
    panel = dataclasses.replace(integer_panel(y), frequency=frequency)
    assert lags_of(panel) == [round(cycle)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("n_series", "length"), [(1, 14), (1, 40), (1, 400), (60, 14), (60, 60)])
def test_noise_and_random_walks_have_none(n_series: int, length: int, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(size=(n_series, length))
    for series in (noise, noise.cumsum(1)):
        lags, why = find_lags(panel := integer_panel(*series), panel.lengths)
        assert lags == []
        plural = "1 series" if n_series == 1 else f"{n_series} series"
        assert why.startswith(f"no season found in {plural} of the training part; name one by")


@pytest.mark.parametrize("y", [np.full(50, 3.0), np.arange(5.0), np.full(40, np.nan), [1.0]])
def test_series_that_tell_nothing(y: np.ndarray) -> None:
    """Constant, short and all missing; beside others they do no harm."""
    panel = panel_of_zeros("1", 3, len(y))
    panel.values[:] = torch.as_tensor(np.asarray(y)).repeat(3)[:, None, None]
    assert find_lags(panel, panel.lengths) == (
        [],
        "no season: no series of the training part has 12 values that change",
    )
    assert find_lags(panel, torch.zeros(3, dtype=torch.int64))[0] == []


def test_dead_and_gappy_series_do_not_hide_a_season() -> None:
    gappy = hours(0)
    gappy[np.random.default_rng(0).random(700) < 0.4] = np.nan
    gappy[-1] = 0.0
    flat, short = np.full(700, 5.0), np.arange(6.0)
    assert lags_of(integer_panel(hours(1), gappy, flat, short, hours(2), hours(3))) == [24, 168]


def test_what_is_worth_a_lag() -> None:
    def kept(*seasons: tuple[int, float, float]) -> list[int]:
        return [s.period for s in lag_seasons([Season(p, r, e, 1.0) for p, e, r in seasons])]

    assert kept((24, 0.19, 0.9)) == [], "explains too little"
    assert kept((24, 0.9, 0.1)) == [], "hardly alike from cycle to cycle"
    assert kept((24, 0.87, 0.9), (47, 0.31, 0.8), (168, 0.87, 0.8)) == [24, 168], "47: an echo"
    assert kept((24, 0.86, 0.9), (71, 0.44, 0.8), (168, 0.86, 0.8)) == [24, 168], "71: another"
    assert kept((7, 0.4, 0.5), (365, 0.5, 0.5)) == [7, 365], "more than an echo of 7 could"
    assert kept((7, 0.5, 0.5), (30, 0.4, 0.4)) == [7, 30]
    assert kept((12, 0.4, 0.5), (24, 0.9, 0.9)) == [24], "two peaks a day"
    assert kept((12, 0.7, 0.5), (24, 0.9, 0.9)) == [12, 24]
    assert kept((4, 0.5, 0.5), (9, 0.6, 0.5), (25, 0.7, 0.5), (90, 0.8, 0.5)) == [9, 25, 90]


@given(
    factors=st.lists(st.sampled_from([1e-6, 0.3, 1.0, 17.0, 1e9]), min_size=4, max_size=4),
    levels=st.lists(st.sampled_from([-1e4, 0.0, 3.0, 1e5]), min_size=4, max_size=4),
    order=st.permutations(range(4)),
    period=st.sampled_from([5, 12, 30]),
)
@settings(max_examples=20, deadline=None)
def test_units_levels_and_order_do_not_count(
    factors: list[float], levels: list[float], order: list[int], period: int
) -> None:
    series = [waves(10 * period, {period: 1.0}, 0.4, seed) for seed in range(4)]
    changed = [
        factor * (level + x) for x, factor, level in zip(series, factors, levels, strict=True)
    ]
    lags = lags_of(integer_panel(*series))
    assert lags == [period]
    assert lags_of(integer_panel(*(changed[s] for s in order))) == lags


def test_a_hundred_thousand_short_series_take_no_time() -> None:
    """The sample bounds it: less than half a second of this process."""
    many = panel_of_zeros("1", 100_000, 30)
    week = torch.arange(3_000_000) % 30 % 7
    noise = torch.randn(3_000_000, generator=torch.Generator().manual_seed(0))
    many.values[:, 0, 0] = (week == 3) * 3 + 0.3 * noise.double()
    begin = time.process_time()
    lags, why = find_lags(many, many.lengths)
    assert time.process_time() - begin < 0.5
    assert lags == [7]
    assert "in 100 series of the training part" in why
