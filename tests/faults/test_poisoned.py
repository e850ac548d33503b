"""Files that were made to do harm: refused or harmless, and nothing of theirs has run."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import random
import resource
import shutil
import struct
import subprocess
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch

from tests.helpers.files import GOOD, HEAD, QUICK, lines
from tsconv.cli import main
from tsconv.config.compose import train_config
from tsconv.config.schema import DataConfig
from tsconv.data.reading.csv_files import compression
from tsconv.data.reading.read import read_table
from tsconv.errors import ConfigError, DataError
from tsconv.sweep.storage.journal import JournalStore

Command = Callable[..., subprocess.CompletedProcess[str]]
SECRET = "hunter2-of-the-test"
MEMORY = 8 << 30  # bytes of addresses that a child may have, those of torch among them
ROLES = DataConfig(id="unique_id", time="ds", target="y")


class Canary:
    """Its pickle makes a file named canary in the folder that it is read in."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch canary",)


@pytest.fixture(autouse=True)
def cage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder with good data, and a secret in the environment; then: the canary did not sing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRET_OF_TEST", SECRET)
    Path("data.csv").write_text(GOOD)
    yield
    assert not list(tmp_path.rglob("canary"))
    assert not [p for p in tmp_path.rglob("*") if SECRET in p.name]
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "data.csv").write_text(GOOD)
    keys = [*QUICK, "refit=false", "logger=none", f"data.path={folder / 'data.csv'}"]
    assert main(["train", *keys, f"run_dir={folder / 'run'}"]) == 0
    return folder / "run"


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One line on standard error, that says why, and exit code 1."""
    assert done.returncode == 1, done
    said = done.stderr.splitlines()
    assert len([line for line in said if line.startswith("tsconv: ")]) == 1, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in said[-1]


def test_the_canary_sings(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Canary()))
    (tmp_path / "canary").unlink()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("+_target_=os.system", "unknown config key `_target_`"),
        ("model._target_=os.system", "unknown config key `model._target_`"),
        ("+model={_target_: os.system, command: 'touch canary'}", ""),
        ("trainer.callbacks={_target_: os.system, command: 'touch canary'}", "set by tsconv"),
        ("+hydra.callbacks.x._target_=os.system", "keys of Hydra itself are not taken"),
        ("hydra.searchpath=[pkg://antigravity]", "keys of Hydra itself are not taken"),
        ("hydra/launcher=basic", "keys of Hydra itself are not taken"),
        ("model=../../../etc/passwd", "Could not find"),
        ("run_dir=${oc.env:SECRET_OF_TEST}", "`run_dir` (=${oc.env:SECRET_OF_TEST}): a config"),
        ("data.target=x${oc.env:SECRET_OF_TEST}", "`data.target`"),
        ("data.target=['${oc.env:SECRET_OF_TEST}']", "`data.target`"),
        ("trainer.profiler='${oc.env:SECRET_OF_TEST}'", "`trainer.profiler`"),
        ("seed=${oc.decode:'7'}", "`seed`"),
        ("run_dir='${hydra:runtime.cwd}'", "`run_dir`"),
        ("data.lower={y: '${oc.env:SECRET_OF_TEST}'}", "`data.lower`"),
    ],
)
def test_overrides(tsconv_here: Command, override: str, words: str) -> None:
    refused(tsconv_here("train", "data.path=data.csv", *QUICK, override), words)


LAUGH = "a: &a [x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("_target_: os.system\ncommand: touch canary\n", "`_target_`"),
        ("model:\n  _target_: os.system\n  command: touch canary\n", "_target_"),
        ("data:\n  target: ${oc.env:SECRET_OF_TEST}\n", "`data.target`"),
        ("seed: ${oc.decode:${oc.env:SECRET_OF_TEST}}\n", "`seed`"),
        ("seed: !!python/object/apply:os.system ['touch canary']\n", "constructor for the tag"),
        (LAUGH, "aliases"),
        ("seed: &a [*a]\n", "aliases"),
        (f"seed: {'[' * 250}{']' * 250}\n", "too deep"),
        (f"seed: {'9' * 1_000_001}\n", "too many"),
        ("run_dir: \x1b[31m\n", "special characters"),
    ],
    ids=["root", "group", "env", "decode", "tag", "laughs", "loop", "deep", "long", "escape"],
)
def test_configs(tsconv_here: Command, trained: Path, text: str, words: str) -> None:
    """Of a folder that is given, of an experiment that a sweep is to start from, of a run."""
    Path("conf/experiment").mkdir(parents=True)
    Path("conf/experiment/x.yaml").write_text(f"# @package _global_\n{text}")
    from_folder = ("--config-dir", "conf", "experiment=x", "data.path=data.csv", *QUICK)
    refused(tsconv_here("train", *from_folder), words)
    refused(tsconv_here("sweep", *from_folder), words)
    shutil.copytree(trained, "run")
    with Path("run/config.yaml").open("a") as file:
        file.write(text)
    refused(tsconv_here("train", "resume=run", "trainer.max_steps=2"), "run/config.yaml")


def test_search_spaces_and_the_best_of_a_sweep(tsconv_here: Command) -> None:
    for group, text in {
        "search_space": "x: ${oc.env:SECRET_OF_TEST}\n",
        "model": "_target_: os.system\ncommand: touch canary\n",
        "experiment": "# @package _global_\nmodel: {_target_: os.system, command: touch canary}\n",
    }.items():
        Path(f"conf/{group}").mkdir(parents=True)
        Path(f"conf/{group}/best.yaml").write_text(text)
        keys = ("--config-dir", "conf", f"{group}=best", "data.path=data.csv", *QUICK)
        refused(tsconv_here("sweep", *keys))


def test_other_keys_may_be_named() -> None:
    assert train_config(["horizon=7", "seed=${horizon}"]).seed == 7
    assert train_config(["horizon=7", "data.target='a: ${horizon}'"]).data.target == "a: 7"
    with pytest.raises(ConfigError, match=r"`data\.target`"):
        train_config(["horizon=7", "data.target='${oc.env:SECRET_OF_TEST}'"])


def test_a_run_folder_of_somebody_else(tsconv_here: Command, trained: Path) -> None:
    """Its overrides are texts; a checkpoint that names a class, and a bundle that is a pickle."""
    shutil.copytree(trained, "run")
    overrides = Path("run/.hydra/overrides.yaml")
    overrides.write_text("- data.id=${oc.env:SECRET_OF_TEST}\n- seed=${horizon}\n")
    path = Path("run/checkpoints/last.ckpt")
    state = torch.load(path, weights_only=True)
    names = {"_instantiator": "os.system", "_class_path": "os.system", "args": "touch canary"}
    torch.save(state | {"hyper_parameters": names}, path)
    done = tsconv_here("train", "resume=run", "trainer.max_steps=2")
    assert done.returncode == 0
    assert "data.id=${oc.env:SECRET_OF_TEST}" in overrides.read_text()
    for kept in Path("run/checkpoints").iterdir():
        kept.write_bytes(pickle.dumps(Canary()))
    refused(tsconv_here("train", "resume=run", "trainer.max_steps=3"))
    bundle = Path("run/bundle")
    (bundle / "model.safetensors").write_bytes(pickle.dumps(Canary()))
    keys = ("bundle=run", "data.path=data.csv", "output=f.csv")
    refused(tsconv_here("forecast", *keys), "model.safetensors")
    text = (bundle / "config.json").read_text()
    (bundle / "config.json").write_text(text.replace("{", '{"_target_": "os.system",', 1))
    refused(tsconv_here("forecast", *keys), "config.json")
    (bundle / "config.json").write_text('{"a":' * 100_000)
    refused(tsconv_here("bundle", "inspect", "run"), "config.json")


def test_a_journal_that_names_a_file_as_a_worker(tmp_path: Path) -> None:
    """A lock that nobody holds is removed: that of a worker, never one of another program."""
    (tmp_path / "poetry.lock").write_text("dear")
    store = JournalStore(tmp_path / "sweep")
    names: dict[int, Any] = {
        1: "../../poetry",
        2: str(tmp_path / "poetry"),
        3: {"a": 1},
        4: "..",
        5: "x/../y",
    }
    assert store.lost_trials(None, names) == list(names)  # type: ignore[arg-type]
    assert (tmp_path / "poetry.lock").read_text() == "dear"


def test_archives_that_expand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several members, and a size at the end that says 5."""
    monkeypatch.setattr(compression, "_LEAST_CAP", 100_000)
    bomb = gzip.compress(HEAD.encode()) + gzip.compress(lines(n=1).encode() * 100_000) * 5
    Path("a.csv.gz").write_bytes(bomb)
    Path("b.csv").write_bytes(bomb[:-4] + struct.pack("<I", 5))
    for name in ("a.csv.gz", "b.csv"):
        with pytest.raises(DataError, match=r"expands from .*`data\.max_bytes"):
            read(name)
    for name in ("a.zip", "a.csv.xz", "a.pkl", "a.feather", "a.tar"):
        Path(name).write_bytes(pickle.dumps(Canary()))
        with pytest.raises(DataError, match="are not read"):
            read(name)
    Path("c.csv").write_bytes(pickle.dumps(Canary()))
    with pytest.raises(DataError, match="is not utf-8"):
        read("c.csv")


def read(path: str | Path) -> Any:
    return read_table(DataConfig(**{**vars(ROLES), "path": str(path)}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.replace("<sheetData>", f"<sheetData>{' ' * 150_000_000}"), "expands from"),
        (lambda s: entities(s, "".join(
            f'<!ENTITY {b} "{f"&{a};" * 20}">' for a, b in zip("abcdef", "bcdefg", strict=True)
        )).replace("<v>3</v>", "<v>&g;</v>", 1), "damaged"),
        (lambda s: entities(s, '<!ENTITY g SYSTEM "data.csv">').replace(
            "<v>3</v>", "<v>&g;</v>", 1), "damaged"),
        (lambda s: s.replace("</sheetData>", "<row r='2000000000'><c><v>1</v></c></row>"
                             "</sheetData>"), "at most 1,048,576 lines"),
    ],
    ids=["blanks", "entities", "outside", "lines"],
)  # fmt: skip
def test_workbooks(tmp_path: Path, change: Callable[[str], str], words: str) -> None:
    pytest.importorskip("openpyxl")
    table = pd.DataFrame({"unique_id": "a", "ds": pd.date_range("2024-01-01", periods=9), "y": 3})
    table.to_excel("good.xlsx", index=False)
    assert len(read("good.xlsx").values) == 9
    with zipfile.ZipFile("good.xlsx") as good, zipfile.ZipFile("bad.xlsx", "w", 8) as bad:
        for name in good.namelist():
            content = good.read(name)
            is_sheet = name == "xl/worksheets/sheet1.xml"
            bad.writestr(name, change(content.decode()) if is_sheet else content)
    with pytest.raises(DataError, match=words):
        read("bad.xlsx")


def entities(sheet: str, declared: str) -> str:
    at = sheet.index("<worksheet")
    return f'<!DOCTYPE x [<!ENTITY a "{"y" * 1000}">{declared}]>{sheet[at:]}'


def parquet(path: str) -> bytes:
    table = pd.read_csv("data.csv")
    pa.parquet.write_table(
        pa.Table.from_pandas(table, preserve_index=False), path, write_page_checksum=True
    )
    return Path(path).read_bytes()


def test_parquet_whose_metadata_lie_or_are_damaged() -> None:
    """Equal data or a DataError, in a process that has little memory to waste."""
    good = parquet("good.parquet")
    expected = read("good.parquet")

    def outcomes() -> dict[str, int]:
        found = dict.fromkeys(("equal", "refused", "other"), 0)
        for content in [*lying(good), *damaged(good)]:
            Path("bad.parquet").write_bytes(content)
            try:
                table = read("bad.parquet")
                same = table.ids == expected.ids and table.channels == expected.channels
                same = same and np.array_equal(table.values, expected.values)
                found["equal" if same else "other"] += 1
            except DataError:
                found["refused"] += 1
        return found

    found = in_child(outcomes)
    assert found["other"] == 0, found
    assert min(found["equal"], found["refused"]) > 0, found


def in_child(work: Callable[[], dict[str, int]]) -> dict[str, int]:
    """What a fork of this process finds, with no more memory than it may have."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            Path("found.json").write_text(json.dumps(work()))
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    found: dict[str, int] = json.loads(Path("found.json").read_text())
    return found


def lying(good: bytes) -> list[bytes]:
    """The number of lines of the file, or of a part of it, as what it is not; or all of them."""
    size = struct.unpack("<I", good[-8:-4])[0]
    parts = good[-8 - size : -8].split(b"\x50")  # 40 lines, as Thrift writes them
    found = []
    for lie in (b"\x00", b"\x52", b"\xfe\xff\xff\xff\x0f", b"\xfe" + b"\xff" * 8 + b"\x01"):
        for at in range(1, len(parts)):
            footer = b"\x50".join(parts[:at]) + lie + b"\x50".join(parts[at:])
            found.append(good[: -8 - size] + footer + struct.pack("<I", len(footer)) + b"PAR1")
        found.append(good[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1")
    return found


def damaged(good: bytes) -> list[bytes]:
    rng = random.Random(0)
    found = []
    for number in range(200):
        content = bytearray(good[: rng.randrange(len(good))] if number % 4 == 0 else good)
        for _ in range(rng.choice([1, 1, 2, 8]) if number % 4 else 0):
            first = 0 if number % 4 == 1 else len(content) - 900  # the footer, mostly
            content[rng.randrange(first, len(content))] = rng.choice([0, 127, 128, 255, 66])
        found.append(bytes(content))
    return found


class PickledType(pa.ExtensionType):  # type: ignore[misc]
    """What pyarrow once unpickled as it read a file's schema."""

    def __init__(self) -> None:
        super().__init__(pa.float64(), "arrow.py_extension_type")

    def __arrow_ext_serialize__(self) -> bytes:
        return pickle.dumps(Canary())

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: Any, serialized: bytes) -> PickledType:
        return cls()


def test_parquet_that_names_types_of_python() -> None:
    table = pa.Table.from_pandas(pd.read_csv("data.csv"), preserve_index=False)
    y = pa.ExtensionArray.from_storage(PickledType(), pa.array(table["y"].to_numpy() + 0.0))
    lie = b'{"columns": [{"name": "y", "numpy_type": "object", "metadata": {"a": 1}}], "a": 1}'
    for other in (table.set_column(2, "y", y), table.replace_schema_metadata({b"pandas": lie})):
        pa.parquet.write_table(other, "other.parquet")
        assert np.array_equal(read("other.parquet").values, read("data.csv").values)


NAMES = (
    "../../canary", "/etc/passwd", "\x1b[31mred\x1b[0m\x1b]0;title\x07", "\u202egpj.exe",
    "<script>alert(1)</script>", "$\\frac{", "two\nnote: forged", "CON", "n" * 3000, "a\x9b2J",
)  # fmt: skip


def unseen(text: str) -> set[str]:
    """The characters that steer a terminal, or the order in which a line is shown."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")} - {"\n", "\t"}


def test_names_that_climb_or_steer_a_terminal(
    tsconv_here: Command, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    """As ids and as the name of a column, in all that is printed, written and drawn."""
    series = (pd.read_csv("data.csv").assign(unique_id=name) for name in NAMES)
    table = pd.concat(series).rename(columns={"y": "y\x1b[2J"})
    place = tmp_path / "a" / "b" / "c"
    place.mkdir(parents=True)
    table.to_csv(place / "data.csv", index=False)
    keys = [k for k in QUICK if k != "plots=false"]
    commands: list[tuple[str, ...]] = [
        ("check", "data.path=data.csv"),
        (
            "train",
            *(*keys, "data.path=data.csv", "data.target='y\x1b[2J'", "refit=false"),
            *("run_dir=run", "report=r.html"),
        ),
        ("forecast", "bundle=run", "data.path=data.csv", "output=f.csv", "plot=f.png"),
        ("forecast", "bundle=run", "data.path=data.csv", "output=g.csv", "shards=2"),
        ("forecast", "bundle=run", "data.path=data.csv", "output=h.csv", "series=[a\x1b]"),
        ("runs", "dir=."),
        ("bundle", "inspect", "run"),
    ]
    for command in commands:
        done = tsconv_here(*command, cwd=place)
        assert done.returncode == ("series=[a\x1b]" in command), done.stderr
        assert not unseen(done.stdout + done.stderr), command
        assert "note: forged" not in (done.stdout + done.stderr).splitlines()
    assert not [str(w.message) for w in recwarn if unseen(str(w.message))]
    page = (place / "r.html").read_text()
    assert "<script>alert" not in page
    assert not unseen(page)
    for path in place.rglob("*.json"):
        assert not unseen(path.read_text()), path
    assert set(pd.read_csv(place / "f.csv")["unique_id"]) == set(NAMES)
    assert {p.name for p in tmp_path.iterdir()} == {"a", "data.csv"}  # nothing climbed
    assert {p.name for p in place.parent.iterdir()} == {"c"}
    assert not [p for p in place.rglob("*") if unseen(p.name) or "passwd" in p.name]


def test_a_status_that_steers_a_terminal(tsconv_here: Command) -> None:
    Path("runs/x").mkdir(parents=True)
    Path("runs/x/status.json").write_text(
        '{"state":"failed\\u001b[2J","kind":"train","started":"2024","pid":1,"host":"h",'
        '"command":"c","tsconv":"1","error":"\\u202e\\u001b]0;x\\u0007","data":"../../\\u009b"}'
    )
    done = tsconv_here("runs")
    assert done.returncode == 0
    assert "failed\\x1b[2J" in done.stdout
    assert not unseen(done.stdout + done.stderr)
