"""Configs, run folders and journals that were made to do harm: refused or harmless."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.helpers.faults.poison import Canary, Command, refused
from tests.helpers.files import GOOD, QUICK
from tsconv.cli import main
from tsconv.config.compose import train_config
from tsconv.errors import ConfigError
from tsconv.sweep.storage.journal import JournalStore

pytestmark = pytest.mark.usefixtures("cage")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "data.csv").write_text(GOOD)
    keys = [*QUICK, "refit=false", "logger=none", f"data.path={folder / 'data.csv'}"]
    assert main(["train", *keys, f"run_dir={folder / 'run'}"]) == 0
    return folder / "run"


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
    Path("run/config.yaml").write_text(text)
    refused(tsconv_here("train", "resume=run", "trainer.max_steps=2"), words.strip("`"))


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
