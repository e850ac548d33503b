"""A bundle of several networks behaves as one of one: forecasts, shards, ranks and Python."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tests.helpers.frames import daily_frame
from tests.helpers.networks import random_net
from tests.helpers.ranks import family_frame
from tsconv import cli
from tsconv.config.schema import DataConfig
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import DataError
from tsconv.forecaster import Forecaster
from tsconv.forecasting.bundles.bundle import Bundle, load_bundle, save_bundle
from tsconv.forecasting.forecast import forecast_panel
from tsconv.forecasting.match import prepare_forecast, training_row_index
from tsconv.model.ensemble import EnsembleNet

TRAIN = (
    "data.path=sales.csv", "data.row=place", "data.future_covariates=[promo]", "horizon=5",
    "model.hidden=4", "trainer.max_steps=4", "compile=false", "precision=float32", "plots=false",
    "callbacks.progress=false", "logger=none", "optimizer.lr=0.02",
)  # fmt: skip
MEMBERS = {
    "short": ("context_length=14", "model.rows=pooled", "model.levels=1", "features.calendar=null"),
    "long": ("context_length=35", "model.levels=3", "features.calendar=[weekday]"),
    "apart": ("context_length=21", "model.levels=2", "model.rows=separate", "seed=3"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs of unlike networks on one file, and a bundle that holds all three."""
    path = tmp_path_factory.mktemp("ensemble")
    family_frame().to_csv(path / "sales.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        for name, keys in MEMBERS.items():
            assert cli.main(["train", *TRAIN, *keys, f"run_dir={name}"]) == 0
    bundles = bundles_of(path)
    net = EnsembleNet([bundle.net for bundle in bundles])  # type: ignore[misc]
    save_bundle(dataclasses.replace(bundles[0], net=net), path / "all")
    return path


def bundles_of(folder: Path) -> list[Bundle]:
    return [load_bundle(folder / name) for name in MEMBERS]


def quantiles_of(bundle: Bundle, frame: pd.DataFrame) -> torch.Tensor:
    """Forecasts without the rounding of a file: (S, T, H, horizon, Q)."""
    panel, origins = prepare_forecast(bundle, table_from_frame(frame, bundle.data))
    rows = training_row_index(bundle, panel)
    return forecast_panel(bundle.net, panel, origins=origins, row_index=rows).values


def test_the_quantiles_are_the_average(folder: Path) -> None:
    frame = family_frame()
    each = torch.stack([quantiles_of(bundle, frame) for bundle in bundles_of(folder)])
    made = quantiles_of(load_bundle(folder / "all"), frame)
    torch.testing.assert_close(made, each.mean(0), rtol=1e-5, atol=1e-5)
    assert each.std(0).min() > 0.01  # the three differ


def test_a_row_never_seen_is_left_to_those_that_can(folder: Path) -> None:
    frame = family_frame()
    more = pd.concat([frame, frame[frame["place"] == "west"].assign(place="north")])
    able = [b for b, name in zip(bundles_of(folder), MEMBERS, strict=True) if name != "apart"]
    each = torch.stack([quantiles_of(bundle, more) for bundle in able])
    made = quantiles_of(load_bundle(folder / "all"), more)
    torch.testing.assert_close(made[:, :, 2], each.mean(0)[:, :, 2], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        made[:, :, :2], quantiles_of(load_bundle(folder / "all"), frame), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("more", [("shards=2",), ("devices=2", "device=cpu"), ("batch_size=1",)])
def test_every_way_gives_the_same_file(folder: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    keys = ("forecast", f"bundle={folder}/all", f"data.path={folder}/sales.csv")
    assert cli.main([*keys, f"output={tmp_path}/one.csv"]) == 0
    assert cli.main([*keys, f"output={tmp_path}/other.csv", *more]) == 0
    one, other = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("one", "other"))
    assert len(one) == 3 * 2 * 5
    pd.testing.assert_frame_equal(one, other, rtol=1e-5)


def test_from_python(folder: Path, tmp_path: Path) -> None:
    forecaster = Forecaster.load(folder / "all")
    frame = family_frame()
    table = forecaster.forecast(frame)
    assert "3, their quantiles averaged" in repr(forecaster)
    forecaster.save(tmp_path / "saved")
    again = Forecaster.load(tmp_path / "saved").forecast(frame, horizon=3)
    first = table.groupby(["unique_id", "place"]).head(3)
    np.testing.assert_array_equal(again["tsconv"], first["tsconv"])
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "saved" / name).read_bytes() == (folder / "all" / name).read_bytes()


def without_the_last(frame: pd.DataFrame, steps: int) -> pd.DataFrame:
    """No values of the west of s1 in the last steps, while the east goes on."""
    frame = frame.copy()
    at = frame["unique_id"].eq("s1") & frame["place"].eq("west")
    frame.loc[frame.index[at.to_numpy().nonzero()[0][-steps - 5 :]], "y"] = np.nan
    return frame


def test_only_networks_that_still_see_a_value_count(folder: Path) -> None:
    """25 steps ago only the context of 35 steps holds a value; 40 steps ago none does."""
    frame = without_the_last(family_frame().reset_index(drop=True), 25)
    ensemble = load_bundle(folder / "all")
    made, long = (quantiles_of(b, frame)[1, 0] for b in (ensemble, bundles_of(folder)[1]))
    torch.testing.assert_close(made[1], long[1], rtol=1e-5, atol=1e-5)
    assert (made[0] - long[0]).abs().min() > 1e-3  # all count for the east
    forecaster = Forecaster.load(folder / "all")
    table = forecaster.forecast(without_the_last(frame, 40))
    assert len(table) == (3 * 2 - 1) * 5
    assert any("in the last 35 steps: s1 · west" in note for note in forecaster.notes)


def test_networks_by_series_find_theirs_by_the_id(tmp_path: Path) -> None:
    """A series never seen is left to the network that all series share."""
    nets = [random_net(maps="separate", n_series=3, n_targets=1).float(), random_net().float()]
    frame = daily_frame(4, 60)
    ids = tuple(frame["unique_id"].unique())
    bundle = Bundle(nets[0], DataConfig(), "D", 7, {}, ("y",), series=ids[:3])
    ensemble = dataclasses.replace(bundle, net=EnsembleNet(nets))
    save_bundle(ensemble, tmp_path / "all")
    turned = frame.iloc[::-1]  # the ids in another order
    made = quantiles_of(load_bundle(tmp_path / "all"), turned).flip(0)
    shared = quantiles_of(dataclasses.replace(bundle, net=nets[1], series=()), frame)
    known = frame[frame["unique_id"] != ids[3]]
    apart = quantiles_of(bundle, known)
    torch.testing.assert_close(made[3], shared[3], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(made[:3], (apart + shared[:3]) / 2, rtol=1e-5, atol=1e-5)
    with pytest.raises(DataError, match=r"`model.maps=separate` cannot forecast it"):
        quantiles_of(dataclasses.replace(bundle, net=EnsembleNet(nets[:1])), frame)
