"""The Python door: fit, forecast, save, load."""

from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.frames import daily_frame
from tsconv import Forecaster
from tsconv.errors import BundleError, ConfigError


def test_fit_forecast_save_load(tmp_path: Path) -> None:
    frame = daily_frame(3, 120).rename(columns={"unique_id": "shop"})
    settings = {
        "data__id": "shop", "run_dir": str(tmp_path / "it's a run"), "trainer__max_steps": 20,
        "callbacks__progress": False, "plots": False, "compile": False,
        "head.quantiles": [0.05, 0.5, 0.9],
    }  # fmt: skip
    forecaster = Forecaster(horizon=5, **settings).fit(frame)
    assert forecaster.metrics["test"]["n_origins"] > 0
    out = forecaster.forecast(frame)
    assert list(out.columns) == ["unique_id", "ds", "tsconv", "tsconv-q-5", "tsconv-q-90"]
    assert len(out) == 15
    assert out["ds"].iloc[0] == pd.Timestamp("2023-05-02")
    forecaster.save(tmp_path / "saved")
    pd.testing.assert_frame_equal(Forecaster.load(tmp_path / "saved").forecast(frame), out)
    # One batch a series, and another order of series, change nothing but rounding.
    pd.testing.assert_frame_equal(forecaster.forecast(frame, batch_size=1), out, rtol=1e-4)
    turned = pd.concat([frame[frame["shop"] == f"shop {i}"] for i in (2, 0, 1)])
    mixed = forecaster.forecast(turned).sort_values(["unique_id", "ds"], ignore_index=True)
    pd.testing.assert_frame_equal(mixed, out, rtol=1e-4)


def test_several_targets_get_a_channel_column(tmp_path: Path) -> None:
    frame = daily_frame(2, 80).assign(z=lambda f: -f["y"])
    forecaster = Forecaster(
        horizon=3, data__target=["y", "z"], run_dir=str(tmp_path / "run"), trainer__max_steps=5,
        callbacks__progress=False, plots=False, compile=False,
    )  # fmt: skip
    out = forecaster.fit(frame).forecast(frame)
    assert list(out.columns[:4]) == ["unique_id", "channel", "ds", "tsconv"]
    assert out["channel"].tolist()[:4] == ["y", "y", "y", "z"]
    one = out[(out["unique_id"] == "shop 0") & (out["channel"] == "z")]["tsconv"]
    assert (one < 0).all()


def test_before_fit_and_wrong_keys() -> None:
    with pytest.raises(BundleError, match="call fit or load first"):
        Forecaster(horizon=3).forecast(daily_frame(1, 20))
    with pytest.raises(ConfigError, match=r"did you mean `model.hidden`"):
        Forecaster(horizon=3, model__hiden=3).fit(daily_frame(1, 20))
