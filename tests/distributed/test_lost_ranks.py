"""Ranks that die while nobody waits for them: before the first job, and between two jobs."""

from __future__ import annotations

import functools
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.helpers.forked import fork_ranks
from tests.helpers.rank_work import everything
from tests.helpers.ranks import environment
from tsconv.distributed import ranks as ranks_module
from tsconv.distributed.liveness import Liveness
from tsconv.distributed.rank_pool import RankPool
from tsconv.distributed.ranks import RankLost, Ranks
from tsconv.distributed.start import start_ranks
from tsconv.errors import TrainingError

PATIENCE = 30.0  # seconds

RANK_0 = """
import os, signal, sys, time
from tsconv.distributed.start import start_ranks
ranks = start_ranks(3, 1)
while sys.argv[1] == "greeted" and not ranks._store.check(["greeting/1", "greeting/2"]):
    time.sleep(0.05)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def _forked(monkeypatch: pytest.MonkeyPatch) -> None:
    fork_ranks(monkeypatch)


@contextmanager
def two_ranks() -> Iterator[Ranks]:
    """Two ranks without a job yet, both of which are there."""
    ranks = start_ranks(2, 1)
    try:
        end = time.monotonic() + PATIENCE
        assert ranks._store is not None
        while not ranks._store.check(["greeting/1"]):
            assert time.monotonic() < end
            time.sleep(0.05)
        yield ranks
    finally:
        ranks.close()


def kill_child(ranks: Ranks) -> None:
    child = ranks._children.processes[1]
    child.kill()
    child.wait(PATIENCE)


def test_a_rank_that_died_before_the_first_job_is_named() -> None:
    """The process group would wait for it for hours."""
    with two_ranks() as ranks:
        kill_child(ranks)
        with pytest.raises(TrainingError, match=r"^rank 1 \(process \d+\) was killed by SIGKILL$"):
            ranks.run(everything, {"x": 1})


def test_a_rank_that_stops_before_the_first_job_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As one that dies while the process group is opened, which cannot be timed in a test."""
    given_up: list[int] = []

    def end(code: int) -> None:
        given_up.append(code)
        ranks._children.processes[1].send_signal(signal.SIGCONT)  # so that this test can go on

    monkeypatch.setattr(ranks_module.os, "_exit", end)
    monkeypatch.setattr(ranks_module, "Liveness", quick_liveness())
    with two_ranks() as ranks:
        ranks._children.processes[1].send_signal(signal.SIGSTOP)
        monkeypatch.setattr(ranks._children, "end", lambda patience: None)
        ranks.run(everything, {"x": 1})
        monkeypatch.undo()
        assert given_up == [1]


@pytest.mark.parametrize("when", ["greeted", "starting"])
def test_where_rank_0_dies_before_the_first_job_one_rank_says_so_and_all_end(when: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RANK_0, when],
        capture_output=True,  # ends when the last of the processes does
        text=True,
        env=environment(),
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    (line,) = done.stderr.splitlines()
    assert line.startswith("tsconv: rank 0 ")


def test_a_rank_that_died_between_two_jobs_is_replaced() -> None:
    with RankPool() as pool:
        ranks = pool.get(2)
        ranks.run(everything, {"x": 1})
        kill_child(ranks)
        assert ranks.is_broken
        again = pool.get(2)
        assert again is not ranks
        again.run(everything, {"x": 1})
        kill_child(again)  # at the end nothing is lost with it, and nothing raised


def test_a_rank_that_is_lost_between_two_jobs_does_not_end_this_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may be a user's own, with other things to do; the next job says who was lost."""
    exits: list[int] = []
    monkeypatch.setattr(ranks_module.os, "_exit", exits.append)
    monkeypatch.setattr(ranks_module, "Liveness", quick_liveness())
    with two_ranks() as ranks:
        ranks.run(everything, {"x": 1})
        ranks._children.processes[1].send_signal(signal.SIGSTOP)
        end = time.monotonic() + PATIENCE
        while not ranks.is_broken:
            assert time.monotonic() < end
            time.sleep(0.05)
        with pytest.raises(RankLost, match=r"^rank 1 \(process \d+ on .*\) fell silent"):
            ranks.run(everything, {"x": 1})
        assert ranks._liveness is not None
        ranks._liveness._watching.join(PATIENCE)
        assert exits == []


def quick_liveness() -> functools.partial[Liveness]:
    """Liveness that gives up after three beats of the others, who beat every second."""
    return functools.partial(Liveness, interval=0.2, lost_after=3.0)
