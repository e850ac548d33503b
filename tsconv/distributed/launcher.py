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
_SRUN = (
    "SLURM_PROCID",
    "SLURM_STEP_NUM_TASKS",
    "SLURM_LOCALID",
    "SLURM_NODEID",
    "SLURM_STEP_TASKS_PER_NODE",
    "SLURM_STEP_NODELIST",
)
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
    batch script itself and a task of a job array are processes of their own. There MASTER_ADDR and
    MASTER_PORT, where set, replace the step's first machine and a port that its ids give.

    Raises ConfigError for variables that contradict each other, or of which some are missing.

    >>> find_launcher({"PATH": "/bin"}) is None
    True
    """
    if "RANK" in environ or "WORLD_SIZE" in environ:
        alone = environ.get("WORLD_SIZE", "").strip() == "1"
        return None if alone else _from_torchrun(environ)
    if environ.get("SLURM_STEP_NUM_TASKS", "1").strip() != "1":
        return _from_slurm(environ)
    return None


def first_host(nodes: str) -> str:
    """The first machine of a list as SLURM writes it.

    >>> first_host("node[017-020,33],login1"), first_host("a,b"), first_host("rack[1-2]n[05-06]")
    ('node017', 'a', 'rack1n05')
    """
    # Ranges keep their zeros: the first number is a part of the name as it stands.
    first = re.match(r"(?:[^\s,\[\]]|\[\d+(?:[-,]\d+)*\])+(?=,|$)", nodes.strip())
    if first is None:
        raise ConfigError(f"SLURM_STEP_NODELIST (={nodes}) cannot be read")
    return re.sub(r"\[(\d+)[^\]]*\]", r"\1", first.group())


def tasks_per_machine(tasks: str) -> list[tuple[int, int]]:
    """Pairs of a number of tasks and of how many machines in turn have it, as SLURM writes them.

    >>> tasks_per_machine("2(x3),1")
    [(2, 3), (1, 1)]
    """
    pairs = []
    for part in tasks.strip().split(","):
        match = re.fullmatch(r"(\d{1,9})(?:\(x(\d{1,9})\))?", part.strip())
        if match is None:
            raise ConfigError(f"SLURM_STEP_TASKS_PER_NODE (={tasks}) cannot be read")
        pairs.append((int(match[1]), int(match[2] or 1)))
    return pairs


def _from_torchrun(environ: Mapping[str, str]) -> LaunchedProcess:
    missing = [key for key in _TORCHRUN if not environ.get(key, "").strip()]
    if missing:
        given = [key for key in ("RANK", "WORLD_SIZE") if key not in missing]
        raise ConfigError(
            f"{_are(given or ['RANK', 'WORLD_SIZE'], 'set')}, {_are(missing, 'not')}: start the "
            f"command by torchrun, or unset RANK and WORLD_SIZE"
        )
    process = LaunchedProcess(
        name="torchrun" if "TORCHELASTIC_RUN_ID" in environ else "the launcher",
        rank=_number(environ, "RANK"),
        world_size=_number(environ, "WORLD_SIZE"),
        local_rank=_number(environ, "LOCAL_RANK"),
        local_world_size=_number(environ, "LOCAL_WORLD_SIZE"),
        address=environ["MASTER_ADDR"].strip(),
        port=_given_port(environ),
    )
    _check(process, "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    return process


def _from_slurm(environ: Mapping[str, str]) -> LaunchedProcess:
    missing = [key for key in _SRUN if not environ.get(key, "").strip()]
    if missing:
        raise ConfigError(
            f"{_are([key for key in _SRUN if key not in missing], 'set')}, {_are(missing, 'not')}: "
            f"start the command by srun, or unset SLURM_STEP_NUM_TASKS"
        )
    rank, world_size = _number(environ, "SLURM_PROCID"), _number(environ, "SLURM_STEP_NUM_TASKS")
    per_machine = tasks_per_machine(environ["SLURM_STEP_TASKS_PER_NODE"])
    if (total := sum(tasks * machines for tasks, machines in per_machine)) != world_size:
        raise ConfigError(
            f"SLURM_STEP_NUM_TASKS (={world_size}) must be the sum of SLURM_STEP_TASKS_PER_NODE "
            f"(={environ['SLURM_STEP_TASKS_PER_NODE']}), which is {total}"
        )
    machine = _number(environ, "SLURM_NODEID")
    process = LaunchedProcess(
        name="srun",
        rank=rank,
        world_size=world_size,
        local_rank=_number(environ, "SLURM_LOCALID"),
        local_world_size=_tasks_of(machine, per_machine),
        address=environ.get("MASTER_ADDR", "").strip()
        or first_host(environ["SLURM_STEP_NODELIST"]),
        port=_given_port(environ) if environ.get("MASTER_PORT", "").strip() else _port(environ),
    )
    tasks_here = f"the tasks of machine {machine} in SLURM_STEP_TASKS_PER_NODE"
    _check(process, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", tasks_here)
    return process


def _tasks_of(machine: int, per_machine: list[tuple[int, int]]) -> int:
    """The number of tasks on a machine, by its number in the step."""
    first = 0
    for tasks, machines in per_machine:
        if first <= machine < first + machines:
            return tasks
        first += machines
    raise ConfigError(
        f"SLURM_NODEID (={machine}) must be at least 0 and below the number of machines in "
        f"SLURM_STEP_TASKS_PER_NODE (={first})"
    )


def _port(environ: Mapping[str, str]) -> int:
    """A port that all tasks of a step find alike, and another step of the machine hardly."""
    step = f"{environ.get('SLURM_JOB_ID', '')}.{environ.get('SLURM_STEP_ID', '')}"
    return _FIRST_PORT + zlib.crc32(step.encode()) % _PORTS


def _given_port(environ: Mapping[str, str]) -> int:
    port = _number(environ, "MASTER_PORT")
    if not 1 <= port <= 65535:
        raise ConfigError(f"MASTER_PORT (={port}) must be from 1 to 65535")
    return port


def _number(environ: Mapping[str, str], key: str) -> int:
    try:
        return int(environ[key])
    except ValueError as error:
        raise ConfigError(f"{key} (={environ[key]}) must be a whole number") from error


def _are(keys: list[str], what: str) -> str:
    """A list of variables with its verb.

    >>> _are(["A", "B", "C"], "not")
    'A, B and C are not'
    """
    names = " and ".join(filter(None, (", ".join(keys[:-1]), keys[-1])))
    return f"{names} {'is' if len(keys) == 1 else 'are'} {what}"


def _check(process: LaunchedProcess, rank: str, size: str, local_rank: str, local: str) -> None:
    """Raise ConfigError where a rank is not below the number of ranks, naming the variables."""
    for key, value, of, limit in (
        (rank, process.rank, size, process.world_size),
        (local_rank, process.local_rank, local, process.local_world_size),
    ):
        if not 0 <= value < limit:
            raise ConfigError(f"{key} (={value}) must be at least 0 and below {of} (={limit})")
    if process.local_world_size > process.world_size:
        raise ConfigError(
            f"{local} (={process.local_world_size}) must be at most {size} (={process.world_size})"
        )
