"""The gradients of a depthwise convolution, written out: PyTorch's own backward pass is slow.

Eagerly, `F.conv1d` is quick forward, so that only the backward pass is replaced. For a compiler,
both passes are shifted multiply-adds, see `_shifted_sums`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from tsconv.nn.functional._shifted_sums import correlate, correlate_taps
from tsconv.nn.functional.padding import pad_sides

# Elements of a block of the batch, 1 MiB in float32: small enough to stay in the cache.
_BLOCK_SIZE = 2**18


def grouped_conv1d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: int,
    left: int,
    right: int,
    dilation: int,
) -> Tensor:
    """PyTorch's grouped convolution, one group a channel, with `depthwise_conv1d`'s arguments."""
    if weight.shape[-1] > 8:  # long kernels run faster on a padded copy
        x, left, right = F.pad(x, (left, right)), 0, 0
    x, (side,) = pad_sides(x, (left, right))
    return F.conv1d(x, weight, bias, stride, side, dilation, groups=x.shape[1])


def depthwise_with_gradients(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    left: int,
    right: int,
    dilation: int,
    compiling: bool,
) -> Tensor:
    """Depthwise convolution at stride 1 with one filter a channel, differentiable twice.

    x: (B, C, W); weight: (C, 1, k); bias: (C,); left, right: zeros in front and behind.
    compiling: use the form that a compiler fuses. Returns (B, C, W').
    """
    apply: Callable[..., Tensor] = _Depthwise.apply  # PyTorch leaves it untyped
    return apply(x, weight, bias, left, right, dilation, compiling)


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        left: int,
        right: int,
        dilation: int,
        compiling: bool,
    ) -> Tensor:
        if not compiling:
            return grouped_conv1d(x, weight, bias, 1, left, right, dilation)
        out = correlate(x, weight.squeeze(1), left, right, dilation)
        return out if bias is None else out + bias.unsqueeze(1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, _, *ctx.geometry = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        left, right, dilation, compiling = ctx.geometry
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        taps = weight.squeeze(1)  # (C, k)
        reach = (taps.shape[1] - 1) * dilation
        grad_x = grad_taps = None
        if compiling or torch._C._are_functorch_transforms_active():
            if needs_x:
                grad_x = correlate(grad, taps.flip(1), reach - left, reach - right, dilation)
            if needs_weight:
                grad_taps = correlate_taps(x, grad, taps.shape[1], left, right, dilation)
        else:
            grad_x, grad_taps = _eager_gradients(
                x, grad, taps, left, dilation, needs_x, needs_weight
            )
        grad_weight = None if grad_taps is None else grad_taps.unsqueeze(1)
        grad_bias = grad.sum((0, 2)) if needs_bias else None
        return grad_x, grad_weight, grad_bias, None, None, None, None


def _eager_gradients(
    x: Tensor, grad: Tensor, taps: Tensor, left: int, dilation: int, needs_x: bool, needs_taps: bool
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients by x (B, C, W) and by the taps (C, k), each None where it is not needed.

    Every tap reads the whole input, so the batch is processed in blocks that stay in the cache.
    """
    grad_x = grad.new_zeros(x.shape) if needs_x else None
    grad_taps = grad.new_zeros(taps.shape) if needs_taps else None
    overlaps = _overlaps(taps.shape[1], x.shape[-1], grad.shape[-1], left, dilation)
    step = max(1, _BLOCK_SIZE // max(1, x.shape[1:].numel()))
    for first in range(0, len(x), step):
        size = min(step, len(x) - first)
        block_grad, block_x = grad.narrow(0, first, size), x.narrow(0, first, size)
        out = None if grad_x is None else grad_x.narrow(0, first, size)
        for j, t, s, n in overlaps:
            part = block_grad.narrow(2, t, n)
            if out is not None:
                out.narrow(2, s, n).addcmul_(part, taps[:, j : j + 1])
            if grad_taps is not None:
                grad_taps.narrow(1, j, 1).add_(
                    (part * block_x.narrow(2, s, n)).sum((0, 2)).unsqueeze(1)
                )
    return grad_x, grad_taps


def _overlaps(
    kernel_size: int, width: int, length: int, left: int, dilation: int
) -> list[tuple[int, int, int, int]]:
    """For each tap that reaches the input: (tap, first output step, first input step, steps)."""
    overlaps = []
    for j in range(kernel_size):
        shift = j * dilation - left  # output step t reads input step t + shift
        first, last = max(0, -shift), min(length, width - shift)
        if last > first:
            overlaps.append((j, first, first + shift, last - first))
    return overlaps
