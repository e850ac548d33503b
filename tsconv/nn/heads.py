"""Heads: from a state to forecasts. Point and quantiles here; quantiles cannot cross.

A head's output is in units of the origin's own spread, around its own mean; the linear branch's
centre is added to it. It comes as one tensor for each level: stacking them would cost a training
step several times what computing them does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.errors import ConfigError, require_positive
from tsconv.nn.rows import RowLinear


def check_quantiles(quantiles: Sequence[float]) -> tuple[float, ...]:
    """Return the levels as a tuple; they must rise strictly within (0, 1) and include 0.5."""
    levels = tuple(float(q) for q in quantiles)
    rising = all(a < b for a, b in pairwise(levels))
    if not levels or not rising or levels[0] <= 0 or levels[-1] >= 1 or 0.5 not in levels:
        raise ConfigError(
            f"`quantiles` (={list(levels)}) must rise strictly between 0 and 1 and include 0.5"
        )
    return levels


class PointHead(nn.Module):
    """One number a horizon step.

    (..., W, channels) and a centre (..., W, horizon) -> one (..., W, horizon). Where `rows` is
    separate or pooled, the state is (H, N, W, channels), see `RowLinear`.
    """

    quantiles: tuple[float, ...] = (0.5,)

    def __init__(
        self, channels: int, horizon: int, *, n_rows: int | None = None, rows: str = "shared"
    ) -> None:
        super().__init__()
        require_positive(channels=channels, horizon=horizon)
        self.project = RowLinear(channels, horizon, n_rows=n_rows, rows=rows)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)  # type: ignore[arg-type]

    def forward(
        self,
        state: Tensor,
        centre: Tensor,
        row_index: Tensor | None = None,
        spread: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """row_index: the number of each of the state's rows, see `RowParameters`; a point has no
        use for `spread`."""
        return (centre + self.project(state, row_index).to(centre.dtype),)


class QuantileHead(nn.Module):
    """Quantiles that cannot cross: the median, and positive steps away from it on either side.

    (..., W, channels) and a centre (..., W, horizon) -> Q tensors (..., W, horizon), each at least
    the one before. The median is centre plus its own output; each further level adds a softplus, so
    that they rise by construction and not by sorting (after Gasthaus et al. 2019, incremental
    quantiles).
    """

    def __init__(
        self,
        channels: int,
        horizon: int,
        quantiles: Sequence[float],
        *,
        n_rows: int | None = None,
        rows: str = "shared",
    ) -> None:
        super().__init__()
        require_positive(channels=channels, horizon=horizon)
        self.quantiles = check_quantiles(quantiles)
        self.middle = self.quantiles.index(0.5)
        self.horizon = horizon
        n = len(self.quantiles)
        self.project = RowLinear(channels, n * horizon, n_rows=n_rows, rows=rows)
        nn.init.zeros_(self.project.weight)
        # Starts as the quantiles of a normal of standard deviation 1/2 around the centre.
        levels = torch.tensor(self.quantiles, dtype=torch.float64)
        steps = torch.special.ndtri(levels).diff() / 2
        start = torch.zeros(n, dtype=torch.float64)
        raw = torch.log(torch.expm1(steps))  # softplus^-1
        start[: self.middle], start[self.middle + 1 :] = raw[: self.middle], raw[self.middle :]
        with torch.no_grad():
            bias = self.project.bias.view(-1, n * horizon)  # type: ignore[union-attr]
            bias.copy_(start.repeat_interleave(horizon))

    def forward(
        self,
        state: Tensor,
        centre: Tensor,
        row_index: Tensor | None = None,
        spread: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """row_index: the number of each of the state's rows, see `RowParameters`.

        spread: like the centre; widens or narrows all steps between quantiles, before the softplus.
        """
        raw = self.project(state, row_index).split(self.horizon, dim=-1)  # Q of (..., W, horizon)
        moved = [r.to(centre.dtype) for r in raw]
        if spread is not None:
            moved = [r + spread for r in moved]
        steps = [F.softplus(r) for r in moved]
        middle = centre + raw[self.middle].to(centre.dtype)
        below, above = [middle], [middle]
        for q in range(self.middle - 1, -1, -1):
            below.append(below[-1] - steps[q])
        for q in range(self.middle + 1, len(self.quantiles)):
            above.append(above[-1] + steps[q])
        return (*below[:0:-1], *above)
