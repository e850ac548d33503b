"""Row-wise convolution as matrix products over all rows, the CPU form, or as a grouped one.

With time and batch flattened into one axis, (H, C, B * W), tap j of every row is one batched
product with the same memory shifted by j * dilation: nothing is unfolded. Where a shift crosses
from one series of the batch into the next, the product is not used. Forward, both gradients and the
layout are written out, since autograd's own would copy the whole input once a tap. A custom
operator, so that a compiler takes it as it is.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from tsconv.nn.functional.padding import pad_sides

# Elements of a block of rows, 4 MiB in float32: what is made of it stays near.
_BLOCK = 2**20


def rowwise_gemm(
    x: Tensor, weight: Tensor, bias: Tensor | None, padded: tuple[int, int], dilation: int
) -> Tensor:
    """x: (B, C, H, W); weight: (H, C_out, C, k); bias: (H, C_out) -> (B, C_out, H, W').

    Stride 1, no groups; padded: zeros in front and behind.
    """
    taps = weight.permute(3, 0, 1, 2).contiguous()  # (k, H, C_out, C)
    return _forward(x, taps, bias, *padded, dilation)


def rowwise_grouped(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: int,
    padded: tuple[int, int],
    dilation: int,
    groups: int,
) -> Tensor:
    """All rows as one grouped convolution. x: (B, C, H, W); weight: (H, C_out, C / groups, k)."""
    n_rows, out_channels = weight.shape[:2]
    flat = x.transpose(1, 2).flatten(1, 2)  # (B, H * C, W)
    flat, (side,) = pad_sides(flat, padded)
    out = F.conv1d(
        flat,
        weight.flatten(0, 1),
        None if bias is None else bias.flatten(),
        stride,
        side,
        dilation,
        n_rows * groups,
    )
    return out.unflatten(1, (n_rows, out_channels)).transpose(1, 2).contiguous()


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


@torch.library.custom_op("tsconv::rowwise_gemm", mutates_args=())
def _forward(
    x: Tensor, taps: Tensor, bias: Tensor | None, left: int, right: int, dilation: int
) -> Tensor:
    """Rows go through in blocks small enough that what is made of them stays in the cache."""
    batch, _, rows, length = x.shape
    reach = (len(taps) - 1) * dilation
    width = left + length + right
    made = x.new_empty(batch, taps.shape[2], rows, width - reach)
    for some in _blocks(x, taps):
        flat = _flat(x[:, :, some], 0, left, width, reach)  # (h, C, B * width + reach)
        out = _products(taps[:, some], flat, batch * width, dilation)
        out = out.unflatten(-1, (batch, width))[..., : width - reach].permute(2, 1, 0, 3)
        if bias is None:
            made[:, :, some] = out
        else:
            torch.add(out, bias[some].t().unsqueeze(-1), out=made[:, :, some])
    return made


@_forward.register_fake
def _forward_shape(
    x: Tensor, taps: Tensor, bias: Tensor | None, left: int, right: int, dilation: int
) -> Tensor:
    batch, _, rows, length = x.shape
    return x.new_empty(
        batch, taps.shape[2], rows, left + length + right - (len(taps) - 1) * dilation
    )


@torch.library.custom_op("tsconv::rowwise_gemm_backward", mutates_args=())
def _backward(
    grad: Tensor, x: Tensor, taps: Tensor, left: int, right: int, dilation: int, needs: list[bool]
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients by x, taps and bias; an empty tensor for each that is not needed."""
    batch, _, _, length = x.shape
    reach = (len(taps) - 1) * dilation
    width = left + length + right
    n = batch * width
    grad_x, grad_taps, grad_bias = _backward_shapes(grad, x, taps, left, right, dilation, needs)
    for some in _blocks(x, taps):
        spread = _flat(grad[:, :, some], reach, 0, width, 0)  # (h, C_out, reach + n)
        if needs[0]:
            back = taps[:, some].flip(0).transpose(2, 3)
            out = _products(back, spread, n, dilation).unflatten(-1, (batch, width))
            grad_x[:, :, some] = out[..., left : left + length].permute(2, 1, 0, 3)
        if needs[1]:
            flat = _flat(x[:, :, some], 0, left, width, reach)
            for j in range(len(taps)):
                shifted = flat[..., j * dilation : j * dilation + n].transpose(1, 2)
                torch.bmm(spread[..., reach:], shifted, out=grad_taps[j, some])
        if needs[2]:
            torch.sum(spread, -1, out=grad_bias[some])
    return grad_x, grad_taps, grad_bias


@_backward.register_fake
def _backward_shapes(
    grad: Tensor, x: Tensor, taps: Tensor, left: int, right: int, dilation: int, needs: list[bool]
) -> tuple[Tensor, Tensor, Tensor]:
    shapes = (x.shape, taps.shape, taps.shape[1:3])
    x_like, taps_like, bias_like = (
        grad.new_empty(shape if needed else (0,))
        for shape, needed in zip(shapes, needs, strict=True)
    )
    return x_like, taps_like, bias_like


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, taps, _, *ctx.geometry = inputs
    ctx.save_for_backward(x, taps)


def _gradients(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    needs = list(ctx.needs_input_grad[:3])
    if torch.is_grad_enabled():  # gradients of gradients are wanted
        return *_differentiable(ctx, grad, needs), None, None, None
    got = _backward(grad, *ctx.saved_tensors, *ctx.geometry, needs)
    return *(g if needed else None for g, needed in zip(got, needs, strict=True)), None, None, None


def _differentiable(ctx: Any, grad: Tensor, needs: list[bool]) -> list[Tensor | None]:
    """The same gradients through torch's own convolution, which can be differentiated on."""
    x, taps = ctx.saved_tensors
    bias = x.new_zeros(taps.shape[1:3], requires_grad=True)
    left, right, dilation = ctx.geometry
    weight = taps.permute(1, 2, 3, 0)
    out = rowwise_grouped(x, weight, bias, 1, (left, right), dilation, 1)
    wanted = [v for v, needed in zip((x, taps, bias), needs, strict=True) if needed]
    got = iter(torch.autograd.grad(out, wanted, grad, create_graph=True))
    return [next(got) if needed else None for needed in needs]


_forward.register_autograd(_gradients, setup_context=_save)


def _blocks(x: Tensor, taps: Tensor) -> list[slice]:
    """Slices of rows whose share of the wider of input and output is at most _BLOCK elements."""
    widest = max(taps.shape[2:])
    step = max(1, _BLOCK // max(1, x.shape[0] * widest * x.shape[-1]))
    return [slice(first, first + step) for first in range(0, x.shape[2], step)]
