"""PuzzleLib's layout: W (out, in / groups, 1, size) and b (1, out, 1, 1)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from tsconv.errors import ConfigError
from tsconv.nn.conv import Conv1d
from tsconv.nn.interop._arrays import as_tensor, fill, require_layer, snapshot


def load_puzzlelib(layer: Conv1d, weight: Any, bias: Any = None) -> Conv1d:
    """Fill a `Conv1d` from PuzzleLib's W (out, in / groups, 1, size) and b (1, out, 1, 1)."""
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
    """W (out, in / groups, 1, size) and b (1, out, 1, 1) as PuzzleLib's Conv1D holds them."""
    require_layer(layer, Conv1d)
    bias = None if layer.bias is None else snapshot(layer.bias).view(1, -1, 1, 1)
    return snapshot(layer.weight).unsqueeze(2), bias
