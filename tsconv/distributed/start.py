"""Ranks of one machine, started by the process that becomes rank 0."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from torch.distributed.distributed_c10d import Store

from tsconv.distributed.child import ChildJob
from tsconv.distributed.child_processes import ChildProcesses
from tsconv.distributed.ranks import Ranks
from tsconv.distributed.rendezvous import open_store

_LAUNCHER_VARIABLES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK")


def start_ranks(size: int, threads: int | None = None, preload: Sequence[str] = ()) -> Ranks:
    """Start `size - 1` further processes on this machine; return the ranks as rank 0 sees them.

    threads: of torch in each of them; None for torch's own choice. preload: modules that they
    import at once, while this process still reads its data. They never run the user's program
    again. `close` ends them; where this process dies, they end by themselves.
    """
    store = open_store("127.0.0.1", 0, hosts=True)
    children = ChildProcesses()

    def connect() -> Store:
        return open_store("127.0.0.1", store.port, hosts=False)

    ranks = Ranks(0, size, 0, size, connect, children)
    ranks.keep(store)
    for rank in range(1, size):
        job = ChildJob(store.port, rank, size, tuple(preload))
        children.processes[rank] = subprocess.Popen(
            [sys.executable, "-P", "-m", "tsconv.distributed.child", _as_json(job)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # rank 0 alone prints
            env=_environment(threads),
            process_group=0,  # Ctrl-C in a terminal reaches rank 0 alone
        )
    return ranks


def _environment(threads: int | None) -> dict[str, str]:
    """This process' environment; the package is found where this process found it."""
    own = {k: v for k, v in os.environ.items() if k not in _LAUNCHER_VARIABLES}
    package = str(Path(__file__).resolve().parents[2])
    given = own.get("PYTHONPATH")
    own["PYTHONPATH"] = package if not given else os.pathsep.join((given, package))
    own.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # not a page for a connection that closed
    if threads is not None:
        own["OMP_NUM_THREADS"] = str(threads)
    return own


def _as_json(job: ChildJob) -> str:
    return json.dumps(dataclasses.asdict(job))
