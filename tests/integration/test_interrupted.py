"""`tsconv train` that Ctrl-C ends: what it says, what it keeps, and how it goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.helpers.frames import daily_frame
from tsconv.training import panel_cache
from tsconv.training.lightning.throughput import Throughput

Run = Callable[..., "subprocess.CompletedProcess[str]"]
QUICK = (
    "data.path=sales.csv", "horizon=7", "trainer.max_steps=40", "trainer.val_check_interval=10",
    "compile=false", "precision=float32", "callbacks.progress=false", "plots=false",
    "model.dropout=0.3", "model.hidden=4", "model.levels=2",
)  # fmt: skip


@pytest.fixture(autouse=True)
def sales(tmp_path: Path) -> Iterator[None]:
    """A file to train on, and Ctrl-C as it is outside of test runners."""
    daily_frame(2, 150).to_csv(tmp_path / "sales.csv", index=False)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press(times: int = 1, number: int = signal.SIGINT) -> None:
    for _ in range(times):
        os.kill(os.getpid(), number)


def press_in_step(
    patch: pytest.MonkeyPatch, step: int, times: int = 1, number: int = signal.SIGINT
) -> None:
    """Press Ctrl-C in the course of a step, or send another signal."""
    original = Throughput.on_train_batch_end

    def pressing(self: Throughput, trainer: Any, *args: Any) -> None:
        if trainer.global_step == step:
            press(times, number)
        original(self, trainer, *args)

    patch.setattr(Throughput, "on_train_batch_end", pressing)


def interrupted_at(
    tsconv_here: Run, step: int, *overrides: str, times: int = 1, number: int = signal.SIGINT
) -> subprocess.CompletedProcess[str]:
    with pytest.MonkeyPatch.context() as patch:
        press_in_step(patch, step, times, number)
        return tsconv_here("train", *QUICK, "run_dir=cut", *overrides)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a training that was interrupted in step 25 is kept for all tests."""
    return tmp_path_factory.mktemp("kept") / "cut"


@pytest.fixture
def cut(kept: Path, tsconv_here: Run, tmp_path: Path) -> Path:
    """A training of the test's own that was interrupted in step 25: a copy of the first one."""
    if not kept.exists():
        interrupted_at(tsconv_here, 25)
        shutil.copytree(tmp_path / "cut", kept)
    return Path(shutil.copytree(kept, tmp_path / "cut", dirs_exist_ok=True))


def same_weights(a: Path, b: Path) -> bool:
    ours, theirs = (load_file(run / "bundle" / "model.safetensors") for run in (a, b))
    return all(torch.equal(value, theirs[name]) for name, value in ours.items())


@pytest.mark.parametrize(
    ("step", "number"),
    [(25, signal.SIGINT), (30, signal.SIGINT), (40, signal.SIGINT), (25, signal.SIGTERM)],
)
def test_it_goes_on_to_the_weights_of_a_run_that_was_never_interrupted(
    tsconv_here: Run, tmp_path: Path, step: int, number: int
) -> None:
    """Between validations, in the step that one follows, and in the last step."""
    times = 3 if number == signal.SIGTERM else 1  # of SIGTERM, only the first counts
    done = interrupted_at(tsconv_here, step, number=number, times=times)
    assert done.returncode == (130 if number == signal.SIGINT else 75)
    how = "interrupted" if number == signal.SIGINT else "ended by SIGTERM"
    assert done.stderr.splitlines() == [
        "run folder: cut",
        f"tsconv: {how}: step {step} of 40 is kept in cut; to go on: tsconv train resume=cut",
    ]
    assert not (tmp_path / "cut" / "bundle").exists()
    assert not list((tmp_path / "cut").rglob("*.part"))
    torch.manual_seed(99)  # what the process draws in between does not count
    resumed = tsconv_here("train", "resume=cut")
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.rstrip().endswith("bundle: cut/bundle")
    whole = tsconv_here("train", *QUICK, "run_dir=whole")
    cut, uncut = tmp_path / "cut", tmp_path / "whole"
    assert same_weights(cut, uncut)
    ours, theirs = (json.loads((run / "metrics.json").read_text()) for run in (cut, uncut))
    assert ours["test"] == theirs["test"]
    assert ours["train_steps"] == 40
    for name in ("config.yaml", ".hydra/overrides.yaml"):
        text = (cut / name).read_text()
        assert text.replace("cut", "whole") == (uncut / name).read_text()
    assert "  # auto: " in (cut / "config.yaml").read_text()
    assert resumed.stdout.splitlines()[:-2] == whole.stdout.splitlines()[:-2]


def test_the_config_is_there_while_it_trains(tsconv_here: Run, tmp_path: Path) -> None:
    seen: list[str] = []

    def look(self: Throughput, *_: Any) -> None:
        seen.append((tmp_path / "cut" / "config.yaml").read_text())
        assert (tmp_path / "cut" / ".hydra" / "overrides.yaml").is_file()
        self._begun = 0.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Throughput, "on_train_start", look)
        tsconv_here("train", *QUICK, "run_dir=cut", "precision=auto")
    assert "context_length: 42  # auto: " in seen[0]
    assert "precision: auto" not in seen[0]
    assert seen[0] == (tmp_path / "cut" / "config.yaml").read_text()


def test_the_second_time_it_stops_at_once_and_keeps_the_last_checkpoint(
    tsconv_here: Run, tmp_path: Path
) -> None:
    done = interrupted_at(tsconv_here, 25, times=2)
    assert done.returncode == 130
    assert "step 20 of 40 is kept in cut, without the 5 after it; to go on: " in done.stderr
    assert tsconv_here("train", "resume=cut").returncode == 0
    assert tsconv_here("train", *QUICK, "run_dir=whole").returncode == 0
    assert same_weights(tmp_path / "cut", tmp_path / "whole")


def test_sigterm_while_data_are_read_ends_at_once(tsconv_here: Run, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(panel_cache, "open_panel", lambda *_: press(number=signal.SIGTERM))
        done = tsconv_here("train", *QUICK)
    assert done.returncode == 75
    assert done.stderr == "tsconv: ended by SIGTERM: training had not begun, nothing was written\n"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_before_the_first_step_nothing_is_kept(
    tsconv_here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(panel_cache, "open_panel", lambda *_: press())
        reading = tsconv_here("train", *QUICK)
    assert reading.returncode == 130
    assert reading.stderr == ("tsconv: interrupted: training had not begun, nothing was written\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tsconv.training.lightning.loop.choose_step", lambda *_: press())
        compiling = tsconv_here("train", *QUICK)
    assert compiling.returncode == 130
    assert compiling.stderr.splitlines()[-1] == "tsconv: interrupted: nothing is kept"
    unkept = interrupted_at(tsconv_here, 5, "callbacks.checkpoints=false")
    assert unkept.stderr.splitlines()[-1] == (
        "tsconv: interrupted: nothing is kept (callbacks.checkpoints=false)"
    )
    left = [path.name for path in tmp_path.iterdir()]
    assert [name for name in left if name not in ("runs", "sales.csv")] == []
    assert not list((tmp_path / "runs").iterdir())


def test_a_finished_run_says_so_and_trains_longer(tsconv_here: Run, tmp_path: Path) -> None:
    assert tsconv_here("train", *QUICK, "run_dir=run").returncode == 0
    first = (tmp_path / "run" / "bundle" / "model.safetensors").read_bytes()
    again = tsconv_here("train", "resume=run")
    assert again.returncode == 0
    assert again.stdout.splitlines() == [
        "run is finished: 40 of 40 steps; to train longer, set trainer.max_steps higher",
        "bundle: run/bundle",
    ]
    with pytest.MonkeyPatch.context() as patch:
        press_in_step(patch, 45)
        cut = tsconv_here("train", "resume=run", "trainer.max_steps=60")
    assert "step 45 of 60 is kept in run" in cut.stderr
    assert (tmp_path / "run" / "bundle" / "model.safetensors").read_bytes() == first
    longer = tsconv_here("train", "resume=run")
    assert longer.returncode == 0, longer.stderr
    assert "trained 60 steps" in longer.stdout
    assert (tmp_path / "run" / "bundle" / "model.safetensors").read_bytes() != first
    less = tsconv_here("train", "resume=run", "trainer.max_steps=50")
    assert less.stdout.startswith("run is finished: 60 of 60 steps")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["model.hidden=8"], "`model.hidden` (=8): cut was trained with 4, and a resumed"),
        (["head=point"], "`head."),
        (["optimizer.lr=1"], "`optimizer.lr` (=1.0): cut was trained with 0.002"),
        (["trainer.max_steps=10"], "`trainer.max_steps` (=10): cut has trained 25 steps already"),
        (["horizon=8"], "`horizon` (=8): cut was trained with 7"),
        (["data.chunks_per_batch=1"], "`data.chunks_per_batch` (=1): cut was trained with"),
        (["trainer.accumulate_grad_batches=2"], "`trainer.accumulate_grad_batches` (=2): cut was"),
        (["modell.hidden=8"], "unknown config key `modell.hidden`"),
    ],
)
def test_keys_that_contradict_the_run_are_refused_in_one_line(
    tsconv_here: Run, cut: Path, overrides: list[str], words: str
) -> None:
    done = tsconv_here("train", "resume=cut", *overrides)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_all_keys_of_the_first_command_may_be_given_again(tsconv_here: Run, cut: Path) -> None:
    again = (*QUICK, "run_dir=cut", "resume=cut", "model.hidden=null", "plots=true")
    assert tsconv_here("train", *again).returncode == 0


def test_data_that_are_elsewhere_are_told(tsconv_here: Run, cut: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = tsconv_here("train", "resume=../cut", cwd=elsewhere)
    assert done.returncode == 1
    assert "`data.path` (=sales.csv) of ../cut/config.yaml is not found from" in done.stderr
    found = tsconv_here("train", "resume=../cut", "data.path=../sales.csv", cwd=elsewhere)
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "`resume` (=run) does not exist: name the run folder of an interrupted training"),
        ("a: [", "run/config.yaml cannot be read"),
        ("modell: {}", "run/config.yaml cannot be read"),
    ],
)
def test_what_is_no_run_folder_is_told(
    tsconv_here: Run, tmp_path: Path, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "config.yaml").write_text(content)
    done = tsconv_here("train", "resume=run", "data.path=sales.csv")
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_files_of_a_run_have_ordinary_permissions(tsconv_here: Run, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        tsconv_here("train", *QUICK, "run_dir=run", "trainer.max_steps=2")
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"model.safetensors", "last.ckpt", "metrics.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o644}


def test_without_a_terminal_progress_is_lines(tsconv_here: Run) -> None:
    done = tsconv_here("train", *QUICK, "run_dir=run", "callbacks.progress=true")
    assert "\r" not in done.stderr
    assert "step 40 of 40 (100%), loss " in done.stderr
    assert "origins/s, val " in done.stderr


def test_ctrl_c_in_a_real_terminal_leaves_one_line(tmp_path: Path) -> None:
    """A process of its own, which nothing but the signal reaches."""
    import sys
    import time

    words = [w for w in QUICK if not w.startswith("trainer.max_steps")]
    process = subprocess.Popen(
        [sys.executable, "-m", "tsconv.cli", "train", *words, "trainer.max_steps=100000",
         "run_dir=cut"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    checkpoint = tmp_path / "cut" / "checkpoints" / "last.ckpt"
    until = time.monotonic() + 90
    while not checkpoint.is_file():
        assert time.monotonic() < until, "it did not start"
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert len(errors.splitlines()) == 2, errors
    assert "of 100,000 is kept in cut; to go on: tsconv train resume=cut" in errors
