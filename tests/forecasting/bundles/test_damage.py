"""Damaged and forged bundles: each fault is one BundleError that names the file and the entry."""

import json
import math
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.helpers.bundles import config_of, seal, update_config
from tests.helpers.networks import random_net
from tests.helpers.paths import ROOT
from tsconv.config.schema import DataConfig
from tsconv.errors import BundleError
from tsconv.forecasting.bundles.bundle import Bundle, load_bundle, save_bundle

GOLDEN = ROOT / "tests" / "golden" / "third_format" / "bundle"
CONFIG, WEIGHTS, CALIBRATION = "config.json", "model.safetensors", "calibration.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN, tmp_path / "bundle"))


def fault(folder: Path) -> str:
    """The one line that loading ends with."""
    with pytest.raises(BundleError) as error:
        load_bundle(folder)
    text = str(error.value)
    assert "\n" not in text
    assert str(folder) in text
    assert text.isprintable()
    return text


def edited(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the text of config.json, as an editor would."""
    values = json.loads((folder / CONFIG).read_text())
    change(values)
    (folder / CONFIG).write_text(json.dumps(values, indent=2))


def test_each_kind_of_damage_has_words_of_its_own(folder: Path) -> None:
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    said = {}

    def try_once(kind: str) -> None:
        said[kind] = fault(folder)
        for name, content in whole.items():
            (folder / name).write_bytes(content)

    edited(folder, lambda values: values["contract"].update(season=24))
    try_once("edited")
    content = bytearray(whole[WEIGHTS])
    content[-1] ^= 1
    (folder / WEIGHTS).write_bytes(content)
    try_once("flipped")
    (folder / WEIGHTS).write_bytes(whole[WEIGHTS][:-5])
    try_once("truncated")
    (folder / WEIGHTS).write_bytes(whole[CALIBRATION])
    try_once("swapped")
    (folder / WEIGHTS).write_bytes(b"")
    try_once("empty")
    (folder / CALIBRATION).unlink()
    try_once("missing")
    (folder / CONFIG).write_bytes(whole[CONFIG][:400])
    try_once("cut")
    (folder / CONFIG).write_bytes(b"\xff" + whole[CONFIG])
    try_once("bytes")
    wanted = {
        "edited": "config.json was changed after it was written",
        "flipped": "model.safetensors is damaged or of another bundle (its checksum",
        "truncated": "model.safetensors is damaged: it is cut off, with",
        "swapped": "model.safetensors: tensor `stem.weight` of the network is missing",
        "empty": "model.safetensors is damaged: it is cut off after 0 bytes",
        "missing": "calibration.safetensors is missing",
        "cut": "config.json is not JSON",
        "bytes": "config.json: byte 0 is not UTF-8",
    }
    for kind, words in wanted.items():
        assert words in said[kind], kind
    assert load_bundle(folder).freq == "D"


def test_spaces_and_the_order_of_keys_are_free(folder: Path) -> None:
    values = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(dict(reversed(values.items()))))
    assert load_bundle(folder).freq == "D"


TENSORS: dict[str, tuple[Callable[[dict[str, torch.Tensor]], Any], str]] = {
    "missing": (lambda t: t.pop("stem.weight"), "tensor `stem.weight` of the network is missing"),
    "extra": (lambda t: t.update(more=torch.ones(1)), "the network .* has no tensor `more`"),
    "shape": (
        lambda t: t.update({"stem.bias": torch.ones(5)}),
        r"tensor `stem.bias` is F32 of \(5,\), and the network in config.json takes F32 of \(4,\)",
    ),
    "dtype": (
        lambda t: t.update({"stem.bias": t["stem.bias"].half()}),
        r"tensor `stem.bias` is F16 of \(4,\), .* takes F32 of \(4,\)",
    ),
    "nan": (lambda t: t["stem.bias"].fill_(math.nan), "tensor `stem.bias` holds nan"),
    "inf": (lambda t: t["stem.weight"][0, 0].fill_(-math.inf), "tensor `stem.weight` holds -inf"),
    "control": (lambda t: t.update({"a\x1b[2J\n": torch.ones(1)}), r"no tensor `a\\x1b\[2J\\n`"),
}


@pytest.mark.parametrize("kind", TENSORS)
def test_tensors_that_the_network_does_not_take(folder: Path, kind: str) -> None:
    change, words = TENSORS[kind]
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)
    seal(folder)
    with pytest.raises(BundleError, match=words):
        load_bundle(folder)
    fault(folder)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("step_scores", lambda t: t[:, 1:], r"`step_scores` is F64 of \(4, 12\).* \(4, 13\)"),
        ("series_scores", lambda t: t * math.nan, "`series_scores` holds nan"),
        ("dependence.series", lambda t: t + 7, "names a series beyond the 3"),
        ("dependence.pit", lambda t: t.float(), "`dependence.pit` is F32"),
        ("dependence.span", None, "`dependence.span` is missing"),
        ("other", lambda _: torch.ones(1), "a calibration has no tensor `other`"),
    ],
)
def test_tensors_that_no_calibration_has(
    folder: Path, name: str, change: Callable[[Any], torch.Tensor] | None, words: str
) -> None:
    tensors = load_file(folder / CALIBRATION)
    found = tensors.pop(name, None)
    if change is not None:
        tensors[name] = change(found).contiguous()
    save_file(tensors, folder / CALIBRATION)
    seal(folder)
    with pytest.raises(BundleError, match=words):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("group", "changes", "words"),
    [
        ("", {"format": 4}, r"format 4 of tsconv 0.1.0 is newer than 3.*update tsconv"),
        ("", {"format": 0}, "format 0 is not one that there is"),
        ("", {"format": True}, "`format` .=True. must be a whole number"),
        ("", {"contract": []}, r"`contract` \(=\[\]\) must be a group of keys"),
        ("", {"colour": 1}, "`colour` is not a key that this version knows"),
        ("", {"calibration": {"kind": "split"}}, "`calibration.series` is missing"),
        ("contract", {"horizon": 7}, r"`contract.horizon` \(=7\) is not what the network has"),
        ("contract", {"season": "week"}, r"`contract.season` \(=week\) must be a whole number"),
        ("contract", {"frequency": None}, r"`contract.frequency` \(=None\) must be a text"),
        ("contract", {"channels": [{"name": "y", "kind": "past covariate"}]}, "must be `target`"),
        ("contract", {"rows": [1]}, "`contract.rows` holds 1, which must be a text"),
        ("contract", {"covariates": [{"name": "x", "role": "all"}]}, "`contract.covariates.role`"),
        ("contract", {"lower": "low"}, "`data.lower`"),
        ("contract", {"colour": 1}, "`contract.colour` is not a key that this version knows"),
        ("contract.roles", {"path": "/etc/passwd"}, "`contract.roles.path` is not a key"),
        ("training", {"threads": "2"}, r"`training.threads` \(=2\) must be a whole number"),
        ("training.versions", {"torch": 2}, "`training.versions.torch` must be a text"),
        ("net", {"hidden": "x"}, r"`hidden` \(=x\) must be an integer of at least 1"),
        ("net", {"_target_": "os.system"}, "`_target_` is not a setting"),
        ("net", {"dropout": 7}, "`dropout`"),
    ],
)
def test_values_that_no_bundle_has(
    folder: Path, group: str, changes: dict[str, Any], words: str
) -> None:
    update_config(folder, group, changes)
    with pytest.raises(BundleError, match=words):
        load_bundle(folder)
    fault(folder)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1, 2]", "holds [1, 2] instead of keys and values"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"format": 3, "format": 3}', "the key `format` stands there twice"),
        ('{"format": ' + "9" * 5000 + "}", "Exceeds the limit"),
        ('{"format": 1e999}', "`format` (=inf) must be a whole number"),
        ('{"format": 3, "checksums": {"config.json": "0"}, "x": 1e999}', "was changed after"),
        ('{"format": 1}', "`net` is missing"),
        ('{"format": 2}', "`networks` is missing"),
        ('{"format": "\\ud800"}', "must be a whole number"),
        ("", "is not JSON"),
    ],
)
def test_texts_that_are_no_config(folder: Path, text: str, words: str) -> None:
    (folder / CONFIG).write_text(text)
    assert words in fault(folder)


def with_header(header: bytes | dict[str, Any], data: bytes = b"", length: int = -1) -> bytes:
    """A safetensors file, as its header says, or not."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length < 0 else length) + raw + data


def one(dtype: Any = "F32", shape: Any = (1,), offsets: Any = (0, 4)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (with_header({"a": one()}, length=2**63), "does not fit in a file of"),
        (with_header(b"{", b"0000"), "no JSON header"),
        (with_header(b"[1]"), "no JSON header"),
        (with_header({"a": 1}), "`a` has not a dtype, a shape and data_offsets"),
        (with_header({"a": one(dtype="F8")}, b"0000"), "has the type F8"),
        (with_header({"a": one(dtype=["F32"])}, b"0000"), "has the type"),
        (with_header({"a": one(shape=[-1])}, b"0000"), "has the shape [-1]"),
        (with_header({"a": one(shape=[1] * 20)}, b"0000"), "has the shape"),
        (with_header({"a": one(shape=[2**61, 2**61])}, b"0000"), "has 4 bytes, and F32 of"),
        (with_header({"a": one(offsets=[4, 0])}, b"0000"), "has -4 bytes"),
        (with_header({"a": one(offsets=[0, 4.0])}, b"0000"), "data_offsets"),
        (with_header({"a": one(), "b": one()}, b"0000"), "begins at byte 0 instead of 4"),
        (with_header({"a": one(offsets=[8, 12])}, b"0" * 12), "begins at byte 8 instead of 0"),
        (with_header({"a": one()}, b"00"), "it is cut off"),
        (with_header({"a": one()}, b"0" * 9), "it has bytes behind its tensors"),
        (with_header(b'{"a": 1, "a": 2}'), "a name stands in its header twice"),
        (with_header(b"[" * 100_000), "no JSON header"),
    ],
)
def test_headers_that_lie(folder: Path, content: bytes, words: str) -> None:
    (folder / WEIGHTS).write_bytes(content)
    seal(folder)
    assert words in fault(folder)


def test_a_bundle_of_a_newer_version_says_so(folder: Path) -> None:
    values = config_of(folder)
    values |= {"tsconv_version": "9.1.0", "attention": {"heads": 8}}
    seal(folder, values)
    assert "tsconv 9.1.0 wrote it: update tsconv" in fault(folder)


def test_nothing_that_a_file_says_is_run_or_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A canary: a file that appears, or the environment in a message, if anything was run."""
    canary = tmp_path / "canary"

    class Poison:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {canary}",)

    assert not canary.exists()
    pickle.loads(pickle.dumps(Poison()))
    assert canary.exists()  # it would sing
    canary.unlink()
    monkeypatch.setenv("SECRET_OF_THE_TEST", "hunter2")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    poisons = [pickle.dumps(Poison(), protocol=p) for p in (0, 2, 4)]
    torch.save({"state_dict": Poison()}, tmp_path / "poison.pt")
    poisons.append((tmp_path / "poison.pt").read_bytes())
    for name in (WEIGHTS, CALIBRATION, CONFIG):
        for poison in poisons:
            (folder / name).write_bytes(poison)
            if name != CONFIG:
                seal(folder)
            fault(folder)
            for path, content in before.items():
                (folder / path).write_bytes(content)
    target = {"_target_": "os.system", "command": f"touch {canary}", "_args_": [f"touch {canary}"]}
    secret = "${oc.env:SECRET_OF_THE_TEST}"
    for group in ("", "net", "contract", "contract.roles", "training", "calibration"):
        for changes in (target, {"__reduce__": target}, {"time": target, "path": secret}):
            update_config(folder, group, changes)
            assert "hunter2" not in fault(folder)
            (folder / CONFIG).write_bytes(before[CONFIG])
    assert not canary.exists()


def test_where_a_text_may_stand_an_interpolation_is_one(folder: Path) -> None:
    values = config_of(folder)
    values["info"]["note"] = values["contract"]["roles"]["id"] = "${oc.env:HOME}"
    seal(folder, values)
    bundle = load_bundle(folder)
    assert bundle.info["note"] == bundle.data.id == "${oc.env:HOME}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("nan", "model.safetensors is not written: tensor `stem.bias` holds nan"),
        ("double", "tensor `.*` of the network is torch.float64.*call `net.float"),
        ("info", "`info.test.mae` is not a finite number"),
        ("lower", "`contract.lower` is not a finite number"),
    ],
)
def test_nothing_that_is_not_finite_is_written(tmp_path: Path, change: str, words: str) -> None:
    net = random_net().float()
    info: dict[str, Any] = {}
    if change == "nan":
        net.get_parameter("stem.bias").data[0] = math.nan
    elif change == "double":
        net = net.double()
    elif change == "info":
        info = {"test": {"mae": math.inf}}
    lower = math.nan if change == "lower" else None
    save_bundle(Bundle(random_net().float(), DataConfig(), "D", 7, {}), tmp_path / "bundle")
    before = (tmp_path / "bundle" / WEIGHTS).read_bytes()
    with pytest.raises(BundleError, match=words):
        save_bundle(Bundle(net, DataConfig(), "D", 7, info, lower=lower), tmp_path / "bundle")
    assert (tmp_path / "bundle" / WEIGHTS).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
