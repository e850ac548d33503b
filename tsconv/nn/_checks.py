"""Checks of arguments and shapes: each names the argument and its value, before any work."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from torch import Tensor

from tsconv.errors import ConfigError, require_positive


def require_divisible(groups: int, **channels: int) -> None:
    """Raise ConfigError unless every named number of channels is a multiple of `groups`."""
    for name, value in channels.items():
        if value % groups:
            raise ConfigError(f"`{name}` (={value}) must be divisible by `groups` (={groups})")


def per_axis(name: str, value: int | Sequence[int], n_axes: int) -> tuple[int, ...]:
    """One integer of at least 1 for each axis, from one for all or one for each."""
    given = value if isinstance(value, (tuple, list)) else (value,) * n_axes
    sizes = tuple(plain_integer(size) for size in given)
    if len(sizes) != n_axes:
        raise ConfigError(
            f"`{name}` (={value}) must be one integer, or {n_axes}: one for each axis"
        )
    for size in sizes:
        require_positive(**{name: size})
    return sizes  # type: ignore[return-value]


def plain_integer(value: object) -> object:
    """Python's own integer for a NumPy one or the like; everything else as it is."""
    if isinstance(value, (bool, int)):
        return value
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return value


def require_shape(x: Tensor, shape: str, channels: int, axis: int) -> None:
    """Raise ConfigError unless x has as many axes as `shape` names, and `channels` at `axis`.

    shape: as it is written in messages, for example "(B, 4, W)".
    """
    if x.ndim != shape.count(",") + 1 or x.shape[axis] != channels:
        raise ConfigError(f"x has shape {tuple(x.shape)}, expected {shape}")


def require_memory(weight: Tensor, x: Tensor) -> None:
    """Raise ConfigError where a layer was built without weights (device "meta") and got none."""
    if weight.is_meta and not x.is_meta:
        raise ConfigError(
            f"the layer has no weights yet, only their shape {tuple(weight.shape)}: load them first"
        )
