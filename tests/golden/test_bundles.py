"""Bundles of every earlier format load, and forecast what they did when they were written.

`write_bundle.py` says how the newer ones were made.
"""

from pathlib import Path

import pandas as pd
import pytest

from tsconv.forecaster import Forecaster

HERE = Path(__file__).parent
FOLDERS = sorted(folder.parent.name for folder in HERE.glob("*/bundle"))
# Of the size of a forecast. Other processors and versions of torch round sums another way.
TOLERANCE = 1e-5


@pytest.mark.filterwarnings("ignore::tsconv.TsconvWarning")
@pytest.mark.parametrize("name", FOLDERS)
def test_a_bundle_still_forecasts_what_it_did(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsconv.forecasting.frame.round_to_data", lambda values, _: values)
    forecaster = Forecaster.load(HERE / name / "bundle")
    found = forecaster.forecast(str(HERE / name / "data.csv"), columns="nixtla")
    expected = pd.read_csv(HERE / name / "expected.csv", dtype={"unique_id": str})
    expected["ds"] = pd.to_datetime(expected.ds)
    pd.testing.assert_frame_equal(found, expected, rtol=TOLERANCE, check_dtype=False)


def test_every_folder_is_small() -> None:
    for name in FOLDERS:
        size = sum(path.stat().st_size for path in (HERE / name).rglob("*") if path.is_file())
        assert size < 200_000, name
