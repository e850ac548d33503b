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
    "mse", "mae", "rmse", "smape", "mase", "rmsse", "wape", "bias", "wql", "crps",
    "coverage_80", "width_80", "scaled_mse", "scaled_mae", "n_origins",
)  # fmt: skip
AXES = ("series", "target", "row", "step")
_SUMS = ("points", "origins", "square", "absolute", "symmetric", "error", "observed")
# By quantile level: observed minus forecast, the part of it below 0, and how many observations
# are below the forecast and at most the forecast.
_LEVEL_SUMS = ("miss", "negative", "below", "at_most")

Figures = dict[str, float | int | None]


@dataclasses.dataclass(frozen=True)
class SeriesScale:
    """Per series, target and row, from the training part: what errors are divided by."""

    mean: Tensor  # (S, T, H)
    std: Tensor  # (S, T, H) population standard deviation
    naive: Tensor  # (S, T, H) in-sample seasonal naive error, the scale of MASE; 0 for none
    naive_square: Tensor  # (S, T, H) its mean square, the scale of RMSSE; 0 for none


def interval_levels(quantiles: Sequence[float]) -> dict[int, tuple[int, int]]:
    """The central intervals of some quantiles: per cent -> the positions of their two ends.

    >>> interval_levels((0.1, 0.25, 0.5, 0.9))
    {80: (0, 3)}
    """
    found = {}
    for i, low in enumerate(quantiles):
        for j, high in enumerate(quantiles):
            if low < high and abs(low + high - 1) < 1e-9:
                found[round(100 * (high - low))] = (i, j)
    return dict(sorted(found.items(), reverse=True))


class MetricSums:
    """Accumulates forecasts against observations, by series, target and row.

    `quantiles` are the levels of the forecasts; the median is the point forecast, unless another
    one comes with them. horizon: steps, to keep the sums of each apart; None: all steps in one.
    """

    def __init__(
        self, scale: SeriesScale, quantiles: Sequence[float], horizon: int | None = None
    ) -> None:
        self.scale = scale
        self.quantiles = tuple(quantiles)
        self.middle = self.quantiles.index(0.5)
        self.intervals = interval_levels(self.quantiles)
        self.by_step = horizon is not None
        shape = (*scale.std.shape, horizon or 1)  # (S, T, H, J)
        self.sums = {name: torch.zeros(shape, dtype=torch.float64) for name in _SUMS}
        self.sums["origins"] = torch.zeros(*shape[:3], 1, dtype=torch.float64)
        self.of_levels = {
            name: torch.zeros(len(self.quantiles), *shape, dtype=torch.float64)
            for name in _LEVEL_SUMS
        }

    def add(
        self, levels: Sequence[Tensor], seen: Observations, point: Tensor | None = None
    ) -> None:
        """Add a batch of forecasts.

        levels: one tensor for each quantile, (B, T, H, O, horizon), or (B, T, H, O, 1) for the same
        value at every step; in the units and around the offset of `seen`. point: the forecast that
        errors are taken of; None: the median.
        """
        masked = seen.masked if self.by_step else seen.masked.sum(-1, keepdim=True)
        found: dict[str, list[Tensor]] = {name: [] for name in _LEVEL_SUMS}
        median = levels[self.middle]
        point = median if point is None else point
        error = seen.error(point)
        for q, forecast in enumerate(levels):
            is_point = q == self.middle and point is median
            miss = error if is_point else seen.error(forecast)
            found["miss"].append(self._over_origins(miss))
            found["negative"].append(self._over_origins(miss.clamp_max(0)))
            found["below"].append(self._count(miss < 0))
            found["at_most"].append(self._count(miss <= 0) - masked)  # where masked, it is 0
        at = seen.series.to(self.sums["points"].device)
        for name, parts in found.items():
            self.of_levels[name].index_add_(1, at, torch.stack(parts).to(self.of_levels[name]))
        self._add("error", self._over_origins(error), at)
        self._add("square", self._over_origins(error * error), at)
        size = error.abs_()
        self._add("absolute", self._over_origins(size), at)
        symmetric = size.div_(seen.added_size(point))
        self._add("symmetric", 2 * self._over_origins(symmetric), at)
        for name in ("points", "observed"):
            value = getattr(seen, name)  # (B, T, H, horizon)
            self._add(name, value if self.by_step else value.sum(-1, keepdim=True), at)
        self._add("origins", seen.origins.unsqueeze(-1), at)

    def _over_origins(self, v: Tensor) -> Tensor:
        """(B, T, H, O, J) -> (B, T, H, J), or (B, T, H, 1) where steps are not kept apart."""
        return v.sum(-2) if self.by_step else v.sum((-1, -2)).unsqueeze(-1)

    def _count(self, flags: Tensor) -> Tensor:
        """As `_over_origins`, of flags; 32 bits are fast, and enough for a batch."""
        if self.by_step:
            return flags.sum(-2, dtype=torch.int32)
        return flags.sum((-1, -2), dtype=torch.int32).unsqueeze(-1)

    def _add(self, name: str, value: Tensor, at: Tensor) -> None:
        self.sums[name].index_add_(0, at, value.to(self.sums[name]))

    def tensors(self) -> list[Tensor]:
        """All sums, for what adds them up over ranks."""
        return [*self.sums.values(), *self.of_levels.values()]

    def add_sums(self, other: MetricSums) -> None:
        """Add what another one of the same series and quantiles has summed."""
        for ours, theirs in zip(self.tensors(), other.tensors(), strict=True):
            ours += theirs

    def part(self, target: int | None = None, row: int | None = None) -> MetricSums:
        """The sums of one target or one row alone; both where both are given."""
        index = (
            slice(None),
            slice(None) if target is None else slice(target, target + 1),
            slice(None) if row is None else slice(row, row + 1),
        )
        fields = [field.name for field in dataclasses.fields(SeriesScale)]
        scale = SeriesScale(*(getattr(self.scale, k)[index] for k in fields))
        part = MetricSums(scale, self.quantiles, self.sums["points"].shape[-1])
        part.by_step = self.by_step
        part.sums = {name: value[index] for name, value in self.sums.items()}
        part.of_levels = {name: v[(slice(None), *index)] for name, v in self.of_levels.items()}
        return part

    @property
    def scored(self) -> Tensor:
        """(S, T, H) whether anything of a series, target and row was scored."""
        return self.sums["points"].sum(-1) > 0

    @property
    def pinball(self) -> Tensor:
        """(S, T, H, J) sums over levels and points of the mean of twice the pinball loss."""
        q = torch.tensor(self.quantiles, dtype=torch.float64).view(-1, 1, 1, 1, 1)
        # max(level * e, (level - 1) * e) is level * e - min(e, 0)
        total = (q * self.of_levels["miss"] - self.of_levels["negative"]).sum(0)
        return 2 / len(self.quantiles) * total

    @property
    def mase_left_out(self) -> int:
        """How many of `scored` have no naive error to divide by, and are not in `mase`."""
        return int((self.scored & ~(self.scale.naive > 0)).sum())

    def result(self) -> Figures:
        """All of METRIC_NAMES; None where a figure is not defined (no interval, no scale)."""
        return self.reduced()[0]

    def by_target(self) -> list[Figures]:
        """The result of each target alone."""
        return self.reduced("target")

    def by_row(self) -> list[Figures]:
        """The result of each row alone."""
        return self.reduced("row")

    def reduced(self, *keep: str) -> list[Figures]:
        """METRIC_NAMES, and each interval's coverage and width, for each place on the axes kept.

        keep: some of AXES, the others are summed over; places are in the order of AXES.
        """
        columns = self.columns(*keep)
        lists = {
            name: torch.where(column.isfinite(), column, torch.nan).tolist()
            for name, column in columns.items()
        }
        return [
            {name: _plain(name, column[i]) for name, column in lists.items()}
            for i in range(len(columns["n_origins"]))
        ]

    def columns(self, *keep: str) -> dict[str, Tensor]:
        """The figures of `reduced` as flat tensors, not finite where a figure is not defined."""
        dims = tuple(i for i, axis in enumerate(AXES) if axis not in keep)

        def total(value: Tensor) -> Tensor:
            return (value.sum(dims) if dims else value).reshape(-1)

        sums = {name: total(value) for name, value in self.sums.items() if name != "origins"}
        count, pinball = sums["points"], total(self.pinball)
        mse = sums["square"] / count
        figures = {
            "mse": mse,
            "mae": sums["absolute"] / count,
            "rmse": mse.sqrt(),
            "smape": 100 * sums["symmetric"] / count,
            "mase": self._over_series("absolute", self.scale.naive, keep),
            "rmsse": self._over_series("square", self.scale.naive_square, keep, root=True),
            "wape": sums["absolute"] / sums["observed"],
            "bias": -sums["error"] / count,
            "wql": pinball / sums["observed"],
            "crps": pinball / count,
            "coverage_80": torch.full_like(mse, torch.nan),
            "width_80": torch.full_like(mse, torch.nan),
            "scaled_mse": self._scaled("square", 2, dims),
            "scaled_mae": self._scaled("absolute", 1, dims),
        }
        for size, (low, high) in self.intervals.items():
            inside = self.of_levels["at_most"][high] - self.of_levels["below"][low]
            width = self.of_levels["miss"][low] - self.of_levels["miss"][high]
            figures[f"coverage_{size}"] = total(inside) / count
            figures[f"width_{size}"] = total(width) / count
        origins = self.sums["origins"].expand_as(self.sums["points"])
        if "step" not in keep:
            origins = self.sums["origins"]
        return {
            **{name: torch.where(count > 0, v, torch.nan) for name, v in figures.items()},
            "n_origins": total(origins),
        }

    def quantile_coverage(self) -> list[float | None]:
        """For each level the share of observations at most its forecast, over everything."""
        count = self.sums["points"].sum()
        if count == 0:
            return [None] * len(self.quantiles)
        return [float(v.sum() / count) for v in self.of_levels["at_most"]]

    def _scaled(self, name: str, power: int, dims: tuple[int, ...]) -> Tensor:
        """Mean error of the series that have a spread, in units of their training deviation."""
        std = self.scale.std.unsqueeze(-1)
        used = (std > 0) & (self.sums["points"] > 0)
        error = torch.where(used, self.sums[name] / std**power, 0)
        points = torch.where(used, self.sums["points"], 0)
        if dims:
            error, points = error.sum(dims), points.sum(dims)
        return (error / points).reshape(-1)

    def _over_series(
        self, name: str, scale: Tensor, keep: tuple[str, ...], root: bool = False
    ) -> Tensor:
        """Mean over series, targets and rows of an error in units of a scale, where it has one."""
        error, points, scale = self.sums[name], self.sums["points"], scale.unsqueeze(-1)
        if "step" not in keep:
            error, points = error.sum(-1, keepdim=True), points.sum(-1, keepdim=True)
        used = (scale > 0) & (points > 0)
        each = torch.where(used, error / points / scale, 0)
        each = each.sqrt() if root else each
        dims = tuple(i for i, axis in enumerate(AXES[:3]) if axis not in keep)
        if not dims:
            return torch.where(used, each, torch.nan).reshape(-1)
        return (each.sum(dims) / used.sum(dims)).reshape(-1)


def _plain(name: str, value: float) -> float | int | None:
    if value != value:
        return None
    return int(value) if name == "n_origins" else value
