"""Row mixing: after a block, each row's state receives a mixture of the states of all rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tsconv.errors import ConfigError, require_choice
from tsconv.nn.rows import RowLinear

CROSS_ROW = ("none", "mean", "dense")


class RowMixing(nn.Module):
    """Add a projected mixture of all rows to each row: (H, N, W, channels) in and out.

    Rows are mixed step by step, so the layer is causal. The projection starts at zero, so that rows
    do not influence each other before training. `CrossRow` is another name of this class.

    Args:
        channels: size of the last axis.
        kind: `mean` mixes by the mean over the rows that are present and takes any number of rows
            in any order (deep sets, Zaheer et al. 2017, arXiv 1703.06114); `dense` learns a matrix
            `mix` (n_rows, n_rows), which starts as that mean and fits the training's rows alone.
        n_rows: rows of the family, H; needed for `dense`, and where rows do not share parameters.
        rows: whether rows share the projection: `shared`, `separate` or `pooled`, see
            `RowwiseConv1d`.

    Raises:
        ConfigError: an unknown `kind` or `rows`, or `n_rows` is missing; in the forward pass, for
            `dense`, other rows than the training's or another order.

    Examples:
        >>> import torch
        >>> layer = RowMixing(4, "mean")
        >>> x, present = torch.ones(10, 8, 100, 4), torch.ones(10, 8, 100, 1)
        >>> bool((layer(x, present) == x).all())  # before training
        True
    """

    def __init__(
        self, channels: int, kind: str, *, n_rows: int | None = None, rows: str = "shared"
    ) -> None:
        super().__init__()
        require_choice("cross_row", kind, CROSS_ROW[1:])
        self.kind, self.n_rows = kind, n_rows
        self.project = RowLinear(channels, channels, n_rows=n_rows, rows=rows)
        self.project.zero_filters()
        if kind == "dense":
            if n_rows is None:
                raise ConfigError("`n_rows` (=None) must be given with `cross_row` (=dense)")
            self.mix = nn.Parameter(torch.full((n_rows, n_rows), 1 / n_rows))

    def forward(self, x: Tensor, present: Tensor, row_index: Tensor | None = None) -> Tensor:
        """Mix the rows of x: (H, N, W, channels).

        present: (H, N, W, 1), 1 where a row takes part in the mixture, else 0; row_index: the
        number of each of x's rows, see `RowParameters.of_rows`.
        """
        present = present.to(x.dtype)
        masked = x * present
        if self.kind == "mean":
            count = present.sum(0, keepdim=True).clamp_min(1)
            mean = masked.sum(0, keepdim=True) / count  # (1, N, W, channels)
            mixed = mean if self.project.rows == "shared" else mean.expand_as(x)
            out: Tensor = x + self.project(mixed, row_index)
            return out
        if len(x) != self.n_rows:
            raise ConfigError(
                f"x has {len(x)} rows, `cross_row` (=dense) mixes `n_rows` (={self.n_rows})"
            )
        rows = None if row_index is None else row_index.tolist()
        if rows is not None and rows != [*range(len(rows))]:
            raise ConfigError(
                f"`row_index` (={rows}): `cross_row` (=dense) needs the training's rows, in order"
            )
        mixed = (self.mix @ masked.flatten(1)).view_as(x)
        out = x + self.project(mixed, row_index)
        return out


def row_mixing_reference(layer: RowMixing, x: Tensor, present: Tensor) -> Tensor:
    """Reference of `RowMixing`, with its forward's arguments: a loop over pairs of rows."""
    n_rows = len(x)
    out = []
    for h in range(n_rows):
        mixed = torch.zeros_like(x[0])
        for g in range(n_rows):
            share = 1 / present.sum(0).clamp_min(1) if layer.kind == "mean" else layer.mix[h, g]
            mixed = mixed + share * present[g] * x[g]
        weight, bias = (layer.project.of_rows(name) for name in ("weight", "bias"))
        own = h if layer.project.rows != "shared" else 0
        out.append(x[h] + mixed @ weight[own].t() + bias[own])
    return torch.stack(out)
