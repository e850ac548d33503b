"""Calibrator: from what a network predicts for a batch of a panel to the forecasts that are given.

It stands between the network and everything that scores, writes or draws forecasts: the levels that
were asked for, calibrated, within the bounds of the data, and the point forecast.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tsconv.calibration.knots import knot_weights, mean_weights, scores_of
from tsconv.calibration.value_range import ValueRange


class Calibrated(NamedTuple):
    """Forecasts of a batch as they are given out, less the offset of their series."""

    levels: list[Tensor]  # for each quantile (B, T, H, O, horizon), rising
    point: Tensor  # (B, T, H, O, horizon): the median, or the mean
    unlimited: Tensor  # the point before it was brought within the bounds


# What stands for the levels of a point head, which has none: a normal forecast.
POINT_KNOTS = (0.1, 0.5, 0.9)


class OriginWidths(NamedTuple):
    """Adaptive widths at each step of a panel's series, as logarithms."""

    values: Tensor  # (N, T, H, 2) of the lower and the upper half
    indptr: Tensor  # (S + 1,) where each series begins


@dataclasses.dataclass(frozen=True)
class Calibrator:
    """What is done to the forecasts of one panel.

    >>> plain = Calibrator((0.1, 0.5, 0.9), (0.1, 0.5, 0.9))
    >>> levels = [torch.full((1, 1, 1, 2, 3), v) for v in (8.0, 10.0, 12.0)]
    >>> zero = torch.tensor([0])
    >>> [float(v.mean()) for v in plain(levels, zero, zero).levels]
    [8.0, 10.0, 12.0]
    """

    knots: tuple[float, ...]  # the levels that it takes from the network
    quantiles: tuple[float, ...]  # the levels that it gives, rising, with the median
    scores: Tensor | None = None  # (S, T, H, horizon, J) of the given levels; None: the nominal
    widths: OriginWidths | None = None
    point: str = "median"  # or mean
    value_range: ValueRange | None = None  # of the forecasts of the panel
    offset: Tensor | None = None  # (S, T, H) of the panel, where there is a range
    trained: tuple[float, ...] = ()  # levels that the network knows; () for any
    any_level: bool = False  # whether the network gives any level that it is asked for

    @property
    def whole(self) -> bool:
        """Whether forecasts are counts, and the network's levels those of counts with noise."""
        return self.value_range is not None and self.value_range.whole

    @property
    def asked(self) -> tuple[float, ...] | None:
        """The levels to ask the network for; None for those that it has."""
        return self.knots if self.any_level else None

    @property
    def middle(self) -> int:
        """The place of the median in `quantiles`."""
        return self.quantiles.index(0.5)

    @property
    def is_plain(self) -> bool:
        """Whether it gives the network's own levels and their median."""
        same = self.scores is None and self.knots == self.quantiles
        return same and self.widths is None and self.point == "median" and self.value_range is None

    def knots_of(self, levels: list[Tensor], spread: Tensor) -> list[Tensor]:
        """The levels at `knots` of a batch; those of a point forecast are a normal of its spread.

        levels: what the network gives, (B, T, H, O, h) each; spread: (B, T, H, O) the trailing
        deviation at each origin, in the units of the levels.
        """
        if len(levels) == len(self.knots):
            return levels
        (centre,) = levels
        return [centre + z * spread.unsqueeze(-1) for z in scores_of(self.knots).tolist()]

    def __call__(
        self,
        levels: Sequence[Tensor],
        series: Tensor,
        first: Tensor,
        stride: int = 1,
        mean: Tensor | None = None,
    ) -> Calibrated:
        """Calibrate the forecasts of a batch.

        levels: a tensor (B, T, H, O, h) for each of `knots`, h steps at most the horizon. series:
        (B,); first: (B,) the step of each first origin; stride: steps from one origin to the next.
        mean: the network's own, where it has one.
        """
        if self.is_plain:
            return Calibrated(list(levels), levels[self.middle], levels[self.middle])
        out = list(levels)
        if self.scores is not None or self.knots != self.quantiles:
            out = self._at_scores(levels, series)
        if self.widths is not None:
            out = self._widened(out, series, first, stride)
        middle = self.middle
        for q in range(middle - 1, -1, -1):  # rounding may cross what is equal
            out[q] = torch.minimum(out[q], out[q + 1])
        for q in range(middle + 1, len(out)):
            out[q] = torch.maximum(out[q], out[q - 1])
        unlimited = self._point(out, levels, series, mean)
        out = [self._limited(v, series) for v in out]
        if self.point == "median":
            return Calibrated(out, out[middle], unlimited)
        # The mean of counts is no count.
        return Calibrated(out, self._limited(unlimited, series, whole=False), unlimited)

    def _limited(self, values: Tensor, series: Tensor, whole: bool = True) -> Tensor:
        """Values (B, T, H, O, h) of some series within the range, and whole where they count."""
        found = self.value_range
        if found is None or self.offset is None:
            return values
        if not whole:
            found = dataclasses.replace(found, whole=False)
        offset = self.offset[series.cpu()][..., None, None].to(values.device)
        return found.limited(values, series, offset)

    def _at_scores(self, levels: Sequence[Tensor], series: Tensor) -> list[Tensor]:
        """The levels at the normal scores of each series and step."""
        horizon = levels[0].shape[-1]
        nominal = scores_of(self.quantiles)
        if self.scores is None:
            scores = nominal.expand(1, 1, 1, horizon, -1)
        else:
            scores = self.scores[series.cpu()][..., :horizon, :]  # (B, T, H, h, J)
        weights = knot_weights(scores, self.knots).to(levels[0])  # (B, T, H, h, J, K)
        weights = weights.unsqueeze(3)  # the same at every origin
        out = []
        for j, level in enumerate(self.quantiles):
            if level in self.knots and (level == 0.5 or self.scores is None):
                out.append(levels[self.knots.index(level)])
                continue
            total = torch.zeros_like(levels[0])
            for k, knot in enumerate(levels):
                weight = weights[..., j, k]
                if bool(weight.any()):
                    total = torch.addcmul(total, weight, knot)
            out.append(total)
        return out

    def _widened(
        self, levels: list[Tensor], series: Tensor, first: Tensor, stride: int
    ) -> list[Tensor]:
        """The levels moved away from the median, or towards it, by the widths of their origins."""
        assert self.widths is not None
        values, indptr = self.widths
        n_origins = levels[0].shape[3]
        series, first = series.cpu(), first.cpu()
        step = first[:, None] + stride * torch.arange(n_origins)  # (B, O)
        start, end = indptr[series][:, None], indptr[series + 1][:, None]
        at = torch.minimum(start + step.clamp_min(0), end - 1).clamp_min(0)
        factor = values[at].exp().permute(4, 0, 2, 3, 1).unsqueeze(-1)  # (2, B, T, H, O, 1)
        low, high = factor.to(levels[0])
        middle, median = self.middle, levels[self.middle]
        below = [median + low * (v - median) for v in levels[:middle]]
        above = [median + high * (v - median) for v in levels[middle + 1 :]]
        return [*below, median, *above]

    def _point(
        self,
        out: Sequence[Tensor],
        levels: Sequence[Tensor],
        series: Tensor,
        mean: Tensor | None,
    ) -> Tensor:
        if self.point == "median":
            return out[self.middle]
        if mean is not None:
            return mean
        weights = mean_weights(self.knots).tolist()
        total = torch.zeros_like(levels[0])
        for weight, knot in zip(weights, levels, strict=True):
            total += weight * self._limited(knot, series)
        return total
