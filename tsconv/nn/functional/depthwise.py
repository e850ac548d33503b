"""Depthwise convolution as shifted multiply-adds: the fast operation and its readable twins.

A depthwise convolution moves memory and hardly computes. Compiled, its taps are k shifted
multiply-adds that fuse into one pass, forward and backward, with the few steps at the padded ends
computed apart so that no padded copy is made; eagerly, `F.conv1d` is quick forward and slow
backward, so the backward pass alone is written out. Measured against `nn.Conv1d(groups=C)` by
scripts/benchmarks/layers.py.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import functional as F

from tsconv.errors import ConfigError
from tsconv.nn.functional.padding import pad_sides

# Beyond this the unrolled taps compile slowly and no longer gain.
MOST_TAPS = 32

# Elements of a block of the batch, 1 MiB in float32.
_BLOCK = 2**18


def depthwise_conv1d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int = 1,
    padded: tuple[int, int] = (0, 0),
    dilation: int = 1,
) -> Tensor:
    """Convolve each channel with its own filters; M filters a channel, channel-major.

    x: (B, C, W); weight: (C * M, 1, k) and bias: (C * M,) as `nn.Conv1d(C, C * M, k, groups=C)` has
    them; padded: zeros in front and behind. Returns (B, C * M, W').
    """
    device = x.device.type
    wide = x.dtype == torch.float64 or device == "meta"
    if not wide and torch.is_autocast_enabled(device):  # as `F.conv1d` would
        narrow = torch.get_autocast_dtype(device)
        x, weight = x.to(narrow), weight.to(narrow)
        bias = None if bias is None else bias.to(narrow)
    plain = stride == 1 and x.shape[1] == weight.shape[0] and weight.shape[-1] <= MOST_TAPS
    if plain and torch.compiler.is_compiling() and not torch.compiler.is_exporting():
        return _operator(x, weight, bias, *padded, dilation)
    if plain and not torch.compiler.is_compiling() and on_cpu(x) and not functional():
        return _Depthwise.apply(x, weight, bias, *padded, dilation, False)
    return _native(x, weight, bias, stride, *padded, dilation)


def on_cpu(x: Tensor) -> bool:
    """Whether the passes written for a CPU serve; narrow types are better off with torch's."""
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)


def functional() -> bool:
    """Whether torch.func, vmap or forward-mode AD is at work, which need torch's own operators."""
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def _native(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: int,
    left: int,
    right: int,
    dilation: int,
) -> Tensor:
    """PyTorch's grouped convolution, one group a channel."""
    if weight.shape[-1] > 8:  # long kernels run faster on a padded copy
        x, left, right = F.pad(x, (left, right)), 0, 0
    x, (side,) = pad_sides(x, (left, right))
    return F.conv1d(x, weight, bias, stride, side, dilation, groups=x.shape[1])


class _Depthwise(torch.autograd.Function):
    """Stride 1, one filter a channel. Differentiable twice."""

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
            return _native(x, weight, bias, 1, left, right, dilation)
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
            grad_x, grad_taps = _in_blocks(x, grad, taps, left, dilation, needs_x, needs_weight)
        grad_weight = None if grad_taps is None else grad_taps.unsqueeze(1)
        grad_bias = grad.sum((0, 2)) if needs_bias else None
        return grad_x, grad_weight, grad_bias, None, None, None, None


# One operator for tracers, which take it apart with the Function's own gradient; met as it is, they
# would warn about the Function, and telling them otherwise imports the compiler for everybody.
# Compiled code is cached on disk by the operator's name alone, so the name changes with this file:
# else another version of it would go on running the code of an earlier one.
_NAME = f"depthwise_{hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]}"
_LIBRARY = torch.library.Library("tsconv", "FRAGMENT")
_LIBRARY.define(
    f"{_NAME}(Tensor x, Tensor weight, Tensor? bias, SymInt left, SymInt right, SymInt dilation)"
    " -> Tensor"
)


def _traced(
    x: Tensor, weight: Tensor, bias: Tensor | None, left: int, right: int, dilation: int
) -> Tensor:
    return _Depthwise.apply(x, weight, bias, left, right, dilation, True)


_LIBRARY.impl(_NAME, _traced, "CompositeImplicitAutograd")
_operator = getattr(torch.ops.tsconv, _NAME)


def _shifts(
    kernel_size: int, width: int, length: int, left: int, dilation: int
) -> list[tuple[int, int, int, int]]:
    """For each tap: its number, the first output and input step that meet, and how many do."""
    out = []
    for j in range(kernel_size):
        shift = j * dilation - left  # output step t meets input step t + shift
        first, last = max(0, -shift), min(length, width - shift)
        if last > first:
            out.append((j, first, first + shift, last - first))
    return out


def _in_blocks(
    x: Tensor, grad: Tensor, taps: Tensor, left: int, dilation: int, needs_x: bool, needs_taps: bool
) -> tuple[Tensor | None, Tensor | None]:
    """Eager gradients by x (B, C, W) and by the taps (C, k), as far as they are needed.

    The batch goes through in blocks that stay in the cache, since every tap reads all of one.
    """
    grad_x = grad.new_zeros(x.shape) if needs_x else None
    grad_taps = grad.new_zeros(taps.shape) if needs_taps else None
    shifts = _shifts(taps.shape[1], x.shape[-1], grad.shape[-1], left, dilation)
    step = max(1, _BLOCK // max(1, x.shape[1:].numel()))
    for first in range(0, len(x), step):
        size = min(step, len(x) - first)
        some_grad, some_x = grad.narrow(0, first, size), x.narrow(0, first, size)
        out = None if grad_x is None else grad_x.narrow(0, first, size)
        for j, t, s, n in shifts:
            part = some_grad.narrow(2, t, n)
            if out is not None:
                out.narrow(2, s, n).addcmul_(part, taps[:, j : j + 1])
            if grad_taps is not None:
                grad_taps.narrow(1, j, 1).add_(
                    (part * some_x.narrow(2, s, n)).sum((0, 2)).unsqueeze(1)
                )
    return grad_x, grad_taps


def correlate(x: Tensor, taps: Tensor, left: int, right: int, dilation: int) -> Tensor:
    """Shifted multiply-adds over the last axis, as if x were padded: the compiled form.

    x: (..., C, W); taps: (C, k). Returns (..., C, W + left + right - (k - 1) * dilation). The
    steps that padding reaches are computed apart from short padded ends, the rest from x itself.
    A negative amount cuts steps off, as the gradient of a generous padding needs.
    """
    width, reach = x.shape[-1], (taps.shape[1] - 1) * dilation
    if width <= 2 * reach or min(left, right) < 0 or left == right == 0:
        return _valid(F.pad(x, (left, right)), taps, dilation)
    parts = [_valid(x, taps, dilation)]
    if left:
        parts.insert(0, _valid(F.pad(x[..., :reach], (left, 0)), taps, dilation))
    if right:
        parts.append(_valid(F.pad(x[..., width - reach :], (0, right)), taps, dilation))
    return torch.cat(parts, dim=-1)


def _valid(x: Tensor, taps: Tensor, dilation: int) -> Tensor:
    length = x.shape[-1] - (taps.shape[1] - 1) * dilation
    out = x[..., :length] * taps[:, :1]
    for j in range(1, taps.shape[1]):
        out = out + x[..., j * dilation : j * dilation + length] * taps[:, j : j + 1]
    return out


def correlate_taps(
    x: Tensor, grad: Tensor, kernel_size: int, left: int, right: int, dilation: int
) -> Tensor:
    """Gradient of `correlate` by its taps, the ends apart as there: (C, k)."""
    width, reach = x.shape[-1], (kernel_size - 1) * dilation
    length = grad.shape[-1]
    if width <= 2 * reach or left == right == 0:
        return _valid_taps(F.pad(x, (left, right)), grad, kernel_size, dilation)
    out = _valid_taps(x, grad[..., left : length - right], kernel_size, dilation)
    if left:
        end = F.pad(x[..., :reach], (left, 0))
        out = out + _valid_taps(end, grad[..., :left], kernel_size, dilation)
    if right:
        end = F.pad(x[..., width - reach :], (0, right))
        out = out + _valid_taps(end, grad[..., length - right :], kernel_size, dilation)
    return out


def _valid_taps(x: Tensor, grad: Tensor, kernel_size: int, dilation: int) -> Tensor:
    """Sums over time in one pass for all taps, then over the batch: (B, C, W) -> (C, k)."""
    length = grad.shape[-1]
    wide = torch.promote_types(x.dtype, torch.float32)  # a long sum needs more than bfloat16
    sums = [
        (grad * x[..., j * dilation : j * dilation + length]).sum(-1, dtype=wide)
        for j in range(kernel_size)
    ]
    return torch.stack(sums, dim=-1).sum(0).to(x.dtype)


def depthwise_time_major(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, dilation: int = 1
) -> Tensor:
    """Convolve each channel with its own taps, time-major and without padding ("valid").

    x: (..., W, C); weight: (C, 1, k) as `nn.Conv1d(C, C, k, groups=C)` has it, bias: (C,). With
    taps by row x is (H, N, W, C), weight (H, C, 1, k) and bias (H, C).
    Returns (..., W - (k - 1) * dilation, C); its last step depends on the input's last k taps.
    Raises ConfigError where the input is shorter than the dilated kernel.
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

    def spread(value: Tensor) -> Tensor:
        """(C,) as it is; by row (H, C) over the axes of x."""
        return value.to(x.dtype) if weight.ndim == 3 else value.to(x.dtype)[:, None, None]

    out = x[..., :length, :] * spread(weight[..., 0, 0])
    for j in range(1, kernel_size):
        begin = j * dilation
        out = out + x[..., begin : begin + length, :] * spread(weight[..., 0, j])
    return out if bias is None else out + spread(bias)


def depthwise_time_major_reference(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, dilation: int = 1
) -> Tensor:
    """Readable twin: PyTorch's grouped convolution, one group a channel; a loop over rows."""
    if weight.ndim == 4:
        biases = [None] * len(x) if bias is None else list(bias)
        rows = (
            depthwise_time_major_reference(x[h], weight[h], biases[h], dilation)
            for h in range(len(x))
        )
        return torch.stack(list(rows))
    channels_first = x.flatten(0, -3).transpose(1, 2)  # (N, C, W)
    out = F.conv1d(channels_first, weight, bias, dilation=dilation, groups=weight.shape[0])
    return out.transpose(1, 2).unflatten(0, x.shape[:-2])
