"""What covariates do in a ForecastNet: they enter the stack, and they move the horizon."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.errors import ConfigError
from tsconv.model.covariate_encoder import CovariateBatch, CovariateEncoder
from tsconv.model.effects import Effects, FutureEffect, Share
from tsconv.model.spec import NetSpec
from tsconv.nn.rows import RowLinear

_VALUES_AT_ONCE = 4_000_000  # features held while shares are computed; bounds memory alone


class CovariateBranch(nn.Module):
    """Past categories, future covariates, calendar and static columns of a network.

    n_targets: forecast from one state; by_row: what rows share.
    """

    def __init__(self, spec: NetSpec, n_targets: int, by_row: dict[str, Any]) -> None:
        super().__init__()
        self.horizon = spec.horizon
        self.encoder = CovariateEncoder(
            spec.past_categories,
            spec.future_categories,
            spec.n_future,
            2 * len(spec.calendar),
            spec.static_categories,
            spec.n_static,
        )
        self.past_width, width = self.encoder.past.width, self.encoder.width_ahead
        self.enter = RowLinear(self.past_width + width, spec.hidden, bias=False, **by_row)
        self.effect: FutureEffect | None = None
        if spec.n_covariates > len(spec.past_categories):
            self.effect = FutureEffect(
                width, spec.hidden, n_targets, spec.horizon, spec.context_length, **by_row
            )

    def features(self, covariates: CovariateBatch, excess: int) -> Tensor:
        """(H, B, W + horizon, F) of every step; `excess` steps in front are cut, or padded."""
        values, seen = (F.pad(v, (-excess, 0)) for v in (covariates.values, covariates.seen))
        return torch.cat(self.encoder(covariates._replace(values=values, seen=seen)), dim=-1)

    def entering(self, features: Tensor, width: int, row_index: Tensor | None) -> Tensor:
        """What `width` steps up to the last origin bring to the stack: (H, B, W, hidden)."""
        last = features.shape[2] - self.horizon
        entered: Tensor = self.enter(features[:, :, last - width : last], row_index)
        return entered

    def effects(
        self,
        features: Tensor,
        mask: Tensor,
        state: Tensor,
        row_index: Tensor | None,
        stride: int = 1,
    ) -> Effects | None:
        """See `FutureEffect`; None where nothing is known ahead."""
        if self.effect is None:
            return None
        ahead = features[..., self.past_width :]
        effects: Effects = self.effect(ahead, mask, state, row_index, stride)
        return effects

    def shares(
        self,
        features: Tensor,
        effects: Effects,
        mask: Tensor,
        state: Tensor,
        row_index: Tensor | None,
    ) -> tuple[list[Share], Tensor]:
        """What each column known ahead adds, and what the state adds to all: (H, T, B, O, 1).

        The arguments are those of `effects`, and what it returned. Together they are its shift.
        Each origin has a usual step of its own, the mean of its context; so it takes as many steps
        as contexts and horizons have, some origins at a time.
        """
        assert self.effect is not None  # it made the effects
        ahead = features[..., self.past_width :]
        n_origins, size = state.shape[2], self.effect.context_length
        each = ahead[:, :, 0].numel() * (size + self.horizon)
        at_once = max(1, _VALUES_AT_ONCE // each)
        parts: list[list[Share]] = []
        for first in range(0, n_origins, at_once):
            last = min(first + at_once, n_origins)
            start = mask.shape[-1] - n_origins + first - size + 1  # of the first context
            stop = start + size - 1 + last - first
            seen = mask[..., start:stop].unfold(-1, size, 1)  # (H, T, B, O, K)
            window = ahead[:, :, start : stop + self.horizon].unfold(2, size + self.horizon, 1)
            steps = window.transpose(-1, -2).flatten(1, 2)  # (H, B * O, K + horizon, width)
            counted = seen.amax(1).flatten(1, 2).unsqueeze(-1)  # (H, B * O, K, 1)
            usual = (steps[:, :, :size] * counted).sum(2, keepdim=True)
            usual = usual / counted.sum(2, keepdim=True).clamp_min(1)
            some = (seen, state[:, :, first:last], effects.inv_scale[..., first:last], row_index)
            parts.append([self.effect.share(z, *some) for z in self.encoder.shares(steps, usual)])
        joined = [
            Share(*(torch.cat(v, dim=3) for v in zip(*column, strict=True)))
            for column in zip(*parts, strict=True)
        ]
        return joined, self.effect.with_mean_keys(ahead, mask, state, row_index)


def require_covariates(spec: NetSpec, covariates: CovariateBatch | None, x: Tensor) -> None:
    """Raise ConfigError unless `covariates` has the shapes that go with x: (B, C, H, W)."""
    batch, _, n_rows, width = x.shape
    wanted = (
        (batch, spec.n_covariates, n_rows, width + spec.horizon),
        (batch, spec.n_static_covariates, n_rows),
    )
    found = None
    if covariates is not None:
        found = (tuple(covariates.values.shape), tuple(covariates.static.shape))
    if found != wanted:
        raise ConfigError(f"`covariates` has shapes {found}, expected {wanted}")
