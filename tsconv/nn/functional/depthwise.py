"""Depthwise convolution on PyTorch's (B, C, W), by the fastest form that the input allows."""

from __future__ import annotations

import torch
from torch import Tensor

from tsconv.nn.functional._depthwise_function import depthwise_with_gradients, grouped_conv1d
from tsconv.nn.functional._depthwise_operator import depthwise_operator
from tsconv.nn.functional._dispatch import suits_cpu_kernels, transforms_active

# Longer kernels compile slowly, tap by tap, and are no faster than PyTorch's convolution.
_MOST_TAPS = 32


def depthwise_conv1d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int = 1,
    padded: tuple[int, int] = (0, 0),
    dilation: int = 1,
) -> Tensor:
    """Convolve each channel with its own filters, M filters a channel.

    Equals `F.conv1d(..., groups=C)` on the padded input. At stride 1, with one filter a channel and
    up to 32 taps, it is several times faster to train on a CPU (scripts/benchmarks/layers.py).

    Args:
        x: (B, C, W), time last.
        weight: (C * M, 1, k); filter m of channel c is at c * M + m, as in `nn.Conv1d`.
        bias: (C * M,), or None.
        stride: steps between outputs.
        padded: zeros in front of the first step and behind the last one.
        dilation: steps between taps.

    Returns:
        (B, C * M, (W + padding - (k - 1) * dilation - 1) // stride + 1).

    Examples:
        >>> import torch
        >>> x = torch.tensor([[[1.0, 2, 3], [10, 20, 30]]])
        >>> weight = torch.tensor([[[1.0, 0]], [[1, 1]]])  # the previous step; a sum of two
        >>> depthwise_conv1d(x, weight, padded=(1, 0)).tolist()
        [[[0.0, 1.0, 2.0], [10.0, 30.0, 50.0]]]
    """
    device = x.device.type
    keeps_dtype = x.dtype == torch.float64 or device == "meta"
    if not keeps_dtype and torch.is_autocast_enabled(device):  # as `F.conv1d` would
        narrow = torch.get_autocast_dtype(device)
        x, weight = x.to(narrow), weight.to(narrow)
        bias = None if bias is None else bias.to(narrow)
    plain = stride == 1 and x.shape[1] == weight.shape[0] and weight.shape[-1] <= _MOST_TAPS
    compiling = torch.compiler.is_compiling()
    if plain and compiling and not torch.compiler.is_exporting():
        return depthwise_operator(x, weight, bias, *padded, dilation)
    if plain and not compiling and suits_cpu_kernels(x) and not transforms_active():
        return depthwise_with_gradients(x, weight, bias, *padded, dilation, False)
    return grouped_conv1d(x, weight, bias, stride, *padded, dilation)
