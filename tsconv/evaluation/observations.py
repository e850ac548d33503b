"""Observations: what a batch of forecasts is compared with, prepared once for all forecasters."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor

_SMALLEST = torch.finfo(torch.float64).tiny
# Values of a piece: all that is computed of it stays in a core's cache.
_OF_PIECE = 1 << 18


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
        self._given = values

    @cached_property
    def values(self) -> Tensor:
        """(B, T, H, O, horizon) float64 less the offset, 0 where it does not count."""
        values = self._given.double()
        return values if self._all else torch.where(self.mask, values, 0)

    @cached_property
    def points(self) -> Tensor:
        """(B, T, H, horizon) values that count."""
        return self.mask.sum(-2, dtype=torch.int32).double()

    @cached_property
    def masked(self) -> Tensor:
        """(B, T, H, horizon) values that do not count."""
        return self.mask.shape[-2] - self.points

    @cached_property
    def origins(self) -> Tensor:
        """(B, T, H) origins with a value that counts."""
        return self.mask.any(-1).sum(-1).double()

    @cached_property
    def observed(self) -> Tensor:
        """(B, T, H, horizon) the sum of the sizes of the values that count."""
        return self._size.sum(-2)

    @cached_property
    def _all(self) -> bool:
        return bool(self.mask.all())

    @cached_property
    def _size(self) -> Tensor:
        size = (self.values + self.offset).abs()
        return size if self._all else torch.where(self.mask, size, 0)

    def pieces(self) -> Iterator[tuple[slice, Observations]]:
        """Some origins at a time, and which: as few as the processor works on without waiting."""
        n_origins = self.mask.shape[-2]
        of_origin = self.mask.numel() // max(1, n_origins)
        step = max(1, _OF_PIECE // max(1, of_origin))
        for begin in range(0, n_origins, step):
            part = slice(begin, begin + step)
            values, mask = self._given[..., part, :], self.mask[..., part, :]
            yield part, Observations(values, mask, self.series, self.offset)

    def error(self, forecast: Tensor) -> Tensor:
        """Observed minus forecast, 0 where it does not count: (B, T, H, O, horizon), float64."""
        error = self.values - forecast.double()
        return error if self._all else torch.where(self.mask, error, 0)

    def added_size(self, forecast: Tensor) -> Tensor:
        """|observed| + |forecast| in the units of the data, above 0: what sMAPE divides by."""
        size = (self._size + (forecast.double() + self.offset).abs_()).clamp_min_(_SMALLEST)
        return size if self._all else torch.where(self.mask, size, 1)
