"""Ragged arrays: the steps of all series end to end in one array.

`indptr` (S + 1,) says where each series stands, as in a sparse matrix: series s has the steps
indptr[s] to indptr[s + 1]. `starts` are its first S entries, or the first positions of any other
runs that fill an array.

A panel may be mapped and larger than the memory. What goes over all of its steps goes over blocks
of whole series, and makes no array of the panel's size.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tsconv.data.timestamps.frequency import Steps

VALUES_AT_ONCE = 1 << 16  # half a MB


def indptr_of(lengths: Steps) -> Steps:
    """(S,) lengths -> (S + 1,) where each series begins, and where the last ends.

    >>> indptr_of(np.array([2, 3]))
    array([0, 2, 5])
    """
    return np.concatenate([[0], np.cumsum(lengths)])


def run_starts(codes: Steps) -> Steps:
    """(N,) codes, equal ones side by side -> (G,) the first position of each run.

    >>> run_starts(np.array([7, 7, 3, 3, 3]))
    array([0, 2])
    """
    return np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))


def run_lengths(starts: Steps, total: int) -> Steps:
    """(G,) the length of each run of an array with `total` elements.

    >>> run_lengths(np.array([0, 2]), 5)
    array([2, 3])
    """
    return np.diff(np.append(starts, total))


def series_index(indptr: Steps) -> Steps:
    """(N,) the number of the series that each step belongs to.

    >>> series_index(np.array([0, 2, 5]))
    array([0, 0, 1, 1, 1])
    """
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))


def count_steps(lengths: Steps) -> Steps:
    """(S,) lengths -> (N,) the steps of each series, from 0 on.

    >>> count_steps(np.array([2, 3]))
    array([0, 1, 0, 1, 2])
    """
    return steps_within(torch.from_numpy(indptr_of(lengths))).numpy()


def series_of(indptr: Steps, positions: Steps) -> Steps:
    """The number of the series at each of some positions, of any shape.

    >>> series_of(np.array([0, 2, 5]), np.array([1, 2]))
    array([0, 1])
    """
    return np.searchsorted(indptr, positions, side="right") - 1


def reduce_runs(
    ufunc: np.ufunc, values: npt.NDArray[Any], starts: Steps, dtype: npt.DTypeLike | None = None
) -> npt.NDArray[Any]:
    """(G, ...) the ufunc over each run of (N, ...) values; no run may be empty.

    >>> reduce_runs(np.maximum, np.array([1, 4, 2, 0, 3]), np.array([0, 2]))
    array([4, 3])
    """
    return ufunc.reduceat(values, starts, dtype=dtype)


def first_observed(values: npt.NDArray[np.float64], indptr: Steps) -> npt.NDArray[np.float64]:
    """(N, C) values -> (S, C): the first of each series that is not NaN, 0 where all are.

    >>> first_observed(np.array([[np.nan], [2.0], [np.nan]]), np.array([0, 2, 3]))
    array([[2.],
           [0.]])
    """
    out = np.zeros((len(indptr) - 1, values.shape[1]))
    begun = indptr[:-1] < indptr[1:]
    for c in range(values.shape[1]):
        out[begun, c] = values[indptr[:-1][begun], c]
        if not np.isnan(out[:, c]).any():  # as nearly always: nothing has to be looked for
            continue
        out[:, c] = 0
        observed = np.flatnonzero(~np.isnan(values[:, c]))
        if len(observed) == 0:
            continue
        at = np.searchsorted(observed, indptr[:-1])
        some = at < len(observed)
        candidate = observed[np.minimum(at, len(observed) - 1)]
        some &= candidate < indptr[1:]
        out[some, c] = values[candidate[some], c]
    return out


def first_marked_step(marked: Tensor, indptr: Tensor) -> Tensor:
    """(N,) flags -> (S,): the first marked step of each series, its length where none is.

    >>> first_marked_step(torch.tensor([False, True, False]), torch.tensor([0, 2, 3]))
    tensor([1, 1])
    """
    begun = indptr[:-1] < indptr[1:]
    if bool(marked[indptr[:-1][begun]].all()):  # as nearly always: nothing has to be looked for
        return torch.zeros_like(indptr[:-1])
    positions = marked.nonzero().flatten()
    at = torch.searchsorted(positions, indptr[:-1])
    candidate = torch.cat([positions, indptr[-1:]])[at]
    return torch.minimum(candidate, indptr[1:]) - indptr[:-1]


def steps_within(indptr: Tensor) -> Tensor:
    """(N,) the number of each step, counted from the start of its series.

    >>> steps_within(torch.tensor([0, 2, 5]))
    tensor([0, 1, 0, 1, 2])
    """
    return torch.arange(int(indptr[-1])) - indptr[:-1].repeat_interleave(indptr.diff())


def head_index(indptr: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """The positions of each series' first `lengths` (S,) steps, and the indptr of those alone.

    >>> head_index(torch.tensor([0, 2, 5]), torch.tensor([1, 2]))
    (tensor([0, 2, 3]), tensor([0, 1, 3]))
    """
    kept = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    series = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    return torch.arange(int(kept[-1])) - kept[series] + indptr[series], kept


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
    for begin, end in itertools.pairwise(ends):
        first, last = int(indptr[begin]), int(indptr[end])
        yield slice(begin, end), slice(first, last), indptr[begin : end + 1] - first


def head_mask(local: Tensor, lengths: Tensor) -> Tensor:
    """(n,) the steps of a block that are among the first `lengths` (S,) of their series.

    >>> head_mask(torch.tensor([0, 2, 5]), torch.tensor([1, 2]))
    tensor([ True, False,  True,  True, False])
    """
    return steps_within(local) < lengths.repeat_interleave(local.diff())
