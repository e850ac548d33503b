"""Row-wise convolution on (B, C, H, W): each row of a family has its own Conv1d, all at once.

Row h's filters see row h alone, so the layer equals a loop of `nn.Conv1d` over rows. As one grouped
convolution its channel index is h * C + c: PyTorch's grouped `nn.Conv1d(H * C, H * C_out, k,
groups=H)` on `x.permute(0, 2, 1, 3).reshape(B, H * C, W)` has the same weight and bias.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.errors import ConfigError, require_positive
from tsconv.nn._checks import conv_arguments, require_shape, require_weights
from tsconv.nn.functional._dispatch import suits_row_products
from tsconv.nn.functional._rowwise_products import rowwise_gemm, rowwise_grouped
from tsconv.nn.functional.depthwise import depthwise_conv1d
from tsconv.nn.functional.padding import (
    Padding,
    check_padding,
    layer_amounts,
    pad_amounts,
    pad_sides,
)
from tsconv.nn.rows import RowParameters, require_rows


class RowwiseConv1d(RowParameters):
    """A Conv1d for each row, computed at once: (B, in_channels, H, W) -> (B, out_channels, H, W').

    Equals a loop of `nn.Conv1d` over rows. `weight` is (n_rows * out_channels, in_channels /
    groups, k) where rows are separate and (out_channels, in_channels / groups, k) else, as
    `nn.Conv2d(kernel_size=(1, k))` has it without the axis of one.

    Args:
        in_channels: channels of each row of the input.
        out_channels: channels of each row of the output.
        kernel_size: taps of each filter.
        stride: steps between outputs.
        padding: a number of zeros on either side, or a rule, see `Conv1d`.
        dilation: steps between taps.
        groups: parts of a row's channels that are convolved apart.
        bias: add a learned constant to each output channel of each row.
        n_rows: rows of the family, H; needed unless rows share their filters.
        rows: `separate` gives each row its own filters; `shared` gives all rows the same and takes
            any number of them; `pooled` adds to shared filters a deviation for each row,
            `row_weight` and `row_bias`, which start at zero and are meant to be decayed.

    Raises:
        ConfigError: as `Conv1d`; `n_rows` is missing; in the forward pass, another number of rows.

    Examples:
        >>> import torch
        >>> layer = RowwiseConv1d(4, 6, kernel_size=3, padding="causal", n_rows=10)
        >>> layer(torch.zeros(8, 4, 10, 100)).shape  # (B, C, H, W)
        torch.Size([8, 6, 10, 100])
        >>> layer(torch.zeros(8, 4, 2, 100), row_index=torch.tensor([7, 0])).shape  # two of the ten
        torch.Size([8, 6, 2, 100])
    """

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
        *,
        n_rows: int | None = None,
        rows: str = "separate",
    ) -> None:
        checked = conv_arguments(
            1, in_channels, out_channels, kernel_size, stride, dilation, groups
        )
        super().__init__(n_rows, rows)
        (self.kernel_size,) = checked["kernel_size"]
        (self.stride,) = checked["stride"]
        (self.dilation,) = checked["dilation"]
        (self.padding,) = check_padding(padding, (self.stride,))
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.declare_filters((out_channels, in_channels // groups, self.kernel_size), bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the filters as `nn.Conv1d` does, for each row."""
        self.reset_filters()

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"groups={self.groups}, bias={self.bias is not None}, n_rows={self.n_rows}, "
            f"rows={self.rows}"
        )

    def row_parameters(
        self, n_rows: int, row_index: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Return the filters by row: (H, out_channels, in_channels / groups, k), (H, out_channels).

        n_rows: H; row_index: as in `forward`.
        """
        weight = self.of_rows("weight", row_index)
        bias = None if self.bias is None else self.of_rows("bias", row_index)
        if self.rows == "shared":
            weight = weight.expand(n_rows, *weight.shape[1:])
            bias = None if bias is None else bias.expand(n_rows, -1)
        return weight, bias

    def forward(self, x: Tensor, row_index: Tensor | None = None) -> Tensor:
        """Convolve x: (B, in_channels, H, W) -> (B, out_channels, H, W').

        row_index: (H,) the number of each of x's rows, int64; -1 is a row that was never seen, for
        which `pooled` uses the shared filters. None: all rows of the layer, in order.
        """
        require_shape(x, f"(B, {self.in_channels}, H, W)", self.in_channels, 1)
        n_rows = x.shape[2]
        require_rows(self, n_rows, row_index)
        if n_rows < 1:
            raise ConfigError(f"x has shape {tuple(x.shape)}, no rows")
        require_weights(self.weight, x)
        k, stride, dilation = self.kernel_size, self.stride, self.dilation
        padded = layer_amounts(self.padding, x.shape[-1], k, stride, dilation)
        if self.groups == self.in_channels == self.out_channels:
            return self._depthwise(x, padded, row_index)
        if k == stride == self.groups == 1 and padded == (0, 0):
            return self._pointwise(x, row_index)
        if self.rows == "shared":
            x, side = pad_sides(x, (0, 0), padded)
            return F.conv2d(
                x,
                self.weight.unsqueeze(2),
                self.bias,
                (1, stride),
                side,
                (1, dilation),
                self.groups,
            )
        weight, bias = self.row_parameters(n_rows, row_index)
        if stride == self.groups == 1 and suits_row_products(x):
            return rowwise_gemm(x, weight, bias, padded, dilation)
        return rowwise_grouped(x, weight, bias, stride, padded, dilation, self.groups)

    def _depthwise(self, x: Tensor, padded: tuple[int, int], row_index: Tensor | None) -> Tensor:
        """One filter a channel and row: a depthwise convolution over C * H channels, no copy."""
        n_rows = x.shape[2]
        weight, bias = self.row_parameters(n_rows, row_index)  # (H, C, 1, k), (H, C)
        out = depthwise_conv1d(
            x.flatten(1, 2),
            weight.transpose(0, 1).flatten(0, 1),
            None if bias is None else bias.t().flatten(),
            self.stride,
            padded,
            self.dilation,
        )
        return torch.unflatten(out, 1, (self.out_channels, n_rows))

    def _pointwise(self, x: Tensor, row_index: Tensor | None) -> Tensor:
        """One matrix a row, as batched products; for shared filters too."""
        weight, bias = self.row_parameters(x.shape[2], row_index)
        if suits_row_products(x) and not torch.compiler.is_compiling():
            return rowwise_gemm(x, weight, bias, (0, 0), 1)
        out = torch.matmul(weight.squeeze(-1), x.transpose(1, 2))  # (B, H, C_out, W)
        if bias is not None:
            out = out + bias.unsqueeze(-1).to(out.dtype)
        return out.transpose(1, 2).contiguous()


class RowwiseSeparableConv1d(nn.Module):
    """A depthwise, then a pointwise convolution for each row, with one bias at the end.

    (B, in_channels, H, W) -> (B, out_channels, H, W'). Parameters as those of two `RowwiseConv1d`:
    `depthwise.weight`, `pointwise.weight`, `pointwise.bias`.

    Args:
        in_channels: channels of each row of the input.
        out_channels: channels of each row of the output.
        kernel_size: taps of each depthwise filter.
        stride: steps between outputs.
        padding: a number of zeros on either side, or a rule, see `Conv1d`.
        dilation: steps between taps.
        depth_multiplier: depthwise filters a channel.
        bias: add a learned constant to each output channel, after the pointwise convolution.
        n_rows: rows of the family, H; needed unless rows share their filters.
        rows: `separate`, `shared` or `pooled`, see `RowwiseConv1d`.

    Raises:
        ConfigError: as `RowwiseConv1d`.

    Examples:
        >>> import torch
        >>> layer = RowwiseSeparableConv1d(4, 6, kernel_size=3, padding="causal", rows="shared")
        >>> layer(torch.zeros(8, 4, 10, 100)).shape  # (B, C, H, W)
        torch.Size([8, 6, 10, 100])
    """

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
        *,
        n_rows: int | None = None,
        rows: str = "separate",
    ) -> None:
        require_positive(in_channels=in_channels, depth_multiplier=depth_multiplier)
        super().__init__()
        filters = in_channels * depth_multiplier
        self.depthwise = RowwiseConv1d(
            in_channels,
            filters,
            kernel_size,
            stride,
            padding,
            dilation,
            in_channels,
            bias=False,
            n_rows=n_rows,
            rows=rows,
        )
        self.pointwise = RowwiseConv1d(
            filters, out_channels, 1, bias=bias, n_rows=n_rows, rows=rows
        )

    def forward(self, x: Tensor, row_index: Tensor | None = None) -> Tensor:
        """Convolve x: (B, in_channels, H, W) -> (B, out_channels, H, W').

        row_index: the number of each of x's rows, see `RowwiseConv1d.forward`.
        """
        out: Tensor = self.pointwise(self.depthwise(x, row_index), row_index)
        return out


def rowwise_reference(layer: RowwiseConv1d, x: Tensor) -> Tensor:
    """Reference of `RowwiseConv1d`: a loop over rows. x: (B, C, H, W) -> (B, C_out, H, W')."""
    weight, bias = layer.row_parameters(x.shape[2])
    size = (layer.kernel_size, layer.stride, layer.dilation)
    x = F.pad(x, pad_amounts(layer.padding, x.shape[-1], *size))
    rows = [
        F.conv1d(
            x[:, :, h],
            weight[h],
            None if bias is None else bias[h],
            layer.stride,
            0,
            layer.dilation,
            layer.groups,
        )
        for h in range(x.shape[2])
    ]
    return torch.stack(rows, dim=2)
