"""Heads: from the network's state to a point forecast, or to quantiles that cannot cross.

A head returns one tensor for each level, around a centre that it is given. Stacking the tensors
would take a training step several times as long as computing them.
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
    """Return quantile levels as a tuple of floats.

    Raises ConfigError unless they rise strictly between 0 and 1 and include 0.5.

    >>> check_quantiles([0.1, 0.5, 0.9])
    (0.1, 0.5, 0.9)
    """
    levels = tuple(float(q) for q in quantiles)
    rising = all(a < b for a, b in pairwise(levels))
    if not levels or not rising or levels[0] <= 0 or levels[-1] >= 1 or 0.5 not in levels:
        raise ConfigError(
            f"`quantiles` (={list(levels)}) must rise strictly between 0 and 1 and include 0.5"
        )
    return levels


class PointHead(nn.Module):
    """Forecast one number for each horizon step: the centre plus a linear map of the state.

    A state (..., W, channels) and a centre (..., W, horizon) -> a tuple of one (..., W, horizon).
    The linear map starts at zero, so that an untrained head returns the centre.

    Args:
        channels: size of the state's last axis.
        horizon: steps ahead.
        n_rows: rows of the family, H; needed unless rows share the map.
        rows: `shared`, `separate` or `pooled`, see `RowwiseConv1d`; in the last two cases the state
            is (H, N, W, channels).

    Raises:
        ConfigError: a size below 1, an unknown `rows`, or `n_rows` is missing.

    Examples:
        >>> import torch
        >>> head = PointHead(4, horizon=2)
        >>> (forecast,) = head(torch.randn(1, 1, 4), centre=torch.tensor([[[10.0, 11]]]))
        >>> forecast.tolist()  # before training
        [[[10.0, 11.0]]]
    """

    quantiles: tuple[float, ...] = (0.5,)

    def __init__(
        self, channels: int, horizon: int, *, n_rows: int | None = None, rows: str = "shared"
    ) -> None:
        super().__init__()
        require_positive(channels=channels, horizon=horizon)
        self.project = RowLinear(channels, horizon, n_rows=n_rows, rows=rows)
        self.project.zero_filters()

    def forward(
        self,
        state: Tensor,
        centre: Tensor,
        row_index: Tensor | None = None,
        spread: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Forecast from a state and a centre, see the class.

        row_index: the number of each of the state's rows, see `RowParameters.of_rows`; spread: as
        `QuantileHead`'s, not used here.
        """
        return (centre + self.project(state, row_index).to(centre.dtype),)


class QuantileHead(nn.Module):
    """Forecast quantiles that cannot cross: a median, and positive steps away from it.

    A state (..., W, channels) and a centre (..., W, horizon) -> a tuple of Q tensors
    (..., W, horizon), each at least the one before. The median is the centre plus a linear map of
    the state; each further level adds a softplus of another, so that levels rise by construction.
    An untrained head returns the quantiles of a normal distribution of standard deviation 1/2
    around the centre. Source: incremental quantile functions, Park et al. 2022, arXiv 2111.06581;
    after Gasthaus et al. 2019.

    Args:
        channels: size of the state's last axis.
        horizon: steps ahead.
        quantiles: Q levels that rise strictly between 0 and 1 and include 0.5.
        n_rows: rows of the family, H; needed unless rows share the map.
        rows: `shared`, `separate` or `pooled`, see `RowwiseConv1d`; in the last two cases the state
            is (H, N, W, channels).

    Raises:
        ConfigError: wrong quantiles, a size below 1, an unknown `rows`, or `n_rows` is missing.

    Examples:
        >>> import torch
        >>> head = QuantileHead(4, horizon=1, quantiles=[0.1, 0.5, 0.9])
        >>> low, median, high = head(torch.randn(1, 1, 4), centre=torch.tensor([[[10.0]]]))
        >>> [round(q.item(), 2) for q in (low, median, high)]  # before training
        [9.36, 10.0, 10.64]
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
        # Start as the quantiles of a normal of standard deviation 1/2 around the centre.
        levels = torch.tensor(self.quantiles, dtype=torch.float64)
        steps = torch.special.ndtri(levels).diff() / 2
        start = torch.zeros(n, dtype=torch.float64)
        inverse = torch.log(torch.expm1(steps))  # softplus(inverse) = steps
        start[: self.middle] = inverse[: self.middle]
        start[self.middle + 1 :] = inverse[self.middle :]
        with torch.no_grad():
            bias = self.project.get_parameter("bias").view(-1, n * horizon)
            bias.copy_(start.repeat_interleave(horizon))

    def forward(
        self,
        state: Tensor,
        centre: Tensor,
        row_index: Tensor | None = None,
        spread: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Forecast from a state and a centre, see the class.

        row_index: the number of each of the state's rows, see `RowParameters.of_rows`; spread:
        (..., W, horizon), added to each step between quantiles before its softplus.
        """
        raw = self.project(state, row_index).split(self.horizon, dim=-1)  # Q of (..., W, horizon)
        increments = [r.to(centre.dtype) for r in raw]
        if spread is not None:
            increments = [r + spread for r in increments]
        steps = [F.softplus(r) for r in increments]
        middle = centre + raw[self.middle].to(centre.dtype)
        below, above = [middle], [middle]
        for q in range(self.middle - 1, -1, -1):
            below.append(below[-1] - steps[q])
        for q in range(self.middle + 1, len(self.quantiles)):
            above.append(above[-1] + steps[q])
        return (*below[:0:-1], *above)
