"""`tsconv train` and `tsconv forecast` on several processes: the same answer, by any launcher."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from tests.helpers.forked import ForkedProcess, fork_ranks
from tests.helpers.ranks import (
    TRAIN,
    environment,
    family_frame,
    losses,
    ranks_of,
    run,
    start,
    torchrun,
)
from tsconv import cli
from tsconv.training.lightning.checkpoints.resume import saved_steps

# Its learning rate does not depend on the number of steps: any cut can be compared.
STEADY = (
    *TRAIN, "callbacks.patience=null", "scheduler=constant", "scheduler.warmup=0",
    "optimizer.lr=0.001", "trainer.val_check_interval=10", "model.linear_start=seasonal",
)  # fmt: skip
Here = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three series, which two ranks do not divide and of which four do not have one each."""
    folder = tmp_path_factory.mktemp("ranks")
    family_frame().to_csv(folder / "sales.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def reference(folder: Path) -> Path:
    """The run folder of one rank; its forecast lies beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert cli.main(["train", *TRAIN, "run_dir=one"]) == 0
        keys = ("data.path=sales.csv", "bundle=one", "output=one.csv")
        assert cli.main(["forecast", *keys]) == 0
    return folder / "one"


@pytest.fixture(autouse=True)
def _forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands in this process fork their ranks; those of `run` and `start` do not."""
    fork_ranks(monkeypatch)


def test_early_stopping_ends_the_reference(reference: Path) -> None:
    """Otherwise the tests below would not see whether all ranks stop after the same step."""
    assert 20 <= len(losses(reference, "train_loss")) < 80


@pytest.mark.parametrize(
    ("name", "keys", "launcher"),
    [
        ("two", ("trainer.devices=2", "trainer.strategy=ddp"), ()),
        ("torchrun", (), torchrun(2)),
        ("four", ("trainer.devices=4",), ()),
    ],
)
def test_any_number_of_ranks_has_the_loss_curve_and_the_metrics_of_one(
    folder: Path,
    reference: Path,
    tsconv_here: Here,
    name: str,
    keys: tuple[str, ...],
    launcher: tuple[str, ...],
) -> None:
    own = ("train", *TRAIN, f"run_dir={name}", *keys)
    done = run(folder, *own, launcher=launcher) if launcher else tsconv_here(*own, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("bundle: ") == 1  # one rank prints
    for loss in ("train_loss", "val_loss"):
        ours, theirs = losses(folder / name, loss), losses(reference, loss)
        assert ours.keys() == theirs.keys()
        assert ours == pytest.approx(theirs, abs=1e-5)
    assert_same_metrics(folder / name, reference)
    keys = ("data.path=sales.csv", f"bundle={name}", f"output={name}.csv")
    assert tsconv_here("forecast", *keys, cwd=folder).returncode == 0
    assert_same_forecasts(folder / f"{name}.csv", folder / "one.csv")


def assert_same_metrics(a: Path, b: Path) -> None:
    ours, theirs = (json.loads((x / "metrics.json").read_text()) for x in (a, b))
    for part in ("val", "test"):
        for key, value in theirs[part].items():
            if isinstance(value, float):
                assert ours[part][key] == pytest.approx(value, rel=1e-5), key
        assert ours[part]["n_origins"] == theirs[part]["n_origins"]
        for key, figures in theirs[part]["baselines"].items():
            assert ours[part]["baselines"][key]["mae"] == pytest.approx(figures["mae"], rel=1e-12)


def assert_same_forecasts(a: Path, b: Path) -> None:
    ours, theirs = pd.read_csv(a), pd.read_csv(b)
    assert_frame_equal(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("keys", "launcher"), [(("devices=2",), ()), (("devices=4",), ()), ((), torchrun(2))]
)
def test_the_file_of_several_ranks_is_the_file_of_one(
    folder: Path,
    reference: Path,
    tsconv_here: Here,
    keys: tuple[str, ...],
    launcher: tuple[str, ...],
) -> None:
    own = ("forecast", "data.path=sales.csv", f"bundle={reference}", "overwrite=true")
    if launcher:
        done = run(folder, *own, "output=shared.csv", launcher=launcher)
    else:
        done = tsconv_here(*own, "output=shared.csv", *keys, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "forecast 3 series, 5 steps each\nshared.csv\n"
    assert_same_forecasts(folder / "shared.csv", folder / "one.csv")


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_rank_ends_the_others_with_its_name_and_the_run_can_be_resumed(
    folder: Path, tsconv_here: Here, victim: int
) -> None:
    name = f"killed_{victim}"
    endless = ("trainer.max_steps=100000", f"run_dir={name}", "trainer.devices=2")
    process = start(folder, "train", *STEADY, *endless)
    checkpoint = folder / name / "checkpoints" / "last.ckpt"
    wait_until(checkpoint.exists)
    (child,) = ranks_of(process.pid)
    killed, survivor = (process.pid, child) if victim == 0 else (child, process.pid)
    os.kill(killed, signal.SIGKILL)
    begun = time.monotonic()
    _, err = process.communicate(timeout=60)  # the pipe closes with the last process
    assert time.monotonic() - begun < 60
    assert not is_running(survivor)
    (line,) = [line for line in err.splitlines() if line.startswith("tsconv: ")]
    if victim == 1:
        assert process.returncode == 1
        assert line.startswith(f"tsconv: rank 1 (process {child}) was killed by SIGKILL: step ")
        assert line.endswith(f"to go on: tsconv train resume={name}")
    else:
        assert line.startswith(f"tsconv: rank 0 (process {process.pid} on ")
    # With another number of ranks, to the result of a training that was never cut.
    aim = f"trainer.max_steps={saved_steps(folder / name) + 7}"
    resumed = tsconv_here("train", f"resume={name}", aim, "trainer.devices=1", cwd=folder)
    assert resumed.returncode == 0, resumed.stderr
    straight = f"straight_{victim}"
    done = tsconv_here("train", *STEADY, aim, f"run_dir={straight}", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert_same_metrics(folder / name, folder / straight)


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except OSError:
        return False


def test_sigterm_to_every_process_ends_all_ranks_after_one_step(folder: Path) -> None:
    """As schedulers send it."""
    process = start(
        folder, "train", *STEADY, "trainer.max_steps=100000", "run_dir=ended", "trainer.devices=2"
    )
    wait_until((folder / "ended" / "checkpoints" / "last.ckpt").exists)
    for pid in (process.pid, *ranks_of(process.pid), process.pid):
        os.kill(pid, signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75
    assert err.splitlines()[-1] == (
        f"tsconv: ended by SIGTERM: step {saved_steps(folder / 'ended'):,} of 100,000 is kept in "
        f"ended; to go on: tsconv train resume=ended"
    )


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_all_ranks_and_keeps_a_step(folder: Path, times: int) -> None:
    """Once: after the same step on all; twice: at once."""
    name = f"stopped_{times}"
    process = start(
        folder, "train", *STEADY, "trainer.max_steps=100000", f"run_dir={name}", "trainer.devices=2"
    )
    wait_until((folder / name / "checkpoints" / "last.ckpt").exists)
    children = ranks_of(process.pid)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.002)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert not any(map(is_running, children))
    if times == 2:
        assert "is kept in stopped_2" in err.splitlines()[-1]
        return
    steps = saved_steps(folder / name)
    assert err.splitlines()[-1] == (
        f"tsconv: interrupted: step {steps:,} of 100,000 is kept in {name}; to go on: "
        f"tsconv train resume={name}"
    )


def test_jobs_of_a_multirun_share_the_ranks(folder: Path, tsconv_here: Here) -> None:
    done = tsconv_here(
        "train", "-m", *STEADY, "trainer.max_steps=6", "seed=0,1", "run_dir=jobs",
        "trainer.devices=2", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    single = tsconv_here(
        "train", *STEADY, "trainer.max_steps=6", "seed=1", "run_dir=job", cwd=folder
    )
    assert single.returncode == 0, single.stderr
    (second,) = (folder / "jobs").glob("001*")
    assert_same_metrics(second, folder / "job")


def test_a_sweep_trains_each_trial_on_several_ranks(folder: Path, tsconv_here: Here) -> None:
    """The baseline trial is the given config: it has the figures of a training on one rank."""
    keys = (*STEADY, "trainer.max_steps=12")
    done = tsconv_here(
        "sweep", *keys, "~search_space.model", "sweep.n_trials=2", "run_dir=sweep",
        "trainer.devices=2", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    trials = pd.read_csv(folder / "sweep" / "trials.csv")
    assert len(trials) == 2
    single = tsconv_here("train", *keys, "run_dir=trial", cwd=folder)
    assert single.returncode == 0, single.stderr
    ours, theirs = (
        json.loads((folder / path / "metrics.json").read_text())["val"]["mae"]
        for path in ("sweep/trials/0000", "trial")
    )
    assert ours == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (("trainer.accelerator=gpu", "trainer.devices=2"), "`trainer.devices` (=2): No supported"),
        (("trainer.strategy=fsdp",), "`trainer.strategy` (=fsdp) must be auto or ddp"),
        (("trainer.strategy=dpp",), "did you mean `ddp`?"),
        (("trainer.num_nodes=2",), "`trainer.num_nodes` (=2): start the command on every machine"),
        (("trainer.devices=9",), "`data.chunks_per_batch` (=6) must be at least"),
        (("trainer.devices=two",), "`trainer.devices` (=two)"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    folder: Path, tsconv_here: Here, keys: tuple[str, ...], says: str
) -> None:
    done = tsconv_here("train", *TRAIN, *keys, "run_dir=refused", cwd=folder)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert says in line
    assert not (folder / "refused").exists()


def launched(folder: Path, rank: int, port: int, *keys: str) -> ForkedProcess:
    """One of two ranks as a launcher starts them, each in a folder of its own."""
    own = {
        "RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    return ForkedProcess(
        [sys.executable, "-m", "tsconv.cli", "train", *TRAIN, "run_dir=launched", *keys],
        cwd=folder,
        env={**environment(), **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("fault", ["data", "arguments"])
def test_ranks_that_differ_are_refused_in_one_line_by_one_rank(
    folder: Path, tmp_path: Path, fault: str
) -> None:
    text = (folder / "sales.csv").read_text()
    for rank in range(2):
        (tmp_path / str(rank)).mkdir()
        own = text.replace("east", "EAST") if fault == "data" and rank == 1 else text
        (tmp_path / str(rank) / "sales.csv").write_text(own)
    port = free_port()
    extra = ("seed=1",) if fault == "arguments" else ()
    ranks = [
        launched(tmp_path / "0", 0, port),
        launched(tmp_path / "1", 1, port, *extra),
    ]
    errors = [rank.communicate(timeout=60)[1] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [1, 1]
    (line,) = errors[0].splitlines()
    says = "sales.csv of rank 1 on" if fault == "data" else "started with other arguments"
    assert line.startswith("tsconv: ")
    assert says in line
    assert errors[1] == ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
