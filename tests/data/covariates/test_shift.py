"""Covariates in another unit than in training, and honest new data beside them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from tsconv.config.schema import DataConfig
from tsconv.data.covariates.encode import Encoding
from tsconv.data.covariates.shift import TrainingRange, lines_ahead, reject_shift
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import DataError

Values = npt.NDArray[np.float64]
RNG = np.random.default_rng(0)


def celsius(days: int, first: int = 0, mean: float = 10, season: float = 11) -> Values:
    day = np.arange(first, first + days)
    return mean - season * np.cos(2 * np.pi * day / 365) + 4 * RNG.normal(size=days)


def fahrenheit(values: Values) -> Values:
    return values * 9 / 5 + 32


def sometimes(values: Values, share: float = 0.1) -> Values:
    return np.where(RNG.random(len(values)) < share, values, 0.0)


HUMIDITY = np.clip(RNG.normal(70, 15, 1000), 20, 100)
DISCOUNT = sometimes(RNG.choice([10.0, 20, 30, 50], 1000))
PRICE = RNG.normal(10, 0.3, 1000)
WRONG = {
    "a year in Fahrenheit": (celsius(1000), fahrenheit(celsius(365))),
    "a summer in Fahrenheit": (celsius(1000), fahrenheit(celsius(90, 150))),
    "a hot place in Fahrenheit": (celsius(800, 0, 25, 5), fahrenheit(celsius(365, 0, 25, 5))),
    "kelvin": (celsius(1000), celsius(365) + 273.15),
    "shares for per cent": (HUMIDITY, HUMIDITY[:14] / 100),
    "per cent for shares": (HUMIDITY / 100, HUMIDITY[:14]),
    "a discount as a share": (DISCOUNT, DISCOUNT[:300] / 100),
    "a discount in per cent": (DISCOUNT / 100, DISCOUNT[:300]),
    "cents": (PRICE, 100 * PRICE[:50]),
}
HONEST = {
    "the next year": (celsius(1000), celsius(365, 1000)),
    "a summer": (celsius(1000), celsius(90, 150)),
    "a summer after half a year": (celsius(180), celsius(60, 180)),
    "prices 30% higher": (PRICE, 1.3 * PRICE[:50]),
    "prices 30% lower": (PRICE, 0.7 * PRICE[:50]),
    "a trend": (np.arange(1000.0), np.arange(1000.0, 1300.0)),
    "a year's number": (np.repeat([2020.0, 2021, 2022], 100), np.full(50, 2024.0)),
    "no promotion at all": (sometimes(np.ones(1000)), np.zeros(14)),
    "a promotion throughout": (sometimes(np.ones(1000)), np.ones(14)),
    "a dry fortnight": (sometimes(RNG.gamma(0.7, 5, 1000), 0.4), np.array([0, 0, 0.2, 0, 0.1])),
    "nothing": (PRICE, np.full(3, np.nan)),
}


@pytest.mark.parametrize("name", WRONG)
def test_another_unit_is_far(name: str) -> None:
    trained, new = WRONG[name]
    found = TrainingRange.of(trained)
    assert found is not None
    assert found.is_far(new)


@pytest.mark.parametrize("name", HONEST)
def test_honest_new_data_are_not(name: str) -> None:
    trained, new = HONEST[name]
    found = TrainingRange.of(trained)
    assert found is not None
    assert not found.is_far(new)


def weather(values: Values, observed: int) -> pd.DataFrame:
    y = np.where(np.arange(len(values)) < observed, 1.0 + np.arange(len(values)) % 7, np.nan)
    return pd.DataFrame({"ds": np.arange(len(values)), "y": y, "temp": values})


def encoding(values: Values, role: str = "future") -> Encoding:
    return Encoding("temp", role, 0.0, 1.0, training_range=TrainingRange.of(values))


def test_the_message_has_both_ranges_the_column_and_the_first_line() -> None:
    data = DataConfig(id=None, future_covariates="temp")
    table = table_from_frame(weather(fahrenheit(celsius(365)), 350), data)
    with pytest.raises(
        DataError,
        match=r"line \d+, column `temp`: the median is .* in training it was .* "
        r"`data.allow_shift=true`",
    ):
        reject_shift(table, [encoding(celsius(1000))])


def test_the_steps_to_forecast_are_looked_at_on_their_own() -> None:
    data = DataConfig(id=None, future_covariates="temp")
    values = celsius(365)
    reject_shift(table_from_frame(weather(values, 351), data), [encoding(celsius(1000))])
    values[351:] = fahrenheit(values[151:165])
    table = table_from_frame(weather(values, 351), data)
    assert lines_ahead(table).sum() == 14
    with pytest.raises(DataError, match="line 353, column `temp`"):
        reject_shift(table, [encoding(celsius(1000))])


def test_what_the_file_has_seen_since_the_training_counts_for_its_future() -> None:
    data = DataConfig(id=None, future_covariates="temp")
    winter, on = celsius(120, 305), celsius(320, 305)
    reject_shift(table_from_frame(weather(on, 306), data), [encoding(winter)])


def test_a_static_number_may_be_larger_but_not_a_hundredfold() -> None:
    data = DataConfig(static_covariates="temp")
    trained = encoding(np.array([2.0, 3, 5]), "static")
    frame = weather(np.full(9, 9.0), 9).assign(unique_id="new")
    reject_shift(table_from_frame(frame, data), [trained])
    with pytest.raises(DataError, match="column `temp`"):
        reject_shift(table_from_frame(frame.assign(temp=300.0), data), [trained])


def test_bundles_of_earlier_versions_are_not_checked() -> None:
    values = {"name": "temp", "role": "future", "mean": 0.0, "std": 1.0, "categories": None}
    data = DataConfig(id=None, future_covariates="temp")
    table = table_from_frame(weather(celsius(50) + 273, 40), data)
    reject_shift(table, [Encoding.from_dict(values)])
