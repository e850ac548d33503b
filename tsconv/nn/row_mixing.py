"""Rows that tell each other: after a block, each row's state takes in a mixture of all rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tsconv.errors import ConfigError, require_choice
from tsconv.nn.rows import RowLinear

CROSS_ROW = ("none", "mean", "dense")


class RowMixing(nn.Module):
    """x + project(mixture of rows): (H, N, W, channels) in and out, step by step, hence causal.

    `mean` mixes by the mean over the rows that are present (after Zaheer et al. 2017, deep sets):
    it takes any number of rows, in any order. `dense` learns a matrix (n_rows, n_rows) of weights
    that starts as that mean and belongs to the rows it was trained on. The projection starts at
    zero, so that rows begin apart.
    """

    def __init__(
        self, channels: int, kind: str, *, n_rows: int | None = None, rows: str = "shared"
    ) -> None:
        super().__init__()
        require_choice("cross_row", kind, CROSS_ROW[1:])
        self.kind, self.n_rows = kind, n_rows
        self.project = RowLinear(channels, channels, n_rows=n_rows, rows=rows)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)  # type: ignore[arg-type]
        if kind == "dense":
            if n_rows is None:
                raise ConfigError("`n_rows` (=None) must be given with `cross_row` (=dense)")
            self.mix = nn.Parameter(torch.full((n_rows, n_rows), 1 / n_rows))

    def forward(self, x: Tensor, present: Tensor, row_index: Tensor | None = None) -> Tensor:
        """present: (H, N, W, 1), 1 where a row has anything to say.

        row_index: see `RowParameters`.
        """
        present = present.to(x.dtype)
        said = x * present
        if self.kind == "mean":
            count = present.sum(0, keepdim=True).clamp_min(1)
            mixed = said.sum(0, keepdim=True) / count  # (1, N, W, channels)
            return x + self.project(
                mixed.expand_as(x) if self.project.rows != "shared" else mixed, row_index
            )
        if len(x) != self.n_rows:
            raise ConfigError(
                f"x has {len(x)} rows, `cross_row` (=dense) mixes `n_rows` (={self.n_rows})"
            )
        rows = None if row_index is None else row_index.tolist()
        if rows is not None and rows != [*range(len(rows))]:
            raise ConfigError(
                f"`row_index` (={rows}): `cross_row` (=dense) needs the training's rows, in order"
            )
        mixed = (self.mix @ said.flatten(1)).view_as(x)
        return x + self.project(mixed, row_index)


def row_mixing_reference(layer: RowMixing, x: Tensor, present: Tensor) -> Tensor:
    """Readable twin: a loop over rows and what each hears from the others."""
    n_rows = len(x)
    out = []
    for h in range(n_rows):
        heard = torch.zeros_like(x[0])
        for g in range(n_rows):
            share = 1 / present.sum(0).clamp_min(1) if layer.kind == "mean" else layer.mix[h, g]
            heard = heard + share * present[g] * x[g]
        weight, bias = (layer.project.of_rows(name) for name in ("weight", "bias"))
        own = h if layer.project.rows != "shared" else 0
        out.append(x[h] + heard @ weight[own].t() + bias[own])
    return torch.stack(out)
