"""The ranks that a launcher started: torchrun, or SLURM's srun."""

from __future__ import annotations

import functools
import os

from tsconv.distributed.launcher import LaunchedProcess, find_launcher
from tsconv.distributed.ranks import Ranks
from tsconv.distributed.rendezvous import command_line, open_store


@functools.cache
def launched_ranks() -> Ranks | None:
    """The ranks that this process belongs to; None where no launcher started several.

    The same object at each call, since a process belongs to one group for its whole life.
    """
    process = find_launcher(os.environ)
    return None if process is None else _ranks_of(process)


def _ranks_of(process: LaunchedProcess) -> Ranks:
    from torch.distributed.distributed_c10d import PrefixStore

    # torchrun serves a store of its own, which outlives rank 0; under SLURM rank 0 serves it.
    by_agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    store = open_store(process.address, process.port, hosts=process.rank == 0 and not by_agent)
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    return Ranks(
        process.rank,
        process.world_size,
        process.local_rank,
        process.local_world_size,
        PrefixStore(f"tsconv/{attempt}", store),
        arguments=command_line(),
    )
