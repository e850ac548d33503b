"""The residual block: x + dropout(act(norm(pointwise(depthwise_causal_dilated(x))))).

Channels last inside, and without padding: a block returns (kernel_size - 1) * dilation steps fewer
than it got, the first ones. What a shorter output costs nothing to compute is what dense origins
save; a caller that wants the input's length pads in front (see `TemporalConvNet`).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm as apply_weight_norm

from tsconv.errors import ConfigError, require_choice, require_positive
from tsconv.nn.functional.depthwise import depthwise_time_major
from tsconv.nn.rows import RowLinear, RowNorm
from tsconv.nn.rowwise import RowwiseConv1d

ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU, "silu": nn.SiLU}


def pick(name: str, table: dict[str, type[nn.Module]], argument: str) -> type[nn.Module]:
    """Return the class that a config calls `name`, or raise naming the nearest one."""
    require_choice(argument, name, table)
    return table[name]


class SpatialDropout(nn.Module):
    """Drop whole channels of a chunk: one draw for each (chunk, channel), shared by its steps.

    x: (..., W, C). Drawing one for every element is most of a training step's time on a CPU and no
    more accurate (Tompson et al. 2015 for the form).
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ConfigError(f"`dropout` (={p}) must be at least 0 and below 1")
        self.drops = p > 0
        # Tensors, not numbers: compiled code is then the same for every p, see fit.py.
        self.p: Tensor
        self.kept: Tensor
        self.register_buffer("p", torch.tensor(float(p)), persistent=False)
        self.register_buffer("kept", torch.tensor(1 - float(p)), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.drops:
            return x
        keep = torch.rand(*x.shape[:-2], 1, x.shape[-1], device=x.device) >= self.p
        return x * (keep / self.kept).to(x.dtype)


class TemporalBlock(nn.Module):
    """A causal dilated depthwise-separable residual block on (B, W, channels).

    `expansion` > 1 makes the pointwise part a pair with that many times the channels between;
    `gated` doubles its output and multiplies one half by the other's sigmoid (GLU, Dauphin et al.
    2017); `weight_norm` reparametrises both convolutions (Salimans & Kingma 2016). Where `rows` is
    separate or pooled, x is (H, N, W, channels), and row h goes through filters of its own.
    Returns (..., W - (kernel_size - 1) * dilation, channels).
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        dilation: int = 1,
        *,
        dropout: float = 0.0,
        activation: str = "gelu",
        norm: str = "layer",
        expansion: int = 1,
        gated: bool = False,
        weight_norm: bool = False,
        n_rows: int | None = None,
        rows: str = "shared",
    ) -> None:
        super().__init__()
        require_positive(
            channels=channels, kernel_size=kernel_size, dilation=dilation, expansion=expansion
        )
        self.kernel_size = kernel_size
        self.dilation = dilation
        by_row: dict[str, Any] = {"n_rows": n_rows, "rows": rows}
        self.depthwise = RowwiseConv1d(  # holds the parameters; forward goes through shift-and-add
            channels, channels, kernel_size, dilation=dilation, groups=channels, **by_row
        )
        act = pick(activation, ACTIVATIONS, "activation")
        self.norm = RowNorm(norm, channels * expansion, **by_row)
        wide = channels * expansion
        self.pointwise = RowLinear(channels, wide * (2 if gated else 1), **by_row)
        self.gate = nn.GLU(dim=-1) if gated else nn.Identity()
        self.act = act()
        self.project = RowLinear(wide, channels, **by_row) if expansion > 1 else None
        self.dropout = SpatialDropout(dropout)
        bound = math.sqrt(3 / kernel_size)  # unit variance through the depthwise taps
        nn.init.uniform_(self.depthwise.weight, -bound, bound)
        if weight_norm:
            apply_weight_norm(self.depthwise)
            apply_weight_norm(self.pointwise)

    @property
    def history(self) -> int:
        """Steps before the current one that the block sees: (kernel_size - 1) * dilation."""
        return (self.kernel_size - 1) * self.dilation

    def forward(self, x: Tensor, row_index: Tensor | None = None) -> Tensor:
        """row_index: the number of each of x's rows, see `RowParameters`."""
        taps, bias = (self.depthwise.of_rows(name, row_index) for name in ("weight", "bias"))
        if self.depthwise.rows == "shared":
            taps, bias = taps[0], bias[0]
        y = depthwise_time_major(x, taps, bias, self.dilation)
        y = self.gate(self.pointwise(y, row_index))
        y = self.act(self.norm(y, row_index))  # (..., W - history, channels * expansion)
        if self.project is not None:
            y = self.project(y, row_index)
        return x[..., self.history :, :] + self.dropout(y)  # (..., W - history, channels)
