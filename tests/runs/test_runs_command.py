"""`tsconv runs`: what it shows of run folders, and which of them `clean` removes."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tsconv.runs.clean import remove_run
from tsconv.runs.listing import find_runs, runs_text
from tsconv.runs.lock import hold, lock_path
from tsconv.runs.status import first_status, write_status

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def make(folder: Path, state: str, **given: object) -> Path:
    """A run folder that tsconv made; one that is `running` is held by nobody."""
    folder.mkdir(parents=True)
    status = first_status(str(given.pop("kind", "train")), "data/sales.csv", 28)
    made = dataclasses.replace(status, state=state, made_folder=True)
    write_status(dataclasses.replace(made, **given), folder)  # type: ignore[arg-type]
    (folder / "config.yaml").write_text("horizon: 28\n")
    return folder


def test_the_table_shows_every_run_the_newest_first(tsconv_here: Run, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    figures = {"scaled_mae": 0.25, "rival": "naive", "rival_scaled_mae": 0.5}
    make(runs / "a", "finished", started="2024-01-01T00:00:00Z", seconds=12.4, figures=figures)
    make(runs / "b", "failed", started="2024-01-03T00:00:00Z", error="bad\x1b[2J")
    make(runs / "many", "finished", started="2024-01-02T00:00:00Z", kind="multirun")
    make(runs / "many" / "000", "running", started="2024-01-02T00:00:01Z")
    make(runs / "mine" / "c", "running", started="2023-01-01T00:00:00Z", host="elsewhere")
    (runs / "notes").mkdir()
    (runs / "link").symlink_to(runs / "a")
    done = tsconv_here("runs")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == ["run", "b", "many/000", "many", "a", "mine/c"]
    assert [line[2] for line in lines[1:]] == [
        "failed", "killed", "finished", "finished", "unknown",
    ]  # fmt: skip
    assert lines[1][-1] == r"bad\x1b[2J"
    assert lines[4][5:] == ["12", "sales.csv", "28", "0.25", "0.5"]


def test_no_folder_and_no_runs_are_told(tsconv_here: Run, tmp_path: Path) -> None:
    none = tsconv_here("runs")
    assert none.returncode == 1
    assert none.stderr.startswith("tsconv: `dir` (=runs) does not exist")
    (tmp_path / "runs").mkdir()
    assert tsconv_here("runs").stdout == "no runs in runs\n"
    assert "did you mean `clean`?); give none" in tsconv_here("runs", "clena").stderr


def test_runs_of_earlier_versions_are_shown(tmp_path: Path) -> None:
    old = tmp_path / "old"
    (old / ".hydra").mkdir(parents=True)
    (old / "bundle").mkdir()
    (old / "config.yaml").write_text("")
    (old / "metrics.json").write_text('{"test": {"scaled_mae": 0.5}, "rival": null}')
    (found,) = find_runs(tmp_path)
    assert (found.state, found.status.figures) == ("finished", {"scaled_mae": 0.5})


def test_clean_removes_what_failed_or_was_killed_and_nothing_else(
    tsconv_here: Run, tmp_path: Path
) -> None:
    runs, outside = tmp_path / "runs", tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    gone = [make(runs / "failed", "failed"), make(runs / "killed", "running")]
    (gone[0] / "plots").symlink_to(outside)
    many = make(runs / "many", "failed", kind="multirun")
    make(many / "000", "failed")
    half = make(runs / "half", "failed", kind="multirun")
    (make(half / "000", "finished") / "bundle").mkdir()
    kept = [
        make(runs / "finished", "finished"),
        make(runs / "interrupted", "interrupted"),
        make(runs / "elsewhere", "running", host="elsewhere"),
        make(runs / "theirs", "failed", made_folder=False),
        half,
    ]
    for name, file in (("resumable", "checkpoints/last.ckpt"), ("notes", "my notes.txt"),
                       ("longer", "bundle/config.json"), ("sweep", "study.journal")):  # fmt: skip
        folder = make(runs / name, "failed")
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text("")
        kept.append(folder)
    (runs / "link").symlink_to(make(tmp_path / "far", "failed"))
    with hold(lock_path(runs / "killed"), runs / "killed"):
        done = tsconv_here("runs", "clean", "yes=true")
        assert done.returncode == 0, done.stderr
        assert (runs / "killed").is_dir()  # a process has it
    assert done.stdout.endswith("removed 2 run folders\n")
    done = tsconv_here("runs", "clean", "yes=true")
    assert done.stdout.endswith("removed 1 run folder\n")
    assert not any(folder.exists() for folder in (*gone, many))
    assert all(folder.is_dir() for folder in kept)
    assert (tmp_path / "far").is_dir()
    assert (outside / "mine").read_text() == "mine"
    assert tsconv_here("runs", "clean", "yes=true").stdout.startswith("nothing to remove in runs")


@pytest.mark.parametrize(("answer", "left"), [("y", False), ("n", True), ("", True)])
def test_clean_asks_in_the_terminal(
    tsconv_here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, left: bool
) -> None:
    folder = make(tmp_path / "runs" / "failed", "failed")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    done = tsconv_here("runs", "clean")
    assert done.returncode == 1
    assert "set yes=true" in done.stderr
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    assert tsconv_here("runs", "clean").returncode == 0
    assert folder.exists() == left


def test_a_link_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(make(tmp_path / "far", "failed"))
    with pytest.raises(Exception, match="stays"):
        remove_run(tmp_path / "link")
    assert (tmp_path / "far").is_dir()


def test_a_thousand_runs_take_less_than_a_second(tmp_path: Path) -> None:
    first = make(tmp_path / "0000", "running")
    for number in range(1, 1000):
        (tmp_path / f"{number:04d}").mkdir()
        shutil.copy(first / "status.json", tmp_path / f"{number:04d}")
    begun = time.process_time()  # of this process alone: the machine may be busy
    text = runs_text(find_runs(tmp_path), tmp_path)
    assert time.process_time() - begun < 1
    assert len(text.splitlines()) == 1001


def test_neither_torch_nor_pandas_is_imported(tmp_path: Path) -> None:
    make(tmp_path / "runs" / "a", "finished")
    code = (
        "import sys\nfrom tsconv.cli import main\nassert main(['runs']) == 0\n"
        "assert not {'torch', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TSCONV_DEBUG"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
