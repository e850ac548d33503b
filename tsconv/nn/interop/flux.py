"""Flux' layouts: Conv, CrossCor, and DepthwiseConv before and since version 0.9."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tsconv.errors import ConfigError, require_positive
from tsconv.nn.interop._arrays import (
    Depthwise,
    as_array,
    as_tensor,
    fill,
    require_conv,
    snapshot,
)
from tsconv.nn.separable import DepthwiseConv1d, DepthwiseConv2d


def _reverse(kernel: Tensor, n_axes: int, cross_correlation: bool) -> Tensor:
    """Reverse a kernel's taps: Flux' Conv is a true convolution, its CrossCor and ours are not."""
    return kernel if cross_correlation else kernel.flip(tuple(range(n_axes)))


def load_flux(
    layer: nn.Module, weight: Any, bias: Any = None, *, cross_correlation: bool = False
) -> nn.Module:
    """Fill a layer from the weight and bias of Flux' Conv, CrossCor or DepthwiseConv.

    Args:
        layer: a `Conv1d`, `Conv2d`, `DepthwiseConv1d` or `DepthwiseConv2d`; it is filled and
            returned.
        weight: (taps..., in / groups, out); for a depthwise layer also the older (taps..., M, C).
        bias: (out,), or None or False for zeros.
        cross_correlation: the weight is a CrossCor's, whose taps are not reversed.

    Raises:
        ConfigError: another shape, or a bias for a layer without one; nothing is written then.

    Examples:
        >>> import numpy as np
        >>> from tsconv.nn import Conv1d
        >>> weight = np.array([[[1.0]], [[2.0]]])  # (taps, in, out)
        >>> load_flux(Conv1d(1, 1, 2), weight).weight.tolist()  # reversed
        [[[2.0, 1.0]]]
    """
    conv = require_conv(layer)
    n_axes = len(conv.kernel_size)
    grouped = (*conv.kernel_size, conv.in_channels // conv.groups, conv.out_channels)
    kernel = as_array(weight, "Flux' weight")
    bias = None if isinstance(bias, (bool, np.bool_)) and not bias else bias
    if isinstance(conv, Depthwise):
        older = (*conv.kernel_size, conv.depth_multiplier, conv.in_channels)
        if tuple(kernel.shape) == older:
            kernel = kernel.transpose(-1, -2).reshape(grouped)  # (taps..., 1, C * M)
    kernel = as_tensor(kernel, grouped, "Flux' weight")
    if conv.bias is not None:
        bias = torch.zeros(conv.out_channels) if bias is None else bias
        bias = as_tensor(bias, (conv.out_channels,), "Flux' bias")
    elif bias is not None:
        raise ConfigError("Flux' layer has a bias, expected none: build the layer with `bias=True`")
    fill(conv, "weight", _reverse(kernel, n_axes, cross_correlation).movedim((-1, -2), (0, 1)))
    if conv.bias is not None:
        fill(conv, "bias", bias)
    return layer


def to_flux(layer: nn.Module, *, cross_correlation: bool = False) -> tuple[Tensor, Tensor | None]:
    """Return weight (taps..., in / groups, out) and bias (out,) for Flux' Conv, or its CrossCor.

    Raises ConfigError for a layer without a counterpart; the bias is None where there is none.

    Examples:
        >>> from tsconv.nn import Conv1d
        >>> weight, bias = to_flux(Conv1d(4, 6, 3))
        >>> weight.shape, bias.shape
        (torch.Size([3, 4, 6]), torch.Size([6]))
    """
    conv = require_conv(layer)
    kernel = conv.weight.detach().movedim((0, 1), (-1, -2))
    kernel = _reverse(kernel, len(conv.kernel_size), cross_correlation)
    return snapshot(kernel), None if conv.bias is None else snapshot(conv.bias)


def flux_depth_multiplier(channels: tuple[int, int], filters: int) -> tuple[int, str]:
    """Return the filters a channel of Flux' `DepthwiseConv(k, in => right)`, and right's meaning.

    Up to Flux 0.8 the right side was the number of filters a channel ("multiplier"); since 0.9 it
    is the number of outputs ("outputs"), a multiple of the inputs.

    Args:
        channels: the pair (in, right).
        filters: how many filters the weight holds in all.

    Raises:
        ConfigError: neither meaning fits.

    Examples:
        >>> flux_depth_multiplier((2, 4), filters=4), flux_depth_multiplier((2, 3), filters=6)
        ((2, 'outputs'), (3, 'multiplier'))
    """
    if not isinstance(channels, (tuple, list)) or len(channels) != 2:
        raise ConfigError(f"`channels` (={channels}) must be a pair: inputs and the right side")
    n_in, right = channels
    require_positive(in_channels=n_in, right=right)
    for meaning, outputs in (("outputs", right), ("multiplier", n_in * right)):
        if outputs == filters and outputs % n_in == 0:
            return filters // n_in, meaning
    raise ConfigError(
        f"`channels` (={n_in}=>{right}) does not fit a weight of {filters} filters: as outputs "
        f"(Flux 0.9 and later) it means {right}, as filters a channel (up to 0.8) {n_in * right}"
    )


def from_flux_depthwise(
    channels: tuple[int, int], weight: Any, bias: Any = None, **arguments: Any
) -> tuple[DepthwiseConv1d | DepthwiseConv2d, str]:
    """Build the layer of Flux' `DepthwiseConv(k, in => right)` from either version's weight.

    Args:
        channels: the pair (in, right).
        weight: (taps..., 1, out), or (taps..., M, in) of versions up to 0.8.
        bias: (out,), or None or False for a layer without one.
        **arguments: stride, padding and dilation of `DepthwiseConv1d` or `DepthwiseConv2d`.

    Returns:
        The layer, and the meaning of the right side, see `flux_depth_multiplier`.

    Raises:
        ConfigError: the weight has another number of axes, or does not fit the channels.

    Examples:
        >>> import numpy as np
        >>> layer, meaning = from_flux_depthwise((2, 4), np.ones((3, 1, 4)))
        >>> layer.depth_multiplier, meaning
        (2, 'outputs')
    """
    kernel = as_array(weight, "Flux' weight")
    kernel = kernel if kernel.is_floating_point() else kernel.float()
    if kernel.ndim not in (3, 4):
        raise ConfigError(f"Flux' weight has shape {tuple(kernel.shape)}, expected 3 or 4 axes")
    multiplier, meaning = flux_depth_multiplier(channels, kernel.shape[-1] * kernel.shape[-2])
    kind = DepthwiseConv1d if kernel.ndim == 3 else DepthwiseConv2d
    has_bias = bias is not None and not isinstance(bias, (bool, np.bool_))
    layer = kind(
        channels[0],
        tuple(kernel.shape[:-2]),
        depth_multiplier=multiplier,
        bias=has_bias,
        **arguments,
    )
    load_flux(layer.to(kernel.dtype), kernel, bias)
    return layer, meaning
