"""One nn.Conv1d for each row into a row-wise layer, and back."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from tsconv.errors import ConfigError
from tsconv.nn.conv import Conv1d
from tsconv.nn.interop._arrays import as_tensor, fill, require_count, require_layer
from tsconv.nn.rowwise import RowwiseConv1d


def load_rows(layer: RowwiseConv1d, rows: Sequence[nn.Conv1d]) -> RowwiseConv1d:
    """Fill a row-wise layer from one `nn.Conv1d` for each row.

    Args:
        layer: a `RowwiseConv1d` with `rows="separate"`; it is filled and returned.
        rows: its n_rows convolutions, with the layer's sizes and padding. One that pads nothing
            fits any padding of the layer, since loops over rows often pad x before.

    Raises:
        ConfigError: another number of rows, or one of another shape; nothing is written then.

    Examples:
        >>> from torch import nn
        >>> rows = [nn.Conv1d(4, 6, 3) for _ in range(10)]
        >>> layer = load_rows(RowwiseConv1d(4, 6, 3, padding="causal", n_rows=10), rows)
        >>> bool((layer.weight[6:12] == rows[1].weight).all())
        True
    """
    require_layer(layer, RowwiseConv1d)
    rows = list(rows)
    if layer.rows != "separate" or layer.n_rows is None:
        raise ConfigError(f"`rows` (={layer.rows}) must be separate to hold a Conv1d for each row")
    require_count(rows, layer.n_rows, "the list of rows")
    for h, conv in enumerate(rows):
        _same_geometry(layer, conv, h)
    shape = (layer.out_channels, *layer.weight.shape[1:])
    weights = [as_tensor(c.weight, shape, f"row {h}'s weight") for h, c in enumerate(rows)]
    biases = []
    for h, conv in enumerate(rows):
        if (conv.bias is None) != (layer.bias is None):
            had, wanted = ("none", "one") if conv.bias is None else ("one", "none")
            raise ConfigError(f"row {h}'s bias: it has {had}, expected {wanted}")
        if conv.bias is not None:
            biases.append(as_tensor(conv.bias, shape[:1], f"row {h}'s bias"))
    fill(layer, "weight", torch.cat(weights))
    if biases:
        fill(layer, "bias", torch.cat(biases))
    return layer


def _same_geometry(layer: RowwiseConv1d, conv: nn.Conv1d, h: int) -> None:
    """Raise ConfigError where a row's Conv1d would compute something else than the layer.

    A row that pads nothing passes whatever the layer pads, since loops often pad x before the rows;
    so does one that pads both sides for a causal layer, since loops then cut the later end off.
    """
    if not isinstance(conv, nn.Conv1d):
        raise ConfigError(f"row {h} is a {type(conv).__name__}, expected an nn.Conv1d")
    reach = (layer.kernel_size - 1) * layer.dilation
    if isinstance(conv, Conv1d):
        pads: tuple[object, ...] = (layer.padding, 0)
        padding: object = conv.rules[0]
    else:
        padding = conv.padding if isinstance(conv.padding, str) else conv.padding[0]
        pads = (layer.padding, 0, "valid", reach if layer.padding == "causal" else 0)
        if layer.padding in ("same_pytorch", "same_keras") and layer.stride == 1:
            pads += ("same",)
    for name, theirs, allowed in (
        ("kernel_size", conv.kernel_size[0], (layer.kernel_size,)),
        ("stride", conv.stride[0], (layer.stride,)),
        ("dilation", conv.dilation[0], (layer.dilation,)),
        ("groups", conv.groups, (layer.groups,)),
        ("padding", padding, pads),
        ("padding_mode", conv.padding_mode, ("zeros",)),
    ):
        if theirs not in allowed:
            raise ConfigError(f"row {h} has `{name}` (={theirs}), expected {allowed[0]}")


def to_rows(layer: RowwiseConv1d) -> list[Conv1d]:
    """Return one `Conv1d` for each row, with the layer's padding; shared rows get equal copies.

    Raises ConfigError for a layer that is no `RowwiseConv1d`.

    Examples:
        >>> convs = to_rows(RowwiseConv1d(4, 6, 3, padding="causal", n_rows=10))
        >>> len(convs), convs[0].weight.shape
        (10, torch.Size([6, 4, 3]))
    """
    require_layer(layer, RowwiseConv1d)
    n_rows = layer.n_rows or 1
    weight, bias = layer.row_parameters(n_rows)
    out = []
    for h in range(n_rows):
        conv = Conv1d(
            layer.in_channels,
            layer.out_channels,
            layer.kernel_size,
            layer.stride,
            layer.padding,
            layer.dilation,
            layer.groups,
            bias is not None,
        ).to(weight.dtype)
        fill(conv, "weight", weight[h].detach())
        if bias is not None:
            fill(conv, "bias", bias[h].detach())
        out.append(conv)
    return out
