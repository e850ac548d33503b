"""The helper that runs a function of a test in several processes."""

import multiprocessing as mp
import os
import signal
import time

import pytest
import torch
import torch.distributed as dist

from tests.helpers.rank_processes import RankFailed, run_ranks


def _sum_of_ranks(start: int) -> tuple[int, float, int]:
    value = torch.tensor(float(start + dist.get_rank()))
    dist.all_reduce(value)
    return dist.get_rank(), float(value), torch.get_num_threads()


def _fails_on_one(how: str) -> None:
    if dist.get_rank() == 1:
        if how == "raises":
            raise ValueError("of rank 1")
        if how == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)
    dist.barrier()


def test_results_come_in_rank_order() -> None:
    assert run_ranks(3, _sum_of_ranks, 10) == [(0, 33.0, 1), (1, 33.0, 1), (2, 33.0, 1)]


@pytest.mark.parametrize(
    ("how", "seconds", "says"),
    [
        ("raises", 30, "rank 1: Traceback[^$]*ValueError: of rank 1"),
        ("dies", 30, "rank [012]: "),  # another rank may notice before the pipe closes
        ("hangs", 2, r"ranks \[0, 1, 2\] took too long|Timed out"),
    ],
)
def test_a_rank_that_fails_ends_all(how: str, seconds: float, says: str) -> None:
    with pytest.raises(RankFailed, match=says):
        run_ranks(3, _fails_on_one, how, seconds=seconds)
    assert not mp.active_children()
