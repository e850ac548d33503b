"""What every head is: the levels that it gives, and how it starts from known residuals.

A head returns tensors of parameters around a centre that it is given: the levels themselves, or
the parameters of a distribution. Stacking the tensors would take a training step several times as
long as computing them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

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


class Head(nn.Module, ABC):
    """From a network's state to what is forecast; calling it gives a tuple of parameters.

    Each parameter is (..., W, horizon). `quantiles` are the levels that are given where no others
    are asked for; `project` maps the state to the raw parameters, one after another.
    """

    quantiles: tuple[float, ...]
    horizon: int
    project: RowLinear
    has_distribution: bool = False  # whether any level can be asked for, and a mean
    whole: bool = False  # whether it forecasts counts, in the units of the data

    def _set_up(
        self,
        channels: int,
        horizon: int,
        quantiles: Sequence[float],
        n_raw: int,
        n_rows: int | None,
        rows: str,
    ) -> None:
        """Check sizes and levels, and make the map to n_raw raw parameters, of weights 0."""
        require_positive(channels=channels, horizon=horizon)
        self.quantiles, self.horizon = check_quantiles(quantiles), horizon
        self.project = RowLinear(channels, n_raw * horizon, n_rows=n_rows, rows=rows)
        nn.init.zeros_(self.project.weight)

    @abstractmethod
    def levels(
        self, parameters: tuple[Tensor, ...], quantiles: Sequence[float]
    ) -> tuple[Tensor, ...]:
        """The quantiles at some levels; raises ConfigError for a level that the head has not."""

    def mean(self, parameters: tuple[Tensor, ...]) -> Tensor | None:
        """The mean of the distribution; None for a head without one."""
        return None

    def log_likelihood(self, parameters: tuple[Tensor, ...], y: Tensor) -> Tensor:
        """The log-probability of y, elementwise, less any term of y alone."""
        raise NotImplementedError(f"{type(self).__name__} has no distribution")

    @abstractmethod
    def start_from(self, found: Tensor, alpha: float | None = None) -> None:
        """Set the biases so that an untrained head has these quantiles around its centre.

        found: (Q, horizon) at the levels `quantiles`, in the units of the centre. alpha: how much
        the variance of counts exceeds their mean, in squared means; None: not known.
        """

    def set_bias(self, start: Tensor) -> None:
        """Set the bias of every row to the same raw parameters, (parameters, horizon)."""
        bias = self.project.get_parameter("bias")
        with torch.no_grad():
            bias.copy_(start.flatten().repeat(bias.numel() // start.numel()))

    def _trained(self, quantiles: Sequence[float]) -> list[int]:
        """The places of some levels among those that the head was trained for."""
        for level in quantiles:
            if level not in self.quantiles:
                raise ConfigError(
                    f"`quantiles` (={list(quantiles)}) must be among those that the network was "
                    f"trained for ({', '.join(map(str, self.quantiles))}): {level} is not"
                )
        return [self.quantiles.index(level) for level in quantiles]


def inverse_softplus(v: Tensor) -> Tensor:
    """Return the raw values whose softplus is v > 0.

    >>> inverse_softplus(torch.log(torch.tensor([2.0]))).abs() < 1e-6
    tensor([True])
    """
    return torch.where(v > 20, v, torch.log(torch.expm1(v.clamp_max(20))))


def check_levels(quantiles: Sequence[float]) -> tuple[float, ...]:
    """Return the levels that somebody asks a distribution for, as floats.

    Raises ConfigError unless they rise strictly between 0 and 1.

    >>> check_levels([0.05, 0.95])
    (0.05, 0.95)
    """
    levels = tuple(float(q) for q in quantiles)
    if not levels or not all(a < b for a, b in pairwise((0.0, *levels, 1.0))):
        raise ConfigError(f"`quantiles` (={list(levels)}) must rise strictly between 0 and 1")
    return levels
