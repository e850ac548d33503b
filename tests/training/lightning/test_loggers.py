"""Loggers whose package is missing are refused by name, before anything is written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.files import GOOD, QUICK, write
from tests.helpers.paths import ROOT
from tsconv.training.lightning.loggers import LOGGERS

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("command", ["train", "sweep"])
@pytest.mark.parametrize("name", ["tensorboard", "mlflow", "wandb"])
def test_a_missing_package_is_one_line_with_the_command_that_installs_it(
    tsconv_here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, command: str
) -> None:
    for package in (name, "tensorboardX"):
        monkeypatch.setitem(sys.modules, package, None)
    write(tmp_path, GOOD)
    done = tsconv_here(command, "data.path=data.csv", *QUICK, f"logger={name}")
    assert done.returncode == 1
    assert done.stderr == (
        f"tsconv: `logger` (={name}) needs the package {name}, which is not installed: "
        f'pip install "tsconv[{name}]"\n'
    )
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


def test_every_logger_has_a_config_and_its_extra() -> None:
    assert {path.stem for path in (ROOT / "conf" / "logger").glob("*.yaml")} == set(LOGGERS)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for name in ("tensorboard", "mlflow", "wandb"):
        assert f"\n{name} = [" in project


def test_the_log_of_an_interrupted_run_stays(tsconv_here: Run, tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    (tmp_path / "run" / "log").mkdir(parents=True)
    (tmp_path / "run" / "log" / "metrics.csv").write_text("earlier")
    done = tsconv_here("train", "data.path=data.csv", *QUICK, "run_dir=run")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "log" / "metrics.csv").read_text() == "earlier"
    assert (tmp_path / "run" / "log_2").is_dir()
