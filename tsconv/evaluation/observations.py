"""Observations: what a batch of forecasts is compared with, prepared once for all forecasters."""

from __future__ import annotations

import torch
from torch import Tensor

_SMALLEST = torch.finfo(torch.float64).tiny


class Observations:
    """The observed values after each origin of a batch, and which of them count.

    Values stand less the offset of their series, as networks see them, so that an error of a
    series far from zero keeps its digits. What does not depend on a forecast is summed here.

    Args:
        values: (B, T, H, O, horizon) less `offset`; whatever stands where the mask is 0.
        mask: the same shape, 1 where a value counts.
        series: (B,) the number of each series.
        offset: (B, T, H, 1, 1); None: 0.

    >>> values = torch.tensor([1.0, 4.0]).view(1, 1, 1, 1, 2)
    >>> seen = Observations(values, torch.ones_like(values), torch.tensor([0]))
    >>> seen.error(3 * torch.ones(1, 1, 1, 1, 1)).flatten()  # one forecast for both steps
    tensor([-2.,  1.], dtype=torch.float64)
    """

    def __init__(
        self, values: Tensor, mask: Tensor, series: Tensor, offset: Tensor | None = None
    ) -> None:
        self.mask, self.series = mask.bool(), series
        self.offset = values.new_zeros(1, dtype=torch.float64) if offset is None else offset
        self._all = bool(self.mask.all())
        values = values.double()
        self.values = values if self._all else torch.where(self.mask, values, 0)
        size = (self.values + self.offset).abs()
        self._size = size if self._all else torch.where(self.mask, size, 0)
        self.points = self.mask.sum(-2).double()  # (B, T, H, horizon) values that count
        self.masked = self.mask.shape[-2] - self.points  # (B, T, H, horizon) those that do not
        self.origins = self.mask.any(-1).sum(-1).double()  # (B, T, H) origins with a value
        self.observed = self._size.sum(-2)  # (B, T, H, horizon) the sum of their sizes

    def error(self, forecast: Tensor) -> Tensor:
        """Observed minus forecast, 0 where it does not count: (B, T, H, O, horizon), float64."""
        error = self.values - forecast.double()
        return error if self._all else torch.where(self.mask, error, 0)

    def added_size(self, forecast: Tensor) -> Tensor:
        """|observed| + |forecast| in the units of the data, above 0: what sMAPE divides by."""
        size = (self._size + (forecast.double() + self.offset).abs()).clamp_min_(_SMALLEST)
        return size if self._all else torch.where(self.mask, size, 1)
