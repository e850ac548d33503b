"""PuzzleLib's Conv1D: by its own arguments, and its weights into our layer and back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tsconv.errors import ConfigError
from tsconv.nn.conv import Conv1d
from tsconv.nn.init import check_puzzlelib_scheme, puzzlelib_init_
from tsconv.nn.interop._arrays import as_tensor, fill, require_layer, snapshot


def puzzlelib_conv1d(
    inmaps: int,
    outmaps: int,
    size: int,
    stride: int = 1,
    pad: int = 0,
    dilation: int = 1,
    wscale: float = 1.0,
    useBias: bool = True,
    name: str | None = None,
    initscheme: str | tuple[str, str] | None = None,
    empty: bool = False,
    groups: int = 1,
) -> Conv1d:
    """Build the `Conv1d` that PuzzleLib's `Conv1D` with the same arguments is.

    (B, inmaps, W) -> (B, outmaps, floor((W + 2 pad - dilation (size - 1) - 1) / stride) + 1), a
    cross-correlation. For size 2, stride 2 and pad 2 on ten steps PuzzleLib's manual prints ten
    outputs; its formula gives seven, and so does this layer.

    Args:
        inmaps: channels of the input.
        outmaps: channels of the output.
        size: taps of each filter.
        stride: steps between outputs.
        pad: zeros on either side.
        dilation: steps between taps.
        wscale: scale of the initialisation, see `puzzlelib_init_`.
        useBias: add a learned constant, zero at first, to each output channel.
        name: the layer's attribute `name`.
        initscheme: the initialisation, see `puzzlelib_init_`.
        empty: give parameters shapes but no memory (device "meta") until `load_puzzlelib` or
            `load_state_dict(..., assign=True)` fills them.
        groups: parts of the channels that are convolved apart.

    Raises:
        ConfigError: an unknown scheme, a negative wscale, or as `Conv1d`.

    Examples:
        >>> layer = puzzlelib_conv1d(4, 6, size=3, pad=1, initscheme="he")
        >>> layer.weight.shape
        torch.Size([6, 4, 3])
    """
    check_puzzlelib_scheme(initscheme)
    if isinstance(wscale, bool) or not isinstance(wscale, (int, float)) or not 0 <= wscale < 1e30:
        raise ConfigError(f"`wscale` (={wscale}) must be a number of at least 0")
    with torch.device("meta" if empty else torch.get_default_device()):
        layer = Conv1d(inmaps, outmaps, size, stride, pad, dilation, groups, useBias)
    layer.name = name  # type: ignore[assignment]
    if not empty:
        puzzlelib_init_(layer.weight, initscheme, wscale)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return layer


def load_puzzlelib(layer: Conv1d, weight: Any, bias: Any = None) -> Conv1d:
    """Fill a `Conv1d` from the weights of PuzzleLib's Conv1D.

    Args:
        layer: a `Conv1d`, for example of `puzzlelib_conv1d`; it is filled and returned.
        weight: PuzzleLib's W, (out, in / groups, 1, size).
        bias: its b, (1, out, 1, 1), or None where the layer has no bias.

    Raises:
        ConfigError: another shape, or a bias where there should be none; nothing is written then.

    Examples:
        >>> import numpy as np
        >>> layer = puzzlelib_conv1d(1, 1, size=2, useBias=False)
        >>> load_puzzlelib(layer, np.array([[[[1.0, 2.0]]]])).weight.tolist()
        [[[1.0, 2.0]]]
    """
    require_layer(layer, Conv1d)
    out, per_group, size = layer.weight.shape
    kernel = as_tensor(weight, (out, per_group, 1, size), "PuzzleLib's W")
    if (layer.bias is None) != (bias is None):
        had, wanted = ("no b", "one") if bias is None else ("a b", "none: `useBias` is False")
        raise ConfigError(f"PuzzleLib's layer has {had}, expected {wanted}")
    if bias is not None:
        bias = as_tensor(bias, (1, out, 1, 1), "PuzzleLib's b")
    fill(layer, "weight", kernel.squeeze(2))
    if bias is not None:
        fill(layer, "bias", bias.flatten())
    return layer


def to_puzzlelib(layer: Conv1d) -> tuple[Tensor, Tensor | None]:
    """Return W (out, in / groups, 1, size) and b (1, out, 1, 1) for PuzzleLib's Conv1D.

    Raises ConfigError for a layer that is no `Conv1d`; b is None where the layer has no bias.

    Examples:
        >>> weight, bias = to_puzzlelib(puzzlelib_conv1d(4, 6, size=3))
        >>> weight.shape, bias.shape
        (torch.Size([6, 4, 1, 3]), torch.Size([1, 6, 1, 1]))
    """
    require_layer(layer, Conv1d)
    bias = None if layer.bias is None else snapshot(layer.bias).view(1, -1, 1, 1)
    return snapshot(layer.weight).unsqueeze(2), bias
