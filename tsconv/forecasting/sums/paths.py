"""Sample paths: values at even levels of every step's forecast, in the order that templates give.

The samples of a step are its forecast distribution, whatever their order; the order makes paths of
them, whose errors come together as they did in past forecasts (see calibration/dependence.py).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from tsconv.calibration.dependence import Dependence, name_hash, places_of
from tsconv.calibration.knots import scores_of, segments
from tsconv.data.panel.panel import Panel
from tsconv.forecasting.forecast import Forecast

# Samples held at once; bounds memory, not results.
_VALUES_AT_ONCE = 4_000_000

# Samples (B, T, H, h, n) of the series (B,) of a panel -> the same within their bounds.
Limit = Callable[[Tensor, Tensor], Tensor]


def order_samples(levels: Tensor, quantiles: Sequence[float], keys: Tensor) -> Tensor:
    """Samples of forecasts, the n-th largest where the key is the n-th largest.

    levels: (..., Q) that do not cross, in float64. keys: (..., n). The samples (..., n) are the
    values at the levels 1/2n, 3/2n, ... of each forecast.

    >>> levels = torch.tensor([[8.0, 10.0, 12.0]], dtype=torch.float64)
    >>> order_samples(levels, [0.25, 0.5, 0.75], torch.tensor([[3.0, 1.0]]))
    tensor([[12.,  8.]], dtype=torch.float64)
    """
    n = keys.shape[-1]
    at, share = segments(scores_of([(i + 0.5) / n for i in range(n)]), quantiles)
    low, high = levels[..., at], levels[..., at + 1]
    values = low + share * (high - low)  # (..., n), rising
    order = torch.sort(keys, dim=-1, stable=True).indices
    return torch.empty_like(values).scatter_(-1, order, values)


@dataclasses.dataclass(frozen=True)
class SampleDraw:
    """Where each of n samples has its order from: the same for every series."""

    template: Tensor  # (n,) which of the N templates
    mirrored: Tensor  # (n,) bool: its mirror image
    further: Tensor  # (n,) how many places further stands the series that each takes it of


def draw_samples(dependence: Dependence, n: int, seed: int) -> SampleDraw:
    """Choose a template for each of n samples, each as often as the others, half of them mirrored.

    A share of the samples (`Dependence.donor_share`) takes the templates of other series. seed: the
    draw is a function of it, of n and of the dependence.

    >>> one = Dependence(torch.ones(2, 1, 1, 1, 3, dtype=torch.uint8), torch.arange(1), 0)
    >>> draw_samples(one, 4, seed=0).template.sort().values
    tensor([0, 0, 1, 1])
    """
    generator = np.random.default_rng([seed, n])
    n_templates, n_series = dependence.pit.shape[:2]
    order = generator.permutation(n)
    template = np.arange(n) * n_templates // n
    mirrored = np.arange(n) % 2 == 1
    further = np.zeros(n, dtype="int64")
    if n_series > 1:
        others = generator.permutation(n)[: round(dependence.donor_share * n)]
        further[others] = 1 + generator.permutation(max(n, n_series - 1))[: len(others)] % (
            n_series - 1
        )
    parts = (template[order], mirrored[order], further[order])
    return SampleDraw(*(torch.from_numpy(part) for part in parts))


@dataclasses.dataclass(frozen=True)
class SamplePaths:
    """n sample paths of every series of a forecast, made when they are asked for.

    The paths of a series depend on its forecast, its id, the seed and the dependence alone. Without
    a dependence, steps and series are independent.
    """

    forecast: Forecast
    quantiles: tuple[float, ...]  # of the forecast's values
    ids: tuple[str, ...]  # (S,) of the panel
    n: int
    seed: int = 0
    dependence: Dependence | None = None
    series: Tensor | None = None  # (S,) which of the dependence's series each takes, see `places`
    rows: Tensor | None = None  # (H,) which of its rows each row of the panel takes
    whole: bool = False  # whether values are whole numbers
    limit: Limit | None = None  # what keeps values within bounds

    def of(self, index: Tensor) -> Tensor:
        """The paths of some series of the forecast, (B,): (B, T, H, h, n), NaN without a forecast.

        They are in original units.
        """
        levels = self.forecast.values[index]
        series = self.forecast.series[index]
        values = order_samples(levels, self.quantiles, self._keys(series, levels.shape[1:4]))
        if self.whole:
            values = torch.ceil(values - 0.5)
        return values if self.limit is None else self.limit(values, series)

    def blocks(self, index: Tensor | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield some series of the forecast (B,), all by default, and their paths."""
        index = torch.arange(len(self.forecast.series)) if index is None else index
        of_series = self.forecast.values[:1, ..., 0].numel() * self.n
        for block in torch.split(index, max(1, _VALUES_AT_ONCE // max(1, of_series))):
            if len(block):
                yield block, self.of(block)

    def _keys(self, series: Tensor, shape: Sequence[int]) -> Tensor:
        """(B, T, H, h, n) by which the samples of each step are ordered; equal ones at random."""
        size = (*shape, self.n)
        keys = torch.empty(len(series), *size)
        for b, s in enumerate(series.tolist()):
            bits = np.random.Philox(key=[name_hash(self.ids[s]), self.seed])
            noise = np.random.Generator(bits).random(size, dtype=np.float32)
            keys[b] = torch.from_numpy(noise)
        if self.dependence is None:
            return keys
        draw, pit = draw_samples(self.dependence, self.n, self.seed), self.dependence.pit
        own = series if self.series is None else self.series[series]
        source = (own[:, None] + draw.further) % pit.shape[1]  # (B, n)
        rows = torch.arange(shape[1]) if self.rows is None else self.rows
        classes = pit[draw.template, source][..., : shape[0], :, : shape[2]][..., rows, :]
        classes = classes.movedim(1, -1).to(torch.int16)  # (B, T, H, h, n)
        return keys.add_(torch.where(draw.mirrored, 256 - classes, classes))


def sample_paths(
    forecast: Forecast,
    panel: Panel,
    quantiles: tuple[float, ...],
    dependence: Dependence | None,
    trained: Sequence[str] = (),
    trained_rows: Sequence[str] = (),
    *,
    n: int = 200,
    seed: int = 0,
    whole: bool = False,
    limit: Limit | None = None,
) -> SamplePaths:
    """The sample paths of a forecast of a panel, with the dependence of the training.

    quantiles: of the forecast's values, which do not cross. trained, trained_rows: the ids and rows
    of the training, in order, by which series and rows find their templates. n: samples; seed: they
    are a function of it. whole: whether values are whole numbers; limit: keeps them in bounds. A
    dependence of more or fewer targets, or of fewer steps, than the forecast is refused by
    ValueError.
    """
    series = rows = None
    if dependence is not None:
        _, targets, _, horizon, _ = forecast.values.shape
        if dependence.pit.shape[2] != targets or dependence.pit.shape[4] < horizon:
            raise ValueError(
                f"the dependence is of {dependence.pit.shape[2]} targets and "
                f"{dependence.pit.shape[4]} steps, the forecast of {targets} and {horizon}"
            )
        series = dependence.places(panel.ids, trained)
        rows = places_of(panel.rows, trained_rows) if panel.rows else torch.zeros(1).long()
    return SamplePaths(
        forecast, quantiles, panel.ids, n, seed, dependence, series, rows, whole, limit
    )
