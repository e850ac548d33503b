"""Heads for counts: Poisson and negative binomial, both with more zeros where asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from tsconv.nn.distributions.count_quantiles import count_quantiles
from tsconv.nn.distributions.counts import (
    negative_binomial_log_likelihood,
    poisson_log_likelihood,
    zero_inflated_log_likelihood,
)
from tsconv.nn.heads.head import Head, check_levels, inverse_softplus

SHARPNESS = 10.0  # of the softplus of the mean: at 1 it differs from the identity by 5e-6
LEAST_MEAN = 1e-6  # in units of the centre
LEAST_ALPHA, MOST_ALPHA = 1e-6, 1e3
_START_ALPHA, _START_ZERO = 0.5, -3.0


class Poisson(NamedTuple):
    """Parameters of Poisson counts, (..., W, horizon)."""

    mean: Tensor  # > 0


class NegativeBinomial(NamedTuple):
    """Parameters of negative binomial counts, (..., W, horizon)."""

    mean: Tensor  # > 0
    alpha: Tensor  # > 0; the variance is mean + alpha mean^2


class ZeroInflatedPoisson(NamedTuple):
    """Parameters of Poisson counts of which a share is 0 whatever else holds."""

    mean: Tensor  # > 0, of the rest
    zero: Tensor  # the logit of the share


class ZeroInflatedNegativeBinomial(NamedTuple):
    """Parameters of negative binomial counts of which a share is 0 whatever else holds."""

    mean: Tensor  # > 0, of the rest
    alpha: Tensor  # > 0, of the rest
    zero: Tensor  # the logit of the share


class PoissonHead(Head):
    """Forecast Poisson counts, whose variance is their mean.

    A state (..., W, channels) and a centre (..., W, horizon) -> a `Poisson`, or with
    `zero_inflated` a `ZeroInflatedPoisson`. Centre and mean are in units of a typical count, such
    as the mean of the context: multiply the mean by it. An untrained head has the centre as mean,
    where that is clearly above 0: the mean is softplus(10 v) / 10 of the centre plus an output, so
    that it is never 0. It is trained by its log-likelihood, and gives any level of jittered counts,
    see `count_quantiles`.

    Args:
        channels: size of the state's last axis.
        horizon: steps ahead.
        quantiles: levels to give where no others are asked for; they rise strictly between 0 and 1
            and include 0.5.
        zero_inflated: whether a share is 0 whatever else holds (Lambert 1992).
        n_rows: rows of the family, H; needed unless rows share the map.
        rows: `shared`, `separate` or `pooled`, see `RowwiseConv1d`; in the last two cases the state
            is (H, N, W, channels).

    Raises:
        ConfigError: wrong quantiles, a size below 1, an unknown `rows`, or `n_rows` is missing.

    Examples:
        >>> import torch
        >>> head = PoissonHead(4, horizon=1, quantiles=[0.1, 0.5, 0.9])
        >>> (mean,) = head(torch.randn(1, 1, 4), centre=torch.tensor([[[1.5]]]))
        >>> round(mean.item(), 3)  # before training
        1.5
    """

    has_distribution = True
    whole = True
    n_parameters = 1  # without the share of zeros

    def __init__(
        self,
        channels: int,
        horizon: int,
        quantiles: Sequence[float],
        *,
        zero_inflated: bool = False,
        n_rows: int | None = None,
        rows: str = "shared",
    ) -> None:
        super().__init__()
        self.zero_inflated = zero_inflated
        n_raw = self.n_parameters + zero_inflated
        self._set_up(channels, horizon, quantiles, n_raw, n_rows, rows)
        self._start(_START_ALPHA)

    def forward(
        self,
        state: Tensor,
        centre: Tensor,
        row_index: Tensor | None = None,
        spread: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Forecast from a state and a centre, see the class.

        row_index: the number of each of the state's rows, see `RowParameters.of_rows`; spread:
        (..., W, horizon), added to the raw alpha of a negative binomial before its softplus.
        """
        raw = self.project(state, row_index).split(self.horizon, dim=-1)
        raw = [v.to(centre.dtype) for v in raw]
        mean = LEAST_MEAN + F.softplus(SHARPNESS * (centre + raw[0])) / SHARPNESS
        return self._named(mean, raw, spread)

    def _named(
        self, mean: Tensor, raw: Sequence[Tensor], spread: Tensor | None
    ) -> tuple[Tensor, ...]:
        return ZeroInflatedPoisson(mean, raw[1]) if self.zero_inflated else Poisson(mean)

    def levels(
        self, parameters: tuple[Tensor, ...], quantiles: Sequence[float]
    ) -> tuple[Tensor, ...]:
        """The quantiles of jittered counts at any rising levels, without a gradient."""
        return count_quantiles(*self._apart(parameters), check_levels(quantiles))

    def mean(self, parameters: tuple[Tensor, ...]) -> Tensor:
        """The mean of the counts, zeros included."""
        mean, _, zero = self._apart(parameters)
        return mean if zero is None else mean * torch.sigmoid(-zero)

    def log_likelihood(self, parameters: tuple[Tensor, ...], y: Tensor) -> Tensor:
        """The log-probability of counts y plus `log_factorial_rest(y)`, elementwise."""
        mean, alpha, zero = self._apart(parameters)
        found = (
            poisson_log_likelihood(y, mean)
            if alpha is None
            else negative_binomial_log_likelihood(y, mean, alpha)
        )
        return found if zero is None else zero_inflated_log_likelihood(y, found, zero)

    def _apart(self, parameters: tuple[Tensor, ...]) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The mean, alpha and the logit of the share of zeros, None where there is none."""
        alpha = parameters[1] if self.n_parameters > 1 else None
        return parameters[0], alpha, parameters[-1] if self.zero_inflated else None

    def start_from(self, found: Tensor, alpha: float | None = None) -> None:
        """Start around the centre, with this alpha where it is known; see `Head.start_from`.

        The residuals' quantiles are in units of a spread, those of counts in units of a mean.
        """
        if alpha is not None:
            self._start(alpha)

    def _start(self, alpha: float) -> None:
        """Set the biases: the mean at the centre, this alpha, a small share of zeros."""
        start = torch.zeros(self.n_parameters + self.zero_inflated, self.horizon)
        if self.n_parameters > 1:
            known = torch.tensor(min(max(alpha, 10 * LEAST_ALPHA), MOST_ALPHA)).double()
            start[1] = inverse_softplus(known)
        if self.zero_inflated:
            start[-1] = _START_ZERO
        self.set_bias(start)


class NegativeBinomialHead(PoissonHead):
    """Forecast negative binomial counts, whose variance exceeds their mean.

    A state (..., W, channels) and a centre (..., W, horizon) -> a `NegativeBinomial`, or with
    `zero_inflated` a `ZeroInflatedNegativeBinomial`: as `PoissonHead`, with an alpha of each step,
    which needs no unit. An untrained head has alpha 1/2. The arguments are those of `PoissonHead`.
    Source: DeepAR, Salinas et al. 2020, arXiv 1704.04110.

    Examples:
        >>> import torch
        >>> head = NegativeBinomialHead(4, horizon=1, quantiles=[0.5], zero_inflated=True)
        >>> found = head(torch.randn(1, 1, 4), centre=torch.tensor([[[1.5]]]))
        >>> round(found.alpha.item(), 3), round(found.zero.sigmoid().item(), 3)  # before training
        (0.5, 0.047)
    """

    n_parameters = 2

    def _named(
        self, mean: Tensor, raw: Sequence[Tensor], spread: Tensor | None
    ) -> tuple[Tensor, ...]:
        of_alpha = raw[1] if spread is None else raw[1] + spread
        alpha = (LEAST_ALPHA + F.softplus(of_alpha)).clamp_max(MOST_ALPHA)
        if self.zero_inflated:
            return ZeroInflatedNegativeBinomial(mean, alpha, raw[2])
        return NegativeBinomial(mean, alpha)
