"""The number of torch's threads, and the part of a processor that each of several ranks has."""

from __future__ import annotations

import os
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


@contextmanager
def own_cores(rank: int, size: int) -> Iterator[None]:
    """Keep the calling thread, within the block, on one of `size` parts of the processor's cores.

    Ranks wait for each other at every step, so that two of them on one core for a moment cost both
    of them that moment. Nothing happens where there are fewer cores than ranks, or where the
    system cannot do it (only Linux can).

    >>> with own_cores(0, size=1):
    ...     pass
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if size == 1 or len(cores) < size:
        yield
        return
    os.sched_setaffinity(0, cores[len(cores) * rank // size : len(cores) * (rank + 1) // size])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def threads_of_one(size: int) -> int:
    """The threads of each of `size` processes on this machine, at least one.

    With more threads than the processor has, they wait for each other most of the time.
    """
    return max(1, torch.get_num_threads() // size)
