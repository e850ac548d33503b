"""How much the forecast of one date is revised from one origin to the next."""

from __future__ import annotations

import torch
from torch import Tensor

from tsconv.evaluation.metrics import SeriesScale
from tsconv.evaluation.scoring import ScoredBatch


class Revisions:
    """Mean absolute change of the point forecast for the same step, between neighbouring origins.

    An observer of `evaluate`: origins come in order within a series, and the last of a stretch is
    kept for the first of the next. Whether the step was observed does not matter.

    scale: what is scored, by its shape (S, T, H).
    """

    def __init__(self, scale: SeriesScale) -> None:
        self.total = torch.zeros_like(scale.std)
        self.count = torch.zeros_like(scale.std)
        self._last: tuple[int, int, Tensor, Tensor] | None = None

    def __call__(self, scored: ScoredBatch) -> None:
        """Add a batch that was scored."""
        found = scored.forecasts
        stride, point, usable = found.stride, found.point, found.usable
        if stride >= point.shape[-1]:
            return  # no step is forecast from two origins
        self._add(found.batch.series, point, usable, stride)
        # From the last origin of each stretch to the first of the next of the same series.
        steps = stride * (point.shape[-2] - 1)
        series, first = found.batch.series.cpu(), found.batch.first.cpu()
        ends = [(point[:-1, ..., -1:, :], usable[:-1, ..., -1:])]
        heads = [(point[1:, ..., :1, :], usable[1:, ..., :1])]
        follows = [(series[1:] == series[:-1]) & (first[1:] == first[:-1] + steps + stride)]
        numbers = [found.batch.series[1:]]
        if self._last is not None and (self._last[0], self._last[1] + stride) == (
            int(series[0]),
            int(first[0]),
        ):
            ends.insert(0, (self._last[2], self._last[3]))
            heads.insert(0, (point[:1, ..., :1, :], usable[:1, ..., :1]))
            follows.insert(0, torch.ones(1, dtype=torch.bool))
            numbers.insert(0, found.batch.series[:1])
        before, after = (
            [torch.cat([pair[i] for pair in pairs]) for i in (0, 1)] for pairs in (ends, heads)
        )
        both = torch.cat([before[0], after[0]], dim=-2)  # (B', T, H, 2, horizon)
        known = torch.cat([before[1], after[1]], dim=-1)
        known = known & torch.cat(follows).to(known.device)[:, None, None, None]
        self._add(torch.cat(numbers), both, known, stride)
        last = (point[-1:, ..., -1:, :].clone(), usable[-1:, ..., -1:].clone())
        self._last = (int(series[-1]), int(first[-1]) + steps, *last)

    def add(self, other: Revisions) -> None:
        """Add what another one of the same series has counted; no change lies between the two."""
        self.total += other.total
        self.count += other.count

    def _add(self, series: Tensor, point: Tensor, usable: Tensor, stride: int) -> None:
        """point: (B, T, H, O, horizon); usable: (B, T, H, O)."""
        change = (point[..., :-1, stride:] - point[..., 1:, :-stride]).abs()
        pair = usable[..., :-1] & usable[..., 1:]
        total = torch.where(pair, change.double().sum(-1), 0).sum(-1)  # (B, T, H)
        count = pair.sum(-1) * change.shape[-1]
        at = series.to(self.total.device)
        self.total.index_add_(0, at, total.to(self.total))
        self.count.index_add_(0, at, count.to(self.count))

    def mean(self) -> float | None:
        """Over everything, in the units of the data; None where no step was forecast twice."""
        return float(self.total.sum() / self.count.sum()) if self.count.sum() > 0 else None

    def by_series(self) -> Tensor:
        """(S, T, H) the mean of each; NaN where no step was forecast twice."""
        return self.total / self.count
