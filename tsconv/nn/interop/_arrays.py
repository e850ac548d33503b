"""Checked arrays in, snapshots out: what every importer does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tsconv.errors import ConfigError
from tsconv.nn.conv import Conv1d, Conv2d
from tsconv.nn.separable import DepthwiseConv1d, DepthwiseConv2d

Conv = Conv1d | Conv2d
Depthwise = (DepthwiseConv1d, DepthwiseConv2d)


def as_array(array: Any, what: str) -> Tensor:
    """A tensor of real numbers from whatever holds some."""
    try:
        if isinstance(array, Tensor):
            value = array.detach()
        else:
            plain = np.asarray(array)
            value = torch.from_numpy(np.array(plain, dtype=plain.dtype.newbyteorder("=")))
    except (TypeError, ValueError, RuntimeError):
        raise ConfigError(f"{what} is no array of numbers: {type(array).__name__}") from None
    if value.is_complex():
        raise ConfigError(f"{what} holds complex numbers, expected real ones")
    return value


def as_tensor(array: Any, shape: Sequence[int], what: str) -> Tensor:
    """A tensor of exactly that shape, or an error that shows both."""
    value = as_array(array, what)
    if tuple(value.shape) != tuple(shape):
        raise ConfigError(f"{what} has shape {tuple(value.shape)}, expected {tuple(shape)}")
    return value


def fill(layer: nn.Module, name: str, value: Tensor) -> None:
    """Fill a parameter; one without memory (device "meta") takes the value as it is."""
    old = getattr(layer, name)
    if old.is_meta:
        made = value.to(old.dtype).contiguous().clone()
        setattr(layer, name, nn.Parameter(made, requires_grad=old.requires_grad))
    else:
        with torch.no_grad():
            old.copy_(value)


def snapshot(value: Tensor) -> Tensor:
    """A snapshot that later training does not change."""
    return value.detach().clone(memory_format=torch.contiguous_format)


def require_count(arrays: Sequence[Any], expected: int, what: str) -> None:
    if len(arrays) != expected:
        raise ConfigError(f"{what} has {len(arrays)} arrays, expected {expected}")


def require_conv(layer: nn.Module) -> Conv:
    if not isinstance(layer, (Conv1d, Conv2d)):
        raise ConfigError(f"{type(layer).__name__} has no counterpart there")
    return layer


def require_layer(layer: object, kind: type[nn.Module]) -> None:
    if not isinstance(layer, kind):
        raise ConfigError(f"the layer is a {type(layer).__name__}, expected a {kind.__name__}")
