"""Forecasts and sweeps on a Ray of this machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from tests.helpers.frames import daily_frame
from tests.helpers.paths import ROOT
from tests.helpers.ray_work import die_once, refuse
from tsconv.commands.run_commands import sweep_command
from tsconv.errors import ConfigError, TrainingError, TsconvError
from tsconv.ray_jobs.cluster import require_answer
from tsconv.ray_jobs.forecast import ray_forecast
from tsconv.ray_jobs.session import RaySettings, run_tasks
from tsconv.ray_jobs.sweep import ray_sweep

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
Here = Callable[..., "subprocess.CompletedProcess[str]"]
QUICK = (
    "data.path=sales.csv", "horizon=7", "trainer.max_steps=4", "compile=false",
    "precision=float32", "callbacks.progress=false", "plots=false", "model.hidden=4",
    "model.levels=2",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def session() -> Iterator[None]:
    """Two processors, and no file outside a short path: sockets lie in it."""
    own = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    before = {key: os.environ.get(key) for key in own}
    os.environ.update(own)
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        ray.init(
            num_cpus=2, include_dashboard=False, object_store_memory=80 * 2**20,
            _temp_dir=folder, log_to_driver=False, logging_level="ERROR",
        )  # fmt: skip
        yield
        ray.shutdown()
    for key, value in before.items():
        if value is None:
            del os.environ[key]
        else:
            os.environ[key] = value


@pytest.fixture(autouse=True)
def sales(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daily_frame(5, 90).to_csv(tmp_path / "sales.csv", index=False)
    monkeypatch.chdir(tmp_path)


def test_the_file_of_the_tasks_is_the_file_of_one_command(
    tsconv_here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tsconv_here("train", *QUICK, "run_dir=run").returncode == 0
    keys = ["bundle=run", "data.path=sales.csv"]
    assert tsconv_here("forecast", *keys, "output=one.csv").returncode == 0
    for overwrite in ("overwrite=false", "overwrite=true"):  # the second time all parts are there
        capsys.readouterr()
        ray_forecast([*keys, "output=tasks.csv", "shards=3", overwrite])
        told = capsys.readouterr()
        assert told.out.splitlines() == ["merged 3 parts: 5 series, 35 lines", "tasks.csv"]
        assert "3 of 3 shards done" in told.err
    assert told.err.count("done before") == 3
    ours, theirs = pd.read_csv("tasks.csv"), pd.read_csv("one.csv")
    assert_frame_equal(ours, theirs, rtol=1e-5)


def test_a_fault_in_the_data_is_one_line(tsconv_here: Here) -> None:
    assert tsconv_here("train", *QUICK, "run_dir=run").returncode == 0
    text = Path("sales.csv").read_text().splitlines()
    Path("bad.csv").write_text("\n".join([*text[:3], text[3].rpartition(",")[0] + ",x"]) + "\n")
    with pytest.raises(TsconvError, match=r"^bad\.csv: line 4, column `y`: 'x' is not a number"):
        ray_forecast(["bundle=run", "data.path=bad.csv", "output=bad_out.csv", "shards=1"])


def test_workers_share_the_trials_of_one_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = [
        *QUICK, "~search_space.model", "sweep.n_trials=2", "run_dir=sweep", "sweep.baseline=true",
    ]  # fmt: skip
    ray_sweep([*keys, "ray.tasks=2"], sweep_command)
    trials = pd.read_csv(tmp_path / "sweep" / "trials.csv")
    assert trials["state"].str.lower().isin(["complete", "pruned"]).tolist() == [True] * 2
    assert "2 trials:" in capsys.readouterr().out


# Last, since those above share workers, whose imports take seconds.
def test_a_task_whose_worker_was_killed_runs_again(tmp_path: Path) -> None:
    results: list[int] = []
    arguments = [(str(tmp_path / "died"), 1), (str(tmp_path / "died"), 2)]
    run_tasks(die_once, arguments, RaySettings(tasks=1), results.append)
    assert results == [1, 2]


def test_a_task_that_keeps_dying_and_a_fault_of_the_user_end_the_job(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="a task of Ray failed after 0 retries"):
        run_tasks(die_once, [(str(tmp_path / "x"), 1)], RaySettings(retries=0), print)
    with pytest.raises(TsconvError, match=r"^`value` \(=3\) cannot be used$"):
        run_tasks(refuse, [(3,)], RaySettings(), print)


def test_a_task_that_no_machine_has_room_for_is_refused_at_once() -> None:
    says = (
        r"^`ray\.num_gpus` \(=1\): no machine of the Ray cluster has room for such a task; "
        r"it has 1 machine with 2 CPUs and 0 GPUs$"
    )
    with pytest.raises(ConfigError, match=says):
        run_tasks(refuse, [(3,)], RaySettings(num_gpus=1), print)


def test_a_ray_that_runs_answers() -> None:
    require_answer(ray.get_runtime_context().gcs_address, 5)
