"""What is known ahead moves the forecast: effects of the horizon's covariates at every origin.

With z_s the features of step s and e_t the state at origin t, horizon step j gets
`w . z[t+j] + e_t . (B z[t+j])`: one product for each step and one for each origin, so that a pass
still serves every origin of a chunk.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tsconv.errors import require_positive
from tsconv.nn.rows import RowLinear
from tsconv.nn.scaling import causal_scale

# Effects start at zero, and an optimizer's first steps are all of one size: without this factor a
# strong effect would take longer to reach than a short training lasts.
GAIN = 10.0


class Effects(NamedTuple):
    """What covariates explain of the context of O origins, and what they add ahead.

    All in units of each origin's spread. W are the steps of all contexts.
    """

    of_steps: Tensor  # (H, T, B, W) direct effects, before `inv_scale`
    mean: Tensor  # (H, T, B, O) their mean over each context
    inv_scale: Tensor  # (H, T, B, O) what direct effects are multiplied by
    shift: Tensor  # (H, T, B, O, horizon) to add to the centre
    spread: Tensor  # (H, T, B, O, horizon) to the steps between quantiles, before their softplus


class Share(NamedTuple):
    """What one covariate adds ahead at O origins, in units of each origin's spread."""

    direct: Tensor  # (H, T, B, O, horizon)
    with_state: Tensor  # (H, T, B, O, horizon)


class FutureEffect(nn.Module):
    """Effects of features z on T targets, directly and through the state at the origin.

    width: channels of z; channels: of the state; n_targets: forecast from one state; rank bounds
    the products of z with the state. All effects are zero at first.

    A direct effect counts from its mean over the origin's context, as the series does, and in units
    of what it leaves unexplained: where the context's spread is s, and the effects within it have
    deviation d, one unit is s / sqrt(1 + d^2). A context with few promotions and one with many then
    give a promotion the same size.
    """

    def __init__(
        self,
        width: int,
        channels: int,
        n_targets: int,
        horizon: int,
        context_length: int,
        *,
        rank: int = 8,
        **by_row: Any,
    ) -> None:
        super().__init__()
        require_positive(width=width, channels=channels, n_targets=n_targets, rank=rank)
        require_positive(horizon=horizon, context_length=context_length)
        self.n_targets, self.horizon, self.rank = n_targets, horizon, rank
        self.context_length = context_length
        self.direct = RowLinear(width, 2 * n_targets, bias=False, **by_row)
        self.query = RowLinear(channels, 2 * n_targets * rank, bias=False, **by_row)
        self.key = RowLinear(width, rank, bias=False, **by_row)
        nn.init.zeros_(self.direct.weight)
        nn.init.zeros_(self.query.weight)

    def forward(
        self,
        z: Tensor,
        mask: Tensor,
        state: Tensor,
        row_index: Tensor | None = None,
        stride: int = 1,
    ) -> Effects:
        """z: (H, B, W + horizon, width); mask: (H, T, B, W), 1 where the series was observed.

        state: (H, N, O, channels) of every stride-th step up to the last of W, N being B, or T * B
        where each target has a state of its own.
        """
        span, width = (state.shape[2] - 1) * stride + 1, mask.shape[-1]
        context = min(width, span + self.context_length - 1)
        first = width - span + 1  # the step after the first origin
        direct = self._of_steps(z, row_index)  # (H, 2, T, B, W + horizon)
        of_steps = direct[:, 0, ..., width - context : width].expand(-1, mask.shape[1], -1, -1)
        trailing = causal_scale(of_steps, mask[..., -context:], self.context_length)
        mean, sigma = (v[..., -span::stride] for v in (trailing.mu, trailing.sigma))
        inv_scale = (1 + sigma.square()).rsqrt()  # (H, T, B, O)
        ahead = direct[..., first:].unfold(-1, self.horizon, stride)  # (H, 2, T, B, O, horizon)
        shift = (ahead[:, 0] - mean.unsqueeze(-1)) * inv_scale.unsqueeze(-1)
        keys = self.key(z[:, :, first:], row_index).unfold(2, self.horizon, stride)
        joint = self._with_state(keys, state, row_index).to(shift.dtype)
        spread = (ahead[:, 1] + joint[:, 1]).expand_as(shift)
        return Effects(of_steps, mean, inv_scale, shift + joint[:, 0], spread)

    def _of_steps(self, z: Tensor, row_index: Tensor | None) -> Tensor:
        """Direct effects: (H, 2, T, B, L), on the centre and on the spread.

        In full precision: what bfloat16 loses of a large effect would be noise in the forecast.
        """
        with torch.autocast(z.device.type, enabled=False):
            out = GAIN * self.direct(z.to(self.direct.weight.dtype), row_index)  # (H, B, L, 2 T)
        return torch.unflatten(out, -1, (2, self.n_targets)).permute(0, 3, 4, 1, 2)

    def share(
        self, z: Tensor, seen: Tensor, state: Tensor, inv_scale: Tensor, row_index: Tensor | None
    ) -> Share:
        """The part that z has in the shift of the horizon, counted from its mean over the context.

        z: (H, B * O, K + horizon, width) a part of the features of each origin's context and
        horizon; seen: (H, T, B, O, K), 1 where the series was observed; inv_scale: (H, T, B, O) of
        the effects of all features. Both effects are linear in z, so that shares add up;
        `with_mean_keys` is what they leave.
        """
        size, (batch, n_origins) = self.context_length, seen.shape[2:4]
        direct = torch.unflatten(self._of_steps(z, row_index)[:, 0], 2, (batch, n_origins))
        past, ahead = direct[..., :size], direct[..., size:]
        mean = (past * seen).sum(-1) / seen.sum(-1).clamp_min(1)
        keys = torch.unflatten(self.key(z, row_index), 1, (batch, n_origins))
        any_seen = seen.amax(1).unsqueeze(-1)
        mean_key = (keys[..., :size, :] * any_seen).sum(-2) / any_seen.sum(-2).clamp_min(1)
        moved = (keys[..., size:, :] - mean_key.unsqueeze(-2)).transpose(-1, -2)
        joint = self._with_state(moved, state, row_index)[:, 0].to(inv_scale.dtype)
        return Share((ahead - mean.unsqueeze(-1)) * inv_scale.unsqueeze(-1), joint)

    def with_mean_keys(
        self, z: Tensor, mask: Tensor, state: Tensor, row_index: Tensor | None
    ) -> Tensor:
        """Compute what the state adds where the horizon's features are the context's mean.

        The arguments are those of `forward`. Returns (H, T, B, O, 1).
        """
        keys = self._mean_keys(z, mask, state.shape[2], row_index)
        return self._with_state(keys, state, row_index)[:, 0].to(mask.dtype)

    def _mean_keys(
        self, z: Tensor, mask: Tensor, n_origins: int, row_index: Tensor | None
    ) -> Tensor:
        """Keys over the observed steps of each context, of any target: (H, B, O, rank, 1)."""
        keys = self.key(z[:, :, : mask.shape[-1]], row_index).transpose(-1, -2)  # (H, B, rank, W)
        seen = mask.amax(1).unsqueeze(2).expand_as(keys)
        mean = causal_scale(keys, seen, self.context_length).mu[..., -n_origins:]
        return mean.transpose(-1, -2).unsqueeze(-1)

    def _with_state(self, keys: Tensor, state: Tensor, row_index: Tensor | None) -> Tensor:
        """Effects through the state: (H, 2, T, B, O, S); keys: (H, B, O, rank, S steps)."""
        batch = keys.shape[1]
        query = self.query(state, row_index)
        query = torch.unflatten(query, -1, (2 * self.n_targets, self.rank))
        query = torch.unflatten(query, 1, (-1, batch))  # (H, A, B, O, 2 T, rank), A states a series
        joint = torch.matmul(query, keys.unsqueeze(1))  # (H, A, B, O, 2 T, S)
        joint = torch.unflatten(joint, 4, (2, self.n_targets)).permute(0, 4, 1, 5, 2, 3, 6)
        return joint.flatten(2, 3)  # A or T is 1


def future_effect_reference(
    effect: FutureEffect, z: Tensor, mask: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Compute the shift and spread of `FutureEffect` by loops, for shared rows: its reference.

    Shapes as there; returns (H, T, B, O, horizon) each.
    """
    n_rows, n_targets, batch, width = mask.shape
    n_origins, size = state.shape[2], effect.horizon
    out = z.new_zeros(2, n_rows, n_targets, batch, n_origins, size)
    weight = GAIN * effect.direct.weight.view(2, effect.n_targets, -1)
    apart = effect.n_targets < n_targets  # each target has a state, and all share the weights
    for h in range(n_rows):
        for c in range(n_targets):
            at = 0 if apart else c
            for b in range(batch):
                g = z[h, b] @ weight[:, at].T  # (W + horizon, 2)
                for o in range(n_origins):
                    t = width - n_origins + o
                    window = slice(max(0, t + 1 - effect.context_length), t + 1)
                    seen = g[window, 0][mask[h, c, b, window] > 0]
                    mean = seen.mean() if len(seen) else seen.new_zeros(())
                    deviation = seen.std(correction=0) if len(seen) else mean
                    query = effect.query.weight @ state[h, c * batch + b if apart else b, o]
                    query = query.view(2, effect.n_targets, effect.rank)[:, at]
                    for j in range(1, size + 1):
                        joint = query @ (effect.key.weight @ z[h, b, t + j])
                        direct = (g[t + j, 0] - mean) / (1 + deviation**2).sqrt()
                        out[0, h, c, b, o, j - 1] = direct + joint[0]
                        out[1, h, c, b, o, j - 1] = g[t + j, 1] + joint[1]
    return out[0], out[1]
