"""A file beside a bundle: rows and channels by name, what is missing said, what is new refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.frames import stations
from tests.helpers.runs import forecast, run, trained
from tsconv.config.schema import DataConfig
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import ConfigError, DataError
from tsconv.forecaster import Forecaster
from tsconv.forecasting.bundles.bundle import load_bundle
from tsconv.forecasting.forecast import forecast_panel
from tsconv.forecasting.frame import forecast_frame
from tsconv.forecasting.match import match_panel, override_roles, training_row_index


def test_a_row_missing_at_forecast_time_is_said_and_the_others_are_unchanged(
    tmp_path: Path,
) -> None:
    result = trained(tmp_path, model__rows="separate")
    whole, _ = forecast(result, stations())
    some, (_, panel, _) = forecast(result, stations().query("place != 'south'"))
    assert "rows of the training that the file does not have: south" in map(str, panel.notes)
    expected = whole.query("row != 'south'").reset_index(drop=True)
    pd.testing.assert_frame_equal(some, expected, rtol=1e-5)


def test_dense_rows_forecast_what_is_there(tmp_path: Path) -> None:
    result = trained(tmp_path, model__cross_row="dense")
    some, (made, _, _) = forecast(result, stations().query("place != 'south'"))
    assert some["row"].unique().tolist() == ["north", "west"]
    assert made.skipped == ()


@pytest.mark.parametrize(
    ("keys", "better"),
    [
        ({"model__rows": "separate"}, "train with `model.rows=pooled`"),
        ({"model__cross_row": "dense"}, "train with `model.cross_row=mean`"),
        (
            {"model__rows": "separate", "model__cross_row": "dense"},
            "train with `model.rows=pooled model.cross_row=mean`",
        ),
    ],
)
def test_a_new_row_that_cannot_be_forecast_names_what_could(
    tmp_path: Path, keys: dict[str, str], better: str
) -> None:
    result = trained(tmp_path, **keys)
    with pytest.raises(DataError, match=f"row `east` was not in the training data .*{better}"):
        forecast(result, stations(places=("north", "east")))


@pytest.mark.parametrize("rows", ["shared", "pooled"])
def test_a_new_row_is_forecast_by_what_rows_share(tmp_path: Path, rows: str) -> None:
    result = trained(tmp_path, model__rows=rows, model__cross_row="mean")
    table, (_, panel, bundle) = forecast(result, stations(places=("east", "west")))
    assert panel.rows == ("west", "east")
    assert training_row_index(bundle, panel).tolist() == [2, -1]
    assert table["row"].unique().tolist() == ["west", "east"]
    text = "rows that were not in the training data, forecast by what all rows share: east"
    assert text in map(str, panel.notes)


def test_a_row_that_fell_silent_is_left_out_alone(tmp_path: Path) -> None:
    frame = stations()
    result = trained(tmp_path, frame)
    silent = (frame["place"] == "west") & (frame["ds"] > "2024-02-01")
    table, (made, _, _) = forecast(result, frame[~silent])
    assert table["row"].unique().tolist() == ["north", "south"]
    assert made.skipped == ("west · no2", "west · o3")


def test_a_row_or_id_of_empty_cells_is_named(tmp_path: Path) -> None:
    result = trained(tmp_path)
    frame = stations()
    frame.loc[frame["place"] == "west", ["no2", "o3", "wind"]] = np.nan
    table, (made, _, _) = forecast(result, frame)
    assert table["row"].unique().tolist() == ["north", "south"]
    assert made.skipped == ("west · no2", "west · o3")


def test_rows_that_end_earlier_are_named(tmp_path: Path) -> None:
    result = trained(tmp_path)
    frame = stations()
    frame = frame[(frame["place"] != "south") | (frame["ds"] < "2024-06-01")]
    _, (_, panel, _) = forecast(result, frame)
    assert str(panel.notes[-1]).endswith("and are forecast from the last time of all: south")


def test_a_renamed_channel_takes_the_place_that_is_free(tmp_path: Path) -> None:
    result = trained(tmp_path)
    bundle = load_bundle(result.run_dir / "bundle")
    first, _ = forecast(result, stations())
    renamed = stations().rename(columns={"no2": "nox"})
    data = override_roles(bundle.data, {"target": ["o3", "nox"]})
    panel = match_panel(bundle, table_from_frame(renamed, data))
    assert panel.channels == ("nox", "o3", "wind")
    assert "`nox` is used as the target `no2` of the training" in map(str, panel.notes)
    again = forecast_frame(forecast_panel(bundle.net, panel), panel)
    np.testing.assert_array_equal(first["tsconv"], again["tsconv"])
    swapped = override_roles(bundle.data, {"target": ["wind", "o3"], "past_covariates": ["no2"]})
    panel = match_panel(bundle, table_from_frame(stations(), swapped))
    assert "`wind` is used as the target `no2` of the training" in map(str, panel.notes)


def test_channels_of_which_some_are_new_are_not_guessed(tmp_path: Path) -> None:
    frame = stations().assign(so2=1.0)
    result = trained(tmp_path, frame, data__target="[no2,o3,so2]")
    bundle = load_bundle(result.run_dir / "bundle")
    frame = frame.rename(columns={"no2": "p", "so2": "q"})
    data = override_roles(bundle.data, {"target": ["p", "q", "o3"]})
    with pytest.raises(DataError, match="targets p, q are not among the bundle's"):
        match_panel(bundle, table_from_frame(frame, data))


def test_the_way_in_which_rows_are_told_may_change(tmp_path: Path) -> None:
    """Trained on a wide file, used on a long one, and from Python."""
    wide = stations().pivot_table(index="ds", columns="place", values="no2").reset_index()
    result = run(tmp_path, wide, data__wide_columns_are="rows", trainer__max_steps=5)
    long = stations()[["place", "ds", "no2"]]
    forecaster = Forecaster.load(result.run_dir / "bundle")
    a = forecaster.forecast(wide)
    b = forecaster.forecast(long, row="place", target="no2")
    np.testing.assert_allclose(a["tsconv"], b["tsconv"], rtol=1e-6)
    assert a["row"].tolist() == b["place"].tolist()
    assert "`no2` is used as the target `y` of the training" in forecaster.notes


def test_a_role_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigError, match=r"`data` \(=rows\) must be one of .*did you mean `row`"):
        override_roles(DataConfig(), {"rows": "place"})


def test_channels_in_another_order_find_their_places(tmp_path: Path) -> None:
    result = trained(tmp_path)
    bundle = load_bundle(result.run_dir / "bundle")
    first, _ = forecast(result, stations())
    bundle.data.target = ["o3", "no2"]
    panel = match_panel(bundle, table_from_frame(stations(), bundle.data))
    assert panel.channels == ("no2", "o3", "wind")
    again = forecast_frame(forecast_panel(bundle.net, panel), panel)
    pd.testing.assert_frame_equal(first, again)


def test_a_bundle_with_rows_needs_rows_and_its_channels(tmp_path: Path) -> None:
    bundle = load_bundle(trained(tmp_path).run_dir / "bundle")
    one = stations(places=("north",))
    flat = DataConfig(id=None, target=["no2", "o3"], past_covariates="wind")
    with pytest.raises(DataError, match=r"bundle has rows, but the file has none: see `data.row`"):
        match_panel(bundle, table_from_frame(one, flat))
    less = DataConfig(id=None, row="place", target="no2")
    with pytest.raises(DataError, match=r"1 targets and 0 past covariates \(no2\), but the bundle"):
        match_panel(bundle, table_from_frame(one, less))
