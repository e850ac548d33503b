"""PuzzleLib's Conv1D by its own arguments: a `Conv1d` with its initialisation and its checks."""

from __future__ import annotations

import torch
from torch import nn

from tsconv.errors import ConfigError
from tsconv.nn.conv import Conv1d
from tsconv.nn.init import check_puzzlelib_scheme, puzzlelib_init_


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
    """Build the `Conv1d` that PuzzleLib's `Conv1D(...)` with the same arguments is.

    Cross-correlation with `pad` zeros on either side; (B, inmaps, W) -> (B, outmaps, floor((W +
    2 pad - dilation (size - 1) - 1) / stride) + 1). PuzzleLib's manual prints ten outputs for
    size 2, stride 2, pad 2 on ten steps; its formula, and this layer, give seven. With `empty` the
    parameters have shapes but no memory (device "meta") until `load_state_dict(..., assign=True)`
    or `interop.load_puzzlelib` brings them. `name` becomes the layer's attribute.
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
