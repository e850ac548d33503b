"""AutoETS and AutoTheta as they are fitted: what they get, and what happens where one refuses."""

import importlib.util

import numpy as np
import pytest

from tsconv.backtest.statistical import models as module
from tsconv.backtest.statistical.models import (
    filled,
    forecasts_of,
    require_statsforecast,
    statistical_models,
)
from tsconv.errors import ConfigError


def test_missing_values_are_filled_from_the_past_alone() -> None:
    values = np.array([np.nan, 2.0, np.nan, np.nan, 8.0, np.nan, np.nan])
    assert filled(values).tolist() == [2, 4, 6, 8, 8, 8]
    for n in range(2, 8):  # what comes later changes nothing but the gap that it closes
        assert filled(values[:n])[0] == 2
    assert len(filled(values[:1])) == 0


def test_where_a_model_refuses_the_last_value_stands_in() -> None:
    def refusing(past: np.ndarray, horizon: int) -> np.ndarray:
        raise ValueError("too short")

    def infinite(past: np.ndarray, horizon: int) -> np.ndarray:
        return np.array([1.0, np.inf])

    found = forecasts_of({"a": refusing, "b": infinite}, np.array([3.0, 5.0]), 2)
    assert found["a"][0].tolist() == [5, 5]
    assert found["b"][0].tolist() == [1, 5]
    assert found["a"][1]
    assert found["b"][1]


def test_models_are_those_of_statsforecast() -> None:
    models = pytest.importorskip("statsforecast.models")
    rng = np.random.default_rng(0)
    past = 20 + np.tile([0, 1, 3, 2, 5, 9, 7], 12) + rng.normal(size=84)
    found = forecasts_of(statistical_models(7), past, 7)
    expected = models.AutoTheta(season_length=7).forecast(y=past, h=7)["mean"]
    np.testing.assert_allclose(found["auto_theta"][0], expected)
    expected = models.AutoETS(season_length=7).forecast(y=past, h=7)["mean"]
    np.testing.assert_allclose(found["auto_ets"][0], expected)
    assert not found["auto_ets"][1]
    np.testing.assert_allclose(found["auto_ets"][0] - 20, [0, 1, 3, 2, 5, 9, 7], atol=1.5)


def test_one_value_and_a_constant_are_forecast(recwarn: pytest.WarningsRecorder) -> None:
    pytest.importorskip("statsforecast")
    for past in (np.array([4.0]), np.full(60, 4.0)):
        for forecast, _ in forecasts_of(statistical_models(7), past, 3).values():
            np.testing.assert_allclose(forecast, 4, rtol=1e-3)
    assert not recwarn.list


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert module.importlib.util.find_spec("statsforecast") is None
    with pytest.raises(ConfigError, match=r"`key` needs .*: pip install tsconv\[baselines\]"):
        require_statsforecast("key")
