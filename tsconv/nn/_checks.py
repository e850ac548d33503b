"""Checks of the layers' arguments and inputs; each error names the argument and its value."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import SupportsIndex, TypedDict, cast

from torch import Tensor

from tsconv.errors import ConfigError, require_positive


class ConvArguments(TypedDict):
    """The arguments of a convolution as PyTorch's constructors take them, one size an axis."""

    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


def conv_arguments(
    n_axes: int,
    in_channels: int,
    out_channels: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int],
    dilation: int | Sequence[int],
    groups: int,
) -> ConvArguments:
    """Return a convolution's arguments, checked; raises ConfigError on the first that is wrong."""
    require_positive(in_channels=in_channels, out_channels=out_channels, groups=groups)
    _require_divisible(groups, in_channels=in_channels, out_channels=out_channels)
    return {
        "in_channels": in_channels,
        "out_channels": out_channels,
        "kernel_size": per_axis("kernel_size", kernel_size, n_axes),
        "stride": per_axis("stride", stride, n_axes),
        "dilation": per_axis("dilation", dilation, n_axes),
        "groups": groups,
    }


def _require_divisible(groups: int, **channels: int) -> None:
    for name, value in channels.items():
        if value % groups:
            raise ConfigError(f"`{name}` (={value}) must be divisible by `groups` (={groups})")


def per_axis(name: str, value: int | Sequence[int], n_axes: int) -> tuple[int, ...]:
    """Return one integer of at least 1 for each axis, from one for all or one for each."""
    given = value if isinstance(value, (tuple, list)) else (value,) * n_axes
    sizes = tuple(plain_integer(size) for size in given)
    if len(sizes) != n_axes:
        raise ConfigError(
            f"`{name}` (={value}) must be one integer, or {n_axes}: one for each axis"
        )
    for size in sizes:
        require_positive(**{name: size})
    return cast("tuple[int, ...]", sizes)


def plain_integer(value: object) -> object:
    """Return Python's integer for one of NumPy's or the like, and anything else unchanged."""
    if isinstance(value, (bool, int)) or not isinstance(value, SupportsIndex):
        return value
    try:
        return operator.index(value)
    except TypeError:  # an array of several numbers
        return value


def require_shape(x: Tensor, shape: str, channels: int, axis: int) -> None:
    """Raise ConfigError unless x has as many axes as `shape` names, and `channels` at `axis`.

    shape: as it is written in messages, for example "(B, 4, W)".
    """
    if x.ndim != shape.count(",") + 1 or x.shape[axis] != channels:
        raise ConfigError(f"x has shape {tuple(x.shape)}, expected {shape}")


def require_weights(weight: Tensor, x: Tensor) -> None:
    """Raise ConfigError where a layer was built without weights (device "meta") and got none."""
    if weight.is_meta and not x.is_meta:
        raise ConfigError(
            f"the layer has no weights yet, only their shape {tuple(weight.shape)}: load them first"
        )
