"""Errors of forecasts, summed over dense origins and reduced at the end.

Sums rather than means, so that batches, ranks and series can be added in any order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from tsconv.evaluation.observations import Observations

METRIC_NAMES = (
    "mse", "mae", "rmse", "smape", "mase", "wql", "coverage_80",
    "scaled_mse", "scaled_mae", "n_origins",
)  # fmt: skip
_SUMS = (
    "points", "origins", "square", "absolute", "symmetric", "observed", "pinball", "inside",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class SeriesScale:
    """Per series, target and row, from the training part: what errors are divided by."""

    mean: Tensor  # (S, T, H)
    std: Tensor  # (S, T, H) population standard deviation
    naive: Tensor  # (S, T, H) in-sample seasonal naive error, the scale of MASE; 0 for none


class MetricSums:
    """Accumulates forecasts against observations, by series, target and row.

    `quantiles` are the levels of the forecasts; the median is the point forecast.
    """

    def __init__(self, scale: SeriesScale, quantiles: Sequence[float]) -> None:
        self.scale = scale
        self.quantiles = tuple(quantiles)
        self.middle = self.quantiles.index(0.5)
        zeros = torch.zeros_like(scale.std, dtype=torch.float64)
        self.sums = {name: zeros.clone() for name in _SUMS}

    def add(self, levels: Sequence[Tensor], seen: Observations) -> None:
        """Add a batch of forecasts.

        levels: one tensor for each quantile, (B, T, H, O, horizon), or (B, T, H, O, 1) for the same
        value at every step; in the units and around the offset of `seen`.
        """
        point = levels[self.middle]
        error = seen.error(point)
        self._add("square", torch.einsum("bthoj,bthoj->bth", error, error), seen)
        pinball = torch.zeros_like(seen.points)
        for level, forecast in zip(self.quantiles, levels, strict=True):
            miss = error if forecast is point else seen.error(forecast)
            # max(level * e, (level - 1) * e) is level * e - min(e, 0)
            pinball += level * miss.sum((-1, -2)) - miss.clamp_max(0).sum((-1, -2))
        size = error.abs_()
        self._add("absolute", size.sum((-1, -2)), seen)
        self._add("pinball", 2 / len(levels) * pinball, seen)
        self._add("symmetric", 2 * size.div_(seen.added_size(point)).sum((-1, -2)), seen)
        if self._has_interval:
            low, high = (levels[self.quantiles.index(q)] for q in (0.1, 0.9))
            inside = seen.mask & (low <= seen.values) & (seen.values <= high)
            self._add("inside", inside.sum((-1, -2)), seen)
        for name in ("points", "observed", "origins"):
            self._add(name, getattr(seen, name), seen)

    @property
    def _has_interval(self) -> bool:
        return 0.1 in self.quantiles and 0.9 in self.quantiles

    def _add(self, name: str, value: Tensor, seen: Observations) -> None:
        into = self.sums[name]
        into.index_add_(0, seen.series.to(into.device), value.to(into))

    def part(self, target: int | None = None, row: int | None = None) -> MetricSums:
        """The sums of one target or one row alone; both where both are given."""
        index = (
            slice(None),
            slice(None) if target is None else slice(target, target + 1),
            slice(None) if row is None else slice(row, row + 1),
        )
        scale = SeriesScale(*(getattr(self.scale, k)[index] for k in ("mean", "std", "naive")))
        part = MetricSums(scale, self.quantiles)
        part.sums = {name: value[index] for name, value in self.sums.items()}
        return part

    @property
    def scored(self) -> Tensor:
        """(S, T, H) whether anything of a series, target and row was scored."""
        return self.sums["points"] > 0

    @property
    def mase_left_out(self) -> int:
        """How many of `scored` have no naive error to divide by, and are not in `mase`."""
        return int((self.scored & ~(self.scale.naive > 0)).sum())

    def result(self) -> dict[str, float | int | None]:
        """All of METRIC_NAMES; None where a figure is not defined (no interval, no scale)."""
        return self._reduced((0, 1, 2))[0]

    def by_target(self) -> list[dict[str, float | int | None]]:
        """The result of each target alone."""
        return self._reduced((0, 2))

    def by_row(self) -> list[dict[str, float | int | None]]:
        """The result of each row alone."""
        return self._reduced((0, 1))

    def _reduced(self, dims: tuple[int, ...]) -> list[dict[str, float | int | None]]:
        """METRIC_NAMES over some of the axes (S, T, H), for each place on the others."""
        total = {name: value.sum(dims).reshape(-1) for name, value in self.sums.items()}
        count = total["points"]
        mse = total["square"] / count
        inside = total["inside"] / count
        figures = {
            "mse": mse,
            "mae": total["absolute"] / count,
            "rmse": mse.sqrt(),
            "smape": 100 * total["symmetric"] / count,
            "mase": self._mase(dims),
            "wql": total["pinball"] / total["observed"],
            "coverage_80": inside if self._has_interval else torch.full_like(inside, torch.nan),
            "scaled_mse": self._scaled("square", 2, dims),
            "scaled_mae": self._scaled("absolute", 1, dims),
        }
        columns = {
            name: torch.where(figure.isfinite() & (count > 0), figure, torch.nan).tolist()
            for name, figure in figures.items()
        }
        origins = total["origins"].tolist()
        return [
            {
                name: None if column[i] != column[i] else column[i]
                for name, column in columns.items()
            }
            | {"n_origins": int(origins[i])}
            for i in range(len(origins))
        ]

    def _scaled(self, name: str, power: int, dims: tuple[int, ...]) -> Tensor:
        """Mean error of the series that have a spread, in units of their training deviation."""
        used = (self.scale.std > 0) & self.scored
        error = torch.where(used, self.sums[name] / self.scale.std**power, 0).sum(dims)
        return (error / torch.where(used, self.sums["points"], 0).sum(dims)).reshape(-1)

    def _mase(self, dims: tuple[int, ...]) -> Tensor:
        """Mean over series of MAE / in-sample seasonal naive error, where a series has one."""
        used = (self.scale.naive > 0) & self.scored
        mae = self.sums["absolute"] / self.sums["points"]
        each = torch.where(used, mae / self.scale.naive, 0)
        return (each.sum(dims) / used.sum(dims)).reshape(-1)
