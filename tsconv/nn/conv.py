"""Causal padding and the causal 1-D convolution, in PyTorch's layout (B, C, W)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.errors import ConfigError


def require_positive(**sizes: int) -> None:
    """Raise ConfigError unless every named size is an integer of at least 1."""
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigError(f"`{name}` (={value}) must be an integer of at least 1")


def causal_pad(x: Tensor, kernel_size: int, dilation: int = 1) -> Tensor:
    """Pad the time axis on the left only, so that a convolution sees no later step.

    x: (B, C, W), time last. Returns (B, C, W + (kernel_size - 1) * dilation), zeros in front.
    """
    require_positive(kernel_size=kernel_size, dilation=dilation)
    return F.pad(x, ((kernel_size - 1) * dilation, 0))


class CausalConv1d(nn.Conv1d):
    """`nn.Conv1d` whose output at step t depends on steps up to t only (van den Oord et al. 2016).

    The input (B, C_in, W) is padded on the left by (kernel_size - 1) * dilation zeros; the output
    is (B, C_out, ceil(W / stride)). Arguments, `weight` and `bias` are those of `nn.Conv1d`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        require_positive(
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            dilation=dilation,
            groups=groups,
        )
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ConfigError(
                    f"`{name}` (={channels}) must be divisible by `groups` (={groups})"
                )
        super().__init__(
            in_channels, out_channels, kernel_size, stride, 0, dilation, groups, bias=bias
        )

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C_in, W) -> (B, C_out, ceil(W / stride))."""
        if x.ndim != 3 or x.shape[1] != self.in_channels:
            raise ConfigError(f"x has shape {tuple(x.shape)}, expected (B, {self.in_channels}, W)")
        return super().forward(causal_pad(x, self.kernel_size[0], self.dilation[0]))


def causal_conv1d_reference(
    x: Tensor, weight: Tensor, bias: Tensor | None, dilation: int = 1, groups: int = 1
) -> Tensor:
    """Readable twin of `CausalConv1d` at stride 1: one sum over taps for every output step.

    x: (B, C_in, W), weight: (C_out, C_in / groups, k), bias: (C_out,). Returns (B, C_out, W).
    """
    n_out, per_group, kernel_size = weight.shape
    out = x.new_zeros(x.shape[0], n_out, x.shape[2])
    for o in range(n_out):
        first = o // (n_out // groups) * per_group  # the group's first input channel
        for t in range(x.shape[2]):
            for j in range(kernel_size):
                s = t - (kernel_size - 1 - j) * dilation
                if s >= 0:
                    out[:, o, t] += x[:, first : first + per_group, s] @ weight[o, :, j]
    return out if bias is None else out + torch.reshape(bias, (1, -1, 1))
