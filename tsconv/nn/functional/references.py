"""Reference implementations: slow and readable, for the tests to compare the fast forms with."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def conv1d_reference(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int = 1,
    padded: tuple[int, int] = (0, 0),
    dilation: int = 1,
    groups: int = 1,
) -> Tensor:
    """Reference of every 1-D convolution here: one sum over taps for each output step.

    x: (B, C_in, W), weight: (C_out, C_in / groups, k), bias: (C_out,); padded: zeros in front and
    behind. Returns (B, C_out, floor((W + padded - (k - 1) * dilation - 1) / stride) + 1).
    """
    n_out, per_group, kernel_size = weight.shape
    x = F.pad(x, padded)
    steps = range(0, x.shape[2] - (kernel_size - 1) * dilation, stride)
    out = x.new_zeros(x.shape[0], n_out, len(steps))
    for o in range(n_out):
        first = o // (n_out // groups) * per_group  # the group's first input channel
        for i, t in enumerate(steps):
            for j in range(kernel_size):
                out[:, o, i] += x[:, first : first + per_group, t + j * dilation] @ weight[o, :, j]
    return out if bias is None else out + bias.reshape(1, -1, 1)


def depthwise_time_major_reference(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, dilation: int = 1
) -> Tensor:
    """Reference of `depthwise_time_major`: PyTorch's grouped convolution, in a loop over rows."""
    if weight.ndim == 4:
        biases = [None] * len(x) if bias is None else list(bias)
        rows = (
            depthwise_time_major_reference(x[h], weight[h], biases[h], dilation)
            for h in range(len(x))
        )
        return torch.stack(list(rows))
    channels_first = x.flatten(0, -3).transpose(1, 2)  # (N, C, W)
    out = F.conv1d(channels_first, weight, bias, dilation=dilation, groups=weight.shape[0])
    return torch.unflatten(out.transpose(1, 2), 0, x.shape[:-2])


def fused_quantile_loss_reference(
    raw: list[Tensor],
    centre: Tensor,
    y: Tensor,
    scale: Tensor,
    share: Tensor,
    quantiles: tuple[float, ...],
) -> Tensor:
    """Reference of `fused_quantile_loss`: each level, its error and its loss, one after another.

    raw: Q outputs of the head, spread included, like the centre; y, share: the targets in the units
    of the loss, and what they count.
    """
    middle = quantiles.index(0.5)
    zero = torch.zeros_like(centre)
    total = zero.sum()
    for q, level in enumerate(quantiles):
        forecast = centre + raw[middle]
        for step in range(middle + 1, q + 1):
            forecast = forecast + torch.logaddexp(raw[step], zero)
        for step in range(q, middle):
            forecast = forecast - torch.logaddexp(raw[step], zero)
        error = y - scale * forecast
        pinball = torch.where(error < 0, (level - 1) * error, level * error)
        total = total + (2 / len(quantiles) * pinball * share).sum()
    return total
