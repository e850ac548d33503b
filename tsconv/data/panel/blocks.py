"""Blocks of series: whole series whose values together are few enough to be computed with at once.

A panel may be mapped and larger than the memory. What goes over all of its steps goes over blocks,
and makes no array of the panel's size.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from tsconv.data.panel.ragged import steps_within
from tsconv.data.timestamps.frequency import Steps

VALUES_AT_ONCE = 1 << 16  # half a MB; larger blocks are no faster


def block_ends(indptr: Steps, width: int, at_once: int = VALUES_AT_ONCE) -> Steps:
    """Where blocks of series begin, and where the last one ends, as numbers of series.

    indptr: (S + 1,). width: values of a step. A series that is longer than a block is one alone.

    >>> block_ends(np.array([0, 2, 3, 9, 10]), width=1, at_once=4)
    array([0, 2, 3, 4])
    """
    most, n_series = max(1, at_once // max(1, width)), len(indptr) - 1
    found = [0]
    while (begin := found[-1]) < n_series:
        end = int(np.searchsorted(indptr, indptr[begin] + most, side="right")) - 1
        found.append(max(begin + 1, end))
    return np.array(found)


def series_blocks(
    indptr: Tensor, width: int, at_once: int = VALUES_AT_ONCE
) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield for each block its series, its steps, and where its series stand within it.

    The last is an indptr that begins with 0, on the CPU.

    >>> for series, steps, local in series_blocks(torch.tensor([0, 2, 3, 9]), 1, at_once=4):
    ...     print(series, steps, local.tolist())
    slice(0, 2, None) slice(0, 3, None) [0, 2, 3]
    slice(2, 3, None) slice(3, 9, None) [0, 6]
    """
    indptr = indptr.cpu()
    ends = block_ends(indptr.numpy(), width, at_once).tolist()
    for begin, end in zip(ends[:-1], ends[1:], strict=True):
        first, last = int(indptr[begin]), int(indptr[end])
        yield slice(begin, end), slice(first, last), indptr[begin : end + 1] - first


def head_mask(local: Tensor, lengths: Tensor) -> Tensor:
    """(n,) the steps of a block that are among the first `lengths` (S,) of their series.

    >>> head_mask(torch.tensor([0, 2, 5]), torch.tensor([1, 2]))
    tensor([ True, False,  True,  True, False])
    """
    return steps_within(local) < lengths.repeat_interleave(local.diff())
