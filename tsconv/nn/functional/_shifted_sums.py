"""Depthwise convolution as shifted multiply-adds: the form that a compiler fuses into one pass.

A depthwise convolution moves memory and computes little. Written as k shifted multiply-adds, a
compiler turns it into one loop over the output, forward and backward. The few steps that padding
reaches are computed apart, so that no padded copy of the input is made.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def correlate(x: Tensor, taps: Tensor, left: int, right: int, dilation: int) -> Tensor:
    """Correlate the last axis of x with the taps of each channel, as if x were zero-padded.

    x: (..., C, W); taps: (C, k). Returns (..., C, W + left + right - (k - 1) * dilation).
    A negative amount of padding cuts steps off; the gradient of a generous padding needs that.
    """
    width, reach = x.shape[-1], (taps.shape[1] - 1) * dilation
    if width <= 2 * reach or min(left, right) < 0 or left == right == 0:
        return _correlate_valid(F.pad(x, (left, right)), taps, dilation)
    parts = [_correlate_valid(x, taps, dilation)]
    if left:
        parts.insert(0, _correlate_valid(F.pad(x[..., :reach], (left, 0)), taps, dilation))
    if right:
        parts.append(_correlate_valid(F.pad(x[..., width - reach :], (0, right)), taps, dilation))
    return torch.cat(parts, dim=-1)


def _correlate_valid(x: Tensor, taps: Tensor, dilation: int) -> Tensor:
    """`correlate` without padding."""
    length = x.shape[-1] - (taps.shape[1] - 1) * dilation
    out = x[..., :length] * taps[:, :1]
    for j in range(1, taps.shape[1]):
        out = out + x[..., j * dilation : j * dilation + length] * taps[:, j : j + 1]
    return out


def correlate_taps(
    x: Tensor, grad: Tensor, kernel_size: int, left: int, right: int, dilation: int
) -> Tensor:
    """Gradient of `correlate` by its taps: (C, k).

    x: (B, C, W), the input; grad: (B, C, W'), the gradient by the output.
    """
    width, reach = x.shape[-1], (kernel_size - 1) * dilation
    length = grad.shape[-1]
    if width <= 2 * reach or left == right == 0:
        return _correlate_taps_valid(F.pad(x, (left, right)), grad, kernel_size, dilation)
    out = _correlate_taps_valid(x, grad[..., left : length - right], kernel_size, dilation)
    if left:
        end = F.pad(x[..., :reach], (left, 0))
        out = out + _correlate_taps_valid(end, grad[..., :left], kernel_size, dilation)
    if right:
        end = F.pad(x[..., width - reach :], (0, right))
        out = out + _correlate_taps_valid(end, grad[..., length - right :], kernel_size, dilation)
    return out


def _correlate_taps_valid(x: Tensor, grad: Tensor, kernel_size: int, dilation: int) -> Tensor:
    """`correlate_taps` without padding: sums over time, then over the batch."""
    length = grad.shape[-1]
    wide = torch.promote_types(x.dtype, torch.float32)  # a long sum needs more than bfloat16
    sums = [
        (grad * x[..., j * dilation : j * dilation + length]).sum(-1, dtype=wide)
        for j in range(kernel_size)
    ]
    return torch.stack(sums, dim=-1).sum(0).to(x.dtype)
