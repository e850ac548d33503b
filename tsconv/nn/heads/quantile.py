"""QuantileHead: several levels that cannot cross."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from tsconv.nn.heads.head import Head, inverse_softplus


class QuantileHead(Head):
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
        n = len(quantiles)
        self._set_up(channels, horizon, quantiles, n, n_rows, rows)
        self.middle = self.quantiles.index(0.5)
        # Start as the quantiles of a normal of standard deviation 1/2 around the centre.
        levels = torch.tensor(self.quantiles, dtype=torch.float64)
        steps = torch.special.ndtri(levels).diff() / 2
        start = self._raw(torch.zeros(n, dtype=torch.float64), steps)
        self.set_bias(start.repeat_interleave(horizon))

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
        raw = self.project(state, row_index).to(centre.dtype)  # (..., W, Q * horizon)
        increments = raw
        if spread is not None:
            apart = torch.unflatten(raw, -1, (-1, self.horizon)) + spread.unsqueeze(-2)
            increments = apart.flatten(-2)
        # In one go: of a part, whose last axis is short, PyTorch computes element by element.
        steps = torch.split(F.softplus(increments), self.horizon, dim=-1)  # Q of (..., W, horizon)
        middle = centre + torch.split(raw, self.horizon, dim=-1)[self.middle]
        below, above = [middle], [middle]
        for q in range(self.middle - 1, -1, -1):
            below.append(below[-1] - steps[q])
        for q in range(self.middle + 1, len(self.quantiles)):
            above.append(above[-1] + steps[q])
        return (*below[:0:-1], *above)

    def levels(
        self, parameters: tuple[Tensor, ...], quantiles: Sequence[float]
    ) -> tuple[Tensor, ...]:
        """Some of the levels; raises ConfigError for one that the head was not trained for."""
        return tuple(parameters[i] for i in self._trained(quantiles))

    def start_from(self, found: Tensor, alpha: float | None = None) -> None:
        """Start with the quantiles of the residuals, see `Head.start_from`."""
        self.set_bias(self._raw(found, found.diff(dim=0).clamp_min(1e-3)))

    def _raw(self, found: Tensor, gaps: Tensor) -> Tensor:
        """(Q, ...) raw parameters of the median of `found`, and of the gaps between its levels."""
        start, raw = found.clone(), inverse_softplus(gaps)
        start[: self.middle] = raw[: self.middle]
        start[self.middle + 1 :] = raw[self.middle :]
        return start
