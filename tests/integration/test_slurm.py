"""The examples for SLURM, run under bash with stand-ins for `srun` and `scontrol`."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT
from tests.helpers.ranks import TRAIN as TRAIN_RANKS
from tests.helpers.ranks import family_frame, start

SCRIPTS = ROOT / "scripts" / "slurm"
DATA = "data.path=my sales, 'new' $HOME *.csv"  # an argument that careless quoting would break
TSCONV = '#!/bin/bash\nprintf "%s\\0" "$OMP_NUM_THREADS" "$PWD" "$@" > called\n'
# The stand-in for srun takes its own options and runs the rest, as srun does.
SRUN = '#!/bin/bash\necho "$1" > srun_options\nwhile [[ $1 == --* ]]; do shift; done\nexec "$@"\n'
SCONTROL = '#!/bin/bash\necho "$@" >> scontrol_called\n'


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    """A folder to submit from, with a .venv whose commands write down how they were called."""
    folder = tmp_path / "submit here"
    commands = folder / ".venv" / "bin"
    commands.mkdir(parents=True)
    (commands / "activate").write_text(f'export PATH="{commands}:$PATH"\n')
    for name, text in (("tsconv", TSCONV), ("srun", SRUN), ("scontrol", SCONTROL)):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    return folder


def job(folder: Path, name: str, **settings: str) -> dict[str, str]:
    """The environment of a job called `name`, without what this process may have of SLURM."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SLURM_")}
    return {
        **kept,
        "SLURM_SUBMIT_DIR": str(folder),
        "SLURM_JOB_NAME": name,
        "SLURM_JOB_ID": "42",
        "SLURM_CPUS_PER_TASK": "3",
        **settings,
    }


def submit(
    folder: Path, script: str, *arguments: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a script as SLURM does: a copy of it, from another folder."""
    copy = folder.parent / "slurm_script"
    shutil.copy(SCRIPTS / script, copy)
    return subprocess.run(
        ["bash", str(copy), *arguments],
        cwd=folder.parent,
        env=job(folder, "sales", **settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,  # it does not hang
    )


def called(folder: Path) -> list[str]:
    """The arguments of `tsconv`, once the threads and the folder are as they should be."""
    threads, where, *arguments = (folder / "called").read_text().split("\0")[:-1]
    assert threads == "3"
    assert Path(where) == folder
    assert (folder / "srun_options").read_text() == "--cpus-per-task=3\n"
    return arguments


def checkpoint(run: Path) -> Path:
    path = run / "checkpoints" / "last.ckpt"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    (run / "config.yaml").write_text("horizon: 28")
    return path


TRAIN = ["train", "callbacks.progress=false", "run_dir=runs/sales-42"]


def test_train_passes_its_arguments_on(cluster: Path) -> None:
    done = submit(cluster, "train.sbatch", DATA, "horizon=28")
    assert done.returncode == 0, done.stderr
    assert called(cluster) == [*TRAIN, DATA, "horizon=28"]


def test_a_train_job_that_starts_again_resumes(cluster: Path) -> None:
    checkpoint(cluster / "runs" / "sales-42")
    done = submit(cluster, "train.sbatch", DATA, SLURM_RESTART_COUNT="1")
    assert done.returncode == 0, done.stderr
    assert called(cluster) == [*TRAIN, DATA, "resume=runs/sales-42"]


@pytest.mark.parametrize(("restarts", "written"), [("0", True), ("2", False)])
def test_without_a_restart_or_a_checkpoint_nothing_is_resumed(
    cluster: Path, restarts: str, written: bool
) -> None:
    if written:
        checkpoint(cluster / "runs" / "sales-42")
    assert submit(cluster, "train.sbatch", SLURM_RESTART_COUNT=restarts).returncode == 0
    assert called(cluster) == TRAIN


def test_a_run_folder_of_ones_own_is_resumed_too(cluster: Path) -> None:
    checkpoint(cluster / "my run")
    done = submit(cluster, "train.sbatch", "run_dir=my run", SLURM_RESTART_COUNT="1")
    assert done.returncode == 0, done.stderr
    assert called(cluster)[2:] == ["run_dir=my run", "run_dir=my run", "resume=my run"]


@pytest.mark.parametrize("script", ["train.sbatch", "sweep.sbatch", "forecast.sbatch"])
def test_a_failure_is_the_jobs_failure(cluster: Path, script: str) -> None:
    (cluster / ".venv" / "bin" / "tsconv").write_text("#!/bin/bash\nexit 7\n")
    array = {"SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_TASK_ID": "0"}
    assert submit(cluster, script, **array).returncode == 7


@pytest.mark.parametrize("script", ["train.sbatch", "sweep.sbatch"])
def test_without_the_environment_nothing_runs(cluster: Path, script: str) -> None:
    """Not even another tsconv that happens to be on the PATH."""
    commands = cluster / ".venv" / "bin"
    (commands / "activate").unlink()
    done = submit(cluster, script, PATH=f"{commands}:{os.environ['PATH']}")
    assert done.returncode != 0
    assert not (cluster / "called").exists()


@pytest.mark.parametrize(
    ("code", "progress", "requeued"),
    [(75, True, True), (75, False, False), (0, True, False), (1, True, False)],
)
def test_out_of_time_goes_back_into_the_queue_if_it_got_further(
    cluster: Path, code: int, progress: bool, requeued: bool
) -> None:
    """tsconv exits with 75 where SIGTERM has ended it."""
    old = checkpoint(cluster / "runs" / "sales-42")
    os.utime(old, (1, 1))
    write = "echo more > runs/sales-42/checkpoints/last.ckpt" if progress else "true"
    (cluster / ".venv" / "bin" / "tsconv").write_text(f"#!/bin/bash\n{write}\nexit {code}\n")
    done = submit(cluster, "train.sbatch", SLURM_RESTART_COUNT="1")
    assert done.returncode == code, done.stderr
    log = cluster / "scontrol_called"
    assert (log.read_text() if log.exists() else "") == ("requeue 42\n" if requeued else "")


def test_every_task_of_a_sweep_runs_the_same_command(cluster: Path) -> None:
    commands = []
    for task in ("0", "7"):
        done = submit(
            cluster, "sweep.sbatch", DATA, "sweep.n_trials=9",
            SLURM_ARRAY_JOB_ID="42", SLURM_ARRAY_TASK_ID=task, SLURM_RESTART_COUNT=task,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        commands.append(called(cluster))
    assert commands[0] == commands[1]
    storage = commands[0].pop(3)
    assert commands[0] == [
        "sweep", "run_dir=runs/sales", "sweep.study=sales", "sweep.workers=1",
        DATA, "sweep.n_trials=9",
    ]  # fmt: skip
    assert storage.startswith("sweep.storage=postgresql://")
    assert storage.count(":") == 1, "a password on the command line is seen by everybody"


def test_a_sweep_task_has_a_worker_for_each_gpu(cluster: Path) -> None:
    done = submit(cluster, "sweep.sbatch", "sweep.storage=null", SLURM_GPUS_ON_NODE="4")
    assert done.returncode == 0, done.stderr
    # What is given comes last, and of a key given twice the last one counts.
    assert called(cluster)[-2:] == ["sweep.workers=4", "sweep.storage=null"]


def test_a_task_of_an_array_forecasts_its_shard(cluster: Path) -> None:
    done = submit(
        cluster, "forecast.sbatch", DATA, "output=f.csv",
        SLURM_ARRAY_TASK_COUNT="64", SLURM_ARRAY_TASK_ID="3",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert called(cluster) == ["forecast", "shards=64", "shard=3", DATA, "output=f.csv"]


def test_a_job_after_the_array_merges_the_parts(cluster: Path) -> None:
    done = submit(cluster, "forecast.sbatch", "merge", "output=f.csv", "shards=64")
    assert done.returncode == 0, done.stderr
    assert called(cluster) == ["merge", "output=f.csv", "shards=64"]


def test_tasks_that_srun_starts_train_together(tmp_path: Path) -> None:
    """Two machines of one task each, as their variables say; both are this one."""
    family_frame().to_csv(tmp_path / "sales.csv", index=False)
    tasks = []
    for task in range(2):
        variables = {
            "SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2",
            "SLURM_STEP_TASKS_PER_NODE": "1(x2)", "SLURM_STEP_NODELIST": "localhost,other",
            "SLURM_PROCID": str(task), "SLURM_LOCALID": "0", "SLURM_NODEID": str(task),
        }  # fmt: skip
        keys = ("trainer.max_steps=4", "run_dir=run")
        tasks.append(start(tmp_path, "train", *TRAIN_RANKS, *keys, variables=variables))
    outputs = [task.communicate(timeout=120) for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], outputs
    assert outputs[0][0].splitlines()[-1] == "bundle: run/bundle"
    assert outputs[1] == ("", "")
    config = (tmp_path / "run" / "config.yaml").read_text()
    assert "num_nodes: 2" in config
    assert "the launcher started 2 ranks" in config


def test_of_a_key_given_twice_the_last_counts() -> None:
    from tsconv.config.compose import sweep_plan

    command = ["data.path=a.csv", "horizon=3", "run_dir=runs/sales", "run_dir=my run"]
    plan = sweep_plan([*command, "sweep.storage=postgresql://me@host/db", "sweep.storage=null"])
    assert plan.base.run_dir == "my run"
    assert plan.sweep.storage is None


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing() -> None:
    scripts = [str(path) for path in (*SCRIPTS.glob("*.sbatch"), *SCRIPTS.parent.glob("*.sh"))]
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
