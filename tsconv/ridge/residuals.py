"""Quantiles of a solved map's residuals, by horizon step, in units of each origin's spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tsconv.data.batches.origin_range import OriginRange
from tsconv.ridge.gram import Regression, spread_stride

if TYPE_CHECKING:
    from tsconv.data.batches.split import Split
    from tsconv.ridge.start import Solution

MOST_VALUES = 1_000_000  # residuals that are held
_LEAST_GAIN = 0.02  # of the validation part's absolute error, for a median that is not 0


def residual_quantiles(
    regression: Regression, split: Split, solution: Solution, quantiles: Sequence[float]
) -> Tensor | None:
    """The quantiles of training and validation residuals: (Q, T, horizon); None without any.

    Residuals weigh by their origin's spread, since that is what the loss multiplies them by. Their
    median is taken as 0 unless the training part's median lowers the validation part's absolute
    error: where a level drifts, it tells of the past alone.
    """
    parts = [p for p in (split.train, split.val) if p is not None and int(p.counts.sum()) > 0]
    sides = len(regression.panel.targets) * regression.panel.n_rows
    count = sum(regression.share(p) * int(p.counts.sum()) for p in parts)
    count *= sides * regression.horizon
    stride = spread_stride(count / MOST_VALUES)
    found = [_residuals(regression, part, solution, stride) for part in parts]
    found = [(error, weight) for error, weight in found if float(weight.sum()) > 0]
    if not found:
        return None
    error, weight = (torch.cat(v, 1) for v in zip(*found, strict=True))
    levels = weighted_quantiles(error, weight, (*quantiles, 0.5))
    shifts = len(found) > 1 and _shifts(*found)
    return levels[:-1] if shifts else levels[:-1] - levels[-1:]


def _residuals(
    regression: Regression, origins: OriginRange, solution: Solution, stride: int
) -> tuple[Tensor, Tensor]:
    """The errors of every stride-th origin, and what each weighs: (T, N, horizon)."""
    errors, weights = [], []
    for part in regression.equations(origins, stride):
        maps = solution.shared if solution.own is None else solution.own[part.members]
        spread = part.spread.unsqueeze(-1)  # 0 where a context does not vary: it weighs nothing
        error = (part.r - part.u @ maps.to(part.u)) / torch.where(spread > 0, spread, 1)
        errors.append(error.transpose(0, 1).flatten(1, 2).float())  # (T, M * N, horizon)
        weights.append((part.seen * spread).transpose(0, 1).flatten(1, 2).float())
    return torch.cat(errors, 1), torch.cat(weights, 1)


def _shifts(train: tuple[Tensor, Tensor], val: tuple[Tensor, Tensor]) -> bool:
    """Whether the median of the training part's errors lowers those of the validation part."""
    median = weighted_quantiles(*train, (0.5,))  # (1, T, horizon)
    error, weight = val
    before, after = (float(((error - m).abs() * weight).sum()) for m in (0.0, median[0][:, None]))
    return after < before * (1 - _LEAST_GAIN)


def weighted_quantiles(values: Tensor, weights: Tensor, quantiles: Sequence[float]) -> Tensor:
    """Quantiles over the middle axis: (T, N, horizon) -> (Q, T, horizon); 0 where nothing weighs.

    >>> values = torch.tensor([[[3.0], [1.0], [2.0]]])
    >>> weighted_quantiles(values, torch.ones(1, 3, 1), (0.5,)).flatten()
    tensor([2.])
    """
    ordered, order = values.sort(dim=1)
    total = weights.gather(1, order).double().cumsum(1)  # (T, N, horizon)
    all_of_it = total[:, -1:]  # (T, 1, horizon)
    found = []
    for q in quantiles:
        at = (total < q * all_of_it).sum(1, keepdim=True).clamp_max(values.shape[1] - 1)
        found.append(torch.where(all_of_it > 0, ordered.gather(1, at), 0).squeeze(1))
    return torch.stack(found)
