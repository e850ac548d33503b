"""The padding rules of the field: causal, valid, a number, and the three meanings of "same".

| name | steps added | known from |
|---|---|---|
| `causal` | (kernel_size - 1) * dilation in front | WaveNet, tf-keras |
| `valid` | none | everywhere |
| `same`, `same_keras` | so that ceil(W / stride) remain; the odd one behind | Keras, TensorFlow |
| `same_pytorch` | (kernel_size - 1) * dilation, the odd one behind; stride 1 only | PyTorch |
| `same_flux` | (kernel_size - 1) * dilation, the odd one in front | Flux's SamePad |

At stride 1 Keras' and PyTorch's split the padding alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from tsconv.errors import ConfigError, require_choice, require_positive
from tsconv.nn._checks import plain_integer

PADDINGS = ("causal", "valid", "same", "same_keras", "same_pytorch", "same_flux")
Padding = int | str | Sequence[int | str]  # what layers take; a rule of one axis is int | str


def causal_pad(x: Tensor, kernel_size: int, dilation: int = 1) -> Tensor:
    """Put zeros in front of the time axis, so that a convolution sees no later step.

    Args:
        x: (B, C, W), time last.
        kernel_size: taps of the convolution that follows.
        dilation: steps between its taps.

    Returns:
        (B, C, W + (kernel_size - 1) * dilation).

    Raises:
        ConfigError: kernel_size or dilation is not an integer of at least 1.

    Examples:
        >>> import torch
        >>> causal_pad(torch.tensor([[[1.0, 2, 3]]]), kernel_size=2, dilation=2).tolist()
        [[[0.0, 0.0, 1.0, 2.0, 3.0]]]
    """
    require_positive(kernel_size=kernel_size, dilation=dilation)
    return F.pad(x, ((kernel_size - 1) * dilation, 0))


def pad_amounts(
    rule: int | str, length: int, kernel_size: int, stride: int = 1, dilation: int = 1
) -> tuple[int, int]:
    """Return how many zeros a padding rule adds in front of an axis and behind it.

    Args:
        rule: a number of zeros for either side, or a name from the table above.
        length: steps of the axis.
        kernel_size: taps of the convolution.
        stride: steps between its outputs.
        dilation: steps between its taps.

    Raises:
        ConfigError: an unknown rule, a size below 1, or `same_pytorch` with a stride.

    Examples:
        >>> [pad_amounts(rule, 8, kernel_size=4) for rule in ("causal", "same", "same_flux")]
        [(3, 0), (1, 2), (2, 1)]
    """
    require_positive(kernel_size=kernel_size, stride=stride, dilation=dilation)
    (rule,) = check_padding(rule, (stride,))
    return _amounts(rule, length, kernel_size, stride, dilation)


def check_padding(padding: Padding, stride: tuple[int, ...]) -> tuple[int | str, ...]:
    """Return one rule for each axis, from one for all or one for each.

    On two axes `causal` means causal along the last one, time, and `same` along the rows. Raises
    ConfigError for an unknown rule, a negative number, and `same_pytorch` with a stride.
    """
    n_axes = len(stride)
    rules: tuple[object, ...] = (plain_integer(padding),) * n_axes
    if isinstance(padding, str) and padding == "causal":
        rules = (*("same",) * (n_axes - 1), "causal")
    elif isinstance(padding, (tuple, list)):
        rules = tuple(plain_integer(rule) for rule in padding)
    if len(rules) != n_axes:
        raise ConfigError(f"`padding` (={padding}) must be one rule, or {n_axes}: one an axis")
    for rule, step in zip(rules, stride, strict=True):
        if isinstance(rule, str):
            require_choice("padding", rule, PADDINGS)
        elif isinstance(rule, bool) or not isinstance(rule, int) or rule < 0:
            raise ConfigError(
                f"`padding` (={rule}) must be an integer of at least 0 or one of "
                + ", ".join(PADDINGS)
            )
        if rule == "same_pytorch" and step != 1:
            raise ConfigError(
                f"`padding` (=same_pytorch) needs `stride` (={step}) to be 1, as in PyTorch; "
                "`same` pads for a stride as Keras does"
            )
    return cast("tuple[int | str, ...]", rules)


def _amounts(
    rule: int | str, length: int, kernel_size: int, stride: int, dilation: int
) -> tuple[int, int]:
    """`pad_amounts` for arguments that are checked already."""
    if isinstance(rule, int):
        return rule, rule
    reach = (kernel_size - 1) * dilation
    if rule == "valid":
        return 0, 0
    if rule == "causal":
        return reach, 0
    if rule == "same_flux":
        return reach - reach // 2, reach // 2
    total = reach
    if rule in ("same", "same_keras") and stride > 1:
        total = max(0, (-(-length // stride) - 1) * stride + reach + 1 - length)
    return total // 2, total - total // 2


def layer_amounts(
    rule: int | str, length: int, kernel_size: int, stride: int, dilation: int
) -> tuple[int, int]:
    """`pad_amounts` in a layer's forward; raises ConfigError where the input is too short."""
    padded = _amounts(rule, length, kernel_size, stride, dilation)
    need = (kernel_size - 1) * dilation + 1
    if length < 1 or length + sum(padded) < need:
        added = f" with {sum(padded)} of padding" if sum(padded) else ""
        raise ConfigError(
            f"the input has {length} steps{added}, too short for `kernel_size` (={kernel_size}) at "
            f"`dilation` (={dilation}), which needs {need}"
        )
    return padded


def pad_input(
    x: Tensor,
    rules: tuple[int | str, ...],
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[Tensor, tuple[int, ...]]:
    """Pad the last axes of x with zeros where the convolution cannot do it itself.

    Returns x and the symmetric padding that is left to the convolution: x is copied only where the
    two sides of an axis differ. Raises ConfigError where an axis is too short.
    """
    widths = x.shape[-len(rules) :]
    axes = zip(rules, widths, kernel_size, stride, dilation, strict=True)
    return pad_sides(x, *(layer_amounts(*axis) for axis in axes))


def pad_sides(x: Tensor, *both: tuple[int, int]) -> tuple[Tensor, tuple[int, ...]]:
    """Pad the last axes of x by (front, behind) each, unless the convolution can; see `pad_input`.

    While a model is exported x is always padded here: a branch would tie the program to one length.
    """
    if not torch.compiler.is_exporting() and all(left == right for left, right in both):
        return x, tuple(left for left, _ in both)
    amounts = [amount for pair in reversed(both) for amount in pair]  # the last axis first
    return F.pad(x, amounts), (0,) * len(both)
