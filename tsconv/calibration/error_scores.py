"""The errors of a validation part as normal scores: what calibration and dependence are made of."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from tsconv.calibration.knots import normal_scores
from tsconv.data.batches.origin_range import OriginRange

MOST_SCORES = 2_000_000  # more are thinned out: neighbouring origins tell nearly the same


@dataclasses.dataclass(frozen=True)
class ErrorScores:
    """Normal scores of observed values in their forecasts, one line for each origin of a member.

    A member is a (series, target, row); its number counts through them in that order.
    """

    scores: Tensor  # (N, horizon) float32, NaN where nothing was observed
    member: Tensor  # (N,) int64
    origin: Tensor  # (N,) int64, steps of the series
    shape: tuple[int, int, int]  # series, targets, rows

    @property
    def n_members(self) -> int:
        """How many members there are, with errors or without."""
        return math.prod(self.shape)

    def places(self) -> tuple[Tensor, int]:
        """The place of each line after the first one of its member, and the steps between two.

        Members' parts may begin at unlike steps; their first lines are all at place 0.
        """
        starts = torch.full((self.n_members,), int(self.origin.max()))
        starts = starts.scatter_reduce(0, self.member, self.origin, "amin")
        since = self.origin - starts[self.member]
        gaps = since.unique().diff()  # type: ignore[no-untyped-call]
        step = int(gaps.min()) if len(gaps) else 1
        return since // step, step

    def part(self, kept: Tensor) -> ErrorScores:
        """Some of the lines; kept: (N,) bool."""
        kept_lines = (self.scores[kept], self.member[kept], self.origin[kept])
        return ErrorScores(*kept_lines, self.shape)


class ScoreCollector:
    """Collects the scores of dense batches of forecasts.

    Args:
        quantiles: levels of the forecasts.
        shape: series, targets and rows of the panel.
        every: steps from one origin that is kept to the next, see `thinning`.
        whole: whether values are counts, and levels those of counts with noise, see `spread_out`.

    >>> collector = ScoreCollector((0.1, 0.5, 0.9), (1, 1, 1))
    >>> levels = [torch.full((1, 1, 1, 2, 3), v) for v in (8.0, 10.0, 12.0)]
    >>> values = torch.full((1, 1, 1, 2, 3), 10.0)
    >>> zero = torch.tensor([0])
    >>> collector.add(levels, values, values > 0, zero, zero + 5, 1, torch.tensor([[True, True]]))
    >>> found = collector.collected()
    >>> found.scores.tolist(), found.origin.tolist()
    ([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], [5, 6])
    """

    def __init__(
        self,
        quantiles: Sequence[float],
        shape: tuple[int, int, int],
        every: int = 1,
        whole: bool = False,
    ) -> None:
        self.quantiles, self.shape = tuple(quantiles), shape
        self.every, self.whole = every, whole
        self._lines: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(
        self,
        levels: Sequence[Tensor],
        values: Tensor,
        mask: Tensor,
        series: Tensor,
        first: Tensor,
        stride: int,
        valid: Tensor,
        begin: Tensor | None = None,
    ) -> None:
        """Add the forecasts of a batch.

        levels: one (B, T, H, O, horizon) for each quantile; values, mask: observed, and whether.
        series: (B,); first: (B,) the step of each first origin; stride: steps between origins.
        valid: (B, O) origins that belong to the part. begin: (B,) the first origin of each series'
        part, from which `every` counts; None: step 0.
        """
        step = first[:, None] + stride * torch.arange(valid.shape[1], device=first.device)  # (B, O)
        since = step if begin is None else step - begin[:, None]
        kept = valid & (since % self.every == 0)
        lines, origins = kept.nonzero(as_tuple=True)
        if len(lines) == 0:
            return
        z, member = scores_at(
            levels, self.quantiles, values, mask, series, step, (lines, origins), self.whole
        )
        origin = step[lines, origins][:, None].expand_as(member)
        flat = (z.flatten(0, 2), member.flatten(), origin.flatten())
        self._lines.append((flat[0].cpu(), flat[1].cpu(), flat[2].cpu()))

    def collected(self) -> ErrorScores:
        """All that was added, in the order of members and time, without lines that hold nothing."""
        return self._sorted(self._lines)

    def joined(self, parts: Sequence[ErrorScores]) -> ErrorScores:
        """What several processes have collected, as one would have."""
        return self._sorted([(p.scores, p.member, p.origin) for p in parts if len(p.scores)])

    def _sorted(self, parts: Sequence[tuple[Tensor, Tensor, Tensor]]) -> ErrorScores:
        if not parts:
            nothing = torch.zeros(0, dtype=torch.int64)
            return ErrorScores(torch.zeros(0, 1), nothing, nothing, self.shape)
        scores, member, origin = (torch.cat(part) for part in zip(*parts, strict=True))
        known = ~scores.isnan().all(1)
        scores, member, origin = scores[known], member[known], origin[known]
        order = torch.argsort(origin, stable=True)
        order = order[torch.argsort(member[order], stable=True)]
        return ErrorScores(scores[order], member[order], origin[order], self.shape)


def scores_at(
    levels: Sequence[Tensor],
    quantiles: Sequence[float],
    values: Tensor,
    mask: Tensor,
    series: Tensor,
    step: Tensor,
    at: tuple[Tensor, Tensor],
    whole: bool,
) -> tuple[Tensor, Tensor]:
    """The normal scores of some origins of a dense batch, and the members that they are of.

    levels: one (B, T, H, O, horizon) for each quantile; values, mask: observed, and whether.
    series: (B,); step: (B, O) of each origin. at: (n,) which series of the batch, and which origin.
    whole: whether values are counts, see `spread_out`. Returns (n, T, H, horizon) float32, NaN
    where nothing was observed, and (n, T * H).
    """
    lines, origins = at
    place = torch.arange(values[0, ..., 0, 0].numel(), device=series.device)
    member = series[lines, None] * len(place) + place  # (n, T * H)
    seen = values[lines, :, :, origins].double()
    if whole:
        origin = step[lines, origins][:, None].expand_as(member)
        seen = seen + spread_out(member, origin, seen.shape[-1]).view_as(seen)
    z = normal_scores([v[lines, :, :, origins] for v in levels], quantiles, seen)
    return torch.where(mask[lines, :, :, origins].bool(), z, torch.nan).float(), member


def spread_out(member: Tensor, origin: Tensor, horizon: int) -> Tensor:
    """Noise between -1/2 and 1/2 that makes counts continuous: a function of what it is added to.

    member, origin: (...). Returns (..., horizon) float64, whatever else is in the batch. Source:
    the randomised probability integral transform, Brockwell 2007; mixing by Steele et al. 2014.

    >>> noise = spread_out(torch.zeros(2, dtype=torch.int64), torch.tensor([5, 6]), 3)
    >>> noise.shape, bool((noise.abs() <= 0.5).all())
    (torch.Size([2, 3]), True)
    """
    mixed = (member * 1_000_003 + origin).unsqueeze(-1) * 4_099
    mixed = mixed + torch.arange(horizon, device=member.device)
    for shift, factor in ((30, -4658895280553007687), (27, -7723592293110705685), (31, 1)):
        mixed = (mixed ^ ((mixed >> shift) & ((1 << (64 - shift)) - 1))) * factor
    return ((mixed >> 11) & ((1 << 53) - 1)).double() / (1 << 53) - 0.5


def thinning(
    origins: OriginRange, shape: tuple[int, int, int], horizon: int, season: int = 1
) -> int:
    """Every how many steps an origin is kept, so that at most `MOST_SCORES` are.

    shape: series, targets and rows. The steps share no factor with the season, so that all
    of its phases are met.

    >>> one = OriginRange(torch.tensor([0]), torch.tensor([99_999]), torch.tensor([100_024]))
    >>> thinning(one, shape=(1, 1, 1), horizon=96, season=24)
    5
    """
    total = int(origins.counts.sum()) * shape[1] * shape[2] * horizon
    every = max(1, -(-total // MOST_SCORES)) * origins.stride
    if origins.stride > 1:  # multiples of the stride alone are origins
        return every
    while math.gcd(every, season) > 1:
        every += 1
    return every
