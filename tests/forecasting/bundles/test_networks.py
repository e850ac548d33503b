"""Bundles of several networks: what is saved comes back, and what does not fit is refused."""

import json
import resource
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.helpers.bundles import config_of, seal
from tests.helpers.networks import random_net
from tsconv.config.schema import DataConfig
from tsconv.errors import BundleError
from tsconv.forecasting.bundles.bundle import Bundle, load_bundle, save_bundle
from tsconv.model.ensemble import EnsembleNet
from tsconv.model.network import ForecastNet


def networks() -> list[ForecastNet]:
    """Three of unlike size, of which the last has a calendar."""
    sizes = ({}, {"context_length": 30, "hidden": 4}, {"calendar": ("weekday",)})
    return [random_net(quantiles=(0.1, 0.5, 0.9), **size).float() for size in sizes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    net = EnsembleNet(networks(), [1.0, 0.7, 0.1 + 0.2])
    save_bundle(Bundle(net, DataConfig(), "D", 7, {}), tmp_path / "bundle")
    return tmp_path / "bundle"


def test_round_trip(folder: Path) -> None:
    bundle = load_bundle(folder)
    net = bundle.net
    assert isinstance(net, EnsembleNet)
    assert not net.training
    assert net.weights == (1.0, 0.7, 0.1 + 0.2)
    assert [one.spec for one in net.members] == [one.spec for one in networks()]
    for ours, theirs in zip(net.members, networks(), strict=True):
        assert all(torch.equal(v, theirs.state_dict()[k]) for k, v in ours.state_dict().items())
    save_bundle(bundle, folder.with_name("again"))
    for name in ("config.json", "model.safetensors"):
        assert (folder.with_name("again") / name).read_bytes() == (folder / name).read_bytes()


def test_what_the_files_hold(folder: Path) -> None:
    content = json.loads((folder / "config.json").read_text())
    assert content["format"] == 3  # earlier versions refuse it by its number
    assert "net" not in content
    assert [one["net"]["context_length"] for one in content["networks"]] == [12, 30, 12]
    assert content["contract"]["context_length"] == 30
    names = load_file(folder / "model.safetensors")
    assert {name.partition(".")[0] for name in names} == {"0", "1", "2"}
    assert "2.known.enter.weight" in names
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "model.safetensors"]


def test_one_network_has_its_tensors_without_a_number(tmp_path: Path) -> None:
    (net, *_) = networks()
    save_bundle(Bundle(net, DataConfig(), "D", 7, {}), tmp_path / "bundle")
    content = json.loads((tmp_path / "bundle" / "config.json").read_text())
    assert list(content) == ["format", "tsconv_version", "net", "contract", "info", "checksums"]
    assert load_file(tmp_path / "bundle" / "model.safetensors").keys() == net.state_dict().keys()


def changed(content: dict[str, Any], **net: Any) -> dict[str, Any]:
    """The config with other values in the second network."""
    networks = content["networks"]
    second = {**networks[1], "net": {**networks[1]["net"], **net}}
    return {**content, "networks": [networks[0], second, networks[2]]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("both", "must have either `net` or `networks`"),
        ("networks", "must have either `net` or `networks`"),
        ("none", "belongs to none of the 0 networks"),
        ("fewer", "tensor `2.* belongs to none of the 2 networks in config.json"),
        ("more", "has 0 tensors, too few for .* of network 3"),
        ("weight", "must be a number above 0 for each of 3 networks"),
        ("unweighted", "`networks.0.weight` is missing"),
        (
            "horizon",
            r"`linear.weight` is F32 of \(5, 30\), and network 1 .* F32 of \(6, 30\)",
        ),
        ("levels", "must have the same `quantiles`"),
        ("setting", "`colour` is not a setting"),
        ("prefix", "tensor `.*` belongs to none of the 3 networks"),
        ("tensor", "tensor `stem.weight` of network 1 is missing"),
        ("list", "`networks.0.weight` is missing"),
    ],
)
def test_damage_is_one_bundle_error(folder: Path, change: str, message: str) -> None:
    """What is wrong is named where the checksums are right, as a forger makes them."""
    weights = folder / "model.safetensors"
    content = config_of(folder)
    some = content["networks"]
    configs = {
        "both": {**content, "net": some[0]["net"]},
        "networks": {k: v for k, v in content.items() if k != "networks"},
        "none": {**content, "networks": []},
        "fewer": {**content, "networks": some[:2]},
        "more": {**content, "networks": [*some, some[0]]},
        "weight": {**content, "networks": [{**some[0], "weight": -1}, *some[1:]]},
        "unweighted": {**content, "networks": [{"net": some[0]["net"]}, *some[1:]]},
        "horizon": changed(content, horizon=6),
        "levels": changed(content, quantiles=[0.2, 0.5, 0.8]),
        "setting": changed(content, colour=1),
        "list": {**content, "networks": [1, 2, 3]},
    }
    tensors = load_file(weights)
    if change == "prefix":
        save_file({k.removeprefix("1."): v for k, v in tensors.items()}, weights)
    elif change == "tensor":
        save_file({k: v for k, v in tensors.items() if k != "1.stem.weight"}, weights)
    seal(folder, configs.get(change, content))
    with pytest.raises(BundleError, match=message) as error:
        load_bundle(folder)
    assert str(folder) in str(error.value)


def test_no_weights_are_drawn_to_load_a_bundle(folder: Path) -> None:
    before = torch.get_rng_state()
    load_bundle(folder)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": 10**9},
        {"horizon": 10**12},
        {"context_length": 10**9},
        {"levels": 10**9},
        {"stacks": 10**9},
        {"expansion": 10**8},
        {"n_rows": 10**9, "rows": "separate"},
        {"n_rows": 10**6, "cross_row": "dense"},
        {"smooth": [1e8]},
        {"calendar": ["weekday"] * 10**5},
        {"static_categories": [10**9]},
        {"kernel_size": 10**10},
        {"hidden": 10**40},
    ],
    ids=lambda settings: "-".join(settings),
)
def test_sizes_beyond_the_tensors_are_refused_before_memory_is_taken(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    (net, *_) = networks()
    folder = tmp_path / "bundle"
    save_bundle(Bundle(net, DataConfig(), "D", 7, {}), folder)
    content = config_of(folder)
    seal(folder, {**content, "net": {**content["net"], **settings}})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    with pytest.raises(BundleError):
        load_bundle(folder)
    assert time.perf_counter() - begun < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
