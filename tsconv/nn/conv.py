"""1-D and 2-D convolutions with every padding rule of the field, and the causal one.

Weights, biases and arguments are those of `nn.Conv1d` and `nn.Conv2d`, so that state dicts move
either way. All of them correlate, as PyTorch, Keras and PuzzleLib do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.nn._checks import conv_arguments, require_shape, require_weights
from tsconv.nn.functional.padding import Padding, check_padding, pad_input


class PaddedConv(nn.modules.conv._ConvNd):
    """What `Conv1d` and `Conv2d` add to PyTorch's layers; they set the function and the axes."""

    n_axes: int
    axes: str
    function: Callable[..., Tensor]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: Padding = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        checked = conv_arguments(
            self.n_axes, in_channels, out_channels, kernel_size, stride, dilation, groups
        )
        rules = check_padding(padding, checked["stride"])
        arguments: dict[str, Any] = {**checked, "bias": bias}
        super().__init__(**arguments)  # PyTorch's Conv1d or Conv2d
        self.rules = rules
        self.padding = padding if isinstance(padding, str) else rules  # type: ignore[assignment]

    def forward(self, x: Tensor) -> Tensor:
        """Convolve x: (B, in_channels, ...) -> (B, out_channels, ...), time last."""
        require_shape(x, f"(B, {self.in_channels}, {self.axes})", self.in_channels, 1)
        require_weights(self.weight, x)
        x, rest = pad_input(x, self.rules, self.kernel_size, self.stride, self.dilation)
        return self.function(
            x, self.weight, self.bias, self.stride, rest, self.dilation, self.groups
        )


class Conv1d(PaddedConv, nn.Conv1d):
    """`nn.Conv1d` with the padding rules of Keras, PyTorch and Flux by name.

    (B, in_channels, W) -> (B, out_channels, W'), where W' is ceil(W / stride) for `causal` and
    `same`. `weight` is (out_channels, in_channels / groups, kernel_size), `bias` (out_channels,).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: taps of each filter.
        stride: steps between outputs.
        padding: a number of zeros on either side, or a rule: `valid`, `causal`, `same` (as Keras),
            `same_pytorch` or `same_flux`; the table in `tsconv.nn.functional.padding` has them.
        dilation: steps between taps.
        groups: parts of the channels that are convolved apart; divides both numbers of channels.
        bias: add a learned constant to each output channel.

    Raises:
        ConfigError: channels that `groups` does not divide, a size below 1 or an unknown rule; in
            the forward pass, a wrong shape or an input shorter than the kernel.

    Examples:
        >>> import torch
        >>> layer = Conv1d(1, 2, kernel_size=4, stride=2, padding="same")
        >>> layer(torch.zeros(8, 1, 100)).shape  # (B, C, W)
        torch.Size([8, 2, 50])
    """

    n_axes, axes, function = 1, "W", staticmethod(F.conv1d)


class Conv2d(PaddedConv, nn.Conv2d):
    """`nn.Conv2d` with the padding rules of `Conv1d`, one for both axes or one for each.

    (B, in_channels, H, W) -> (B, out_channels, H', W'), H for rows and W for time. Arguments and
    errors as `Conv1d`'s; sizes, stride, padding and dilation may be pairs, the one for H first.
    `padding="causal"` is causal along W and `same` along H.

    Examples:
        >>> import torch
        >>> layer = Conv2d(1, 2, kernel_size=(3, 5), padding=("valid", "causal"))
        >>> layer(torch.zeros(8, 1, 10, 100)).shape
        torch.Size([8, 2, 8, 100])
    """

    n_axes, axes, function = 2, "H, W", staticmethod(F.conv2d)


class CausalConv1d(Conv1d):
    """`Conv1d` whose output at step t depends on steps up to t only.

    The input (B, in_channels, W) is preceded by (kernel_size - 1) * dilation zeros; the output is
    (B, out_channels, ceil(W / stride)). Arguments and errors as `Conv1d`'s, without `padding`.
    Source: WaveNet, van den Oord et al. 2016, arXiv 1609.03499.

    Examples:
        >>> import torch
        >>> layer = CausalConv1d(1, 1, kernel_size=2, bias=False)
        >>> _ = torch.nn.init.ones_(layer.weight)  # the sum of a step and the one before
        >>> layer(torch.tensor([[[1.0, 2, 3]]])).tolist()
        [[[1.0, 3.0, 5.0]]]
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, "causal", dilation, groups, bias
        )
