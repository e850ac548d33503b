"""The linear branch: from the origin's own scaled context straight to the horizon."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from tsconv.errors import require_positive
from tsconv.model.spec import NetSpec
from tsconv.nn.rows import RowParameters


class LinearBranch(RowParameters):
    """A linear map from the origin's scaled context to the horizon: level and seasonal shape.

    out[t, h] = sum_k weight[h, k] * (x[t - K + 1 + k] - mu[t]) / sigma[t] over the K steps of the
    context, where missing steps count as the mean. Starts as the mean of the context, or, where
    the context holds a `season` of steps, as the mean of the steps at the same season.

    `n_channels` gives each channel a map of its own, `rows` each row, see `RowParameters`; where
    maps differ by series, series are the rows.
    """

    def __init__(
        self,
        context_length: int,
        horizon: int,
        season: int | None = None,
        *,
        n_channels: int = 1,
        n_rows: int | None = None,
        rows: str = "shared",
    ) -> None:
        super().__init__(n_rows, rows)
        require_positive(context_length=context_length, horizon=horizon, n_channels=n_channels)
        self.context_length, self.horizon, self.n_channels = context_length, horizon, n_channels
        self.season = season
        self.declare("weight", n_channels * horizon, context_length)
        self.reset_parameters()

    @classmethod
    def of_spec(cls, spec: NetSpec, n_targets: int, by_row: dict[str, Any]) -> LinearBranch:
        """The branch of a network, its maps shared as the filters are unless `spec.maps` is given.

        n_targets: forecast from one state; by_row: what the filters of rows share.
        """
        if spec.maps == "shared":
            n_targets, by_row = 1, {}
        elif spec.maps is not None:
            n_targets = spec.n_targets or 1
            by_row = {"n_rows": spec.n_series or spec.n_rows, "rows": spec.maps}
        season = min(spec.seasonal_lags, default=None)
        return cls(spec.context_length, spec.horizon, season, n_channels=n_targets, **by_row)

    def reset_parameters(self) -> None:
        """Every map as the mean of the context, or of the steps at the same season."""
        season, size = self.season, self.context_length
        start = torch.zeros(self.horizon, size)
        if season is not None and season <= size:
            ahead = torch.arange(1, self.horizon + 1)[:, None]
            back = torch.arange(size - 1, -1, -1)  # steps before the origin
            same = (ahead + back) % season == 0
            start = same / same.sum(1, keepdim=True)
        with torch.no_grad():
            self.weight.copy_(start.repeat(len(self.weight) // self.horizon, 1))
        self.reset_deviations()

    def forward(
        self,
        x: Tensor,
        mask: Tensor,
        mu: Tensor,
        inverse: Tensor,
        row_index: Tensor | None = None,
        effect: tuple[Tensor, Tensor, Tensor] | None = None,
        steps: slice | None = None,
        stride: int = 1,
    ) -> Tensor:
        """x, mask: (..., K + (O - 1) * stride); mu, inverse: (..., O). Returns (..., O, horizon).

        effect: what covariates explain of each step of x, its mean over each origin's context and
        its inverse scale there, (..., O), see `Effects`; the map sees what is left. stride: steps
        from one origin to the next.
        With maps by channel or row the leading axes are (H, C, B); row_index: the number of each of
        x's rows. steps: those of each context that count, from its first; None: all.

        A strided view of every window, scaled in one fused pass: no loop over origins, and no
        cancellation when a series' level is far from zero.
        """
        size = self.context_length
        windows = x.unfold(-1, size, stride)  # (..., O, K), a view
        seen = mask.unfold(-1, size, stride)
        part = slice(None) if steps is None else steps
        if steps is not None:
            windows, seen = windows[..., part], seen[..., part]
        scaled = (windows - mu.unsqueeze(-1)) * (inverse.unsqueeze(-1) * seen)
        if effect is not None:
            of_steps, mean, inv_scale = effect
            explained = of_steps.unfold(-1, size, stride)[..., part] - mean.unsqueeze(-1)
            scaled = scaled - explained * (inv_scale.unsqueeze(-1) * seen)
        if self.rows == "shared" and self.n_channels == 1:
            return F.linear(scaled, self.weight if steps is None else self.weight[:, part])
        weight = torch.unflatten(
            self.of_rows("weight", row_index), 1, (self.n_channels, self.horizon)
        )
        if steps is not None:
            weight = weight[..., part]
        flat = scaled.flatten(2, 3)  # (H, C, B * O, K)
        out = torch.matmul(flat, weight.transpose(-1, -2))  # (H, C, B * O, horizon)
        return torch.unflatten(out, 2, scaled.shape[2:4])
