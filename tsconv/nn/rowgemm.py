"""Row-wise convolution as matrix products over all rows: the eager CPU form.

With time and batch flattened into one axis, (H, C, B * W), tap j of every row is one batched
product with the same memory shifted by j * dilation: nothing is unfolded. Where a shift crosses
from one series of the batch into the next, the product is not used. Forward, both gradients and the
layout are written out, since autograd's own would copy the whole input once a tap.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def rowwise_gemm(
    x: Tensor, weight: Tensor, bias: Tensor | None, padded: tuple[int, int], dilation: int
) -> Tensor:
    """x: (B, C, H, W); weight: (H, C_out, C, k); bias: (H, C_out) -> (B, C_out, H, W').

    Stride 1, no groups; padded: zeros in front and behind.
    """
    taps = weight.permute(3, 0, 1, 2).contiguous()  # (k, H, C_out, C)
    return _RowwiseGemm.apply(x, taps, bias, *padded, dilation)


def _flat(x: Tensor, lead: int, left: int, width: int, tail: int) -> Tensor:
    """(B, C, H, W) -> (H, C, lead + B * width + tail), each series behind `left` zeros."""
    batch, channels, rows, length = x.shape
    out = x.new_empty(rows, channels, lead + batch * width + tail)
    out[..., :lead] = 0
    out[..., lead + batch * width :] = 0
    middle = out[..., lead : lead + batch * width].unflatten(-1, (batch, width))
    middle[..., :left] = 0
    middle[..., left + length :] = 0
    middle[..., left : left + length] = x.permute(2, 1, 0, 3)
    return out


def _products(taps: Tensor, x: Tensor, length: int, dilation: int) -> Tensor:
    """Sum over taps j of taps[j] @ x[..., j * dilation :][..., :length], for every row."""
    out = torch.bmm(taps[0], x[..., :length])
    for j in range(1, len(taps)):
        start = j * dilation
        out = out.baddbmm_(taps[j], x[..., start : start + length])
    return out


class _RowwiseGemm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, taps: Tensor, bias: Tensor | None, left: int, right: int, dilation: int
    ) -> Tensor:
        batch, _, rows, length = x.shape
        reach = (len(taps) - 1) * dilation
        width = left + length + right
        flat = _flat(x, 0, left, width, reach)  # (H, C, B * width + reach)
        ctx.save_for_backward(flat, taps)
        ctx.geometry = batch, left, length, width, reach, dilation
        out = _products(taps, flat, batch * width, dilation).unflatten(-1, (batch, width))
        out = out[..., : width - reach].permute(2, 1, 0, 3)  # (B, C_out, H, W')
        if bias is None:
            return out.contiguous()
        made = x.new_empty(batch, taps.shape[2], rows, width - reach)
        return torch.add(out, bias.t().unsqueeze(-1), out=made)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        flat, taps = ctx.saved_tensors
        batch, left, length, width, reach, dilation = ctx.geometry
        n = batch * width
        spread = _flat(grad, reach, 0, width, 0)  # (H, C_out, reach + n), zeros where unused
        grad_x = grad_taps = None
        if ctx.needs_input_grad[0]:
            back = taps.flip(0).transpose(2, 3)
            grad_x = _products(back, spread, n, dilation).unflatten(-1, (batch, width))
            grad_x = grad_x[..., left : left + length].permute(2, 1, 0, 3).contiguous()
        if ctx.needs_input_grad[1]:
            here = spread[..., reach:]
            shifts = [flat[..., j * dilation : j * dilation + n] for j in range(len(taps))]
            grad_taps = torch.stack([torch.bmm(here, x.transpose(1, 2)) for x in shifts])
        grad_bias = spread.sum(-1) if ctx.needs_input_grad[2] else None
        return grad_x, grad_taps, grad_bias, None, None, None
