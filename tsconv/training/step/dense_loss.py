"""The loss of every forecast origin in a batch, from one forward pass: what a training step runs.

`dense_loss` is the function that is compiled; it takes tensors and plain values alone.
"""

from __future__ import annotations

import dataclasses

from torch import Tensor

from tsconv.config.schema import HeadConfig
from tsconv.data.batches.chunks import Batch
from tsconv.evaluation.losses import masked_mean, point_loss, quantile_loss
from tsconv.model.network import ForecastNet


@dataclasses.dataclass(frozen=True)
class DenseErrors:
    """Errors of a network's forecasts over a batch; O origins, T targets, H rows."""

    levels: list[Tensor]  # one (B, T, H, O, horizon) for each quantile, observed minus forecast
    weight: Tensor  # (B, T, H, O, horizon), 1 where an error counts
    inv_scale: Tensor  # (B, T, H, O, 1), what the differences in data units were multiplied by


def dense_errors(net: ForecastNet, batch: Batch, inv_scale: Tensor, loss_scale: str) -> DenseErrors:
    """Compute the errors of every quantile at every origin and horizon step of a batch.

    Args:
        net: the network; its `spec.horizon` is the number of steps ahead.
        batch: B chunks of O origins each, of the training's series.
        inv_scale: (B, T, H), one over the standard deviation of each series' training part; a
            series with 0 does not count.
        loss_scale: "series" multiplies errors by `inv_scale`, "origin" divides them by the
            trailing deviation at each origin.

    Masked targets, and origins whose context holds no observation, have weight 0.
    """
    horizon = net.spec.horizon
    members = batch.series if net.by_series else None
    out = net(batch.x, batch.mask, batch.n_origins, members, batch.covariates)
    target = batch.y.unfold(-1, horizon, 1)  # (B, T, H, O, horizon), a view
    usable = batch.valid[:, None, None] & (out.n_observed > 0)  # (B, T, H, O)
    per = out.inverse if loss_scale == "origin" else inv_scale.unsqueeze(-1).expand_as(out.inverse)
    weight = batch.y_mask.unfold(-1, horizon, 1) * (usable & (per > 0)).unsqueeze(-1)
    scaled = (target - out.mu.unsqueeze(-1)) * per.unsqueeze(-1)  # (B, T, H, O, horizon)
    spread = (out.sigma * per).unsqueeze(-1)  # (B, T, H, O, 1)
    return DenseErrors([scaled - level * spread for level in out.levels], weight, per.unsqueeze(-1))


def mean_loss(net: ForecastNet, errors: DenseErrors, loss: str) -> Tensor:
    """Average the loss of the errors that count; `loss` is the point head's, see `HeadConfig`."""
    value = (
        point_loss(errors.levels[0], loss)
        if net.spec.quantiles is None
        else quantile_loss(errors.levels, net.quantiles)
    )
    return masked_mean(value, errors.weight)


def dense_loss(
    net: ForecastNet, batch: Batch, inv_scale: Tensor, head: HeadConfig
) -> tuple[Tensor, Tensor]:
    """Return the mean loss over every origin and horizon step of a batch, and the number of terms.

    Args:
        net: the network to train.
        batch: B chunks of O origins each.
        inv_scale: (B, T, H), see `dense_errors`.
        head: its `loss` and `loss_scale` are used.
    """
    errors = dense_errors(net, batch, inv_scale, head.loss_scale)
    return mean_loss(net, errors, head.loss), errors.weight.sum()
