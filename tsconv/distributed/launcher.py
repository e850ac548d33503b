"""Which launcher started this process as one of several: torchrun, SLURM's srun, or set variables.

Standard library only: a command that is not launched learns so in microseconds.
"""

from __future__ import annotations

import dataclasses
import re
import zlib
from collections.abc import Mapping

from tsconv.errors import ConfigError

_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_FIRST_PORT, _PORTS = 15000, 10000  # of SLURM's jobs, below those that Linux gives out itself


@dataclasses.dataclass(frozen=True)
class LaunchedProcess:
    """One of several processes that a launcher started, and where they meet."""

    name: str  # of the launcher
    rank: int
    world_size: int
    local_rank: int
    local_world_size: int
    address: str
    port: int


def find_launcher(environ: Mapping[str, str]) -> LaunchedProcess | None:
    """The launched process that environment variables describe; None for a process of its own.

    torchrun sets RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT; set
    by hand they do the same. Of SLURM only a step of several tasks counts, as srun starts it: a
    batch script itself and a task of a job array are processes of their own.

    Raises ConfigError for variables that contradict each other, or of which some are missing.

    >>> find_launcher({"PATH": "/bin"}) is None
    True
    """
    if "RANK" in environ and "WORLD_SIZE" in environ:
        if environ["WORLD_SIZE"].strip() == "1":
            return None
        return _from_torchrun(environ)
    if environ.get("SLURM_STEP_NUM_TASKS", "1") != "1" and "SLURM_PROCID" in environ:
        return _from_slurm(environ)
    return None


def first_host(nodes: str) -> str:
    """The first machine of a list as SLURM writes it.

    >>> first_host("node[017-020,33],login1"), first_host("a,b"), first_host("rack[1-2]n[05-06]")
    ('node017', 'a', 'rack1n05')
    """
    first = re.match(r"(?:[^,\[\]]|\[[^\]]*\])+", nodes.strip())
    if first is None:
        raise ConfigError(f"SLURM_STEP_NODELIST (={nodes}) names no machine")
    return re.sub(r"\[(\w+)[^\]]*\]", r"\1", first.group())


def tasks_of_machine(tasks: str, machine: int) -> int:
    """The number of tasks on one machine of a step, as SLURM writes it for all of them.

    >>> [tasks_of_machine("2(x3),1", machine) for machine in range(4)]
    [2, 2, 2, 1]
    """
    counts: list[int] = []
    for part in tasks.strip().split(","):
        match = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", part.strip())
        if match is None:
            raise ConfigError(f"SLURM_STEP_TASKS_PER_NODE (={tasks}) cannot be read")
        counts += [int(match[1])] * int(match[2] or 1)
    if machine >= len(counts):
        raise ConfigError(
            f"SLURM_STEP_TASKS_PER_NODE (={tasks}) has no machine with SLURM_NODEID (={machine})"
        )
    return counts[machine]


def _from_torchrun(environ: Mapping[str, str]) -> LaunchedProcess:
    name = "torchrun" if "TORCHELASTIC_RUN_ID" in environ else "the launcher"
    missing = [key for key in _TORCHRUN if not environ.get(key)]
    if missing:
        raise ConfigError(
            f"RANK and WORLD_SIZE are set, {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not: start the command by torchrun, or unset "
            f"RANK and WORLD_SIZE"
        )
    process = LaunchedProcess(
        name=name,
        rank=_number(environ, "RANK"),
        world_size=_number(environ, "WORLD_SIZE"),
        local_rank=_number(environ, "LOCAL_RANK"),
        local_world_size=_number(environ, "LOCAL_WORLD_SIZE"),
        address=environ["MASTER_ADDR"],
        port=_number(environ, "MASTER_PORT"),
    )
    _check(process, ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"))
    return process


def _from_slurm(environ: Mapping[str, str]) -> LaunchedProcess:
    missing = [
        key
        for key in ("SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE", "SLURM_STEP_NODELIST")
        if not environ.get(key)
    ]
    if missing:
        raise ConfigError(f"SLURM_STEP_NUM_TASKS is set, {' and '.join(missing)} is not")
    tasks = environ["SLURM_STEP_TASKS_PER_NODE"]
    process = LaunchedProcess(
        name="srun",
        rank=_number(environ, "SLURM_PROCID"),
        world_size=_number(environ, "SLURM_STEP_NUM_TASKS"),
        local_rank=_number(environ, "SLURM_LOCALID"),
        local_world_size=tasks_of_machine(tasks, int(environ.get("SLURM_NODEID", "0"))),
        address=environ.get("MASTER_ADDR") or first_host(environ["SLURM_STEP_NODELIST"]),
        port=_number(environ, "MASTER_PORT") if environ.get("MASTER_PORT") else _port(environ),
    )
    _check(process, ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "its machine"))
    return process


def _port(environ: Mapping[str, str]) -> int:
    """A port that all tasks of a step find alike, and another step of the machine hardly."""
    step = f"{environ.get('SLURM_JOB_ID', '')}.{environ.get('SLURM_STEP_ID', '')}"
    return _FIRST_PORT + zlib.crc32(step.encode()) % _PORTS


def _number(environ: Mapping[str, str], key: str) -> int:
    try:
        return int(environ[key])
    except ValueError as error:
        raise ConfigError(f"{key} (={environ[key]}) must be a whole number") from error


def _check(process: LaunchedProcess, names: tuple[str, str, str, str]) -> None:
    """Raise ConfigError where a rank is not below the number of ranks."""
    rank, size, local_rank, local_size = names
    for key, value, of, most in (
        (rank, process.rank, size, process.world_size),
        (local_rank, process.local_rank, local_size, process.local_world_size),
    ):
        if not 0 <= value < most:
            raise ConfigError(f"{key} (={value}) must be at least 0 and below {of} (={most})")
