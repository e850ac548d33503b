"""A run folder belongs to one run: held while it goes on, never overwritten, marked at its end."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tsconv.config.compose import train_config
from tsconv.config.schema import TrainConfig
from tsconv.errors import ConfigError, TrainingError
from tsconv.runs.folder import training_folder
from tsconv.runs.listing import find_runs
from tsconv.runs.lock import is_held, lock_path
from tsconv.runs.record import recorded, recorded_where_free
from tsconv.runs.status import Status, first_status, read_status, write_status


def config(folder: Path) -> TrainConfig:
    return train_config(["horizon=7", "data.path=sales.csv", f"run_dir={folder}"])


def run(folder: Path, error: BaseException | None = None, goes_on: bool = False) -> None:
    with training_folder(config(folder), "train", goes_on):
        if error is not None:
            raise error


def status(folder: Path) -> Status:
    found = read_status(folder)
    assert found is not None
    return found


def test_the_status_follows_a_run_to_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with training_folder(config(folder), "train") as record:
        during = status(folder)
        assert (during.state, during.ended, during.data) == ("running", None, "sales.csv")
        assert is_held(lock_path(folder))
        record.add_figures({"test": {"scaled_mae": 0.5}, "rival": None})
    after = status(folder)
    assert (after.state, after.figures) == ("finished", {"scaled_mae": 0.5})
    assert after.started <= str(after.ended)
    assert after.seconds is not None
    assert after.seconds >= 0
    assert [path.name for path in folder.iterdir()] == ["status.json"]


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (TrainingError("the loss is\nnot finite"), "failed", "the loss is not finite"),
        (KeyboardInterrupt(), "interrupted", None),
        (SystemExit(143), "interrupted", None),
        (OSError(28, "No space left on device", "a.csv"), "failed", "the disk is full: a.csv was"),
        (KeyError("x"), "failed", "KeyError: 'x'"),
    ],
)
def test_what_ends_a_run_is_in_its_status(
    tmp_path: Path, error: BaseException, state: str, said: str | None
) -> None:
    with pytest.raises(type(error)):
        run(tmp_path / "run", error)
    found = status(tmp_path / "run")
    assert found.state == state
    assert found.error is None if said is None else str(found.error).startswith(said)


def test_a_full_disk_does_not_hide_what_ended_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def lose() -> None:
        with training_folder(config(tmp_path / "run"), "train"):
            monkeypatch.setattr("os.fsync", full)
            raise TrainingError("lost")

    with pytest.raises(TrainingError):
        lose()


def test_a_clock_that_goes_back_makes_no_negative_time_and_no_name_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda _: "2024-01-01_00-00-00")
    own = train_config(["horizon=7"])
    with training_folder(own, "train") as first, training_folder(own, "train") as second:
        assert first.folder != second.folder
        monkeypatch.setattr("tsconv.runs.record.now", lambda: "1970-01-01T00:00:00Z")
    for folder in (first.folder, second.folder):
        assert (status(folder).seconds or 0) >= 0


@pytest.mark.parametrize("name", ["bundle", "metrics.json", "checkpoints/last.ckpt", "trials.csv"])
def test_a_folder_with_a_run_is_not_trained_into(tmp_path: Path, name: str) -> None:
    kept = tmp_path / "run" / name
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")
    with pytest.raises(ConfigError, match=r"`run_dir` \(=.*run\) holds a .*name another folder"):
        run(tmp_path / "run")
    assert kept.read_text() == "mine"
    assert read_status(tmp_path / "run") is None
    run(tmp_path / "run", goes_on=True)


def test_a_run_that_left_nothing_may_begin_again_in_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(TrainingError):
        run(folder, TrainingError("no"))
    (folder / "config.yaml").write_text("")
    (folder / "metrics.json").write_text("{}")  # written before the fault
    run(folder)
    assert status(folder).state == "finished"
    with pytest.raises(ConfigError, match="holds a finished run"):
        run(folder)


def test_the_folder_of_another_kind_of_run_is_refused(tmp_path: Path) -> None:
    with recorded(tmp_path, "sweep"):
        pass
    with pytest.raises(ConfigError, match="is the folder of a sweep"):
        run(tmp_path)


HOLDER = """
import sys, time
from pathlib import Path
from tsconv.runs.record import recorded
with recorded(Path(sys.argv[1]), "train"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    """The operating system gives the lock up; what was running was killed then."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), str(tmp_path)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match=f"process {process.pid} on .* has this folder; wait"):
            run(tmp_path)
        assert [found.state for found in find_runs(tmp_path)] == ["running"]
    finally:
        process.kill()
        process.wait()
    assert [found.state for found in find_runs(tmp_path)] == ["killed"]
    run(tmp_path)
    assert status(tmp_path).state == "finished"


def test_commands_that_share_a_folder_are_recorded_once(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    with recorded_where_free(folder, "sweep"):
        pass
    assert not folder.exists()  # it never began
    with recorded_where_free(folder, "sweep") as first:
        first()
        with recorded_where_free(folder, "sweep") as second:
            second()
        assert status(folder).state == "running"
    assert status(folder).state == "finished"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"state": 1}', "[" * 10_000, '{"state": "running", "figures": {}}']
)
def test_a_status_that_is_none_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "status.json").write_text(text)
    assert read_status(tmp_path) is None
    run(tmp_path / "run")


def test_passwords_stay_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "sweep.storage=postgresql://me:secret@host/name"
    monkeypatch.setattr(sys, "argv", ["/usr/bin/tsconv", "sweep", address])
    write_status(first_status("sweep", None, 7), tmp_path)
    written = json.loads((tmp_path / "status.json").read_text())["command"]
    assert "secret" not in written
    assert written.startswith("tsconv sweep ")
