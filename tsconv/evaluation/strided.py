"""Forecasts of every k-th origin of a stretch: the stack runs over all steps, the rest does not."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tsconv.model.covariate_encoder import CovariateBatch
from tsconv.model.effects import Effects
from tsconv.model.ensemble import Network
from tsconv.model.network import ForecastNet, OriginInputs
from tsconv.model.prediction import Prediction
from tsconv.nn.scaling import CausalScale


def predict_strided(
    net: Network,
    x: Tensor,
    mask: Tensor,
    n_origins: int,
    stride: int,
    row_index: Tensor | None = None,
    covariates: CovariateBatch | None = None,
    quantiles: Sequence[float] | None = None,
) -> Prediction:
    """The prediction of `net` at every stride-th of the last `n_origins` steps, from the first on.

    The arguments are those of `ForecastNet.forward`.

    >>> from tsconv.model.spec import NetSpec
    >>> net = ForecastNet(NetSpec(horizon=3, context_length=8, hidden=4, levels=2)).eval()
    >>> x = torch.randn(1, 1, 40)
    >>> mask = torch.ones_like(x)
    >>> some, every = predict_strided(net, x, mask, 9, 4), net(x, mask, 9)
    >>> torch.allclose(some.levels[0], every.levels[0][..., ::4, :], atol=1e-6)
    True
    """
    if stride == 1:
        return net(x, mask, n_origins, row_index, covariates, quantiles)  # type: ignore[no-any-return]
    if not isinstance(net, ForecastNet):
        return _every(net(x, mask, n_origins, row_index, covariates, quantiles), stride)
    inputs = net.inputs(x, mask, n_origins, row_index, covariates)
    some = inputs._replace(
        scale=CausalScale(*(v[..., ::stride] for v in inputs.scale)),
        state=inputs.state[:, :, ::stride],
        effects=None if inputs.effects is None else _some_effects(inputs.effects, stride),
    )
    return net.prediction(
        net.output_of(some, _centre(net, inputs, some, stride), x.ndim), quantiles
    )


def _centre(net: ForecastNet, inputs: OriginInputs, some: OriginInputs, stride: int) -> Tensor:
    """The linear branch's forecasts at the origins of `some`: (H, T, B, O, horizon).

    Each origin stands in the place of a series, with the steps of its own context.
    """
    if net.linear is None or net.by_series or inputs.effects is not None:
        return net.centre(inputs)[..., ::stride, :]
    size = net.spec.context_length
    first = net.history - size + 1
    windows, seen = (
        v[..., first:].unfold(-1, size, 1)[..., ::stride, :].flatten(2, 3)
        for v in (inputs.x, inputs.mask)
    )  # (H, T, B * O, K)
    mu, inverse = (v.flatten(2, 3).unsqueeze(-1) for v in (some.scale.mu, some.scale.inverse))
    centre = net.linear(windows, seen, mu, inverse, inputs.row_index)  # (H, T, B * O, 1, horizon)
    return torch.unflatten(centre.squeeze(3), 2, some.scale.mu.shape[2:]).to(mu.dtype)


def _some_effects(effects: Effects, stride: int) -> Effects:
    return effects._replace(
        mean=effects.mean[..., ::stride],
        inv_scale=effects.inv_scale[..., ::stride],
        shift=effects.shift[..., ::stride, :],
        spread=effects.spread[..., ::stride, :],
    )


def _every(found: Prediction, stride: int) -> Prediction:
    """Every stride-th origin of a prediction."""
    return found._replace(
        levels=tuple(v[..., ::stride, :] for v in found.levels),
        mu=found.mu[..., ::stride],
        sigma=found.sigma[..., ::stride],
        inverse=found.inverse[..., ::stride],
        n_observed=found.n_observed[..., ::stride],
        mean=None if found.mean is None else found.mean[..., ::stride, :],
    )
