"""Thousands of small changes to the files of a bundle: it loads equal, or raises BundleError."""

import collections
import copy
import json
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.helpers.paths import ROOT
from tsconv.errors import BundleError
from tsconv.forecasting.bundles.bundle import Bundle, load_bundle
from tsconv.model.covariate_encoder import CovariateBatch

GOLDEN = ROOT / "tests" / "golden"
NAMES = ("config.json", "model.safetensors", "calibration.safetensors")
COUNT = 2000
SECONDS = 120  # for all of them, some ten times what they take
Files = dict[str, bytes]


def said_by(bundle: Bundle) -> tuple[Any, ...]:
    """All that forecasts are made of: the network's tensors and the rest, to compare."""
    x = torch.linspace(-1, 2, 60).view(1, 1, 60)
    weekday = torch.zeros(1, 2, 1, 60 + bundle.net.spec.horizon)
    none = torch.zeros(1, 0, 1)
    given = CovariateBatch(weekday, torch.ones_like(weekday), none, none)
    with torch.inference_mode():
        made = bundle.net(x, torch.ones_like(x), 1, None, given).values()
    assert bundle.calibration is not None
    maps = bundle.calibration.maps
    plain = (bundle.data, bundle.freq, bundle.season, bundle.channels, bundle.lower, bundle.info)
    found = (made, maps.of_step, maps.of_member)
    return (*plain, bundle.calibration.kind, *(tuple(t.flatten().tolist()) for t in found))


def loaded(folder: Path) -> Bundle | str:
    """The bundle, or what its BundleError says; any other error is the test's."""
    try:
        return load_bundle(folder)
    except BundleError as error:
        return str(error)


def flip(rng: random.Random, files: Files) -> None:
    name = rng.choice(NAMES)
    content = bytearray(files[name])
    for _ in range(rng.choice((1, 1, 1, 8))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    files[name] = bytes(content)


def flip_in_header(rng: random.Random, files: Files) -> None:
    name = rng.choice(NAMES[1:])
    content = bytearray(files[name])
    content[rng.randrange(min(len(content), 400))] = rng.randrange(256)
    files[name] = bytes(content)


def cut(rng: random.Random, files: Files) -> None:
    name = rng.choice(NAMES)
    files[name] = files[name][: rng.randrange(len(files[name]))]


def insert(rng: random.Random, files: Files) -> None:
    name = rng.choice(NAMES)
    at = rng.randrange(len(files[name]) + 1)
    more = rng.choice((rng.randbytes(rng.randrange(1, 64)), b" ", b"\n\t", b"0", b"[" * 5000))
    files[name] = files[name][:at] + more + files[name][at:]


def swap(rng: random.Random, files: Files) -> None:
    one, other = rng.sample(NAMES, 2)
    if rng.random() < 0.5:
        files[one], files[other] = files[other], files[one]
    else:
        path = GOLDEN / rng.choice(("calibrated_bundle", "count_bundle")) / "bundle" / one
        files[one] = path.read_bytes()


def remove(rng: random.Random, files: Files) -> None:
    del files[rng.choice(NAMES)]


VALUES = (
    None, True, 0, -1, 1.5, 10**30, 1e300, "", "x", "\x00", [], {}, [[]], {"_target_": "os.system"},
)  # fmt: skip


def places(values: Any) -> list[tuple[Any, Any]]:
    """Each group or list of the values with each of its keys."""
    keys = values.items() if isinstance(values, dict) else enumerate(values)
    found = []
    for key, inner in keys:
        found.append((values, key))
        if isinstance(inner, dict | list):
            found += places(inner)
    return found


def edit(rng: random.Random, files: Files) -> None:
    """Change a value of config.json, which stays JSON."""
    values = json.loads(files["config.json"])
    group, key = rng.choice(places(values))
    group[key] = copy.deepcopy(rng.choice((*VALUES, values[rng.choice([*values])])))
    files["config.json"] = json.dumps(values).encode()


def drop(rng: random.Random, files: Files) -> None:
    values = json.loads(files["config.json"])
    group, key = rng.choice(places(values))
    del group[key]
    files["config.json"] = json.dumps(values).encode()


def add(rng: random.Random, files: Files) -> None:
    values = json.loads(files["config.json"])
    group = rng.choice([g for g, _ in places(values) if isinstance(g, dict)])
    group[rng.choice(("x", "path", "networks", "_target_"))] = rng.choice(VALUES)
    files["config.json"] = json.dumps(values).encode()


def repeat_a_line(rng: random.Random, files: Files) -> None:
    """A key that stands there twice, a comma too many, or a value more in a list."""
    lines = files["config.json"].decode().splitlines()
    at = rng.randrange(len(lines))
    lines.insert(at, lines[rng.choice((at, rng.randrange(len(lines))))])
    files["config.json"] = "\n".join(lines).encode()


def spell_another_way(rng: random.Random, files: Files) -> None:
    """The same values: other spaces, other orders of keys, escapes."""
    values = json.loads(files["config.json"])
    items = list(values.items())
    rng.shuffle(items)
    text = json.dumps(dict(items), indent=rng.choice((None, 1, 7)))
    files["config.json"] = (text.replace("e", "\\u0065") if rng.random() < 0.1 else text).encode()


MUTATIONS: tuple[Callable[[random.Random, Files], None], ...] = (
    flip, flip, flip_in_header, cut, insert, swap, remove, edit, edit, drop, add, repeat_a_line,
    spell_another_way,
)  # fmt: skip


def lay_out(files: Files, lying: Files, folder: Path) -> None:
    """Write the files that differ from those that lie there."""
    for name in NAMES:
        if name not in files:
            (folder / name).unlink(missing_ok=True)
        elif files[name] is not lying.get(name):
            (folder / name).write_bytes(files[name])


def test_a_changed_bundle_is_equal_or_a_bundle_error(tmp_path: Path) -> None:
    original = GOLDEN / "third_format" / "bundle"
    whole = {name: (original / name).read_bytes() for name in NAMES}
    right = said_by(load_bundle(original))
    rng = random.Random(0)
    outcomes: collections.Counter[str] = collections.Counter()
    folder, lying = tmp_path / "bundle", dict[str, bytes]()
    folder.mkdir()
    begun, memory = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(COUNT):
        files = dict(whole)
        mutation = MUTATIONS[number % len(MUTATIONS)]
        mutation(rng, files)
        lay_out(files, lying, folder)
        lying = files
        found = loaded(folder)
        if isinstance(found, str):
            assert found.isprintable(), (number, mutation)
            outcomes["error"] += 1
        else:
            assert said_by(found) == right, (number, mutation)
            outcomes["equal"] += 1
    assert outcomes["error"] > COUNT * 0.8, outcomes
    assert outcomes["equal"] > COUNT * 0.05, outcomes
    assert time.perf_counter() - begun < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 200_000  # kB


@pytest.mark.parametrize("name", ["third_format_several", "rows_bundle", "count_bundle"])
def test_other_bundles_are_refused_or_loaded_and_nothing_else(tmp_path: Path, name: str) -> None:
    """Earlier formats have no checksums: a changed number may pass, but nothing else happens."""
    original = GOLDEN / name / "bundle"
    whole = {n: (original / n).read_bytes() for n in NAMES}
    rng = random.Random(1)
    folder, lying = tmp_path / "bundle", dict[str, bytes]()
    folder.mkdir()
    for number in range(150):
        files = dict(whole)
        MUTATIONS[number % len(MUTATIONS)](rng, files)
        lay_out(files, lying, folder)
        lying = files
        found = loaded(folder)
        assert isinstance(found, Bundle) or found.isprintable()
