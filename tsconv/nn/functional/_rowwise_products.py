"""Row-wise convolution in two forms: batched matrix products on a CPU, one grouped convolution.

With time and batch flattened into one axis, (H, C, B * W), tap j of every row is one batched
product with the same memory shifted by j * dilation: nothing is unfolded. Where a shift crosses
from one series of the batch into the next, the product is discarded. The forward pass, both
gradients and the layout are written out, because autograd would copy the whole input for each tap.
It is a custom operator, which a compiler calls without tracing into it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from tsconv.nn.functional.padding import pad_sides

# Elements of a block of rows, 4 MiB in float32: small enough that its products stay in the cache.
_BLOCK_SIZE = 2**20


def rowwise_gemm(
    x: Tensor, weight: Tensor, bias: Tensor | None, padded: tuple[int, int], dilation: int
) -> Tensor:
    """Convolve each row as batched matrix products, at stride 1 and without groups.

    x: (B, C, H, W); weight: (H, C_out, C, k); bias: (H, C_out); padded: zeros in front and behind.
    Returns (B, C_out, H, W').
    """
    taps = weight.permute(3, 0, 1, 2).contiguous()  # (k, H, C_out, C)
    out: Tensor = _forward(x, taps, bias, *padded, dilation)
    return out


def rowwise_grouped(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: int,
    padded: tuple[int, int],
    dilation: int,
    groups: int,
) -> Tensor:
    """Convolve all rows as one grouped convolution, PyTorch's own.

    x: (B, C, H, W); weight: (H, C_out, C / groups, k); bias: (H, C_out). Returns (B, C_out, H, W').
    """
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
    return torch.unflatten(out, 1, (n_rows, out_channels)).transpose(1, 2).contiguous()


def _flat(x: Tensor, lead: int, left: int, width: int, tail: int) -> Tensor:
    """(B, C, H, W) -> (H, C, lead + B * width + tail), each series behind `left` zeros."""
    batch, channels, rows, length = x.shape
    out = x.new_empty(rows, channels, lead + batch * width + tail)
    out[..., :lead] = 0
    out[..., lead + batch * width :] = 0
    middle = torch.unflatten(out[..., lead : lead + batch * width], -1, (batch, width))
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
    """The products, for blocks of rows that stay in the cache. taps: (k, H, C_out, C)."""
    batch, _, rows, length = x.shape
    reach = (len(taps) - 1) * dilation
    width = left + length + right
    out = x.new_empty(batch, taps.shape[2], rows, width - reach)
    for block in _blocks(x, taps):
        flat = _flat(x[:, :, block], 0, left, width, reach)  # (h, C, B * width + reach)
        products = _products(taps[:, block], flat, batch * width, dilation)
        products = torch.unflatten(products, -1, (batch, width))[..., : width - reach]
        products = products.permute(2, 1, 0, 3)  # (B, C_out, h, W')
        if bias is None:
            out[:, :, block] = products
        else:
            torch.add(products, bias[block].t().unsqueeze(-1), out=out[:, :, block])
    return out


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
    for block in _blocks(x, taps):
        flat_grad = _flat(grad[:, :, block], reach, 0, width, 0)  # (h, C_out, reach + n)
        if needs[0]:
            reversed_taps = taps[:, block].flip(0).transpose(2, 3)
            products = _products(reversed_taps, flat_grad, n, dilation)
            products = torch.unflatten(products, -1, (batch, width))[..., left : left + length]
            grad_x[:, :, block] = products.permute(2, 1, 0, 3)
        if needs[1]:
            flat = _flat(x[:, :, block], 0, left, width, reach)
            for j in range(len(taps)):
                shifted = flat[..., j * dilation : j * dilation + n].transpose(1, 2)
                torch.bmm(flat_grad[..., reach:], shifted, out=grad_taps[j, block])
        if needs[2]:
            torch.sum(flat_grad, -1, out=grad_bias[block])
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
    grads = _backward(grad, *ctx.saved_tensors, *ctx.geometry, needs)
    wanted = (g if needed else None for g, needed in zip(grads, needs, strict=True))
    return *wanted, None, None, None


def _differentiable(ctx: Any, grad: Tensor, needs: list[bool]) -> list[Tensor | None]:
    """The same gradients through PyTorch's convolution, which can be differentiated again."""
    x, taps = ctx.saved_tensors
    bias = x.new_zeros(taps.shape[1:3], requires_grad=True)
    left, right, dilation = ctx.geometry
    weight = taps.permute(1, 2, 3, 0)
    out = rowwise_grouped(x, weight, bias, 1, (left, right), dilation, 1)
    wanted = [v for v, needed in zip((x, taps, bias), needs, strict=True) if needed]
    grads = iter(torch.autograd.grad(out, wanted, grad, create_graph=True))
    return [next(grads) if needed else None for needed in needs]


_forward.register_autograd(_gradients, setup_context=_save)


def _blocks(x: Tensor, taps: Tensor) -> list[slice]:
    """Slices of rows, each with at most _BLOCK_SIZE elements of input and of output."""
    widest = max(taps.shape[2:])
    step = max(1, _BLOCK_SIZE // max(1, x.shape[0] * widest * x.shape[-1]))
    return [slice(first, first + step) for first in range(0, x.shape[2], step)]
