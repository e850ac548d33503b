"""Losses over dense origins: masked, in units that make series comparable."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tsconv.errors import ConfigError

POINT_LOSSES = ("mae", "mse", "huber")


def point_loss(error: Tensor, name: str) -> Tensor:
    """Return the elementwise loss of a point forecast: absolute, squared, or Huber's (1964).

    error: observed minus forecast, of any shape; name: one of `POINT_LOSSES`, Huber's having its
    knee at 1. Raises ConfigError for any other name.

    >>> point_loss(torch.tensor([-2.0, 0.5]), "huber")
    tensor([1.5000, 0.1250])
    """
    if name == "mae":
        return error.abs()
    if name == "mse":
        return error.square()
    if name == "huber":
        size = error.abs()
        return torch.where(size < 1, 0.5 * error.square(), size - 0.5)
    raise ConfigError(f"`head.loss` (={name}) must be one of {', '.join(POINT_LOSSES)}")


def quantile_loss(errors: Sequence[Tensor], quantiles: Sequence[float]) -> Tensor:
    """Return the mean over levels of twice the pinball loss (Koenker & Bassett 1978).

    errors: one tensor for each level, observed minus forecast. Twice, so that the median's share is
    the absolute error.

    >>> quantile_loss([torch.tensor([3.0])], [0.5])
    tensor([3.])
    """
    total = torch.zeros_like(errors[0])
    for error, level in zip(errors, quantiles, strict=True):
        total = total + pinball(error, level)
    return total * (2 / len(quantiles))


def pinball(error: Tensor, level: float) -> Tensor:
    """Return max(level * error, (level - 1) * error), error being observed minus forecast."""
    return torch.maximum(level * error, (level - 1) * error)


def masked_mean(loss: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of the elements whose mask is 1; 0 where there are none.

    >>> masked_mean(torch.tensor([1.0, 5.0, 9.0]), torch.tensor([1.0, 1.0, 0.0]))
    tensor(3.)
    """
    return (loss * mask).sum() / mask.sum().clamp_min(1)
