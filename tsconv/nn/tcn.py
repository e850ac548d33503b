"""The stack of residual blocks with growing dilation, and its receptive field (Bai et al. 2018)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.errors import ConfigError, require_choice, require_positive
from tsconv.nn._checks import require_shape
from tsconv.nn.block import TemporalBlock, every_step
from tsconv.nn.row_mixing import CROSS_ROW, RowMixing


def receptive_field(kernel_size: int, levels: int, stacks: int = 1) -> int:
    """Return how many steps an output sees: 1 + (kernel_size - 1) * sum of all dilations.

    Args:
        kernel_size: taps of each block's depthwise convolution.
        levels: blocks of a stack, with dilations 1, 2, 4, ..., 2 ** (levels - 1).
        stacks: how many such stacks follow one another.

    Raises:
        ConfigError: a size below 1.

    Examples:
        >>> receptive_field(kernel_size=3, levels=7)
        255
    """
    require_positive(kernel_size=kernel_size, levels=levels, stacks=stacks)
    dilations: int = 2**levels - 1  # their sum
    return 1 + stacks * (kernel_size - 1) * dilations


class TemporalStack(nn.Module):
    """Blocks with dilations 1, 2, 4, ..., time-major and without padding: what tsconv trains.

    (B, W, channels) -> (B, W - receptive_field + 1, channels). Where `rows` is separate or pooled,
    or rows are mixed, x is (H, N, W, channels).

    Args:
        channels: size of the last axis.
        kernel_size: taps of each block's depthwise convolution.
        levels: blocks of a stack.
        stacks: how many stacks, each with dilations from 1 again, follow one another.
        skip: return the mean of all blocks' outputs instead of the last block's.
        cross_row: `mean` or `dense` adds a `RowMixing` of that kind after each block; `none`.
        n_rows: rows of the family, H; needed unless rows share their filters.
        rows: `shared`, `separate` or `pooled`, see `RowwiseConv1d`.
        **block: further arguments of `TemporalBlock`.

    Raises:
        ConfigError: a wrong argument; in the forward pass, fewer steps than `receptive_field`.

    Examples:
        >>> import torch
        >>> stack = TemporalStack(4, kernel_size=3, levels=3)
        >>> stack.receptive_field, stack(torch.zeros(8, 100, 4)).shape
        (15, torch.Size([8, 86, 4]))
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        levels: int,
        *,
        stacks: int = 1,
        skip: bool = False,
        cross_row: str = "none",
        n_rows: int | None = None,
        rows: str = "shared",
        **block: Any,
    ) -> None:
        super().__init__()
        require_choice("cross_row", cross_row, CROSS_ROW)
        self.receptive_field = receptive_field(kernel_size, levels, stacks)
        self.skip = skip
        by_row: dict[str, Any] = {"n_rows": n_rows, "rows": rows}
        self.dilations = stacks * tuple(2**level for level in range(levels))
        self.blocks = nn.ModuleList(
            TemporalBlock(channels, kernel_size, dilation, **by_row, **block)
            for dilation in self.dilations
        )
        mixings = len(self.blocks) if cross_row != "none" else 0
        self.cross = nn.ModuleList(RowMixing(channels, cross_row, **by_row) for _ in range(mixings))

    def forward(
        self,
        x: Tensor,
        present: Tensor | None = None,
        row_index: Tensor | None = None,
        stride: int = 1,
    ) -> Tensor:
        """Apply all blocks to x: (B, W, channels) or (H, N, W, channels).

        present: (H, N, W), 1 at steps at which a row takes part in row mixing, else 0; None: all.
        row_index: the number of each of x's rows, see `RowParameters.of_rows`. stride: of the
        output's steps every stride-th is returned, the last one included, and a block computes the
        steps alone that those need: at a stride that 2 divides often, hardly any.
        """
        length = x.shape[-2] - self.receptive_field + 1
        if length < 1:
            raise ConfigError(
                f"the input has {x.shape[-2]} steps, fewer than receptive_field "
                f"(={self.receptive_field})"
            )
        if self.cross and present is None:
            present = torch.ones_like(x[..., 0])
        # Where there is one output, any stride gives it: one that all dilations divide.
        stride = stride if length > 1 else 2 * self.dilations[-1]
        length = -(-length // stride)
        skips = []
        spacings = self._spacings(stride)
        for i, block in enumerate(self.blocks):
            before, after = spacings[i : i + 2]
            x = block(x, row_index, self.dilations[i] // before, after // before)
            if self.cross and present is not None:
                there = every_step(present.unsqueeze(-1), after)
                x = self.cross[i](x, there[..., -x.shape[-2] :, :], row_index)
            if self.skip:
                skips.append(every_step(x, stride // after)[..., -length:, :])
        return torch.stack(skips).mean(0) if self.skip else x  # (..., length, channels)

    def _spacings(self, stride: int) -> list[int]:
        """Steps from one that is needed to the next: of the input, and of each block's output."""
        spacings = [stride]
        for dilation in reversed(self.dilations):
            spacings.append(math.gcd(spacings[-1], dilation))
        return spacings[::-1]


class TemporalConvNet(nn.Module):
    """A temporal convolutional network on PyTorch's (B, C, W): stem, residual blocks, projection.

    (B, in_channels, W) -> (B, out_channels, W), causal. Source: Bai et al. 2018, arXiv 1803.01271,
    with depthwise-separable convolutions, see `TemporalBlock`.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        channels: channels inside.
        kernel_size: taps of each block's depthwise convolution.
        levels: blocks, with dilations 1, 2, 4, ...
        padding: `causal` puts receptive_field - 1 zeros in front of the input; `valid` pads nothing
            and returns (B, out_channels, W - receptive_field + 1).
        **stack: further arguments of `TemporalStack` and `TemporalBlock`.

    Raises:
        ConfigError: a wrong argument; in the forward pass, a wrong shape or too short an input.

    Examples:
        >>> import torch
        >>> net = TemporalConvNet(2, 1, channels=16, levels=4)
        >>> net.receptive_field, net(torch.zeros(8, 2, 100)).shape
        (31, torch.Size([8, 1, 100]))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        channels: int = 64,
        kernel_size: int = 3,
        levels: int = 6,
        *,
        padding: str = "causal",
        **stack: Any,
    ) -> None:
        super().__init__()
        require_positive(in_channels=in_channels, out_channels=out_channels)
        if padding not in ("causal", "valid"):
            raise ConfigError(f"`padding` (={padding}) must be causal or valid")
        self.padding = padding
        self.stem = nn.Linear(in_channels, channels)
        self.stack = TemporalStack(channels, kernel_size, levels, **stack)
        self.project = nn.Linear(channels, out_channels)

    @property
    def receptive_field(self) -> int:
        """Steps that an output sees, its own included."""
        return self.stack.receptive_field

    def forward(self, x: Tensor) -> Tensor:
        """Map x: (B, in_channels, W), see the class."""
        channels = self.stem.in_features
        require_shape(x, f"(B, {channels}, W)", channels, 1)
        if self.padding == "causal":
            x = F.pad(x, (self.receptive_field - 1, 0))
        y: Tensor = self.project(self.stack(self.stem(x.transpose(1, 2))))  # (B, W, C_out)
        return y.transpose(1, 2)


def stack_reference(stack: TemporalStack, x: Tensor) -> Tensor:
    """Reference of `TemporalStack`: one window at a time, as frameworks that cut windows do.

    x: (B, W, channels). Each output step has a forward pass of its own, on its receptive field.
    """
    field = stack.receptive_field
    windows = [x[:, end - field : end] for end in range(field, x.shape[1] + 1)]
    return torch.cat([stack(window) for window in windows], dim=1)
