"""Heads for real numbers: the normal distribution, and Student's t with its heavier tails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from tsconv.nn.distributions.normal import (
    normal_log_prob,
    normal_quantile,
    standard_normal_quantile,
)
from tsconv.nn.distributions.student_t import (
    LEAST_DF,
    student_t_log_prob,
    student_t_quantile,
)
from tsconv.nn.heads.head import Head, check_levels, inverse_softplus

LEAST_SCALE = 1e-3  # in units of the centre: the density of what never varies stays finite
_START_SCALE, _START_DF = 0.5, 6.0
_ONE = torch.ones((), dtype=torch.float64)


class Normal(NamedTuple):
    """Parameters of a normal distribution, (..., W, horizon)."""

    loc: Tensor
    scale: Tensor  # > 0


class StudentT(NamedTuple):
    """Parameters of Student's t distribution, (..., W, horizon)."""

    loc: Tensor
    scale: Tensor  # > 0
    df: Tensor  # degrees of freedom, at least 2


class NormalHead(Head):
    """Forecast a normal distribution: the centre plus an output, and a positive deviation.

    A state (..., W, channels) and a centre (..., W, horizon) -> a `Normal`. An untrained head has
    the deviation 1/2 around the centre. It is trained by its log-likelihood, and gives any level.

    Args:
        channels: size of the state's last axis.
        horizon: steps ahead.
        quantiles: levels to give where no others are asked for; they rise strictly between 0 and 1
            and include 0.5.
        n_rows: rows of the family, H; needed unless rows share the map.
        rows: `shared`, `separate` or `pooled`, see `RowwiseConv1d`; in the last two cases the state
            is (H, N, W, channels).

    Raises:
        ConfigError: wrong quantiles, a size below 1, an unknown `rows`, or `n_rows` is missing.

    Examples:
        >>> import torch
        >>> head = NormalHead(4, horizon=1, quantiles=[0.1, 0.5, 0.9])
        >>> found = head(torch.randn(1, 1, 4), centre=torch.tensor([[[10.0]]]))
        >>> [round(q.item(), 2) for q in head.levels(found, [0.1, 0.5, 0.9])]  # before training
        [9.36, 10.0, 10.64]
    """

    has_distribution = True
    n_parameters = 2

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
        self._set_up(channels, horizon, quantiles, self.n_parameters, n_rows, rows)
        self._start(torch.zeros(horizon), torch.full((horizon,), _START_SCALE))

    def forward(
        self,
        state: Tensor,
        centre: Tensor,
        row_index: Tensor | None = None,
        spread: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Forecast from a state and a centre, see the class.

        row_index: the number of each of the state's rows, see `RowParameters.of_rows`; spread:
        (..., W, horizon), added to the raw scale before its softplus.
        """
        raw = self.project(state, row_index).split(self.horizon, dim=-1)
        return Normal(*_loc_and_scale(raw, centre, spread))

    def levels(
        self, parameters: tuple[Tensor, ...], quantiles: Sequence[float]
    ) -> tuple[Tensor, ...]:
        """The quantiles at any rising levels between 0 and 1."""
        loc, scale = parameters
        return tuple(normal_quantile(loc, scale, level) for level in check_levels(quantiles))

    def mean(self, parameters: tuple[Tensor, ...]) -> Tensor:
        """The location."""
        return parameters[0]

    def log_likelihood(self, parameters: tuple[Tensor, ...], y: Tensor) -> Tensor:
        """The log density of y, elementwise."""
        loc, scale = parameters
        return normal_log_prob(y, loc, scale)

    def start_from(self, found: Tensor, alpha: float | None = None) -> None:
        """Start at the median and the spread of the residuals, see `Head.start_from`."""
        median = found[self.quantiles.index(0.5)]
        scale = torch.full_like(median, _START_SCALE)
        if len(self.quantiles) > 1:  # the slope of the quantiles over those of a scale of 1
            unit = torch.stack([self._unit_quantile(q) for q in self.quantiles]).to(found)
            unit, around = unit - unit.mean(), found - found.mean(0)
            scale = (unit[:, None] * around).sum(0) / unit.square().sum()
        self._start(median, scale)

    def _unit_quantile(self, level: float) -> Tensor:
        return _ONE * standard_normal_quantile(level)

    def _start(self, loc: Tensor, scale: Tensor) -> None:
        """Set the biases to these parameters, (horizon,) each."""
        self.set_bias(torch.stack([loc, _raw_scale(scale)]))


class StudentTHead(NormalHead):
    """Forecast Student's t distribution: as `NormalHead`, with degrees of freedom of each step.

    A state (..., W, channels) and a centre (..., W, horizon) -> a `StudentT`, whose tails are as
    heavy as the data have them. An untrained head has 6 degrees of freedom, and the scale 1/2
    around the centre. The arguments are those of `NormalHead`.

    Examples:
        >>> import torch
        >>> head = StudentTHead(4, horizon=1, quantiles=[0.1, 0.5, 0.9])
        >>> found = head(torch.randn(1, 1, 4), centre=torch.tensor([[[10.0]]]))
        >>> round(found.df.item(), 2), head.mean(found).item()  # before training
        (6.0, 10.0)
    """

    n_parameters = 3

    def forward(
        self,
        state: Tensor,
        centre: Tensor,
        row_index: Tensor | None = None,
        spread: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Forecast from a state and a centre; the arguments are those of `NormalHead`."""
        raw = self.project(state, row_index).split(self.horizon, dim=-1)
        df = LEAST_DF + F.softplus(raw[2].to(centre.dtype))
        return StudentT(*_loc_and_scale(raw, centre, spread), df)

    def levels(
        self, parameters: tuple[Tensor, ...], quantiles: Sequence[float]
    ) -> tuple[Tensor, ...]:
        """The quantiles at any rising levels between 0 and 1."""
        loc, scale, df = parameters
        return tuple(student_t_quantile(loc, scale, df, level) for level in check_levels(quantiles))

    def log_likelihood(self, parameters: tuple[Tensor, ...], y: Tensor) -> Tensor:
        """The log density of y, elementwise."""
        loc, scale, df = parameters
        return student_t_log_prob(y, loc, scale, df)

    def _unit_quantile(self, level: float) -> Tensor:
        return student_t_quantile(0 * _ONE, _ONE, _START_DF * _ONE, level)

    def _start(self, loc: Tensor, scale: Tensor) -> None:
        df = torch.full_like(loc, _START_DF - LEAST_DF)
        self.set_bias(torch.stack([loc, _raw_scale(scale), inverse_softplus(df)]))


def _loc_and_scale(
    raw: Sequence[Tensor], centre: Tensor, spread: Tensor | None
) -> tuple[Tensor, Tensor]:
    of_scale = raw[1].to(centre.dtype)
    if spread is not None:
        of_scale = of_scale + spread
    return centre + raw[0].to(centre.dtype), LEAST_SCALE + F.softplus(of_scale)


def _raw_scale(scale: Tensor) -> Tensor:
    """What gives this scale; a scale below twice the least one counts as that."""
    return inverse_softplus((scale - LEAST_SCALE).clamp_min(1e-3))
