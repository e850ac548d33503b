"""Samples of sums: the paths of all members of a group added up, step by step or over the horizon.

Groups are taken a block at a time, and the series of a block too, so that neither all paths nor all
sums are ever in memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from tsconv.forecasting.sums.groups import Groups
from tsconv.forecasting.sums.paths import SamplePaths

# Samples of sums held at once; bounds memory, not results.
_VALUES_AT_ONCE = 16_000_000


@dataclasses.dataclass(frozen=True)
class GroupSums:
    """Samples of the sums of the groups begin .. begin + G - 1."""

    begin: int
    samples: Tensor  # (G, T, h, n), h = 1 for sums over the horizon; what a group lacks is 0
    known: Tensor  # (G, T, h) bool: whether there is such a sum


def add_groups(
    paths: SamplePaths, groups: Groups, over_horizon: bool, at_once: int = _VALUES_AT_ONCE
) -> Iterator[GroupSums]:
    """Yield the samples of all groups in order, some at a time.

    over_horizon: whether the steps of a group are summed too. at_once: values of a block.
    """
    _, n_targets, _, horizon = paths.forecast.values.shape[:4]
    count = len(groups.first)
    n_steps = 1 if over_horizon else horizon
    of_group = n_targets * n_steps * paths.n
    size = max(1, at_once // of_group)
    for begin in range(0, count, size):
        end = min(begin + size, count)
        inside = (groups.group >= begin) & (groups.group < end)
        samples = torch.zeros(end - begin, n_targets, n_steps, paths.n, dtype=torch.float64)
        found = torch.zeros(end - begin, n_targets, dtype=torch.bool)
        wanted = torch.from_numpy(np.unique(groups.series[inside]))
        for block, values in paths.blocks(wanted):
            _add(groups, inside, begin, block, values, samples, found)
        step = torch.arange(n_steps)
        lasting = torch.from_numpy(groups.n_steps[begin:end, None])
        known = (lasting > 0) if over_horizon else (step < lasting)
        yield GroupSums(begin, samples, found[..., None] & known[:, None])


def _add(
    groups: Groups,
    inside: np.ndarray[tuple[int], np.dtype[np.bool_]],
    begin: int,
    block: Tensor,
    values: Tensor,
    samples: Tensor,
    found: Tensor,
) -> None:
    """Add the paths of a block of series (B,), (B, T, H, h, n), to the groups that they are in."""
    low, high = int(block[0]), int(block[-1])
    some = np.flatnonzero(inside & (groups.series >= low) & (groups.series <= high))
    members = [v[some] for v in (groups.series, groups.row, groups.group, groups.begin)]
    series, row, group, start = (torch.from_numpy(v) for v in members)
    own = values[torch.searchsorted(block, series), :, row]  # (M, T, h, n)
    has = ~own[..., 0, 0].isnan()  # (M, T)
    horizon = own.shape[2]
    behind = torch.from_numpy(groups.first)[group] - start  # steps before those of the group
    lasting = torch.from_numpy(groups.n_steps)[group]
    if bool((behind > 0).any()) or bool((lasting < horizon).any()):
        step = torch.arange(horizon)
        at = (behind[:, None] + step).clamp_max(horizon - 1)
        own = own.gather(2, at[:, None, :, None].expand_as(own))
        own = own.masked_fill((step >= lasting[:, None])[:, None, :, None], 0)
    own = own.nan_to_num(0) if not bool(has.all()) else own
    if samples.shape[2] == 1 and horizon > 1:
        own = own.sum(2, keepdim=True)
    samples.index_add_(0, group - begin, own)
    for c in range(has.shape[1]):
        found[(group - begin)[has[:, c]], c] = True


def sample_quantiles(samples: Tensor, levels: Sequence[float]) -> Tensor:
    """Quantiles of samples (..., n) -> (..., Q): linear between the levels 1/2n, 3/2n, ...

    Those of the samples of one forecast are its own quantiles (Hazen 1914, Storage to be provided
    in impounding reservoirs).

    >>> sample_quantiles(torch.tensor([4.0, 1.0, 2.0, 3.0]), [0.5, 0.625])
    tensor([2.5000, 3.0000])
    """
    n = samples.shape[-1]
    ordered = samples.sort(-1).values
    position = (torch.tensor(levels, dtype=torch.float64) * n - 0.5).clamp(0, n - 1)
    low = position.floor().long().clamp_max(n - 2)
    share = (position - low).to(samples)
    return ordered[..., low] + share * (ordered[..., low + 1] - ordered[..., low])
