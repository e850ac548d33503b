"""Weights from other libraries' layouts into our layers, and back.

Arrays may be NumPy arrays, tensors or nested lists. `load_*` fill a layer in place and return it;
`to_*` give back what the other library holds. A wrong shape is refused with both shapes, before
anything is written.

| library | kernel | bias |
|---|---|---|
| Keras conv | (taps..., in / groups, out) | (out,) |
| Keras depthwise | (taps..., C, M) | (C * M,) |
| Keras separable | depthwise as above, then (1..., C * M, out) | (out,) |
| Flux | (taps..., in / groups, out), reversed in `Conv`, not in `CrossCor` | (out,) |
| Flux' older DepthwiseConv | (taps..., M, C), reversed | (C * M,) |
| PuzzleLib | (out, in / groups, 1, size) | (1, out, 1, 1) |

Keras' kernels are the same for both data formats. Spatial axes keep their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tsconv.errors import ConfigError
from tsconv.nn.checks import require_positive
from tsconv.nn.conv import Conv1d, Conv2d
from tsconv.nn.rowwise import RowwiseConv1d
from tsconv.nn.separable import (
    DepthwiseConv1d,
    DepthwiseConv2d,
    SeparableConv1d,
    SeparableConv2d,
)

Conv = Conv1d | Conv2d
Depthwise = (DepthwiseConv1d, DepthwiseConv2d)
Separable = (SeparableConv1d, SeparableConv2d)


def _array(array: Any, what: str) -> Tensor:
    """A tensor of real numbers from whatever holds some."""
    try:
        if isinstance(array, Tensor):
            value = array.detach()
        else:
            plain = np.asarray(array)
            value = torch.from_numpy(np.array(plain, dtype=plain.dtype.newbyteorder("=")))
    except (TypeError, ValueError, RuntimeError):
        raise ConfigError(f"{what} is no array of numbers: {type(array).__name__}") from None
    if value.is_complex():
        raise ConfigError(f"{what} holds complex numbers, expected real ones")
    return value


def _tensor(array: Any, shape: Sequence[int], what: str) -> Tensor:
    """A tensor of exactly that shape, or an error that shows both."""
    value = _array(array, what)
    if tuple(value.shape) != tuple(shape):
        raise ConfigError(f"{what} has shape {tuple(value.shape)}, expected {tuple(shape)}")
    return value


def _set(layer: nn.Module, name: str, value: Tensor) -> None:
    """Fill a parameter; one without memory (device "meta") takes the value as it is."""
    old = getattr(layer, name)
    if old.is_meta:
        made = value.to(old.dtype).contiguous().clone()
        setattr(layer, name, nn.Parameter(made, requires_grad=old.requires_grad))
    else:
        with torch.no_grad():
            old.copy_(value)


def _copy(value: Tensor) -> Tensor:
    """A snapshot that later training does not change."""
    return value.detach().clone(memory_format=torch.contiguous_format)


def _count(arrays: Sequence[Any], expected: int, what: str) -> None:
    if len(arrays) != expected:
        raise ConfigError(f"{what} has {len(arrays)} arrays, expected {expected}")


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
        _count(weights, 2 + (layer.pointwise.bias is not None), "Keras' list of weights")
        found = _keras(layer.depthwise, weights[:1]) + _keras(layer.pointwise, weights[1:])
    else:
        found = _keras(_conv(layer), weights)
    for target, name, value in found:  # only now that all of them fit
        _set(target, name, value)
    return layer


def _keras(conv: Conv, weights: Sequence[Any]) -> list[tuple[Conv, str, Tensor]]:
    """What goes where, in our layout, checked."""
    _count(weights, 1 + (conv.bias is not None), "Keras' list of weights")
    if isinstance(conv, Depthwise):
        shape = (*conv.kernel_size, conv.in_channels, conv.depth_multiplier)
        kernel = _depthwise_to_torch(_tensor(weights[0], shape, "Keras' depthwise kernel"))
    else:
        shape = (*conv.kernel_size, conv.in_channels // conv.groups, conv.out_channels)
        kernel = _tensor(weights[0], shape, "Keras' kernel").movedim((-1, -2), (0, 1))
    out: list[tuple[Conv, str, Tensor]] = [(conv, "weight", kernel)]
    if conv.bias is not None:
        out.append((conv, "bias", _tensor(weights[1], (conv.out_channels,), "Keras' bias")))
    return out


def to_keras(layer: nn.Module) -> list[Tensor]:
    """What `keras_layer.set_weights` takes, for the Keras layer that `layer` is."""
    if isinstance(layer, Separable):
        return to_keras(layer.depthwise) + to_keras(layer.pointwise)
    conv = _conv(layer)
    weight = conv.weight.detach()
    if isinstance(conv, Depthwise):
        kernel = _depthwise_from_torch(weight, conv.depth_multiplier)
    else:
        kernel = weight.movedim((0, 1), (-1, -2))
    return [_copy(kernel)] + ([] if conv.bias is None else [_copy(conv.bias)])


def _conv(layer: nn.Module) -> Conv:
    if not isinstance(layer, (Conv1d, Conv2d)):
        raise ConfigError(f"{type(layer).__name__} has no counterpart there")
    return layer


def _require(layer: object, kind: type[nn.Module]) -> None:
    if not isinstance(layer, kind):
        raise ConfigError(f"the layer is a {type(layer).__name__}, expected a {kind.__name__}")


def _reverse(kernel: Tensor, n_axes: int, cross_correlation: bool) -> Tensor:
    """Flux' Conv is a true convolution, its CrossCor and our layers are not."""
    return kernel if cross_correlation else kernel.flip(tuple(range(n_axes)))


def load_flux(
    layer: nn.Module, weight: Any, bias: Any = None, *, cross_correlation: bool = False
) -> nn.Module:
    """Fill a `Conv1d/2d` or `DepthwiseConv1d/2d` from Flux' weight (taps..., in / groups, out).

    Into a depthwise layer, the older (taps..., M, C) is taken too. Kernels of `Conv` and
    `DepthwiseConv` are reversed; say `cross_correlation=True` for `CrossCor`.
    """
    conv = _conv(layer)
    n_axes = len(conv.kernel_size)
    grouped = (*conv.kernel_size, conv.in_channels // conv.groups, conv.out_channels)
    kernel = _array(weight, "Flux' weight")
    bias = None if isinstance(bias, (bool, np.bool_)) and not bias else bias
    if isinstance(conv, Depthwise):
        old = (*conv.kernel_size, conv.depth_multiplier, conv.in_channels)
        if tuple(kernel.shape) == old:
            kernel = kernel.transpose(-1, -2).reshape(grouped)  # (taps..., 1, C * M)
    kernel = _tensor(kernel, grouped, "Flux' weight")
    if conv.bias is not None:
        bias = torch.zeros(conv.out_channels) if bias is None else bias
        bias = _tensor(bias, (conv.out_channels,), "Flux' bias")
    elif bias is not None:
        raise ConfigError("Flux' layer has a bias, expected none: build the layer with `bias=True`")
    _set(conv, "weight", _reverse(kernel, n_axes, cross_correlation).movedim((-1, -2), (0, 1)))
    if conv.bias is not None:
        _set(conv, "bias", bias)
    return layer


def to_flux(layer: nn.Module, *, cross_correlation: bool = False) -> tuple[Tensor, Tensor | None]:
    """Weight (taps..., in / groups, out) and bias of Flux' `Conv`, or of its `CrossCor`."""
    conv = _conv(layer)
    kernel = conv.weight.detach().movedim((0, 1), (-1, -2))
    kernel = _reverse(kernel, len(conv.kernel_size), cross_correlation)
    return _copy(kernel), None if conv.bias is None else _copy(conv.bias)


def flux_depth_multiplier(channels: tuple[int, int], filters: int) -> tuple[int, str]:
    """Filters a channel of Flux' `DepthwiseConv(k, in => right)`, and which meaning that took.

    filters: how many the weight holds, in all. Up to Flux 0.8 the right side was the number of
    filters a channel ("multiplier"), from 0.9 on it is the number of outputs ("outputs"), which
    must be a multiple of the inputs. Raises ConfigError where neither fits.
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

    weight: (taps..., 1, out) or (taps..., M, in); arguments: stride, padding and dilation of ours.
    Returns the layer and the meaning of the right side, see `flux_depth_multiplier`.
    """
    kernel = _array(weight, "Flux' weight")
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


def load_puzzlelib(layer: Conv1d, weight: Any, bias: Any = None) -> Conv1d:
    """Fill a `Conv1d` from PuzzleLib's W (out, in / groups, 1, size) and b (1, out, 1, 1)."""
    _require(layer, Conv1d)
    out, per_group, size = layer.weight.shape
    kernel = _tensor(weight, (out, per_group, 1, size), "PuzzleLib's W")
    if (layer.bias is None) != (bias is None):
        had, wanted = ("no b", "one") if bias is None else ("a b", "none: `useBias` is False")
        raise ConfigError(f"PuzzleLib's layer has {had}, expected {wanted}")
    if bias is not None:
        bias = _tensor(bias, (1, out, 1, 1), "PuzzleLib's b")
    _set(layer, "weight", kernel.squeeze(2))
    if bias is not None:
        _set(layer, "bias", bias.flatten())
    return layer


def to_puzzlelib(layer: Conv1d) -> tuple[Tensor, Tensor | None]:
    """W (out, in / groups, 1, size) and b (1, out, 1, 1) as PuzzleLib's Conv1D holds them."""
    _require(layer, Conv1d)
    bias = None if layer.bias is None else _copy(layer.bias).view(1, -1, 1, 1)
    return _copy(layer.weight).unsqueeze(2), bias


def load_rows(layer: RowwiseConv1d, rows: Sequence[nn.Conv1d]) -> RowwiseConv1d:
    """Fill a `RowwiseConv1d(rows="separate")` from one `nn.Conv1d` for each row."""
    _require(layer, RowwiseConv1d)
    rows = list(rows)
    if layer.rows != "separate" or layer.n_rows is None:
        raise ConfigError(f"`rows` (={layer.rows}) must be separate to hold a Conv1d for each row")
    _count(rows, layer.n_rows, "the list of rows")
    for h, conv in enumerate(rows):
        _same_geometry(layer, conv, h)
    shape = (layer.out_channels, *layer.weight.shape[1:])
    weights = [_tensor(c.weight, shape, f"row {h}'s weight") for h, c in enumerate(rows)]
    biases = []
    for h, conv in enumerate(rows):
        if (conv.bias is None) != (layer.bias is None):
            had, wanted = ("none", "one") if conv.bias is None else ("one", "none")
            raise ConfigError(f"row {h}'s bias: it has {had}, expected {wanted}")
        if conv.bias is not None:
            biases.append(_tensor(conv.bias, shape[:1], f"row {h}'s bias"))
    _set(layer, "weight", torch.cat(weights))
    if biases:
        _set(layer, "bias", torch.cat(biases))
    return layer


def _same_geometry(layer: RowwiseConv1d, conv: nn.Conv1d, h: int) -> None:
    """Raise ConfigError where a row's Conv1d would compute something else than the layer.

    A row that pads nothing passes whatever the layer pads: loops often pad x before the rows, or
    cut the later end off a generous padding ("chomp") to be causal.
    """
    if not isinstance(conv, nn.Conv1d):
        raise ConfigError(f"row {h} is a {type(conv).__name__}, expected an nn.Conv1d")
    reach = (layer.kernel_size - 1) * layer.dilation
    if isinstance(conv, Conv1d):
        pads: tuple[object, ...] = (layer.padding, 0)
        padding: object = conv.rules[0]
    else:
        padding = conv.padding if isinstance(conv.padding, str) else conv.padding[0]
        pads = (layer.padding, 0, "valid", reach if layer.padding == "causal" else 0)
        if layer.padding in ("same_pytorch", "same_keras") and layer.stride == 1:
            pads += ("same",)
    for name, theirs, allowed in (
        ("kernel_size", conv.kernel_size[0], (layer.kernel_size,)),
        ("stride", conv.stride[0], (layer.stride,)),
        ("dilation", conv.dilation[0], (layer.dilation,)),
        ("groups", conv.groups, (layer.groups,)),
        ("padding", padding, pads),
        ("padding_mode", conv.padding_mode, ("zeros",)),
    ):
        if theirs not in allowed:
            raise ConfigError(f"row {h} has `{name}` (={theirs}), expected {allowed[0]}")


def to_rows(layer: RowwiseConv1d) -> list[Conv1d]:
    """One `Conv1d` for each row, with the same padding; shared rows get equal copies."""
    _require(layer, RowwiseConv1d)
    n_rows = layer.n_rows or 1
    weight, bias = layer.row_parameters(n_rows)
    out = []
    for h in range(n_rows):
        conv = Conv1d(
            layer.in_channels,
            layer.out_channels,
            layer.kernel_size,
            layer.stride,
            layer.padding,
            layer.dilation,
            layer.groups,
            bias is not None,
        ).to(weight.dtype)
        _set(conv, "weight", weight[h].detach())
        if bias is not None:
            _set(conv, "bias", bias[h].detach())
        out.append(conv)
    return out
