"""PointHead: one number for each step ahead."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from tsconv.errors import require_positive
from tsconv.nn.heads.head import Head
from tsconv.nn.rows import RowLinear


class PointHead(Head):
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

    def levels(
        self, parameters: tuple[Tensor, ...], quantiles: Sequence[float]
    ) -> tuple[Tensor, ...]:
        """The forecast, which stands for the median; raises ConfigError for another level."""
        return tuple(parameters[i] for i in self._trained(quantiles))

    def start_from(self, found: Tensor, alpha: float | None = None) -> None:
        """Start at the median of the residuals, see `Head.start_from`."""
        self.set_bias(found)
