"""Keras' layouts: conv, depthwise and separable, the same for both data formats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
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

_SEPARABLE = (SeparableConv1d, SeparableConv2d)


def _depthwise_to_torch(kernel: Tensor) -> Tensor:
    """(taps..., C, M) -> (C * M, 1, taps...)."""
    return kernel.movedim((-2, -1), (0, 1)).flatten(0, 1).unsqueeze(1)


def _depthwise_from_torch(weight: Tensor, multiplier: int) -> Tensor:
    """(C * M, 1, taps...) -> (taps..., C, M)."""
    return torch.unflatten(weight.squeeze(1), 0, (-1, multiplier)).movedim((0, 1), (-2, -1))


def load_keras(layer: nn.Module, weights: Sequence[Any]) -> nn.Module:
    """Fill a layer from `keras_layer.get_weights()`.

    Args:
        layer: `Conv1d` or `Conv2d` for Keras' Conv1D or Conv2D, `DepthwiseConv1d/2d` for
            DepthwiseConv, `SeparableConv1d/2d` for SeparableConv; it is filled and returned.
        weights: the kernel, or the depthwise and the pointwise one, then the bias if there is one.

    Raises:
        ConfigError: another number of arrays or another shape; nothing is written then.

    Examples:
        >>> import numpy as np
        >>> from tsconv.nn import Conv1d
        >>> kernel = np.array([[[1.0]], [[2.0]]])  # (taps, in, out)
        >>> load_keras(Conv1d(1, 1, 2, bias=False), [kernel]).weight.tolist()
        [[[1.0, 2.0]]]
    """
    weights = list(weights)
    if isinstance(layer, _SEPARABLE):
        require_count(weights, 2 + (layer.pointwise.bias is not None), "Keras' list of weights")
        parameters = _parameters(layer.depthwise, weights[:1])
        parameters += _parameters(layer.pointwise, weights[1:])
    else:
        parameters = _parameters(require_conv(layer), weights)
    for target, name, value in parameters:  # only now that all of them fit
        fill(target, name, value)
    return layer


def _parameters(conv: Conv, weights: Sequence[Any]) -> list[tuple[Conv, str, Tensor]]:
    """Return (layer, parameter's name, value) for each of the weights, checked, in our layout."""
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
    """Return what `keras_layer.set_weights` takes, for the Keras layer that `layer` is.

    Raises ConfigError for a layer without a counterpart in Keras.

    Examples:
        >>> from tsconv.nn import SeparableConv1d
        >>> [tuple(w.shape) for w in to_keras(SeparableConv1d(4, 6, 3))]
        [(3, 4, 1), (1, 4, 6), (6,)]
    """
    if isinstance(layer, _SEPARABLE):
        return to_keras(layer.depthwise) + to_keras(layer.pointwise)
    conv = require_conv(layer)
    weight = conv.weight.detach()
    if isinstance(conv, Depthwise):
        kernel = _depthwise_from_torch(weight, conv.depth_multiplier)
    else:
        kernel = weight.movedim((0, 1), (-1, -2))
    return [snapshot(kernel)] + ([] if conv.bias is None else [snapshot(conv.bias)])
