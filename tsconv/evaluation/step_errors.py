"""Where in time a network and its rival were wrong: errors by origin, and by the step forecast.

An observer of `evaluate`. It keeps a few numbers for each step of the panel, as much memory as a
few more channels would take, whatever the horizon and the number of quantiles.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tsconv.data.panel.panel import Panel
from tsconv.data.timestamps.frequency import Steps
from tsconv.evaluation.metrics import SeriesScale, interval_levels
from tsconv.evaluation.observations import Observations
from tsconv.evaluation.scoring import ScoredBatch

# Sums by date and step of the horizon are kept up to this many, 120 MB.
_MOST_BY_STEP = 15_000_000


class StepErrors:
    """Absolute errors of the point forecast and of the simple forecasts, at the steps of a panel.

    Args:
        panel: that is scored, of N steps in all, T targets and H rows.
        scale: errors of several series are compared in units of their training deviation.
        quantiles: of the forecasts.
        baselines: keys of the simple forecasts, of which `rival` is the one to compare with, or
            None.
        horizon: steps of each forecast.
        later: (S,) steps from the first of a common grid to the first of each series.

    `by_origin` and `by_target` have an entry for each of the panel's N steps. `differential` sums,
    by the step of the common grid that forecasts were made at, by how much the error of the network
    exceeds that of a simple forecast: as a mean over the horizon, in units of each series' scale.
    `differential_by_step` keeps the steps of the horizon apart, for the rival alone; it is None
    where that would take much memory.
    """

    def __init__(
        self,
        panel: Panel,
        scale: SeriesScale,
        quantiles: tuple[float, ...],
        baselines: tuple[str, ...],
        rival: str | None,
        horizon: int,
        later: Steps,
    ) -> None:
        shape = (len(panel.values), len(panel.targets), panel.n_rows)
        self.rival = rival
        self.interval = next(iter(interval_levels(quantiles).items()), None)
        if 80 in interval_levels(quantiles):
            self.interval = (80, interval_levels(quantiles)[80])
        self.by_origin = {name: torch.full(shape, torch.nan) for name in ("ours", "rival")}
        names = ("points", "ours", "rival", "inside", "error")
        self.by_target = {name: torch.zeros(shape) for name in names}
        self.inverse = torch.where(scale.std > 0, 1 / scale.std, 0)  # (S, T, H)
        self.indptr, self.later = panel.indptr.cpu(), torch.from_numpy(later)
        n_times = int((self.later + panel.lengths.cpu()).max()) if len(panel) else 0
        self.differential = {key: torch.zeros(n_times, dtype=torch.float64) for key in baselines}
        self.pairs = torch.zeros(n_times, dtype=torch.float64)
        self.differential_by_step: Tensor | None = None
        self.pairs_by_step: Tensor | None = None
        if rival is not None and n_times * horizon <= _MOST_BY_STEP:
            self.differential_by_step = torch.zeros(n_times, horizon)
            self.pairs_by_step = torch.zeros(n_times, horizon)

    def __call__(self, scored: ScoredBatch) -> None:
        """Add a batch that was scored."""
        found = scored.forecasts
        for part, seen in found.observed.pieces():
            levels, point = [v[..., part, :] for v in found.levels], found.point[..., part, :]
            simple = {key: v[..., part, :] for key, v in scored.simple.items()}
            first = found.batch.first.cpu() + found.stride * part.start
            self._add(levels, point, simple, seen, first, found.stride)

    def add(self, other: StepErrors) -> None:
        """Add what another one of the same panel has summed, from other origins."""
        for name, value in other.by_origin.items():
            mine = self.by_origin[name]
            self.by_origin[name] = torch.where(value.isnan(), mine, value)
        for name, value in other.by_target.items():
            self.by_target[name] += value
        for key, value in other.differential.items():
            self.differential[key] += value
        self.pairs += other.pairs
        if self.differential_by_step is not None and other.differential_by_step is not None:
            self.differential_by_step += other.differential_by_step
        if self.pairs_by_step is not None and other.pairs_by_step is not None:
            self.pairs_by_step += other.pairs_by_step

    def _add(
        self,
        levels: list[Tensor],
        point: Tensor,
        simple: dict[str, Tensor],
        seen: Observations,
        begin: Tensor,
        stride: int,
    ) -> None:
        """Add some origins of a batch; begin: (B,) the step of the first."""
        series = seen.series.cpu()
        first = self.indptr[series] + begin  # (B,) where in the panel
        error = seen.error(point)
        points = seen.mask.float()
        summed = {"error": error.float(), "points": points}
        sizes = {"ours": error.abs_()}
        sizes |= {key: seen.error(forecast).abs_() for key, forecast in simple.items()}
        count = seen.mask.sum(-1, dtype=torch.int32)  # (B, T, H, O)
        means = {key: size.sum(-1) / count for key, size in sizes.items()}  # NaN for nothing
        self._add_by_origin(means, first, stride)
        summed["ours"] = sizes["ours"].float()
        if self.rival is not None:
            summed["rival"] = sizes[self.rival].float()
        if self.interval is not None:
            low, high = (levels[q] for q in self.interval[1])
            inside = seen.mask & (low <= seen.values) & (seen.values <= high)
            summed["inside"] = inside.float()
        self._add_by_target(summed, first, stride)
        inverse = self.inverse.to(count.device)[seen.series].unsqueeze(-1)  # (B, T, H, 1)
        steps = stride * torch.arange(count.shape[-1])
        at = ((self.later[series] + begin)[:, None] + steps).clamp_max(max(0, len(self.pairs) - 1))
        self._add_differentials(means, (count > 0) & (inverse > 0), inverse, at)  # at: (B, O)
        if self.rival is not None and self.differential_by_step is not None:
            further = (sizes["ours"] - sizes[self.rival]).float() * inverse.unsqueeze(-1).float()
            self._add_by_step(further, points * (inverse > 0).unsqueeze(-1), at)

    def _add_by_origin(self, means: dict[str, Tensor], first: Tensor, stride: int) -> None:
        some = next(iter(means.values()))
        steps = stride * torch.arange(some.shape[-1])
        known = ~some.isnan().movedim(-1, 1)  # (B, O, T, H)
        counted = known.flatten(2).any(-1).cpu()
        at = (first[:, None] + steps)[counted]
        for name, key in (("ours", "ours"), ("rival", self.rival)):
            if key is not None:
                value = means[key].movedim(-1, 1).cpu()[counted]
                self.by_origin[name][at] = value.to(self.by_origin[name])

    def _add_by_target(self, summed: dict[str, Tensor], first: Tensor, stride: int) -> None:
        together = torch.cat([*summed.values()])  # (K * B, T, H, O, J): one loop for all
        total = torch.unflatten(sum_by_target(together, stride).cpu(), 0, (len(summed), -1))
        at = first[:, None] + 1 + torch.arange(total.shape[2])
        for name, value in zip(summed, total, strict=True):  # (B, L, T, H)
            into = self.by_target[name]
            into.index_add_(0, at.clamp_max(len(into) - 1).flatten(), value.flatten(0, 1))

    def _add_differentials(
        self, means: dict[str, Tensor], counted: Tensor, inverse: Tensor, at: Tensor
    ) -> None:
        """counted: (B, T, H, O); inverse: (B, T, H, 1); at: (B, O)."""
        for key, into in self.differential.items():
            further = torch.where(counted, (means["ours"] - means[key]) * inverse, 0)
            into.index_add_(0, at.flatten(), further.sum((1, 2)).flatten().to(into))
        self.pairs.index_add_(0, at.flatten(), counted.sum((1, 2)).flatten().to(self.pairs))

    def _add_by_step(self, further: Tensor, points: Tensor, at: Tensor) -> None:
        """further, points: (B, T, H, O, J)."""
        for into, value in (
            (self.differential_by_step, further),
            (self.pairs_by_step, points),
        ):
            if into is not None:
                rows = value.sum((1, 2)).flatten(0, 1).to(into)
                into.index_add_(0, at.flatten(), rows)

    def mean_differentials(self) -> dict[str, Tensor]:
        """By key (n_times,): the mean over all series of each date, NaN where none was scored."""
        return {key: total / self.pairs for key, total in self.differential.items()}

    def mean_differential_by_step(self) -> Tensor | None:
        """(horizon, n_times) the same for each step of the horizon, against the rival."""
        if self.differential_by_step is None or self.pairs_by_step is None:
            return None
        return (self.differential_by_step / self.pairs_by_step).T


def sum_by_target(value: Tensor, stride: int) -> Tensor:
    """Sum what was forecast for one step from several origins: (B, T, H, O, J) -> (B, L, T, H).

    The L steps begin with the one after the first origin. stride: steps between origins.

    >>> value = torch.tensor([[1.0, 2.0], [10.0, 20.0]]).view(1, 1, 1, 2, 2)
    >>> sum_by_target(value, stride=1).flatten()
    tensor([ 1., 12., 20.])
    """
    n_origins, horizon = value.shape[-2:]
    span = (n_origins - 1) * stride + 1
    by_step = value.transpose(-1, -2).contiguous()  # (B, T, H, J, O)
    out = value.new_zeros(*value.shape[:3], span + horizon - 1)
    for j in range(horizon):
        out[..., j : j + span : stride] += by_step[..., j, :]
    return out.movedim(-1, 1)
