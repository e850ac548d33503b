"""What the stack sees of a series itself at each step: features that move with the series."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tsconv.model.trailing_filters import TrailingFilters
from tsconv.nn.scaling import CausalScale

# Features further out than this many standard deviations say no more than "very far".
_LIMIT = 10.0


def n_features(seasonal_lags: Sequence[int], filters: TrailingFilters) -> int:
    """How many features `causal_features` makes of a channel."""
    return 2 + len(seasonal_lags) + len(filters.means)


def causal_features(
    x: Tensor,
    mask: Tensor,
    scale: CausalScale,
    filters: TrailingFilters,
    seasonal_lags: Sequence[int],
    start: int,
) -> Tensor:
    """The stack's inputs from step `start` on: (..., W) -> (..., W - start, F).

    The scaled value, whether it was observed, its trailing means and slopes, and its change over
    each seasonal lag. All of them stay the same when a series is shifted or multiplied by a
    positive number.
    """
    width = x.shape[-1]

    def lagged(v: Tensor, lag: int = 0) -> Tensor:
        return v[..., start - lag : width - lag]

    now, seen = lagged(x), lagged(mask)
    inv_scale = lagged(scale.inverse) * seen
    columns = [(now - lagged(scale.mu)) * inv_scale, seen]
    if filters.history:
        first = start - filters.history
        observed = mask[..., first:]
        z = (x - scale.mu)[..., first:] * scale.inverse[..., first:] * observed
        found = filters(z.clamp(-_LIMIT, _LIMIT).flatten(0, -2), observed.flatten(0, -2))
        columns += [v.view_as(now) for v in found]
    for lag in seasonal_lags:
        columns.append((now - lagged(x, lag)) * inv_scale * lagged(mask, lag))
    return torch.stack(columns, dim=-1).clamp(-_LIMIT, _LIMIT)
