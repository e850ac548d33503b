"""The number of torch's threads is set for a block alone."""

import pytest
import torch

from tsconv.distributed.threads import threads_of_one, torch_threads


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
