"""Errors of forecasts, summed over dense origins and reduced at the end.

Sums rather than means, so that batches, ranks and series can be added in any order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from tsconv.evaluation.losses import pinball

METRIC_NAMES = (
    "mse", "mae", "rmse", "smape", "mase", "wql", "coverage_80",
    "scaled_mse", "scaled_mae", "n_origins",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class SeriesScale:
    """Per series, target and row, from the training part: what errors are divided by."""

    mean: Tensor  # (S, T, H)
    std: Tensor  # (S, T, H) population standard deviation
    naive: Tensor  # (S, T, H) in-sample seasonal naive error, the scale of MASE


class MetricSums:
    """Accumulates forecasts against observations, by series, target and row.

    `quantiles` are the levels of the forecasts' last axis; the median is the point forecast.
    """

    def __init__(self, scale: SeriesScale, quantiles: Sequence[float]) -> None:
        self.scale = scale
        self.quantiles = tuple(quantiles)
        self.middle = self.quantiles.index(0.5)
        zeros = torch.zeros_like(scale.std, dtype=torch.float64)
        names = (
            "points",
            "origins",
            "square",
            "absolute",
            "symmetric",
            "observed",
            "pinball",
            "inside",
        )
        self.sums = {name: zeros.clone() for name in names}

    def add(self, forecast: Tensor, observed: Tensor, mask: Tensor, series: Tensor) -> None:
        """forecast: (B, T, H, O, h, Q); observed, mask: (B, T, H, O, h); series: (B,)."""
        mask = mask.bool()
        forecast, observed = forecast.double(), observed.double()
        point = forecast[..., self.middle]
        error = torch.where(mask, observed - point, 0)
        size = observed.abs() + point.abs()
        loss = sum(
            (pinball(observed - forecast[..., q], level) for q, level in enumerate(self.quantiles)),
            start=torch.zeros_like(error),
        )
        terms = {
            "points": mask.double(),
            "square": error.square(),
            "absolute": error.abs(),
            "symmetric": 2 * error.abs() / torch.where(size > 0, size, 1),
            "observed": torch.where(mask, observed.abs(), 0),
            "pinball": torch.where(mask, 2 * loss / len(self.quantiles), 0),
            "inside": (mask & self._inside(forecast, observed)).double(),
        }
        for name, term in terms.items():
            self._sum_into(name, term.sum((-1, -2)), series)
        self._sum_into("origins", mask.any(-1).sum(-1).double(), series)

    def _inside(self, forecast: Tensor, observed: Tensor) -> Tensor:
        levels = self.quantiles
        if 0.1 not in levels or 0.9 not in levels:
            return torch.zeros_like(observed, dtype=torch.bool)
        low, high = forecast[..., levels.index(0.1)], forecast[..., levels.index(0.9)]
        return (low <= observed) & (observed <= high)

    def _sum_into(self, name: str, value: Tensor, series: Tensor) -> None:
        self.sums[name].index_add_(0, series.to(self.sums[name].device), value.to(self.sums[name]))

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

    def result(self) -> dict[str, float | int | None]:
        """All keys of metrics.json; None where a figure is not defined (no interval, no scale)."""
        total = {name: float(value.sum()) for name, value in self.sums.items()}
        count = total["points"]
        if count == 0:
            return dict.fromkeys(METRIC_NAMES) | {"n_origins": 0}
        mse, mae = total["square"] / count, total["absolute"] / count
        has_interval = 0.1 in self.quantiles and 0.9 in self.quantiles
        return {
            "mse": mse,
            "mae": mae,
            "rmse": mse**0.5,
            "smape": 100 * total["symmetric"] / count,
            "mase": self._mase(),
            "wql": total["pinball"] / total["observed"] if total["observed"] else None,
            "coverage_80": total["inside"] / count if has_interval else None,
            "scaled_mse": self._scaled("square", 2),
            "scaled_mae": self._scaled("absolute", 1),
            "n_origins": int(total["origins"]),
        }

    def _scaled(self, name: str, power: int) -> float | None:
        """Mean error of the series that have a spread, in units of their training deviation."""
        used = (self.scale.std > 0) & (self.sums["points"] > 0)
        if not used.any():
            return None
        error = self.sums[name][used] / self.scale.std[used] ** power
        return float(error.sum() / self.sums["points"][used].sum())

    def _mase(self) -> float | None:
        """Mean over series of MAE / in-sample seasonal naive error, where a series has one."""
        used = (self.scale.naive > 0) & (self.sums["points"] > 0)
        if not used.any():
            return None
        mae = self.sums["absolute"][used] / self.sums["points"][used]
        return float((mae / self.scale.naive[used]).mean())
