"""Initialisers of the field by name: Keras' with Keras' fans, and PuzzleLib's `initscheme`.

Both are variance scalings (Glorot & Bengio 2010, He et al. 2015, LeCun et al. 1998). They differ in
what they count as fan-in and fan-out, and Keras truncates its normals at two standard deviations.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tsconv.errors import ConfigError, require_choice

_KERAS_SCALE = {"glorot": (1.0, "avg"), "he": (2.0, "in"), "lecun": (1.0, "in")}
KERAS_INITIALIZERS = tuple(
    f"{family}_{shape}" for family in _KERAS_SCALE for shape in ("uniform", "normal")
)
# The standard deviation of a standard normal truncated at 2, with the digits that Keras uses.
_TRUNCATED_STD = 0.87962566103423978

_PUZZLELIB_SCHEMES = (
    "xavier_uniform",
    "xavier_normal",
    "xavier",
    "he",
    "gaussian",
    "uniform",
    "none",
)
_FANS = ("in", "out", "avg")


def keras_fans(kernel_shape: tuple[int, ...]) -> tuple[int, int]:
    """Return fan-in and fan-out as Keras counts them: the kernel's last two axes times the taps.

    For a depthwise kernel (k, C, M) that is (k * C, k * M), although each filter sees k values.
    """
    taps = math.prod(kernel_shape[:-2])
    return taps * kernel_shape[-2], taps * kernel_shape[-1]


@torch.no_grad()
def keras_init_(weight: Tensor, initializer: str, kernel_shape: tuple[int, ...]) -> Tensor:
    """Fill a weight in place as Keras' initialiser fills a kernel.

    Source: keras.initializers.

    Args:
        weight: any shape, in PyTorch's layout; it is filled and returned.
        initializer: `glorot_uniform`, `glorot_normal`, `he_uniform`, `he_normal`, `lecun_uniform`
            or `lecun_normal`.
        kernel_shape: the shape that Keras' kernel has, which gives the fans: (taps..., in / groups,
            out), or (taps..., C, M) of a depthwise layer.

    Raises:
        ConfigError: an unknown initializer.

    Examples:
        >>> import torch
        >>> weight = keras_init_(torch.empty(8, 4, 3), "he_uniform", (3, 4, 8))
        >>> bool(weight.abs().max() <= (6 / (3 * 4)) ** 0.5)  # fan-in 12
        True
    """
    require_choice("initializer", initializer, KERAS_INITIALIZERS)
    family, shape = initializer.split("_")
    scale, mode = _KERAS_SCALE[family]
    fan_in, fan_out = keras_fans(kernel_shape)
    variance = scale / (fan_in if mode == "in" else (fan_in + fan_out) / 2)
    if shape == "uniform":
        bound = math.sqrt(3 * variance)
        return weight.uniform_(-bound, bound)
    std = math.sqrt(variance) / _TRUNCATED_STD
    return nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std)


def check_puzzlelib_scheme(initscheme: str | tuple[str, str] | None) -> tuple[str, str]:
    """Return a scheme's name and its fan, "in", "out" or "avg"; raises ConfigError where unknown.

    `initscheme` is None (xavier_uniform), a name, or a pair of a name and a fan.
    """
    fan: object = "in"
    name: object = initscheme
    if isinstance(initscheme, (tuple, list)):
        if len(initscheme) != 2:
            raise ConfigError(
                f"`initscheme` (={initscheme}) must be a name or a pair of a name and a fan"
            )
        name, fan = initscheme
    if name is None:
        name = "xavier_uniform"
    require_choice("initscheme", name, _PUZZLELIB_SCHEMES)
    require_choice("initscheme", fan, _FANS)
    return str(name), str(fan)


@torch.no_grad()
def puzzlelib_init_(
    weight: Tensor, initscheme: str | tuple[str, str] | None = None, wscale: float = 1.0
) -> Tensor:
    """Fill a weight in place as PuzzleLib's `initscheme` does.

    Fan-in is in / groups * taps, fan-out is out * taps.

    Args:
        weight: (out, in / groups, taps...); it is filled and returned.
        initscheme: `xavier_uniform` (None means that one), `xavier_normal` or `xavier`, `he`,
            `gaussian`, `uniform`, or `none`, which changes nothing; or a pair of such a name and
            the fan that it divides by: `in` (the default), `out` or `avg`.
        wscale: the standard deviation of `gaussian` and the bound of `uniform`.

    Raises:
        ConfigError: an unknown scheme or fan.

    Examples:
        >>> import torch
        >>> weight = puzzlelib_init_(torch.empty(8, 4, 3), ("xavier_uniform", "out"))
        >>> bool(weight.abs().max() <= (3 / (8 * 3)) ** 0.5)  # fan-out 24
        True
    """
    name, fan = check_puzzlelib_scheme(initscheme)
    taps = math.prod(weight.shape[2:])
    fan_in, fan_out = weight.shape[1] * taps, weight.shape[0] * taps
    count = {"in": fan_in, "out": fan_out, "avg": (fan_in + fan_out) / 2}[fan]
    if name == "xavier_uniform":
        bound = math.sqrt(3 / count)
        return weight.uniform_(-bound, bound)
    if name in ("xavier", "xavier_normal"):
        return weight.normal_(0, math.sqrt(1 / count))
    if name == "he":
        return weight.normal_(0, math.sqrt(2 / count))
    if name == "gaussian":
        return weight.normal_(0, wscale)
    if name == "uniform":
        return weight.uniform_(-wscale, wscale)
    return weight
