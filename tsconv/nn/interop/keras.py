"""Keras' layouts: conv, depthwise and separable, the same for both data formats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from tsconv.nn.interop._arrays import (
    Conv,
    Depthwise,
    as_tensor,
    fill,
    require_conv,
    require_count,
    snapshot,
)
from tsconv.nn.separable import SeparableConv1d, SeparableConv2d

Separable = (SeparableConv1d, SeparableConv2d)


def _depthwise_to_torch(kernel: Tensor) -> Tensor:
    """(taps..., C, M) -> (C * M, 1, taps...)."""
    return kernel.movedim((-2, -1), (0, 1)).flatten(0, 1).unsqueeze(1)


def _depthwise_from_torch(weight: Tensor, multiplier: int) -> Tensor:
    """(C * M, 1, taps...) -> (taps..., C, M)."""
    return weight.squeeze(1).unflatten(0, (-1, multiplier)).movedim((0, 1), (-2, -1))


def load_keras(layer: nn.Module, weights: Sequence[Any]) -> nn.Module:
    """Fill a layer from `keras_layer.get_weights()`: kernel, or depthwise and pointwise, and bias.

    Conv1D and Conv2D go into `Conv1d` and `Conv2d`, DepthwiseConv into `DepthwiseConv1d/2d`,
    SeparableConv into `SeparableConv1d/2d`.
    """
    weights = list(weights)
    if isinstance(layer, Separable):
        require_count(weights, 2 + (layer.pointwise.bias is not None), "Keras' list of weights")
        found = _keras(layer.depthwise, weights[:1]) + _keras(layer.pointwise, weights[1:])
    else:
        found = _keras(require_conv(layer), weights)
    for target, name, value in found:  # only now that all of them fit
        fill(target, name, value)
    return layer


def _keras(conv: Conv, weights: Sequence[Any]) -> list[tuple[Conv, str, Tensor]]:
    """What goes where, in our layout, checked."""
    require_count(weights, 1 + (conv.bias is not None), "Keras' list of weights")
    if isinstance(conv, Depthwise):
        shape = (*conv.kernel_size, conv.in_channels, conv.depth_multiplier)
        kernel = _depthwise_to_torch(as_tensor(weights[0], shape, "Keras' depthwise kernel"))
    else:
        shape = (*conv.kernel_size, conv.in_channels // conv.groups, conv.out_channels)
        kernel = as_tensor(weights[0], shape, "Keras' kernel").movedim((-1, -2), (0, 1))
    out: list[tuple[Conv, str, Tensor]] = [(conv, "weight", kernel)]
    if conv.bias is not None:
        out.append((conv, "bias", as_tensor(weights[1], (conv.out_channels,), "Keras' bias")))
    return out


def to_keras(layer: nn.Module) -> list[Tensor]:
    """What `keras_layer.set_weights` takes, for the Keras layer that `layer` is."""
    if isinstance(layer, Separable):
        return to_keras(layer.depthwise) + to_keras(layer.pointwise)
    conv = require_conv(layer)
    weight = conv.weight.detach()
    if isinstance(conv, Depthwise):
        kernel = _depthwise_from_torch(weight, conv.depth_multiplier)
    else:
        kernel = weight.movedim((0, 1), (-1, -2))
    return [snapshot(kernel)] + ([] if conv.bias is None else [snapshot(conv.bias)])
