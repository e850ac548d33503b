"""OriginRange: the forecast origins of each series that a part of a split holds."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class OriginRange:
    """For each series the origins first..last (inclusive) and `end`, the first step not to use.

    Steps are counted from the series' own start. A series with last < first has no origin here.
    With a `stride` of k only every k-th step from the first on is an origin.

    >>> one = OriginRange(torch.tensor([10]), torch.tensor([17]), torch.tensor([20]), stride=3)
    >>> one.counts, one.spans  # 10, 13 and 16; the steps from 10 to 17
    (tensor([3]), tensor([8]))
    """

    first: Tensor  # (S,) int64
    last: Tensor  # (S,) int64
    end: Tensor  # (S,) int64
    stride: int = 1  # steps from one origin to the next

    @property
    def spans(self) -> Tensor:
        """(S,) steps from the first origin to the last, both included."""
        return (self.last - self.first + 1).clamp_min(0)

    @property
    def counts(self) -> Tensor:
        """(S,) number of origins of each series."""
        return (self.spans + self.stride - 1) // self.stride

    def to(self, device: torch.device) -> OriginRange:
        """Return the same origins with their tensors on `device`."""
        return OriginRange(
            self.first.to(device), self.last.to(device), self.end.to(device), self.stride
        )
