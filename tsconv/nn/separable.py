"""Depthwise and depthwise-separable convolutions, 1-D and 2-D, as Keras and Flux have them.

A depthwise layer gives each input channel `depth_multiplier` filters of its own; output channel
c * depth_multiplier + m is filter m of channel c. A separable layer mixes the result with a 1 x 1
convolution, with no activation between and one bias at the end. New layers start with Keras'
glorot_uniform, counted with Keras' fans, and zero biases.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from tsconv.errors import require_choice, require_positive
from tsconv.nn._checks import require_memory, require_shape
from tsconv.nn.conv import Conv1d, Conv2d, PaddedConv
from tsconv.nn.functional.depthwise import depthwise_conv1d
from tsconv.nn.functional.padding import Padding, layer_amounts
from tsconv.nn.init import KERAS_INITIALIZERS, keras_init_

DATA_FORMATS = ("channels_first", "channels_last")


def _to_first(x: Tensor, channels: int, n_axes: int, data_format: str) -> Tensor:
    """Channels to axis 1 where they are last; raises ConfigError on a wrong shape."""
    axes = ", ".join(("H", "W")[-n_axes:])
    if data_format == "channels_first":
        require_shape(x, f"(B, {channels}, {axes})", channels, 1)
        return x
    require_shape(x, f"(B, {axes}, {channels})", channels, n_axes + 1)
    return x.movedim(-1, 1)


def _from_first(x: Tensor, data_format: str) -> Tensor:
    return x if data_format == "channels_first" else x.movedim(1, -1)


def _check(data_format: str, **initializers: str) -> None:
    require_choice("data_format", data_format, DATA_FORMATS)
    for name, value in initializers.items():
        require_choice(name, value, KERAS_INITIALIZERS)


class _Depthwise(PaddedConv):
    """What the two depthwise layers share, on top of `Conv1d` or `Conv2d`."""

    def __init__(
        self,
        channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: Padding = 0,
        dilation: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        bias: bool = True,
        data_format: str = "channels_first",
        depthwise_initializer: str = "glorot_uniform",
    ) -> None:
        require_positive(channels=channels, depth_multiplier=depth_multiplier)
        _check(data_format, depthwise_initializer=depthwise_initializer)
        self.depth_multiplier = depth_multiplier  # before super(), which calls reset_parameters
        self.data_format = data_format
        self.depthwise_initializer = depthwise_initializer
        filters = channels * depth_multiplier
        super().__init__(channels, filters, kernel_size, stride, padding, dilation, channels, bias)

    def reset_parameters(self) -> None:
        """Start with the initializer that was asked for, and with zero biases."""
        kernel = (*self.kernel_size, self.in_channels, self.depth_multiplier)
        keras_init_(self.weight, self.depthwise_initializer, kernel)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class DepthwiseConv1d(_Depthwise, Conv1d):
    """Each channel convolved with its own filters: (B, C, W) -> (B, C * depth_multiplier, W').

    `weight` is (C * depth_multiplier, 1, kernel_size), as `nn.Conv1d(groups=C)` has it. With
    `data_format="channels_last"` input and output are (B, W, C). Padding, stride and errors as
    `Conv1d`'s. At stride 1 and depth_multiplier 1 it trains several times faster than `nn.Conv1d`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, W), or (B, W, C) where channels are last."""
        x = _to_first(x, self.in_channels, 1, self.data_format)
        require_memory(self.weight, x)
        (k,), (stride,), (dilation,) = self.kernel_size, self.stride, self.dilation
        padded = layer_amounts(self.rules[0], x.shape[-1], k, stride, dilation)
        out = depthwise_conv1d(x, self.weight, self.bias, stride, padded, dilation)
        return _from_first(out, self.data_format)


class DepthwiseConv2d(_Depthwise, Conv2d):
    """`DepthwiseConv1d` on (B, C, H, W), or (B, H, W, C) where channels are last."""

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W), or (B, H, W, C) where channels are last."""
        x = _to_first(x, self.in_channels, 2, self.data_format)
        return _from_first(super().forward(x), self.data_format)


class _Separable(nn.Module):
    """What the two separable layers share; they name the layers of their number of axes."""

    depthwise_type: type[DepthwiseConv1d] | type[DepthwiseConv2d]
    pointwise_type: type[Conv1d] | type[Conv2d]
    n_axes: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: Padding = 0,
        dilation: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        bias: bool = True,
        data_format: str = "channels_first",
        depthwise_initializer: str = "glorot_uniform",
        pointwise_initializer: str = "glorot_uniform",
    ) -> None:
        require_positive(
            in_channels=in_channels, out_channels=out_channels, depth_multiplier=depth_multiplier
        )
        _check(data_format, pointwise_initializer=pointwise_initializer)
        super().__init__()
        self.data_format = data_format
        filters = in_channels * depth_multiplier
        self.depthwise = self.depthwise_type(
            in_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            depth_multiplier,
            bias=False,
            depthwise_initializer=depthwise_initializer,
        )
        self.pointwise = self.pointwise_type(filters, out_channels, 1, bias=bias)
        kernel = (*(1,) * self.n_axes, filters, out_channels)
        keras_init_(self.pointwise.weight, pointwise_initializer, kernel)
        if self.pointwise.bias is not None:
            nn.init.zeros_(self.pointwise.bias)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, ...), or (B, ..., C) where channels are last."""
        x = _to_first(x, self.depthwise.in_channels, self.n_axes, self.data_format)
        return _from_first(self.pointwise(self.depthwise(x)), self.data_format)


class SeparableConv1d(_Separable):
    """A depthwise convolution, then a pointwise one: (B, C, W) -> (B, out_channels, W').

    Parameters: `depthwise.weight` (C * depth_multiplier, 1, kernel_size), `pointwise.weight`
    (out_channels, C * depth_multiplier, 1) and `pointwise.bias`. Padding, stride and errors as
    `Conv1d`'s, `data_format` as `DepthwiseConv1d`'s (Keras' SeparableConv1D; Chollet 2017).
    """

    depthwise_type, pointwise_type, n_axes = DepthwiseConv1d, Conv1d, 1


class SeparableConv2d(_Separable):
    """`SeparableConv1d` on (B, C, H, W), or (B, H, W, C) where channels are last."""

    depthwise_type, pointwise_type, n_axes = DepthwiseConv2d, Conv2d, 2
