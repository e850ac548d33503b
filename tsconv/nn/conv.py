"""1-D and 2-D convolutions with every padding rule of the field, and the causal one.

Weights, biases and arguments are those of `nn.Conv1d` and `nn.Conv2d`, so that state dicts move
either way. All of them correlate, as PyTorch, Keras and PuzzleLib do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.errors import require_positive
from tsconv.nn._checks import (
    per_axis,
    require_divisible,
    require_memory,
    require_shape,
)
from tsconv.nn.functional.padding import Padding, check_padding, pad_input


def conv_arguments(
    n_axes: int,
    in_channels: int,
    out_channels: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int],
    dilation: int | Sequence[int],
    groups: int,
) -> dict[str, Any]:
    """Checked arguments of torch's constructors, in their names."""
    require_positive(in_channels=in_channels, out_channels=out_channels, groups=groups)
    require_divisible(groups, in_channels=in_channels, out_channels=out_channels)
    return {
        "in_channels": in_channels,
        "out_channels": out_channels,
        "kernel_size": per_axis("kernel_size", kernel_size, n_axes),
        "stride": per_axis("stride", stride, n_axes),
        "dilation": per_axis("dilation", dilation, n_axes),
        "groups": groups,
    }


class PaddedConv(nn.modules.conv._ConvNd):
    """What `Conv1d` and `Conv2d` add to torch's layers; they name the function and the axes."""

    n_axes: int
    axes: str
    function: Callable[..., Tensor]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: Padding = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        checked = conv_arguments(
            self.n_axes, in_channels, out_channels, kernel_size, stride, dilation, groups
        )
        rules = check_padding(padding, checked["stride"])
        super().__init__(**checked, bias=bias)
        self.rules = rules
        self.padding = padding if isinstance(padding, str) else rules  # type: ignore[assignment]

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, in_channels, ...) -> (B, out_channels, ...), time last."""
        require_shape(x, f"(B, {self.in_channels}, {self.axes})", self.in_channels, 1)
        require_memory(self.weight, x)
        x, rest = pad_input(x, self.rules, self.kernel_size, self.stride, self.dilation)
        return self.function(
            x, self.weight, self.bias, self.stride, rest, self.dilation, self.groups
        )


class Conv1d(PaddedConv, nn.Conv1d):
    """`nn.Conv1d` with `padding` = a number of steps, or a rule of `tsconv.nn.functional.padding` by name.

    (B, in_channels, W) -> (B, out_channels, W'), where W' is ceil(W / stride) for `causal` and
    `same`. Raises ConfigError for channels that `groups` does not divide, sizes below 1, an unknown
    rule, a wrong shape, and an input shorter than the kernel.
    """

    n_axes, axes, function = 1, "W", staticmethod(F.conv1d)


class Conv2d(PaddedConv, nn.Conv2d):
    """`nn.Conv2d` with the padding rules of `Conv1d`, one for both axes or one for each.

    (B, in_channels, H, W) -> (B, out_channels, H', W'). `causal` is causal along W, time, and
    `same` along H.
    """

    n_axes, axes, function = 2, "H, W", staticmethod(F.conv2d)


class CausalConv1d(Conv1d):
    """`Conv1d` whose output at step t depends on steps up to t only (van den Oord et al. 2016).

    The input (B, in_channels, W) is preceded by (kernel_size - 1) * dilation zeros; the output is
    (B, out_channels, ceil(W / stride)). Arguments as `nn.Conv1d`'s, less the padding.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, "causal", dilation, groups, bias
        )


def conv1d_reference(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int = 1,
    padded: tuple[int, int] = (0, 0),
    dilation: int = 1,
    groups: int = 1,
) -> Tensor:
    """Readable twin of every 1-D convolution here: one sum over taps for every output step.

    x: (B, C_in, W), weight: (C_out, C_in / groups, k), bias: (C_out,); padded: zeros in front and
    behind. Returns (B, C_out, floor((W + padded - (k - 1) * dilation - 1) / stride) + 1).
    """
    n_out, per_group, kernel_size = weight.shape
    x = F.pad(x, padded)
    steps = range(0, x.shape[2] - (kernel_size - 1) * dilation, stride)
    out = x.new_zeros(x.shape[0], n_out, len(steps))
    for o in range(n_out):
        first = o // (n_out // groups) * per_group  # the group's first input channel
        for i, t in enumerate(steps):
            for j in range(kernel_size):
                out[:, o, i] += x[:, first : first + per_group, t + j * dilation] @ weight[o, :, j]
    return out if bias is None else out + bias.reshape(1, -1, 1)
