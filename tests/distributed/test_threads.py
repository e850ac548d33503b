"""The number of torch's threads is set for a block alone."""

import os

import pytest
import torch

from tsconv.distributed.threads import own_cores, threads_of_one, torch_threads


def test_threads_are_put_back_after_an_error_too() -> None:
    before = torch.get_num_threads()
    seen = []

    def failing() -> None:
        with torch_threads(before + 1):
            seen.append(torch.get_num_threads())
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        failing()
    assert seen == [before + 1]
    assert torch.get_num_threads() == before


def test_processes_share_the_threads_and_have_at_least_one() -> None:
    with torch_threads(4):
        assert [threads_of_one(n) for n in (1, 2, 3, 8)] == [4, 2, 1, 1]


def test_each_process_keeps_to_its_own_cores_and_gives_them_back() -> None:
    before = os.sched_getaffinity(0)
    seen = []
    for rank in range(2):
        with own_cores(rank, 2):
            seen.append(os.sched_getaffinity(0))
    assert os.sched_getaffinity(0) == before
    if len(before) >= 2:
        assert seen[0] | seen[1] == before
        assert not seen[0] & seen[1]
    with own_cores(0, len(before) + 1):  # more processes than cores share them
        assert os.sched_getaffinity(0) == before
