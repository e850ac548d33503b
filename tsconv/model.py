"""ForecastNet: causal features, the convolution stack, the linear branch and the head.

Everything that it computes at step t depends on steps up to t alone, so one forward over a stretch
of a series yields the forecast of every origin in it. It knows nothing of files, training or
devices.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.errors import ConfigError
from tsconv.nn.block import SpatialDropout
from tsconv.nn.checks import require_positive
from tsconv.nn.heads import PointHead, QuantileHead
from tsconv.nn.scaling import CausalScale, causal_scale
from tsconv.nn.tcn import TemporalStack
from tsconv.nn.trailing import TrailingFilters

# Features further out than this many standard deviations say no more than "very far".
_FEATURE_LIMIT = 10.0


@dataclasses.dataclass(frozen=True)
class NetSpec:
    """What defines a ForecastNet; plain values, so that a bundle's config.json can hold them."""

    horizon: int  # steps forecast from each origin
    context_length: int  # steps that scaling and the linear branch look back on
    seasonal_lags: tuple[int, ...] = ()  # steps; one group of features for each
    hidden: int = 64  # channels of the stack
    kernel_size: int = 3
    levels: int = 7  # dilations 1, 2, ..., 2**(levels - 1)
    stacks: int = 1
    dropout: float = 0.2
    activation: str = "gelu"
    norm: str = "layer"
    expansion: int = 1
    gated: bool = False
    skip: bool = False
    weight_norm: bool = False
    linear: bool = True  # the linear branch over the context
    smooth: tuple[float, ...] = ()  # steps; a trailing Gaussian mean of the scaled values for each
    slope: tuple[float, ...] = ()  # steps; the trailing slope with those Gaussian weights
    quantiles: tuple[float, ...] | None = None  # None: a point head

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NetSpec:
        """Build from plain JSON values; raises ConfigError on a key this version does not know."""
        known = {f.name for f in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(f"`{unknown[0]}` is not a setting of this version's ForecastNet")
        tuples = {k: tuple(v) for k, v in values.items() if isinstance(v, list)}
        return cls(**{**values, **tuples})


class Prediction(NamedTuple):
    """Forecasts of O origins in units of each origin's own spread, and those units.

    A forecast in the units of x is `mu + sigma * level`, see `values`.
    """

    levels: tuple[Tensor, ...]  # one (B, C, O, horizon) for each quantile
    mu: Tensor  # (B, C, O)
    sigma: Tensor  # (B, C, O)
    inverse: Tensor  # (B, C, O) 1 / sigma, or 0 where the context has no spread
    n_observed: Tensor  # (B, C, O) steps observed in the context; at 0 there is nothing to go by

    def values(self) -> Tensor:
        """The forecasts in the units of x: (B, C, O, horizon, Q)."""
        z = torch.stack(self.levels, dim=-1)
        return self.mu[..., None, None] + self.sigma[..., None, None] * z


class LinearBranch(nn.Module):
    """A linear map from the origin's scaled context to the horizon: level and seasonal shape.

    out[t, h] = sum_k weight[h, k] * (x[t - K + 1 + k] - mu[t]) / sigma[t] over the K steps of the
    context, where missing steps count as the mean. Starts as the mean of the context, or, where
    the context holds a `season` of steps, as the mean of the steps at the same season.
    """

    def __init__(self, context_length: int, horizon: int, season: int | None = None) -> None:
        super().__init__()
        start = torch.zeros(horizon, context_length)
        if season is not None and season <= context_length:
            ahead = torch.arange(1, horizon + 1)[:, None]
            back = torch.arange(context_length - 1, -1, -1)  # steps before the origin
            same = (ahead + back) % season == 0
            start = same / same.sum(1, keepdim=True)
        self.weight = nn.Parameter(start)

    def forward(self, x: Tensor, mask: Tensor, mu: Tensor, inverse: Tensor) -> Tensor:
        """x, mask: (B, K - 1 + O); mu, inverse: (B, O). Returns (B, O, horizon).

        A strided view of every window, scaled in one fused pass: no loop over origins, and no
        cancellation when a series' level is far from zero.
        """
        size = self.weight.shape[1]
        windows = x.unfold(1, size, 1)  # (B, O, K), a view
        seen = mask.unfold(1, size, 1)
        scaled = (windows - mu.unsqueeze(-1)) * (inverse.unsqueeze(-1) * seen)
        return F.linear(scaled, self.weight)


class ForecastNet(nn.Module):
    """A causal forecaster on (B, C, W); each channel is forecast from its own past.

    The same filters serve every series and channel. `forward` gives the forecasts of the last
    `n_origins` steps. What lies before the given input counts as missing.
    """

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        require_positive(
            horizon=spec.horizon, context_length=spec.context_length, hidden=spec.hidden
        )
        for lag in spec.seasonal_lags:
            require_positive(seasonal_lag=lag)
        self.spec = spec
        self.filters = TrailingFilters(spec.smooth, spec.slope)
        n_features = 2 + len(spec.seasonal_lags) + len(spec.smooth) + len(spec.slope)
        self.stem = nn.Linear(n_features, spec.hidden)
        self.stack = TemporalStack(
            spec.hidden,
            spec.kernel_size,
            spec.levels,
            stacks=spec.stacks,
            skip=spec.skip,
            dropout=spec.dropout,
            activation=spec.activation,
            norm=spec.norm,
            expansion=spec.expansion,
            gated=spec.gated,
            weight_norm=spec.weight_norm,
        )
        self.norm = nn.LayerNorm(spec.hidden)
        self.dropout = SpatialDropout(spec.dropout)
        season = min(spec.seasonal_lags, default=None)
        self.linear = (
            LinearBranch(spec.context_length, spec.horizon, season) if spec.linear else None
        )
        self.head: PointHead | QuantileHead = (
            PointHead(spec.hidden, spec.horizon)
            if spec.quantiles is None
            else QuantileHead(spec.hidden, spec.horizon, spec.quantiles)
        )

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Levels of the last axis of a prediction; (0.5,) for a point head."""
        return self.head.quantiles

    @property
    def receptive_field(self) -> int:
        """Steps that the convolution stack sees, the origin's own included."""
        return self.stack.receptive_field

    @property
    def feature_history(self) -> int:
        """Steps before step s that the features of s depend on."""
        return max(self.filters.history + self.spec.context_length - 1, *self.spec.seasonal_lags, 0)

    @property
    def history(self) -> int:
        """Steps before an origin on which its forecast depends."""
        return self.receptive_field - 1 + self.feature_history

    def forward(self, x: Tensor, mask: Tensor, n_origins: int = 1) -> Prediction:
        """x: (B, C, W), finite; mask: (B, C, W), 1 where observed. The last steps are origins.

        Give at least `history` steps before the first origin for exact forecasts of a series that
        has them; what is missing in front is padded as unobserved. Returns a Prediction.
        """
        if x.ndim != 3 or x.shape != mask.shape or not 1 <= n_origins <= x.shape[-1]:
            raise ConfigError(
                f"x has shape {tuple(x.shape)} and mask {tuple(mask.shape)}, expected the same "
                f"(B, C, W) with W >= n_origins (={n_origins})"
            )
        lead = x.shape[:2]
        excess = x.shape[-1] - self.history - n_origins  # more than is looked at, or too little
        x, mask = (F.pad(v, (-excess, 0)).flatten(0, 1) for v in (x, mask.to(x.dtype)))
        scale = causal_scale(x, mask, self.spec.context_length)  # each (B*C, history + O)
        state = self.stack(self.stem(self.features(x, mask, scale)))  # (B*C, O, hidden)
        state = self.dropout(self.norm(state))
        mu, sigma, inverse, n_observed = (v[:, -n_origins:] for v in scale)  # (B*C, O)
        if self.linear is None:
            centre = x.new_zeros(len(x), n_origins, self.spec.horizon)
        else:
            last = n_origins + self.spec.context_length - 1
            centre = self.linear(x[:, -last:], mask[:, -last:], mu, inverse)
        levels = self.head(state, centre.to(mu.dtype))  # Q of (B*C, O, horizon)
        return Prediction(
            tuple(v.unflatten(0, lead) for v in levels),
            *(v.unflatten(0, lead) for v in (mu, sigma, inverse, n_observed)),
        )

    def features(self, x: Tensor, mask: Tensor, scale: CausalScale) -> Tensor:
        """The stack's inputs from step `feature_history` on: (B, W - feature_history, F).

        All of them stay the same when a series is shifted or multiplied by a positive number.
        """
        start, width = self.feature_history, x.shape[1]

        def lagged(v: Tensor, lag: int = 0) -> Tensor:
            return v[:, start - lag : width - lag]

        now, seen = lagged(x), lagged(mask)
        unit = lagged(scale.inverse) * seen
        columns = [(now - lagged(scale.mu)) * unit, seen]
        if self.filters.history:
            first = start - self.filters.history
            observed = mask[:, first:]
            z = (x - scale.mu)[:, first:] * scale.inverse[:, first:] * observed
            columns += self.filters(z.clamp(-_FEATURE_LIMIT, _FEATURE_LIMIT), observed)
        for lag in self.spec.seasonal_lags:
            columns.append((now - lagged(x, lag)) * unit * lagged(mask, lag))
        return torch.stack(columns, dim=-1).clamp(-_FEATURE_LIMIT, _FEATURE_LIMIT)


def windowed_reference(net: ForecastNet, x: Tensor, mask: Tensor, origins: Sequence[int]) -> Tensor:
    """Readable twin of the dense forward: each origin's history cut out, one pass for each.

    x, mask: (B, C, W); origins: steps. Returns (B, C, len(origins), horizon, Q) in the units of x.
    """
    out = []
    for t in origins:
        first = max(0, t - net.history)
        out.append(net(x[..., first : t + 1], mask[..., first : t + 1]).values())
    return torch.cat(out, dim=2)
