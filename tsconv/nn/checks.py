"""Checks of arguments and shapes: each names the argument and its value, before any work."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from tsconv.errors import ConfigError


def require_positive(**sizes: int) -> None:
    """Raise ConfigError unless every named size is an integer of at least 1."""
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigError(f"`{name}` (={value}) must be an integer of at least 1")


def require_divisible(groups: int, **channels: int) -> None:
    """Raise ConfigError unless every named number of channels is a multiple of `groups`."""
    for name, value in channels.items():
        if value % groups:
            raise ConfigError(f"`{name}` (={value}) must be divisible by `groups` (={groups})")


def per_axis(name: str, value: int | Sequence[int], n_axes: int) -> tuple[int, ...]:
    """One integer of at least 1 for each axis, from one for all or one for each."""
    sizes = (value,) * n_axes if isinstance(value, int) else tuple(value)
    if len(sizes) != n_axes:
        raise ConfigError(
            f"`{name}` (={value}) must be one integer, or {n_axes}: one for each axis"
        )
    for size in sizes:
        require_positive(**{name: size})
    return sizes


def require_shape(x: Tensor, shape: str, channels: int, axis: int) -> None:
    """Raise ConfigError unless x has as many axes as `shape` names, and `channels` at `axis`.

    shape: as it is written in messages, for example "(B, 4, W)".
    """
    if x.ndim != shape.count(",") + 1 or x.shape[axis] != channels:
        raise ConfigError(f"x has shape {tuple(x.shape)}, expected {shape}")
