"""Helpers of the importers: checked arrays in, copies out."""

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
Depthwise = (DepthwiseConv1d, DepthwiseConv2d)  # for isinstance


def as_array(array: Any, what: str) -> Tensor:
    """Return a tensor of real numbers from an array, a tensor or nested lists; `what` names it."""
    try:
        if isinstance(array, Tensor):
            value = array.detach()
        else:
            values = np.asarray(array)
            value = torch.from_numpy(np.array(values, dtype=values.dtype.newbyteorder("=")))
    except (TypeError, ValueError, RuntimeError):
        raise ConfigError(f"{what} is no array of numbers: {type(array).__name__}") from None
    if value.is_complex():
        raise ConfigError(f"{what} holds complex numbers, expected real ones")
    return value


def as_tensor(array: Any, shape: Sequence[int], what: str) -> Tensor:
    """Return a tensor of exactly that shape, or raise ConfigError that shows both shapes."""
    value = as_array(array, what)
    if tuple(value.shape) != tuple(shape):
        raise ConfigError(f"{what} has shape {tuple(value.shape)}, expected {tuple(shape)}")
    return value


def fill(layer: nn.Module, name: str, value: Tensor) -> None:
    """Fill a parameter in place; one without memory (device "meta") is replaced."""
    old = getattr(layer, name)
    if old.is_meta:
        new = value.to(old.dtype).contiguous().clone()
        setattr(layer, name, nn.Parameter(new, requires_grad=old.requires_grad))
    else:
        with torch.no_grad():
            old.copy_(value)


def snapshot(value: Tensor) -> Tensor:
    """Return a copy that later training does not change."""
    return value.detach().clone(memory_format=torch.contiguous_format)


def require_count(arrays: Sequence[Any], expected: int, what: str) -> None:
    """Raise ConfigError unless there are as many arrays as expected; `what` names them."""
    if len(arrays) != expected:
        raise ConfigError(f"{what} has {len(arrays)} arrays, expected {expected}")


def require_conv(layer: nn.Module) -> Conv:
    """Return the layer if it is a `Conv1d` or `Conv2d`, else raise ConfigError."""
    if not isinstance(layer, (Conv1d, Conv2d)):
        raise ConfigError(f"{type(layer).__name__} has no counterpart there")
    return layer


def require_layer(layer: object, kind: type[nn.Module]) -> None:
    """Raise ConfigError unless the layer is of that class."""
    if not isinstance(layer, kind):
        raise ConfigError(f"the layer is a {type(layer).__name__}, expected a {kind.__name__}")
