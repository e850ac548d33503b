"""OriginRange: the forecast origins of each series that a part of a split holds."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class OriginRange:
    """For each series the origins first..last (inclusive) and `end`, the first step not to use.

    Steps are counted from the series' own start. A series with last < first has no origin here.
    """

    first: Tensor  # (S,) int64
    last: Tensor  # (S,) int64
    end: Tensor  # (S,) int64

    @property
    def counts(self) -> Tensor:
        """(S,) number of origins of each series."""
        return (self.last - self.first + 1).clamp_min(0)

    def to(self, device: torch.device) -> OriginRange:
        """Return the same origins with their tensors on `device`."""
        return OriginRange(self.first.to(device), self.last.to(device), self.end.to(device))
