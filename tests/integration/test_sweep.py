"""`tsconv sweep` as a user runs it: what it leaves, what it refuses, and what survives a kill."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.forked import fork_workers
from tests.helpers.frames import daily_frame

Run = Callable[..., "subprocess.CompletedProcess[str]"]
QUICK = (
    "data.path=sales.csv", "horizon=7", "run_dir=out", "compile=false", "precision=float32",
    "threads=1", "sweep.heartbeat=1",
)  # fmt: skip
COMMAND = [sys.executable, "-m", "tsconv.cli", "sweep", *QUICK]


@pytest.fixture(autouse=True)
def sales(tmp_path: Path) -> None:
    daily_frame(2, 150).to_csv(tmp_path / "sales.csv", index=False)


@pytest.fixture(autouse=True)
def _forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps in this process fork their workers; those of `start` do not."""
    fork_workers(monkeypatch)


def trials(folder: Path) -> list[dict[str, str]]:
    with (folder / "out" / "trials.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def storage(address: str | None) -> list[str]:
    return [] if address is None else [f"sweep.storage={address}"]


def start(folder: Path, *overrides: str) -> subprocess.Popen[str]:
    """A sweep in a process group of its own, as from a terminal."""
    return subprocess.Popen(
        [*COMMAND, *overrides],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def workers(process: subprocess.Popen[str]) -> list[int]:
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


def wait_for(what: Callable[[], bool], seconds: float = 90) -> None:
    """Wait until it is so; the limit only ends a test that hangs, it is no bar of speed."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def left_by_workers(folder: Path) -> list[str]:
    """Logs, locks, temporary files, and folders of a sweep that hold nothing."""
    study = {"study.lock", "journal.lock"}  # which lie beside the journal
    return [
        path.relative_to(folder).as_posix()
        for path in (folder / "out").rglob("*")
        if (path.suffix in (".log", ".lock", ".part") and path.name not in study)
        or (path.is_dir() and not any(path.iterdir()))
    ]


def test_a_sweep_leaves_its_results_and_its_best_trains_to_the_same_figure(
    tsconv_here: Run, tmp_path: Path
) -> None:
    frame = daily_frame(2, 150)
    frame.loc[frame.index[-2:], "y"] = None
    frame.to_csv(tmp_path / "sales.csv", index=False)
    done = tsconv_here(
        "sweep", *QUICK, "sweep.n_trials=4", "trainer.max_steps=20", "sweep.refit=true"
    )
    assert done.returncode == 0, done.stderr
    told = "left out: 1 of 2 series ends with empty targets: 2 steps at the end are trimmed"
    assert done.stdout.count(told) == 2  # of the winner's training, and of the sweep
    out = tmp_path / "out"
    assert not left_by_workers(tmp_path)
    assert "until the first began; training " in done.stdout
    found = trials(tmp_path)
    assert [t["number"] for t in found] == ["0", "1", "2", "3"]
    assert len({t["seed"] for t in found}) == 4
    assert "4 trials:" in done.stdout
    assert "best: trial" in done.stdout
    first = json.loads((out / "trials" / "0000" / "metrics.json").read_text())
    rival = first["val"]["baselines"][first["rival"]]["scaled_mae"]
    line = next(s for s in done.stdout.splitlines() if s.startswith("best simple forecast: "))
    assert line.endswith(f"val.scaled_mae {rival:.5g}")
    assert done.stdout.rstrip().endswith("tsconv train --config-dir out +experiment=best")
    for name in ("history.png", "slices.png", "parallel.png"):
        assert (out / "plots" / name).stat().st_size > 5000, name
    assert (out / "best.yaml").read_text() == (out / "experiment" / "best.yaml").read_text()
    (winner,) = [t for t in found if t["best"] == "1"]
    assert float(winner["val.scaled_mae"]) == min(
        float(t["val.scaled_mae"]) for t in found if t["state"] == "complete"
    )
    for trial in found:
        folder = out / "trials" / f"{int(trial['number']):04d}"
        if trial["state"] == "complete":
            assert (folder / "config.yaml").is_file()
            assert "test" not in json.loads((folder / "metrics.json").read_text())
    again = tsconv_here("train", "--config-dir", "out", "+experiment=best", "run_dir=again")
    assert again.returncode == 0, again.stderr
    refit = out / f"refit_{int(winner['number']):04d}"
    for run in (tmp_path / "again", refit):
        metrics = json.loads((run / "metrics.json").read_text())
        assert metrics["val"]["scaled_mae"] == float(winner["val.scaled_mae"])
        assert metrics["test"]["n_origins"] > 0
        assert (run / "bundle" / "model.safetensors").is_file()


def test_killed_workers_and_sweeps_lose_and_double_nothing(
    tmp_path: Path, address: str | None
) -> None:
    """kill -9 of a worker in a trial, then of all of it; then the same command once more."""
    overrides = ["sweep.n_trials=7", "sweep.workers=2", "sweep.pruner=none", *storage(address)]
    overrides += ["trainer.max_steps=150", "sweep.study=killed"]
    marks = tmp_path / "out" / "trials"
    first = start(tmp_path, *overrides)

    def ended() -> int:
        return len(list(marks.glob("*/metrics.json")))

    def running() -> int:  # a trial makes its folder when it begins
        return len(list(marks.glob("*"))) - ended()

    wait_for(lambda: ended() >= 1 and running() >= 1)
    os.kill(workers(first)[0], signal.SIGKILL)
    reached = ended()
    wait_for(lambda: ended() > reached and running() >= 1)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    wait_for(lambda: not alive(tmp_path))
    before = {p.parent.name: p.stat().st_mtime_ns for p in marks.glob("*/metrics.json")}
    assert 0 < len(before) < 7
    second = subprocess.run(
        [*COMMAND, *overrides], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert second.returncode == 0, second.stderr
    assert "trials are finished" in second.stderr
    assert not left_by_workers(tmp_path)
    found = trials(tmp_path)
    assert [int(t["number"]) for t in found] == list(range(7))
    assert all(t["state"] == "complete" for t in found)
    assert any(int(t["attempts"]) > 1 for t in found)
    assert len({t["optimizer.lr"] for t in found}) == 7
    for name, written in before.items():  # what was finished was not trained again
        attempts = next(int(t["attempts"]) for t in found if int(t["number"]) == int(name))
        if attempts == 1:
            assert (marks / name / "metrics.json").stat().st_mtime_ns == written
    assert sum(int(t["attempts"]) for t in found) <= 7 + 3


def alive(folder: Path) -> bool:
    """Whether any process works in the folder."""
    for path in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if path.resolve() == folder and int(path.parent.name) != os.getpid():
                return True
        except OSError:
            continue
    return False


def test_the_workers_of_a_killed_coordinator_end(tmp_path: Path) -> None:
    # More trials than workers without a coordinator could finish while we wait.
    process = start(tmp_path, "sweep.n_trials=5000", "trainer.max_steps=100", "sweep.workers=2")
    wait_for(lambda: len(list((tmp_path / "out" / "trials").glob("*"))) >= 1)
    process.kill()  # it alone, not its group
    process.communicate()
    wait_for(lambda: not alive(tmp_path))


def test_two_that_start_at_once_join_one_study(tmp_path: Path, address: str | None) -> None:
    overrides = ["sweep.n_trials=6", "trainer.max_steps=20", "sweep.study=shared"]
    pair = [start(tmp_path, *overrides, *storage(address)) for _ in range(2)]
    for process in pair:
        _, errors = process.communicate(timeout=180)
        assert process.returncode == 0, errors
    found = trials(tmp_path)
    assert [int(t["number"]) for t in found] == list(range(6))
    assert {t["attempts"] for t in found} == {"1"}
    assert len({t["optimizer.lr"] for t in found}) == 6


def test_ctrl_c_ends_after_the_running_trials_with_everything_saved(tmp_path: Path) -> None:
    process = start(tmp_path, "sweep.n_trials=50", "trainer.max_steps=60")
    marks = tmp_path / "out" / "trials"
    wait_for(lambda: len(list(marks.glob("*"))) > len(list(marks.glob("*/metrics.json"))) > 0)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
    out, errors = process.communicate(timeout=180)
    assert process.returncode == 130
    assert "stopping after the running trials" in errors
    assert errors.splitlines()[-1] == (
        "tsconv: interrupted: the same command goes on with the trials that are left"
    )
    assert not left_by_workers(tmp_path)
    assert "best: trial" in out
    found = trials(tmp_path)
    assert 2 <= len(found) < 50
    assert {t["state"] for t in found} <= {"complete", "pruned"}  # the one that ran, too
    assert len(found) == len(list(marks.glob("*")))
    assert (tmp_path / "out" / "best.yaml").is_file()


def test_ctrl_c_before_the_first_trial_leaves_nothing(tmp_path: Path) -> None:
    process = start(tmp_path, "sweep.n_trials=5", "sweep.workers=2", "run_dir=new/out")
    wait_for(lambda: len(workers(process)) == 2)
    os.killpg(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=180)
    assert (process.returncode, out) == (130, "")
    assert errors == "tsconv: interrupted: no trial had begun\n"
    wait_for(lambda: not alive(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["sales.csv"]


def test_ctrl_c_twice_stops_at_once_and_leaves_no_trace_of_the_workers(tmp_path: Path) -> None:
    process = start(tmp_path, "sweep.n_trials=50", "trainer.max_steps=100000", "sweep.workers=2")
    wait_for(lambda: len(list((tmp_path / "out" / "trials").glob("*"))) == 2)
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(1)
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 130, errors
    wait_for(lambda: not alive(tmp_path))
    left = left_by_workers(tmp_path)
    assert [name for name in left if not name.startswith("out/trials/")] == []


def test_a_sweep_in_which_all_trials_fail_says_why(tsconv_here: Run, tmp_path: Path) -> None:
    done = tsconv_here(
        "sweep", *QUICK, "sweep.n_trials=3", "trainer.max_steps=20", "scheduler=constant",
        "optimizer.lr=1e30", "~search_space.optimizer",
    )  # fmt: skip
    assert done.returncode == 1
    assert "every trial failed (3); the first error is: the loss is not finite" in done.stderr
    assert "Traceback" not in done.stderr
    assert [t["state"] for t in trials(tmp_path)] == ["failed"] * 3


def test_some_failures_are_counted_and_explained(tsconv_here: Run, tmp_path: Path) -> None:
    done = tsconv_here(
        "sweep", *QUICK, "sweep.n_trials=4", "trainer.max_steps=20", "sweep.sampler=grid",
        "~search_space.optimizer", "~search_space.model",
        "search_space.optimizer.lr.choices=[0.002,1e30]",
        "search_space.model.hidden.choices=[8,16]",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 failed" in done.stdout
    assert "2 failed: the loss is not finite" in done.stdout, done.stdout


def test_several_objectives_show_the_pareto_front(tsconv_here: Run, tmp_path: Path) -> None:
    done = tsconv_here(
        "sweep", *QUICK, "sweep.n_trials=4", "trainer.max_steps=20",
        "sweep.objectives=[val.mae,parameters]",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Pareto front:" in done.stdout
    found = trials(tmp_path)
    front = [t for t in found if t["best"] == "1"]
    assert front
    for t in front:
        better = [
            o for o in found
            if float(o["val.mae"]) < float(t["val.mae"])
            and float(o["parameters"]) < float(t["parameters"])
        ]  # fmt: skip
        assert not better
    assert (tmp_path / "out" / "plots" / "pareto.png").is_file()


def test_a_timeout_ends_a_sweep_after_the_running_trial(tsconv_here: Run, tmp_path: Path) -> None:
    done = tsconv_here(
        "sweep", *QUICK, "sweep.n_trials=500", "sweep.timeout=12s", "trainer.max_steps=20"
    )
    assert done.returncode == 0, done.stderr
    assert 0 < len(trials(tmp_path)) < 500


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["search_space.model.hiden.choices=[8]"], "(did you mean `model.hidden`?)"),
        (["search_space.model.hidden.choices=[16,0]"], "0 cannot be used: `hidden` (=0) must be"),
        (["sweep.storage=postgresql://me:secret@127.0.0.1:1/x"], "Connection refused"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_left(
    tsconv_here: Run, tmp_path: Path, overrides: list[str], words: str
) -> None:
    done = tsconv_here("sweep", *QUICK, "sweep.n_trials=2", *overrides)
    assert done.returncode == 1, done.stdout
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "secret" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_study_with_another_space_is_left_as_it_is(tsconv_here: Run, tmp_path: Path) -> None:
    given = ("sweep", *QUICK, "trainer.max_steps=10")
    assert tsconv_here(*given, "sweep.n_trials=1").returncode == 0
    journal = (tmp_path / "out" / "study.journal").read_bytes()
    for override, words in (
        ("search_space.optimizer.lr.high=0.02", "it has log_float 0.001 to 0.01, this"),
        ("model.levels=2", "`config.model.levels`: it has None, this command 2"),
    ):  # fmt: skip
        done = tsconv_here(*given, "sweep.n_trials=2", override)
        assert done.returncode == 1
        assert words in done.stderr
    frame = daily_frame(2, 151)
    frame.to_csv(tmp_path / "sales.csv", index=False)
    done = tsconv_here(*given, "sweep.n_trials=2")
    assert done.returncode == 1
    assert "was made on other data than this command reads" in done.stderr
    assert (tmp_path / "out" / "study.journal").read_bytes() == journal
