"""Trailing means and slopes as features: factored filters that look back and skip gaps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tsconv.nn.factored import FactoredFilter, gaussian


class TrailingFilters(nn.Module):
    """Means and slopes of what was observed, under Gaussian weights that look back alone.

    A factored filter of one axis in its causal form. The mean divides by the weights of the
    observed steps; the slope counts a missing step as that mean, so that it says nothing.
    """

    def __init__(self, smooth: Sequence[float], slope: Sequence[float]) -> None:
        super().__init__()
        means = [_trailing(sigma, 0) for sigma in (*smooth, *slope)]
        self.means = nn.ModuleList(means)
        self.slopes = nn.ModuleList(_trailing(sigma, 1) for sigma in slope)
        self.n_smooth = len(smooth)
        # Steps before the current one that the longest filter sees.
        self.history = max((f.reach(-1)[0] for f in means), default=0)

    def forward(self, z: Tensor, seen: Tensor) -> list[Tensor]:
        """z, seen: (B, history + W), z = 0 where unseen. Returns a (B, W) for each filter."""
        width = z.shape[1] - self.history

        def last(f: nn.Module, x: Tensor) -> Tensor:
            out: Tensor = f(x)  # the filters return the inner part alone
            return out[:, -width:]

        means = []
        for f in self.means:
            weight = last(f, seen)
            means.append(last(f, z) * torch.where(weight > 0, 1 / weight, 0))
        slopes = [
            last(f, z) - mean * last(f, seen)
            for f, mean in zip(self.slopes, means[self.n_smooth :], strict=True)
        ]
        return means[: self.n_smooth] + slopes


def _trailing(sigma: float, order: int) -> FactoredFilter:
    taps = gaussian(sigma, order=order, causal=True).float()
    return FactoredFilter([taps], border="valid", causal=True)
