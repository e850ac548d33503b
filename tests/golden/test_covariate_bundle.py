"""A bundle from before the covariate branch got its name: its tensors keep theirs in files."""

import json
from pathlib import Path

import pandas as pd
import pytest
from safetensors.torch import load_file

from tsconv.forecaster import Forecaster
from tsconv.forecasting.bundle import load_bundle, save_bundle

FOLDER = Path(__file__).parent / "covariate_bundle"


def test_a_bundle_with_every_kind_of_covariate_still_forecasts_what_it_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Past, future and static covariates, numbers and categories, and rows that mix."""
    empty = {name: [""] for name in ("sales", "rain", "stock")}
    frame = pd.read_csv(
        FOLDER / "data.csv", parse_dates=["day"], keep_default_na=False, na_values=empty
    )
    expected = pd.read_csv(FOLDER / "expected.csv", parse_dates=["ds"])
    monkeypatch.setattr("tsconv.forecasting.frame.round_to_data", lambda values, _: values)
    forecast = Forecaster.load(FOLDER / "bundle").forecast(frame, columns="nixtla")
    pd.testing.assert_frame_equal(forecast, expected, rtol=1e-5, check_dtype=False)


def test_saved_again_its_files_are_the_same(tmp_path: Path) -> None:
    save_bundle(load_bundle(FOLDER / "bundle"), tmp_path / "bundle")
    before, after = (folder / "bundle" / "model.safetensors" for folder in (FOLDER, tmp_path))
    assert after.read_bytes() == before.read_bytes()
    assert any(name.startswith("known.") for name in load_file(after))
    old, new = (
        json.loads((folder / "bundle" / "config.json").read_text()) for folder in (FOLDER, tmp_path)
    )
    assert new["data"].items() >= old["data"].items()  # keys of later versions have their defaults
    assert new == {**old, "tsconv_version": new["tsconv_version"], "data": new["data"]}
