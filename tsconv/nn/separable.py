"""The depthwise half of a separable convolution, time-major and channels-last.

With channels last, a depthwise convolution is k shifted multiply-adds over contiguous memory, which
the compiler fuses with what surrounds them; `nn.Conv1d(groups=C)` is several times slower to train.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from tsconv.errors import ConfigError


def depthwise_time_major(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, dilation: int = 1
) -> Tensor:
    """Convolve each channel with its own taps, without padding ("valid").

    x: (B, W, C); weight: (C, 1, k) as `nn.Conv1d(C, C, k, groups=C)` has it; bias: (C,).
    Returns (B, W - (k - 1) * dilation, C); its last step depends on the input's last k taps.
    Raises ConfigError where the input is shorter than the dilated kernel.
    """
    kernel_size = weight.shape[-1]
    length = x.shape[1] - (kernel_size - 1) * dilation
    if length < 1:
        raise ConfigError(
            f"the input has {x.shape[1]} steps, too short for kernel_size={kernel_size} "
            f"at dilation={dilation}, which needs {(kernel_size - 1) * dilation + 1}"
        )
    taps = weight.squeeze(1).t().to(x.dtype)  # (k, C)
    out = x[:, :length] * taps[0]
    for j in range(1, kernel_size):
        out = out + x[:, j * dilation : j * dilation + length] * taps[j]  # (B, length, C)
    return out if bias is None else out + bias.to(x.dtype)


def depthwise_time_major_reference(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, dilation: int = 1
) -> Tensor:
    """Readable twin: PyTorch's grouped convolution, one group a channel."""
    channels_first = x.transpose(1, 2)  # (B, C, W)
    out = F.conv1d(channels_first, weight, bias, dilation=dilation, groups=weight.shape[0])
    return out.transpose(1, 2)
