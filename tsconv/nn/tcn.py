"""The stack of residual blocks with growing dilation, and its receptive field (Bai et al. 2018)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.errors import ConfigError, require_choice, require_positive
from tsconv.nn._checks import require_shape
from tsconv.nn.block import TemporalBlock
from tsconv.nn.row_mixing import CROSS_ROW, RowMixing


def receptive_field(kernel_size: int, levels: int, stacks: int = 1) -> int:
    """Steps that the last output sees: 1 + (kernel_size - 1) * sum of dilations 1, 2, 4, ...

    One depthwise convolution a block; `stacks` repeats the whole ladder of dilations.
    """
    require_positive(kernel_size=kernel_size, levels=levels, stacks=stacks)
    return 1 + stacks * (kernel_size - 1) * (2**levels - 1)


class TemporalStack(nn.Module):
    """Blocks with dilations 1, 2, 4, ..., time-major and without padding: what tsconv trains.

    x: (B, W, channels) with W >= receptive_field. Returns (B, W - receptive_field + 1, channels).
    With `skip`, the output is the mean of all blocks' outputs instead of the last one's. Where
    `rows` is separate or pooled, or rows tell each other (`cross_row`, see `RowMixing`), x is
    (H, N, W, channels).
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
        self.blocks = nn.ModuleList(
            TemporalBlock(channels, kernel_size, 2**level, **by_row, **block)
            for _ in range(stacks)
            for level in range(levels)
        )
        crossed = len(self.blocks) if cross_row != "none" else 0
        self.cross = nn.ModuleList(RowMixing(channels, cross_row, **by_row) for _ in range(crossed))

    def forward(
        self, x: Tensor, present: Tensor | None = None, row_index: Tensor | None = None
    ) -> Tensor:
        """present: (H, N, W), steps at which a row has anything to tell the others; None: all.

        row_index: the number of each of x's rows, see `RowParameters`.
        """
        length = x.shape[-2] - self.receptive_field + 1
        if length < 1:
            raise ConfigError(
                f"the input has {x.shape[-2]} steps, fewer than receptive_field "
                f"(={self.receptive_field})"
            )
        if self.cross and present is None:
            present = torch.ones_like(x[..., 0])
        skips = []
        for i, block in enumerate(self.blocks):
            x = block(x, row_index)
            if self.cross and present is not None:
                x = self.cross[i](x, present[..., -x.shape[-2] :].unsqueeze(-1), row_index)
            if self.skip:
                skips.append(x[..., -length:, :])
        return torch.stack(skips).mean(0) if self.skip else x  # (..., length, channels)


class TemporalConvNet(nn.Module):
    """A causal stack on PyTorch's (B, C, W): stem, dilated depthwise-separable blocks, projection.

    Arguments after `levels` are those of `TemporalStack` and `TemporalBlock`. With
    `padding="causal"` the input is preceded by receptive_field - 1 zeros and the output is
    (B, out_channels, W); with `padding="valid"` it is (B, out_channels, W - receptive_field + 1).
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
        channels = self.stem.in_features
        require_shape(x, f"(B, {channels}, W)", channels, 1)
        if self.padding == "causal":
            x = F.pad(x, (self.receptive_field - 1, 0))
        y = self.project(self.stack(self.stem(x.transpose(1, 2))))  # (B, W, C_out)
        return y.transpose(1, 2)


def stack_reference(stack: TemporalStack, x: Tensor) -> Tensor:
    """Readable twin: one window at a time, as frameworks that cut windows compute it.

    x: (B, W, channels). Each output step gets its receptive field cut out and a pass of its own.
    """
    field = stack.receptive_field
    windows = [x[:, end - field : end] for end in range(field, x.shape[1] + 1)]
    return torch.cat([stack(window) for window in windows], dim=1)
