"""Depthwise convolution on (..., W, C), time before channels: the layout inside the network.

In this layout a tap is one contiguous slice of the input, and the pointwise product that follows
needs no transpose.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tsconv.errors import ConfigError
from tsconv.nn.functional.materialize import materialized


def depthwise_time_major(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, dilation: int = 1, stride: int = 1
) -> Tensor:
    """Convolve each channel with its own taps, time-major and without padding ("valid").

    The last step of the output depends on the input's last k taps alone, so the output is causal:
    it begins (k - 1) * dilation steps after the input.

    Args:
        x: (..., W, C), or (H, N, W, C) where each row has taps of its own.
        weight: (C, 1, k) as `nn.Conv1d(C, C, k, groups=C)` has it, or (H, C, 1, k) by row.
        bias: (C,), or (H, C) by row, or None.
        dilation: steps between taps.
        stride: steps between outputs, of which the last one belongs to the input's last step.

    Returns:
        (..., W - (k - 1) * dilation, C), of which every `stride`-th, the last included.

    Raises:
        ConfigError: x does not have that shape, or is shorter than the dilated kernel.

    Examples:
        >>> import torch
        >>> x = torch.tensor([[[1.0, 10], [2, 20], [3, 30]]])  # (1, 3 steps, 2 channels)
        >>> weight = torch.tensor([[[1.0, 0]], [[1, 1]]])  # the previous step; a sum of two
        >>> depthwise_time_major(x, weight).tolist()
        [[[1.0, 30.0], [2.0, 50.0]]]
    """
    channels, kernel_size = weight.shape[-3], weight.shape[-1]
    if x.shape[-1] != channels or x.ndim < 2 or (weight.ndim == 4 and x.ndim != 4):
        lead = "(..." if weight.ndim == 3 else f"({weight.shape[0]}, N"
        raise ConfigError(f"x has shape {tuple(x.shape)}, expected {lead}, W, {channels})")
    width = x.shape[-2]
    length = width - (kernel_size - 1) * dilation
    if length < 1:
        raise ConfigError(
            f"the input has {width} steps, too short for kernel_size={kernel_size} "
            f"at dilation={dilation}, which needs {(kernel_size - 1) * dilation + 1}"
        )

    def broadcast(value: Tensor) -> Tensor:
        """(C,) unchanged; (H, C) as (H, 1, 1, C)."""
        return value.to(x.dtype) if weight.ndim == 3 else value.to(x.dtype)[:, None, None]

    # (k, C), or (k, H, C): the channels of a tap side by side, as those of a step are
    taps = materialized(weight.squeeze(-2).movedim(-1, 0).contiguous())
    first = (length - 1) % stride
    begun = x[..., first:length:stride, :]
    # one pass for each tap: eagerly, a product and a sum would be two
    out = (
        begun * broadcast(taps[0])
        if bias is None
        else torch.addcmul(broadcast(bias), begun, broadcast(taps[0]))
    )
    for j in range(1, kernel_size):
        begin = j * dilation
        step = x[..., begin + first : begin + length : stride, :]
        out = torch.addcmul(out, step, broadcast(taps[j]))
    return out
