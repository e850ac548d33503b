"""The ranks that a launcher started: torchrun, or SLURM's srun."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TypeVar

from tsconv.distributed.launcher import LaunchedProcess, find_launcher
from tsconv.distributed.ranks import Ranks
from tsconv.distributed.rendezvous import command_line, open_store
from tsconv.errors import one_line

Result = TypeVar("Result")


@functools.cache
def launched_ranks() -> Ranks | None:
    """The ranks that this process belongs to; None where no launcher started several.

    The same object at each call, since a process belongs to one group for its whole life.
    """
    process = find_launcher(os.environ)
    return None if process is None else _ranks_of(process)


def _ranks_of(process: LaunchedProcess) -> Ranks:
    from torch.distributed.distributed_c10d import PrefixStore, Store

    # torchrun serves a store of its own, which outlives rank 0; under SLURM rank 0 serves it.
    by_agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    serving = None
    if process.rank == 0 and not by_agent:
        serving = open_store(process.address, process.port, hosts=True)

    def connect() -> Store:
        store = open_store(process.address, process.port, hosts=False)
        return PrefixStore(f"tsconv/{attempt}", store)

    ranks = Ranks(
        process.rank,
        process.world_size,
        process.local_rank,
        process.local_world_size,
        connect,
        arguments=command_line(),
        store_rank=None if by_agent else 0,
    )
    ranks.keep(serving)
    return ranks


def on_launched_ranks(work: Callable[[], Result]) -> Result:
    """Return what `work` returns on rank 0, on every rank that a launcher started.

    All of them must call this: rank 0 does the work, which may `run` jobs on the others, and they
    serve meanwhile. Without a launcher, `work` is simply called. Raises what it raises; a
    TsconvError on every rank.
    """
    ranks = launched_ranks()
    if ranks is None:
        return work()
    if not ranks.is_main:
        result: Result = ranks.serve()
        return result
    try:
        result = work()
    except BaseException as error:
        ranks.fail(one_line(error) if isinstance(error, Exception) else "interrupted")
        raise
    ranks.finish(result)
    return result
