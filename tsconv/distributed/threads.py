"""The number of torch's threads, and its part for one of several ranks on a machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Run torch on `count` threads within the block; None leaves the number as it is.

    >>> import torch
    >>> before = torch.get_num_threads()
    >>> with torch_threads(1):
    ...     torch.get_num_threads()
    1
    >>> torch.get_num_threads() == before
    True
    """
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


def threads_of_one(size: int) -> int:
    """The threads of each of `size` processes on this machine, at least one.

    With more threads than the processor has, they wait for each other most of the time.
    """
    return max(1, torch.get_num_threads() // size)
