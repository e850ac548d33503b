"""The loss of every forecast origin in a batch, from one forward pass: what a training step runs.

`dense_loss` is the function that is compiled; it takes tensors and plain values alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from tsconv.config.schema import HeadConfig
from tsconv.data.batches.chunks import Batch
from tsconv.evaluation.losses import masked_mean, point_loss, quantile_loss
from tsconv.model.network import ForecastNet
from tsconv.model.prediction import HeadOutput, Prediction
from tsconv.nn.distributions.log_gamma import log_factorial_rest
from tsconv.nn.functional.fused_quantile_loss import OriginUnits, fused_quantile_loss
from tsconv.nn.heads import Head, QuantileHead

# The compiler leaves its loop over blocks alone, and would unroll it; the work on one is compiled.
_disable: Callable[..., Callable[..., Tensor]] = torch.compiler.disable  # PyTorch leaves it untyped
_apart = _disable(fused_quantile_loss)
# In trailing deviations: a target so far off counts as this far, since the square of the distance
# must stay finite in float32.
_FARTHEST = 1e6


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
    return _errors(net.prediction(_output(net, batch)), batch, inv_scale, loss_scale)


def _output(net: ForecastNet, batch: Batch) -> HeadOutput:
    members = batch.series if net.by_series else None
    return net.head_output(batch.x, batch.mask, batch.n_origins, members, batch.covariates)


def _targets(
    batch: Batch, horizon: int, n_observed: Tensor, known: Tensor
) -> tuple[Tensor, Tensor]:
    """The targets of each origin, a view, and their weights: (B, T, H, O, horizon).

    n_observed: (B, T, H, O) of each context; known: the same, whether an origin counts.
    """
    usable = batch.valid[:, None, None] & (n_observed > 0)
    weight = batch.y_mask.unfold(-1, horizon, 1) * (usable & known).unsqueeze(-1)
    return batch.y.unfold(-1, horizon, 1), weight


def _errors(out: Prediction, batch: Batch, inv_scale: Tensor, loss_scale: str) -> DenseErrors:
    per = out.inverse if loss_scale == "origin" else inv_scale.unsqueeze(-1).expand_as(out.inverse)
    horizon = out.levels[0].shape[-1]
    target, weight = _targets(batch, horizon, out.n_observed, per > 0)
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
        head: its `loss` and `loss_scale` are used, where it is no distribution: the loss of a
            distribution is its negative log-likelihood, and all origins count alike.
    """
    if net.has_distribution:
        loss, weight = _likelihood_terms(net, _output(net, batch), batch)
        return masked_mean(loss, weight), weight.sum()
    if can_fuse(net.head, batch.x.device):
        return _fused_loss(net, batch, inv_scale, head.loss_scale)
    errors = dense_errors(net, batch, inv_scale, head.loss_scale)
    return mean_loss(net, errors, head.loss), errors.weight.sum()


def can_fuse(head: Head, device: torch.device) -> bool:
    """Whether `fused_quantile_loss` has the loss of a head in the precision that is on.

    Sums over a block would leave the range of float16. The loss of a point head alone is too
    little work to gain.
    """
    half = torch.is_autocast_enabled(device.type) and (
        torch.get_autocast_dtype(device.type) == torch.float16
    )
    return isinstance(head, QuantileHead) and head.project.rows == "shared" and not half


def _fused_loss(
    net: ForecastNet, batch: Batch, inv_scale: Tensor, loss_scale: str
) -> tuple[Tensor, Tensor]:
    """`dense_loss` of quantiles."""
    members = batch.series if net.by_series else None
    inputs = net.inputs(batch.x, batch.mask, batch.n_origins, members, batch.covariates)
    centre, scale, effects = net.centre(inputs), inputs.scale, inputs.effects
    if effects is not None:
        centre = centre + effects.shift

    def turned(v: Tensor) -> Tensor:  # (B, T, H, ...) -> (H, T, B, ...)
        return v if net.series_as_rows else v.transpose(0, 2)

    def arranged(v: Tensor) -> Tensor:  # (H, T, B, ..., n) -> (..., T of a state, n)
        return v.movedim(1, -2) if net.mixed else v.unsqueeze(-2)

    per = scale.inverse if loss_scale == "origin" else turned(inv_scale.unsqueeze(-1))
    per = per.expand_as(scale.mu)  # (H, T, B, O)
    usable = turned(batch.valid[:, None, None]) & (scale.n_observed > 0) & (per > 0)
    counted = usable.to(per.dtype).expand_as(per)
    y_mask = turned(batch.y_mask)
    state = inputs.state
    if not net.mixed:
        state = torch.unflatten(state, 1, (centre.shape[1], -1))  # (H, T, B, O, hidden)
    units = (scale.mu, per, scale.sigma * per, counted)
    total = _apart(
        state,
        net.head.project.weight,
        net.head.project.get_parameter("bias"),
        arranged(centre),
        arranged(turned(batch.y)),
        arranged(y_mask),
        OriginUnits(*(arranged(v.unsqueeze(-1)) for v in units)),
        net.quantiles,
        None if effects is None else arranged(effects.spread),
        torch.compiler.is_compiling(),
    )
    n_targets = y_mask.unfold(-1, net.spec.horizon, 1).sum(-1)  # (H, T, B, O)
    count = (n_targets * counted).sum()
    return total / count.clamp_min(1), count


def validation_sums(
    net: ForecastNet, batch: Batch, inv_scale: Tensor, head: HeadConfig
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sums over a batch: of the loss, of its terms, of the median's scaled errors, of theirs.

    The arguments are those of `dense_loss`. The median's absolute errors are in units of each
    series' deviation, whatever the loss.
    """
    found = _output(net, batch)
    errors = _errors(
        net.prediction(found, (0.5,) if net.has_distribution else None),
        batch,
        inv_scale,
        head.loss_scale,
    )
    if net.has_distribution:
        loss, weight = _likelihood_terms(net, found, batch)
        mean, median = masked_mean(loss, weight), 0
    else:
        weight = errors.weight
        mean, median = mean_loss(net, errors, head.loss), net.quantiles.index(0.5)
    count = weight.sum().double()
    inv_scale = inv_scale[..., None, None]  # (B, T, H, 1, 1)
    size = errors.levels[median].abs()
    if head.loss_scale == "origin":
        size = size / errors.inv_scale.clamp_min(1e-30) * inv_scale
    counted = errors.weight * (inv_scale > 0)
    return mean.double() * count, count, (size * counted).sum().double(), counted.sum().double()


def _likelihood_terms(net: ForecastNet, found: HeadOutput, batch: Batch) -> tuple[Tensor, Tensor]:
    """The negative log-likelihood of each target, and its weight: (B, T, H, O, horizon).

    Of counts as they are; of other values in trailing deviations from the trailing mean, so that
    an origin whose context does not vary has weight 0.
    """
    scale = found.scale
    target, weight = _targets(batch, net.spec.horizon, scale.n_observed, scale.inverse > 0)
    if net.whole:
        counts = batch.y.clamp_min(0)
        rest = log_factorial_rest(counts).unfold(-1, net.spec.horizon, 1)  # once for each step
        y = counts.unfold(-1, net.spec.horizon, 1)
        return rest - net.head.log_likelihood(found.parameters, y), weight
    scaled = (target - scale.mu.unsqueeze(-1)) * scale.inverse.unsqueeze(-1)
    y = scaled.clamp(-_FARTHEST, _FARTHEST)
    return -net.head.log_likelihood(found.parameters, y), weight
