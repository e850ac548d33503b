"""Which rank is gone is said by one of the others, and nobody else is named."""

from __future__ import annotations

import dataclasses
import datetime
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import pytest
import torch
import torch.distributed as dist

from tests.helpers.rank_processes import join_group, start_process
from tsconv.distributed.liveness import Liveness
from tsconv.distributed.rendezvous import Greeting, greet, greetings_at, open_store

INTERVAL, LOST_AFTER = 0.15, 1.5  # seconds
PATIENCE = 20.0
SILENT = "fell silent: killed, stopped or out of reach"


@dataclasses.dataclass(frozen=True)
class Told:
    """What a rank knew at its end: a line, whether it is the one to print it, and from where."""

    line: str | None
    reports: bool
    was_lost: bool  # the line came from the thread, while the main thread hung


def _rank(pipe: Connection, rank: int, size: int, launcher_port: int, work: str) -> None:
    """One rank, which serves the store where it is the first and no launcher does."""
    serving = open_store("127.0.0.1", 0, hosts=True) if rank == 0 and not launcher_port else None
    pipe.send(serving.port if serving is not None else launcher_port)
    port = pipe.recv()
    join_group(rank, size, port, 120)
    store = open_store("127.0.0.1", port, hosts=False)
    greet(store, rank, Greeting("here", os.getpid(), "", None))

    def end_at_once(line: str) -> None:
        pipe.send(Told(line, liveness.reports, was_lost=True))
        os._exit(1)

    liveness = Liveness(
        lambda: open_store("127.0.0.1", port, hosts=False),
        rank,
        greetings_at(store, size),
        end_at_once,
        INTERVAL,
        LOST_AFTER,
        store_rank=None if launcher_port else 0,
    )
    liveness.start()
    dist.all_reduce(torch.zeros(1))
    pipe.send("ready")
    try:
        _work(work, pipe, store)
        liveness.leave()
        pipe.send(Told(None, liveness.reports, was_lost=False))
        pipe.recv()  # rank 0 stays while others need its store
        os._exit(0)
    except MemoryError as error:
        liveness.leave(fault=str(error))
        os._exit(1)
    except RuntimeError:  # of gloo, or of the store
        line = liveness.explain()
        liveness.leave(found=line or "")
        pipe.send(Told(line, liveness.reports, was_lost=False))
        os._exit(1)


def _work(kind: str, pipe: Connection, store: Any) -> None:
    """Work until the pipe says how to end."""
    if kind == "idle":
        store.wait(["never"], datetime.timedelta(seconds=120))
    while not pipe.poll(0.01):
        if kind == "reduce":
            dist.all_reduce(torch.zeros(10))
        if kind == "hang":  # as in a collective of nccl whose peer is gone
            threading.Event().wait(0.1)
    if pipe.recv() == "fault":
        raise MemoryError("CUDA out of memory")


@dataclasses.dataclass
class Group:
    """Ranks that are at work."""

    processes: list[BaseProcess]
    pipes: list[Connection]

    def signal(self, number: int, *ranks: int) -> None:
        for rank in ranks:
            pid = self.processes[rank].pid
            assert pid is not None
            os.kill(pid, number)

    def told(self, *ranks: int) -> dict[int, Told]:
        """What ranks said at their end."""
        found = {}
        for rank in ranks:
            assert self.pipes[rank].poll(PATIENCE), f"rank {rank} says nothing"
            found[rank] = self.pipes[rank].recv()
        return found

    def name(self, rank: int) -> str:
        return f"rank {rank} (process {self.processes[rank].pid} on here)"


@contextmanager
def group(size: int, work: str, launcher_port: int = 0) -> Iterator[Group]:
    """Ranks that have met and are at work; all are gone afterwards."""
    started = [start_process(_rank, rank, size, launcher_port, work) for rank in range(size)]
    processes, pipes = [process for process, _ in started], [pipe for _, pipe in started]
    try:
        ports = [pipe.recv() for pipe in pipes]
        for pipe in pipes:
            pipe.send(ports[0])
        assert [pipe.recv() for pipe in pipes] == ["ready"] * size
        yield Group(processes, pipes)
    finally:
        for process in processes:
            process.kill()
            process.join()


def assert_one_line(told: dict[int, Told], line: str) -> None:
    """All survivors have the same line, and the lowest of them alone prints it."""
    assert {rank: t.line for rank, t in told.items()} == dict.fromkeys(told, line)
    assert [rank for rank, t in told.items() if t.reports] == [min(told)]


@pytest.mark.parametrize(
    ("size", "victims"),
    [(4, (2,)), (3, (0,)), (4, (1, 3))],
    ids=["one of four", "rank 0 with its store", "two of four"],
)
def test_ranks_killed_in_a_collective_are_named(size: int, victims: tuple[int, ...]) -> None:
    """With four, some are no neighbours of the victim, and see only their neighbours end."""
    with group(size, "reduce") as ranks:
        ranks.signal(signal.SIGKILL, *victims)
        told = ranks.told(*(rank for rank in range(size) if rank not in victims))
        names = ", ".join(map(ranks.name, victims))
        assert_one_line(told, f"{names} {SILENT}")
        assert not any(t.was_lost for t in told.values())


def test_idle_ranks_notice_that_rank_0_was_killed() -> None:
    with group(3, "idle") as ranks:
        begun = time.monotonic()
        ranks.signal(signal.SIGKILL, 0)
        told = ranks.told(1, 2)
        assert time.monotonic() - begun < LOST_AFTER  # not by patience, but by the connection
        assert_one_line(told, f"{ranks.name(0)} {SILENT}")


@pytest.mark.parametrize(
    ("work", "number", "victim"),
    [
        ("hang", signal.SIGKILL, 1),
        ("hang", signal.SIGKILL, 0),
        ("reduce", signal.SIGSTOP, 1),
        ("reduce", signal.SIGSTOP, 0),  # whose store then answers nobody, and closes nothing
    ],
)
def test_a_rank_that_falls_silent_is_given_up(work: str, number: int, victim: int) -> None:
    with group(3, work) as ranks:
        ranks.signal(number, victim)
        told = ranks.told(*({0, 1, 2} - {victim}))
        assert_one_line(told, f"{ranks.name(victim)} {SILENT}")
        assert any(t.was_lost for t in told.values())  # its end is what the others notice then


@pytest.mark.parametrize("work", ["reduce", "hang"])
def test_what_a_rank_said_at_its_end_is_told(work: str) -> None:
    with group(3, work) as ranks:
        ranks.pipes[1].send("fault")
        told = ranks.told(0, 2)
        assert_one_line(told, "rank 1: CUDA out of memory")


def test_nobody_is_named_where_all_end_one_after_the_other() -> None:
    with group(3, "hang") as ranks:
        for rank in (2, 0, 1):
            ranks.pipes[rank].send("end")
            time.sleep(LOST_AFTER / 2)
        assert {told.line for told in ranks.told(0, 1, 2).values()} == {None}


def test_ranks_that_were_all_stopped_for_long_go_on() -> None:
    """As where a machine is suspended, or a batch system lets another job go first."""
    with group(3, "reduce") as ranks:
        ranks.signal(signal.SIGSTOP, 0, 1, 2)
        time.sleep(1.3 * LOST_AFTER)
        ranks.signal(signal.SIGCONT, 0, 1, 2)
        time.sleep(4 * INTERVAL)
        assert not any(pipe.poll() for pipe in ranks.pipes)
        assert all(process.is_alive() for process in ranks.processes)


def test_the_end_of_the_launcher_that_served_the_store_is_told() -> None:
    launcher, pipe = start_process(_launcher)
    with group(2, "reduce", pipe.recv()) as ranks:
        launcher.kill()
        launcher.join()
        told = ranks.told(0, 1)
    assert_one_line(told, f"the launcher {SILENT}")


def _launcher(pipe: Connection) -> None:
    store = open_store("127.0.0.1", 0, hosts=True)
    pipe.send(store.port)
    pipe.recv()
