"""Ranks as plain processes: a function of a test that runs in several of them."""

from __future__ import annotations

import datetime
import multiprocessing as mp
import os
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import torch
import torch.distributed as dist

from tsconv.distributed.rendezvous import open_store

# Processes come from one that has imported this already: they start in a fraction of a second.
PRELOADED = (
    "pytest", "tsconv.cli", "tsconv.distributed.child", "tsconv.training.run", "tsconv.race.run",
    "tsconv.check.check_file", "tsconv.forecasting.run", "tsconv.backtest.run",
    "tsconv.report.run", "tsconv.output.plots", "matplotlib.figure",
    "matplotlib.backends.backend_agg", "tsconv.sweep.finalize", "tsconv.sweep.run",
    "tsconv.sweep.worker",
)  # fmt: skip
CONTEXT = mp.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__, *PRELOADED])


class RankFailed(AssertionError):
    """A rank raised, or ended without a result; holds its traceback."""


def start_process(function: Callable[..., None], *arguments: Any) -> tuple[BaseProcess, Connection]:
    """Start `function(pipe, *arguments)`, of a module, in a process; return our end of the pipe."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=function, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def run_ranks(
    n: int, function: Callable[..., Any], *arguments: Any, seconds: float = 60
) -> list[Any]:
    """Return what `function(*arguments)` returns in each of `n` processes, in rank order.

    function: of a module. It runs on one thread in a process group of gloo. Raises RankFailed with
    the traceback of the first rank that raised, died or took longer than `seconds`; no process is
    left behind.
    """
    store = open_store("127.0.0.1", 0, hosts=True)
    ranks = [
        start_process(_run, rank, n, store.port, seconds, function, arguments) for rank in range(n)
    ]
    try:
        return _results([pipe for _, pipe in ranks], time.monotonic() + seconds)
    finally:
        for process, _ in ranks:
            process.kill()
            process.join()


def _run(
    pipe: Connection,
    rank: int,
    n: int,
    port: int,
    seconds: float,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    try:
        join_group(rank, n, port, seconds)
        pipe.send((True, function(*arguments)))
    except BaseException:
        pipe.send((False, traceback.format_exc()))
    pipe.recv()  # stays until all have their results, since others may still need this one


def join_group(rank: int, n: int, port: int, seconds: float) -> None:
    """Open the process group of gloo in this process, at the store of a port."""
    os.environ["TORCH_CPP_LOG_LEVEL"] = "ERROR"
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        store=dist.PrefixStore("group", open_store("127.0.0.1", port, hosts=False)),
        rank=rank,
        world_size=n,
        timeout=datetime.timedelta(seconds=seconds),
    )


def _results(pipes: list[Connection], end: float) -> list[Any]:
    """Wait for all, and raise for the first that fails: others may wait for it in vain."""
    results: dict[int, Any] = {}
    while len(results) < len(pipes):
        waiting = [pipe for rank, pipe in enumerate(pipes) if rank not in results]
        ready = mp.connection.wait(waiting, max(0.0, end - time.monotonic()))
        if not ready:
            missing = [rank for rank in range(len(pipes)) if rank not in results]
            raise RankFailed(f"ranks {missing} took too long")
        for pipe in ready:
            assert isinstance(pipe, Connection)
            rank = pipes.index(pipe)
            try:
                done, result = pipe.recv()
            except EOFError:
                done, result = False, "ended without a result"
            if not done:
                raise RankFailed(f"rank {rank}: {result}")
            results[rank] = result
    return [results[rank] for rank in range(len(pipes))]
