"""Bundles: what is saved comes back; what is not a bundle is refused by name."""

import json
from pathlib import Path

import pytest
import torch

from tests.helpers.networks import random_net
from tsconv.config.schema import DataConfig
from tsconv.errors import BundleError
from tsconv.forecasting.bundles.bundle import Bundle, load_bundle, save_bundle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    net = random_net(quantiles=(0.1, 0.5, 0.9)).float()
    data = DataConfig(path="secret.csv", time="day", id="shop")
    save_bundle(Bundle(net, data, "D", 7, {"channels": ["y"]}), tmp_path / "bundle")
    return tmp_path / "bundle"


def test_round_trip(folder: Path) -> None:
    bundle = load_bundle(folder)
    x = torch.randn(1, 1, 30)
    original = random_net(quantiles=(0.1, 0.5, 0.9)).float()
    assert torch.equal(
        bundle.net(x, torch.ones_like(x)).values(), original(x, torch.ones_like(x)).values()
    )
    assert (bundle.data.time, bundle.data.id, bundle.freq, bundle.season) == ("day", "shop", "D", 7)
    assert bundle.net.spec == original.spec


def test_holds_two_plain_files_and_no_path(folder: Path) -> None:
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert "secret" not in (folder / "config.json").read_text()


def test_saving_again_replaces_it_whole(folder: Path) -> None:
    save_bundle(load_bundle(folder), folder)
    assert load_bundle(folder).freq == "D"
    assert [p.name for p in folder.parent.iterdir()] == ["bundle"]


def test_saving_never_removes_what_is_not_a_bundle(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "work"
    other.mkdir()
    (other / "thesis.txt").write_text("years")
    with pytest.raises(BundleError, match="is not a bundle: name another folder"):
        save_bundle(load_bundle(folder), other)
    assert (other / "thesis.txt").read_text() == "years"


def test_a_run_folder_stands_for_its_bundle(tmp_path: Path, folder: Path) -> None:
    assert load_bundle(folder.parent).freq == load_bundle(folder).freq


def test_not_a_bundle(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(BundleError, match="is not a folder"):
        load_bundle(tmp_path / "nothing")
    with pytest.raises(BundleError, match=r"has no config.json"):
        load_bundle(tmp_path.parent)
    (folder / "model.safetensors").unlink()
    with pytest.raises(BundleError, match=r"has no model.safetensors"):
        load_bundle(folder)


@pytest.mark.parametrize("change", ["truncate", "garbage", "json", "format", "spec", "shape"])
def test_damage_is_one_bundle_error(folder: Path, change: str) -> None:
    config, weights = folder / "config.json", folder / "model.safetensors"
    content = json.loads(config.read_text())
    if change == "truncate":
        weights.write_bytes(weights.read_bytes()[:-50])
    elif change == "garbage":
        weights.write_bytes(b"\x80\x04cos\nsystem\n")
    elif change == "json":
        config.write_text("{")
    elif change == "format":
        config.write_text(json.dumps({**content, "format": 99}))
    elif change == "spec":
        config.write_text(json.dumps({**content, "net": {**content["net"], "colour": 1}}))
    else:
        config.write_text(json.dumps({**content, "net": {**content["net"], "hidden": 16}}))
    with pytest.raises(BundleError):
        load_bundle(folder)
