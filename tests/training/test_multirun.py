"""`tsconv train -m`: which jobs there are, where they go, and what the table says."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.frames import daily_frame
from tsconv.config.overrides import expand_jobs
from tsconv.errors import ConfigError

Run = Callable[..., "subprocess.CompletedProcess[str]"]
QUICK = (
    "data.path=sales.csv", "horizon=7", "trainer.max_steps=10", "compile=false", "plots=false",
    "precision=float32", "callbacks.progress=false",
)  # fmt: skip


@pytest.fixture(autouse=True)
def sales(tmp_path: Path) -> None:
    daily_frame(2, 120).to_csv(tmp_path / "sales.csv", index=False)


@pytest.mark.parametrize(
    ("overrides", "jobs"),
    [
        (["a=1,2", "s=0,1"], [["a=1", "s=0"], ["a=1", "s=1"], ["a=2", "s=0"], ["a=2", "s=1"]]),
        (["s=range(1,4)"], [["s=1"], ["s=2"], ["s=3"]]),
        (["h=choice(a,b)", "c=[1,2]"], [["h=a", "c=[1,2]"], ["h=b", "c=[1,2]"]]),
        (["scheduler=glob(co*)"], [["scheduler=constant"], ["scheduler=cosine"]]),
        (["data.path=a,b.csv"], [["data.path='a,b.csv'"]]),  # a file, not two values
        (["x=1"], [["x=1"]]),
    ],
)
def test_jobs_are_the_combinations(overrides: list[str], jobs: list[list[str]]) -> None:
    assert expand_jobs(overrides) == jobs


def test_an_interval_belongs_into_a_sweep() -> None:
    with pytest.raises(ConfigError, match="let `tsconv sweep` search it"):
        expand_jobs(["optimizer.lr=interval(0,1)"])


def test_each_job_has_a_folder_and_a_line(tsconv: Run, tmp_path: Path) -> None:
    done = tsconv("train", "-m", *QUICK, "model.hidden=8,16", "seed=0,1", "run_dir=many")
    assert done.returncode == 0, done.stderr
    folders = sorted(p.name for p in (tmp_path / "many").iterdir() if p.is_dir())
    assert folders == [
        "000_hidden-8_seed-0", "001_hidden-8_seed-1",
        "002_hidden-16_seed-0", "003_hidden-16_seed-1",
    ]  # fmt: skip
    lines = summary(tmp_path / "many")
    for folder, line in zip(folders, lines, strict=True):
        run = tmp_path / "many" / folder
        metrics = json.loads((run / "metrics.json").read_text())
        assert float(line["test.mae"]) == metrics["test"]["mae"]
        rival = metrics["test"]["baselines"][metrics["rival"]]
        assert float(line["rival.scaled_mae"]) == rival["scaled_mae"]
        assert line["folder"] == f"many/{folder}"
        assert (run / "bundle" / "model.safetensors").is_file()
        assert (run / ".hydra" / "overrides.yaml").is_file()
    assert len({line["val.scaled_mae"] for line in lines}) == 4
    assert f"rival: the best simple forecast, {lines[0]['rival']}\n" in done.stdout
    for job in ("model.hidden=8 seed=0", "model.hidden=16 seed=1"):
        assert job in done.stdout
    single = tsconv("train", *QUICK, "model.hidden=16", "seed=0", "run_dir=one")
    assert single.returncode == 0
    alone = json.loads((tmp_path / "one" / "metrics.json").read_text())
    assert alone["test"]["mae"] == float(lines[2]["test.mae"])  # nothing leaks between jobs


def test_an_interrupted_multirun_says_what_is_left_and_goes_on(
    tsconv_here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsconv.training.lightning.throughput import Throughput

    command = (
        "train",
        "-m",
        *QUICK,
        "model.hidden=4",
        "model.levels=2",
        "seed=0,1,2",
        "run_dir=many",
    )
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    original, steps = Throughput.on_train_batch_end, []

    def pressing(self: Throughput, *args: Any) -> None:
        steps.append(1)
        if len(steps) == 15:  # the fifth step of the second job
            os.kill(os.getpid(), signal.SIGINT)
        original(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Throughput, "on_train_batch_end", pressing)
        cut = tsconv_here(*command)
        assert cut.returncode == 130
        last = cut.stderr.splitlines()[-1]
        assert last.startswith(
            "tsconv: interrupted: 2 of 3 jobs are unfinished; to go on: tsconv train -m data.path="
        )
        assert last.endswith("seed=0,1,2 run_dir=many")
        assert cut.stdout.count("unfinished") == 2
        assert summary(tmp_path / "many")[1]["error"] == "interrupted"
        again = tsconv_here(*shlex.split(last.partition("to go on: tsconv ")[2]))
    signal.signal(signal.SIGINT, before)
    assert again.returncode == 0, again.stderr
    assert len(steps) == 30  # no step of the three jobs twice
    assert "job 1 of 3: seed=0 is finished" in again.stderr
    assert "job 2 of 3: seed=1 goes on" in again.stderr
    assert tsconv_here(*command[:-1], "run_dir=whole").returncode == 0
    ours, theirs = summary(tmp_path / "many"), summary(tmp_path / "whole")
    for name in ("val.scaled_mae", "test.mae", "error"):
        assert [line[name] for line in ours] == [line[name] for line in theirs]
    other = tsconv_here(*command[:-2], "seed=0,1", "run_dir=many")
    assert other.returncode == 1
    assert "holds something other than this multirun" in other.stderr


def summary(folder: Path) -> list[dict[str, str]]:
    with (folder / "summary.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_job_that_fails_does_not_stop_the_others(tsconv: Run, tmp_path: Path) -> None:
    done = tsconv(
        "train", "-m", *QUICK, "optimizer.lr=1e30,0.002", "scheduler=constant", "run_dir=many"
    )
    assert done.returncode == 1
    assert (
        "1 of 2 jobs failed; the first, optimizer.lr=1e+30, with: the validation loss"
        in done.stderr
    )
    assert "failed" in done.stdout
    assert (tmp_path / "many" / "001_lr-0.002" / "bundle").is_dir()


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["trainer.strategy=fsdp", "seed=0,1"], "must be auto or ddp"),
        (["model.norm=layer,layr"], "did you mean `layer`?"),
        (["seed=0,1", "modell.hidden=3"], "unknown config key `modell.hidden`"),
        (["seed=0,1", "resume=old"], "`resume`"),
        (["budget=20s,soon"], "`budget` (=soon) must be a time, such as 60s"),
    ],
)
def test_what_cannot_work_is_refused_before_the_first_job(
    tsconv_here: Run, tmp_path: Path, overrides: list[str], words: str
) -> None:
    done = tsconv_here("train", "--multirun", *QUICK, "run_dir=many", *overrides)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "many").exists()


def test_each_job_with_a_budget_is_a_race(tsconv_here: Run, tmp_path: Path) -> None:
    small = ("model.hidden=4", "model.levels=2", "context_length=14", "budget=1candidates")
    done = tsconv_here("train", "-m", *QUICK, *small, "seed=0,1", "run_dir=many")
    assert done.returncode == 0, done.stderr
    for name in ("000_seed-0", "001_seed-1"):
        run = tmp_path / "many" / name
        metrics = json.loads((run / "metrics.json").read_text())
        with (run / "leaderboard.csv").open(newline="", encoding="utf-8") as file:
            board = list(csv.DictReader(file))
        assert metrics["race"]["budget"] == "1candidates"
        assert metrics["race"]["winner"] in [one["candidate"] for one in board]
        assert len(board) == metrics["race"]["candidates"]
        assert (run / "bundle" / "model.safetensors").is_file()


def test_several_values_without_m_are_refused_with_a_hint(tsconv_here: Run) -> None:
    done = tsconv_here("train", *QUICK, "seed=0,1")
    assert done.returncode == 1
    assert "give one, or -m to train with each" in done.stderr
