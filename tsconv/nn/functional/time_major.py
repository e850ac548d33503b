"""Depthwise convolution on (..., W, C), time before channels: the layout inside the network.

In this layout a tap is one contiguous slice of the input, and the pointwise product that follows
needs no transpose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from tsconv.errors import ConfigError
from tsconv.nn.functional._dispatch import transforms_active
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

    # (k, C), or (k, H, C): the channels of a tap side by side, as those of a step are
    taps = materialized(weight.squeeze(-2).movedim(-1, 0).contiguous()).to(x.dtype)
    bias = None if bias is None else bias.to(x.dtype)
    if stride == 1 and not transforms_active():
        apply: Callable[..., Tensor] = _DepthwiseTimeMajor.apply  # PyTorch leaves it untyped
        return apply(x, taps, bias, dilation)
    return _correlate(x, taps, bias, dilation, stride)


def _correlate(
    x: Tensor, taps: Tensor, bias: Tensor | None, dilation: int, stride: int = 1
) -> Tensor:
    """(..., W, C) by taps (k, C), or (k, H, C) by row: every stride-th step that has all taps.

    One pass for each tap: eagerly, a product and a sum would be two.
    """
    length = x.shape[-2] - (len(taps) - 1) * dilation
    first = (length - 1) % stride
    steps = [
        x[..., first + j * dilation : j * dilation + length : stride, :] for j in range(len(taps))
    ]
    if bias is None:
        out = steps[0] * _by_step(taps[0])
    else:
        out = torch.addcmul(_by_step(bias), steps[0], _by_step(taps[0]))
    for step, tap in zip(steps[1:], taps[1:], strict=True):
        out = torch.addcmul(out, step, _by_step(tap))
    return out


def _by_step(value: Tensor) -> Tensor:
    """(C,) unchanged; (H, C) as (H, 1, 1, C)."""
    return value if value.ndim == 1 else value[:, None, None]


class _DepthwiseTimeMajor(torch.autograd.Function):
    """The same with its gradients written out: each is one pass over contiguous steps.

    PyTorch's own pads the gradient of each tap to the input's length, step by step.
    """

    @staticmethod
    def forward(x: Tensor, taps: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
        return _correlate(x, taps, bias, dilation)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, taps, _, ctx.dilation = inputs
        ctx.save_for_backward(x, taps)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, taps = ctx.saved_tensors
        needs_x, needs_taps, needs_bias = ctx.needs_input_grad[:3]
        by_row = taps.ndim == 3
        grad_x = grad_taps = None
        if needs_x:
            reach = (len(taps) - 1) * ctx.dilation
            padded = materialized(F.pad(grad, (0, 0, reach, reach)))
            grad_x = _correlate(padded, taps.flip(0), None, ctx.dilation)
        if needs_taps:
            length = grad.shape[-2]
            steps = (x[..., j * ctx.dilation :, :][..., :length, :] for j in range(len(taps)))
            grad_taps = torch.stack([_summed(step * grad, by_row) for step in steps])
        return grad_x, grad_taps, _summed(grad, by_row) if needs_bias else None, None


def _summed(v: Tensor, by_row: bool) -> Tensor:
    """(..., W, C) -> (C,), or by row (H, N, W, C) -> (H, C): sums over time, then over the batch.

    In two steps, which threads share better; a long sum needs more than bfloat16.
    """
    sums = v.sum(-2, dtype=torch.promote_types(v.dtype, torch.float32))
    return (sums.sum(1) if by_row else sums.reshape(-1, v.shape[-1]).sum(0)).to(v.dtype)
