"""Defaults that fit the data: the stated rules, for panels from tiny to large."""

import functools

import numpy as np
import pandas as pd
import pytest

from tests.helpers.checks import waves
from tests.helpers.panels import panel_of, panel_of_zeros
from tsconv.config.compose import train_config
from tsconv.config.schema import TrainConfig
from tsconv.errors import ConfigError
from tsconv.training.defaults.resolve import ResolvedConfig, resolve


def resolved(
    freq: str, n_series: int, length: int, horizon: int, *overrides: str
) -> ResolvedConfig:
    return resolve(composed(horizon, *overrides), panel_of_zeros(freq, n_series, length))


@functools.cache
def composed(horizon: int, *overrides: str) -> TrainConfig:
    """One config for all the panels that it is resolved for."""
    return train_config([f"horizon={horizon}", *overrides])


def test_five_short_monthly_series() -> None:
    r = resolved("ME", 5, 40, 6)
    assert (r.config.split.test_size, r.config.split.val_size) == (6, 6)
    assert r.config.features.seasonal_lags == [12]
    assert r.config.context_length == 14  # half of the 28 steps that train
    assert r.season == 12


def test_one_hourly_year() -> None:
    r = resolved("h", 1, 8760, 48)
    assert r.config.features.seasonal_lags == [24, 168]
    assert r.config.context_length == 336
    assert (r.config.model.levels, r.config.data.origins_per_chunk) == (7, 512)
    assert r.season == 24


def test_a_solved_linear_branch_learns_slowly_and_another_as_all_else() -> None:
    for start, share in (("solved", 0.1), ("seasonal", 1.0)):
        r = resolved("h", 1, 8760, 48, f"model.linear_start={start}")
        assert r.config.optimizer.linear_lr == share
    r = resolved("h", 1, 8760, 48, "optimizer.linear_lr=0.5")
    assert r.config.optimizer.linear_lr == 0.5
    assert "optimizer.linear_lr" not in r.reasons


def test_deviations_of_series_learn_at_the_share_of_them_that_a_step_sees() -> None:
    keys = ("model.maps=pooled", "data.chunks_per_batch=5")
    r = resolved("h", 20, 800, 48, *keys)
    assert r.config.optimizer.row_lr == 0.25
    assert r.reasons["optimizer.row_lr"] == "a step sees 5 of 20 series"
    assert resolved("h", 5, 800, 48, *keys).config.optimizer.row_lr == 1
    assert resolved("h", 20, 800, 48, "data.chunks_per_batch=5").config.optimizer.row_lr == 1
    r = resolved("h", 20, 800, 48, *keys, "optimizer.row_lr=0.5")
    assert r.config.optimizer.row_lr == 0.5
    assert "optimizer.row_lr" not in r.reasons


def test_ten_thousand_daily_series() -> None:
    r = resolved("D", 10_000, 400, 28)
    assert r.config.features.seasonal_lags == [7]
    assert r.config.context_length == 84
    data = r.config.data
    assert data.origins_per_chunk is not None
    assert data.chunks_per_batch is not None
    assert data.origins_per_chunk < 200  # so that a batch mixes many series
    assert 4000 < data.origins_per_chunk * data.chunks_per_batch <= 8192


def integer_series(*overrides: str) -> ResolvedConfig:
    """Three series of integer time with a day and a week of hours; 140 of 700 steps held out."""
    parts = [
        pd.DataFrame({"unique_id": s, "ds": np.arange(700) + 1, "y": waves(700, PERIODS, 0.3, s)})
        for s in range(3)
    ]
    return resolve(train_config(["horizon=48", *overrides]), panel_of(pd.concat(parts)))


PERIODS = {24: 1.0, 168: 0.8}


def test_integer_time_has_the_seasons_of_the_training_part() -> None:
    r = integer_series()
    assert r.config.features.seasonal_lags == [24, 168]
    assert r.reasons["features.seasonal_lags"].startswith(
        "the seasons found in 3 series of the training part: 24 (explains "
    )
    assert (r.season, r.config.context_length) == (24, 280), "at most half of the training part"
    assert [b.key for b in r.baselines] == [
        "naive", "seasonal_naive", "seasonal_naive_168", "drift", "window_average",
    ]  # fmt: skip


def test_seasons_that_are_found_do_not_move_the_split_that_they_are_found_in() -> None:
    found, none = integer_series(), integer_series("features.seasonal_lags=[]")
    assert found.config.split == none.config.split
    assert (none.config.features.seasonal_lags, none.season) == ([], 1)
    assert "features.seasonal_lags" not in none.reasons


def test_where_there_is_none_the_reason_says_so() -> None:
    r = resolved("1", 3, 700, 48)
    assert (r.config.features.seasonal_lags, r.season) == ([], 1)
    assert r.reasons["features.seasonal_lags"] == (
        "no season: no series of the training part has 12 values that change"
    )


def test_an_odd_step_keeps_the_season_that_it_has() -> None:
    """A week is 1,440 steps of 7 minutes; a day is no whole number of them, and is not found."""
    r = resolved("7min", 1, 4000, 24)
    assert r.config.features.seasonal_lags == [1440]
    assert r.reasons["features.seasonal_lags"].startswith("the seasons of a step of 7min; no ")


@pytest.mark.parametrize("freq", ["15min", "h", "D", "B", "W", "MS", "QE", "YS", "1"])
@pytest.mark.parametrize("length", [6, 15, 60, 700, 20_000])
@pytest.mark.parametrize("horizon", [1, 12, 100])
def test_every_frequency_length_and_horizon_resolves(freq: str, length: int, horizon: int) -> None:
    if horizon >= length:
        with pytest.raises(ConfigError, match=f"the most that training accepts is {length - 1}$"):
            resolved(freq, 3, length, horizon)
        return
    r = resolved(freq, 3, length, horizon)
    c = r.config
    assert c.context_length is not None
    assert 4 <= c.context_length <= max(4, length)
    assert c.split.val_size in (0, *range(horizon, 10 * horizon + 1))
    assert c.split.test_size is not None
    assert c.split.val_size is not None
    assert c.split.test_size == 0 or c.split.test_size >= horizon
    assert 2 * (c.split.test_size + c.split.val_size) <= length
    assert c.model.hidden
    assert c.model.levels
    assert c.data.origins_per_chunk
    assert c.data.chunks_per_batch
    assert c.trainer["max_steps"] >= 300
    assert all(lag * 2 <= length for lag in c.features.seasonal_lags or [])
    assert all(r.reasons.values())


def test_what_is_set_is_kept_and_has_no_reason() -> None:
    r = resolved(
        "h", 2, 3000, 24, "context_length=50", "model.hidden=9", "model.levels=2",
        "features.seasonal_lags=[]", "split.val_size=0", "split.test_size=30",
        "data.origins_per_chunk=77", "data.chunks_per_batch=3", "trainer.max_steps=11",
        "trainer.val_check_interval=4", "model.channels=mixed", "optimizer.linear_lr=1",
    )  # fmt: skip
    assert r.reasons == {}
    assert r.config.context_length == 50
    assert r.config.data.origins_per_chunk == 77


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("context_length=0", "`context_length`"),
        ("features.seasonal_lags=[0]", "`features.seasonal_lags`"),
        ("split.val_size=-1", "`split.val_size`"),
        ("data.origins_per_chunk=0", "`data.origins_per_chunk`"),
        ("trainer.max_steps=0", "`trainer.max_steps`"),
    ],
)
def test_impossible_settings_are_named(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolved("h", 2, 3000, 24, override)
