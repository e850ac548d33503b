"""A bundle written before networks knew rows: it loads, and forecasts what it did."""

from pathlib import Path

import pandas as pd

from tsconv.forecaster import Forecaster

FOLDER = Path(__file__).parent / "first_bundle"


def test_the_first_bundle_still_forecasts_what_it_did() -> None:
    frame = pd.read_csv(FOLDER / "data.csv", dtype={"unique_id": str}, parse_dates=["ds"])
    expected = pd.read_csv(FOLDER / "expected.csv", dtype={"unique_id": str}, parse_dates=["ds"])
    forecast = Forecaster.load(FOLDER / "bundle").forecast(frame)
    pd.testing.assert_frame_equal(forecast, expected, rtol=1e-5, check_dtype=False)
