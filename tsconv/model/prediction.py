"""What a network forecasts, and from what: levels in units of each origin's spread."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from tsconv.model.effects import Effects
from tsconv.nn.scaling import CausalScale


class OriginInputs(NamedTuple):
    """What the forecasts of O origins are made from, rows first; T targets, see `ForecastNet`."""

    x: Tensor  # (H, T, B, W) of all steps, the last of which is the last origin
    mask: Tensor  # (H, T, B, W)
    scale: CausalScale  # (H, T, B, O) of the origins' contexts
    state: Tensor  # (H, N, O, hidden) what the head sees, N being B, or T * B apart
    given: Tensor | None  # (H, B, W + horizon, F) features of covariates
    effects: Effects | None  # where something is known ahead
    row_index: Tensor | None
    stride: int  # steps from one origin to the next


class HeadOutput(NamedTuple):
    """The parameters of a head at O origins, and their units; for x of three axes without H."""

    parameters: tuple[Tensor, ...]  # (B, T, H, O, horizon) each, see the head
    scale: CausalScale  # (B, T, H, O)


class Prediction(NamedTuple):
    """Forecasts of O origins, standardised by the mean and deviation of each origin's context.

    A forecast in the units of x is `mu + sigma * level`, see `values`. T target channels, Q
    quantiles; for inputs (B, C, W) the axis H is left out. Of counts, mu is 0 and sigma 1, and
    levels lie between whole numbers: they are quantiles of the count plus a number uniform between
    -1/2 and 1/2, and ceil(level - 1/2) is the quantile of the count, see `count_quantiles`.

    >>> one = torch.ones(2, 1, 1, 3)
    >>> level = torch.zeros(2, 1, 1, 3, 7)
    >>> prediction = Prediction((level, level + 1), 5 * one, 2 * one, one / 2, one)
    >>> prediction.values().shape, prediction.values()[0, 0, 0, 0, 0]
    (torch.Size([2, 1, 1, 3, 7, 2]), tensor([5., 7.]))
    """

    levels: tuple[Tensor, ...]  # one (B, T, H, O, horizon) for each quantile
    mu: Tensor  # (B, T, H, O)
    sigma: Tensor  # (B, T, H, O)
    inverse: Tensor  # (B, T, H, O) 1 / sigma, or 0 where the context has no spread
    n_observed: Tensor  # (B, T, H, O) steps observed in the context; at 0 nothing is known
    mean: Tensor | None = None  # (B, T, H, O, horizon) of a distribution, in units of the levels

    def values(self) -> Tensor:
        """The forecasts in the units of x, of counts not yet whole: (B, T, H, O, horizon, Q)."""
        z = torch.stack(self.levels, dim=-1)
        return self.mu[..., None, None] + self.sigma[..., None, None] * z


def typical_count(scale: CausalScale) -> Tensor:
    """The mean of each origin's context, as a unit: (H, T, B, O, 1).

    Where a context has zeros alone, half a count over its steps and one more.
    """
    least = 0.5 / (scale.n_observed + 1)
    return torch.maximum(scale.mu, least).unsqueeze(-1)
