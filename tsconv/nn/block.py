"""The residual block: x + dropout(act(norm(pointwise(depthwise_causal_dilated(x))))).

Channels are last, and nothing is padded: a block returns (kernel_size - 1) * dilation steps fewer
than it gets, the first ones, so that steps that no forecast needs are never computed. A caller that
wants the input's length pads in front, as `TemporalConvNet` does.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm as apply_weight_norm

from tsconv.errors import ConfigError, require_choice, require_positive
from tsconv.nn.functional.materialize import materialized
from tsconv.nn.functional.time_major import depthwise_time_major
from tsconv.nn.rows import RowLinear, RowNorm
from tsconv.nn.rowwise import RowwiseConv1d

_ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU, "silu": nn.SiLU}


class SpatialDropout(nn.Module):
    """Drop whole channels of a chunk: one draw for each (chunk, channel), shared by its steps.

    x: (..., W, C) in and out. One draw for every element would take most of a training step's time
    on a CPU and was no more accurate. Source: Tompson et al. 2015, arXiv 1411.4280.

    Args:
        p: the probability that a channel is dropped, at least 0 and below 1.

    Where x holds a part of a batch's chunks, `share` says which, see `set_batch_share`.

    Raises:
        ConfigError: p is outside [0, 1).

    Examples:
        >>> import torch
        >>> x = torch.ones(2, 5, 3)
        >>> y = SpatialDropout(0.5)(x)
        >>> bool((y == y[:, :1]).all())  # a channel is dropped at all steps or at none
        True
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ConfigError(f"`dropout` (={p}) must be at least 0 and below 1")
        self.drops = p > 0
        self.share: tuple[int, int, int] | None = None  # first chunk, chunks of x, chunks in all
        self.chunks_lead = False  # whether chunks lie along x's first axis
        # Tensors, not numbers: the compiled code is then the same for every p.
        self.p: Tensor
        self.kept: Tensor
        self.register_buffer("p", torch.tensor(float(p)), persistent=False)
        self.register_buffer("kept", torch.tensor(1 - float(p)), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Drop channels of x in training; in evaluation return x."""
        if not self.training or not self.drops:
            return x
        keep = self._draw(x) >= self.p
        return x * (keep / self.kept).to(x.dtype)

    def _draw(self, x: Tensor) -> Tensor:
        """A number from 0 to 1 for each (chunk, channel) of x: (..., 1, C)."""
        if self.share is None:
            return torch.rand(*x.shape[:-2], 1, x.shape[-1], device=x.device)
        first, count, total = self.share
        *outer, n, _, channels = x.shape
        if self.chunks_lead:
            drawn = torch.rand(total, *outer[1:], n, 1, channels, device=x.device)
            return drawn[first : first + count]
        states = n // count  # of each chunk: one for each target where they are apart
        drawn = torch.rand(*outer, states, total, channels, device=x.device)
        return drawn[..., first : first + count, :].reshape(*outer, n, 1, channels)


def set_batch_share(
    net: nn.Module, first: int, count: int, total: int, chunks_lead: bool = False
) -> None:
    """Let a network's dropout act on a part of a batch as it would within the whole batch.

    In each `SpatialDropout` the numbers of the whole batch are drawn, and those of the part are
    used. Generators in the same state then drop the same channels of a chunk, whatever the number
    of processes that share a batch.

    Args:
        net: any module; the axis before its time axis is (A * chunks), chunks being the inner part,
            unless `chunks_lead`.
        first: the number of the part's first chunk within the batch.
        count: chunks of the part. All of the batch: as if nothing was set.
        total: chunks of the batch.
        chunks_lead: chunks lie along the first axis instead, as series do that have filters of
            their own.

    Examples:
        >>> import torch
        >>> dropout, x = SpatialDropout(0.5), torch.ones(6, 10, 4)
        >>> def seeded(x: Tensor) -> Tensor:
        ...     torch.manual_seed(0)
        ...     return dropout(x)
        >>> whole = seeded(x)
        >>> set_batch_share(dropout, first=4, count=2, total=6)
        >>> torch.equal(seeded(x[4:]), whole[4:])
        True
    """
    for module in net.modules():
        if isinstance(module, SpatialDropout):
            module.share = None if count == total else (first, count, total)
            module.chunks_lead = chunks_lead


class TemporalBlock(nn.Module):
    """A causal dilated depthwise-separable residual block, channels last and without padding.

    (B, W, channels) -> (B, W - (kernel_size - 1) * dilation, channels); where `rows` is separate or
    pooled, (H, N, W, channels) -> (H, N, W - (kernel_size - 1) * dilation, channels), each row
    through filters of its own. Source: the residual block of Bai et al. 2018, arXiv 1803.01271,
    with one depthwise-separable convolution.

    Args:
        channels: size of the last axis.
        kernel_size: taps of the depthwise convolution.
        dilation: steps between its taps.
        dropout: probability that a channel's update is dropped, see `SpatialDropout`.
        activation: `gelu`, `relu` or `silu`.
        norm: `layer`, `rms` or `none`, over the channels of one step.
        expansion: above 1, the pointwise part is a pair with that many times the channels between.
        gated: multiply one half of the pointwise output by the sigmoid of the other (GLU, Dauphin
            et al. 2017, arXiv 1612.08083).
        weight_norm: reparametrise both convolutions (Salimans & Kingma 2016, arXiv 1602.07868).
        n_rows: rows of the family, H; needed unless rows share their filters.
        rows: `shared`, `separate` or `pooled`, see `RowwiseConv1d`.

    Raises:
        ConfigError: a size below 1 or an unknown option; in the forward pass, too short an input.

    Examples:
        >>> import torch
        >>> block = TemporalBlock(4, kernel_size=3, dilation=2)
        >>> block(torch.zeros(8, 100, 4)).shape  # (B, W, channels)
        torch.Size([8, 96, 4])
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
        require_choice("activation", activation, _ACTIVATIONS)
        by_row: dict[str, Any] = {"n_rows": n_rows, "rows": rows}
        self.depthwise = RowwiseConv1d(  # holds the parameters; forward applies them time-major
            channels, channels, kernel_size, dilation=dilation, groups=channels, **by_row
        )
        self.norm = RowNorm(norm, channels * expansion, **by_row)
        wide = channels * expansion
        self.pointwise = RowLinear(channels, wide * (2 if gated else 1), **by_row)
        self.gate = nn.GLU(dim=-1) if gated else nn.Identity()
        self.act = _ACTIVATIONS[activation]()
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

    def forward(
        self,
        x: Tensor,
        row_index: Tensor | None = None,
        dilation: int | None = None,
        stride: int = 1,
    ) -> Tensor:
        """Update x; row_index: the number of each of x's rows, see `RowParameters.of_rows`.

        dilation: in place of the block's own, for an x that holds every k-th step alone. stride:
        of the steps that are returned, the last one included.
        """
        dilation = self.dilation if dilation is None else dilation
        taps, bias = (self.depthwise.of_rows(name, row_index) for name in ("weight", "bias"))
        if self.depthwise.rows == "shared":
            taps, bias = taps[0], bias[0]
        y = depthwise_time_major(x, taps, bias, dilation, stride)
        y = self.gate(self.pointwise(y, row_index))
        y = self.act(self.norm(y, row_index))  # (..., W - history, channels * expansion)
        if self.project is not None:
            y = self.project(y, row_index)
        kept = x[..., (self.kernel_size - 1) * dilation :, :]  # (..., W - history, channels)
        return materialized(every_step(kept, stride) + self.dropout(y))


def every_step(x: Tensor, stride: int) -> Tensor:
    """Return every stride-th step of x: (..., W, C), the last one included.

    >>> every_step(torch.arange(5)[:, None], 2).flatten().tolist()
    [0, 2, 4]
    """
    return x[..., (x.shape[-2] - 1) % stride :: stride, :]
