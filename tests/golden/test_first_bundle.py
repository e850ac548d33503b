"""A bundle written before networks knew rows: it loads, and forecasts what it did."""

from pathlib import Path

import pandas as pd
import pytest

from tsconv.forecaster import Forecaster

FOLDER = Path(__file__).parent / "first_bundle"


def test_the_first_bundle_still_forecasts_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.read_csv(FOLDER / "data.csv", dtype={"unique_id": str}, parse_dates=["ds"])
    expected = pd.read_csv(FOLDER / "expected.csv", dtype={"unique_id": str}, parse_dates=["ds"])
    monkeypatch.setattr("tsconv.forecasting.frame.round_to_data", lambda values, _: values)
    forecast = Forecaster.load(FOLDER / "bundle").forecast(frame, columns="nixtla")
    pd.testing.assert_frame_equal(forecast, expected, rtol=1e-5, check_dtype=False)
