"""Parameters that rows share, have each for themselves, or pool; a linear map and a norm of them.

A row is one member of a family measured side by side. `shared` keeps one value for all rows,
`separate` one for each, `pooled` a shared one and a deviation for each row that starts at zero and
is meant to be decayed: a row that was never seen is served by the shared value alone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.errors import ConfigError, require_choice, require_positive

ROWS = ("shared", "separate", "pooled")
DEVIATION = "row_"  # a pooled parameter's deviations are called so: row_weight beside weight
NORMS = ("layer", "rms", "none")


class RowParameters(nn.Module):
    """A module with parameters by row.

    One value a row is stored as a grouped convolution stores its filters, rows along the first
    axis: a parameter of shape (D, ...) for one row is (n_rows * D, ...) for all. Raises ConfigError
    where `rows` is none of ROWS, or `n_rows` is missing where rows differ.
    """

    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(self, n_rows: int | None = None, rows: str = "shared") -> None:
        require_choice("rows", rows, ROWS)
        if n_rows is None and rows != "shared":
            raise ConfigError(f"`n_rows` (=None) must be given with `rows` (={rows})")
        if n_rows is not None:
            require_positive(n_rows=n_rows)
        super().__init__()
        self.n_rows, self.rows = n_rows, rows

    def declare(self, name: str, *shape: int) -> None:
        """Register an empty parameter of this shape a row; pooled deviations are zero."""
        n_rows = self.n_rows or 1
        stacked = (n_rows * shape[0], *shape[1:])
        own = self.rows == "separate"
        self.register_parameter(name, nn.Parameter(torch.empty(stacked if own else shape)))
        if self.rows == "pooled":
            deviation = nn.Parameter(torch.zeros(stacked))
            self.register_parameter(DEVIATION + name, deviation)

    def of_rows(self, name: str, row_index: Tensor | None = None) -> Tensor:
        """A parameter by row: (H, D, ...), or (1, D, ...) where rows share it.

        row_index: (H,) numbers of rows, int64; -1 is a row never seen, which only `pooled` and
        `shared` can serve. None: all rows, in order.
        """
        value = getattr(self, name)
        if self.rows == "shared":
            return value.unsqueeze(0)
        n_rows = self.n_rows or 1
        if self.rows == "separate":
            value = value.unflatten(0, (n_rows, -1))
            return value if row_index is None else value[row_index]
        deviation = getattr(self, DEVIATION + name).unflatten(0, (n_rows, -1))
        if row_index is not None:
            unseen = torch.zeros_like(deviation[:1])  # what -1 finds
            deviation = torch.cat([deviation, unseen])[row_index]
        return value + deviation

    def declare_filters(self, weight: tuple[int, ...], bias: bool) -> None:
        """Register `weight` of this shape a row and, where asked, a `bias` for each output."""
        self.declare("weight", *weight)
        if bias:
            self.declare("bias", weight[0])
        else:
            self.register_parameter("bias", None)

    def reset_filters(self) -> None:
        """Start as `nn.Linear` and `nn.Conv1d` do, each row for itself."""
        bound = 1 / math.sqrt(self.weight.shape[1:].numel())
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -bound, bound)
        self.reset_deviations()

    def reset_deviations(self) -> None:
        """Back to zero: every row as the shared value has it."""
        for name, parameter in self.named_parameters(recurse=False):
            if name.startswith(DEVIATION):
                nn.init.zeros_(parameter)


def require_rows(layer: RowParameters, n_rows: int, row_index: Tensor | None = None) -> None:
    """Raise ConfigError unless the layer has filters for `n_rows` rows, or for `row_index`."""
    if layer.rows == "shared":
        return
    if row_index is None:
        if n_rows != layer.n_rows:
            raise ConfigError(f"x has {n_rows} rows, the layer has `n_rows` (={layer.n_rows})")
        return
    if row_index.shape != (n_rows,):
        raise ConfigError(f"`row_index` has shape {tuple(row_index.shape)}, x has {n_rows} rows")
    if torch.compiler.is_compiling():
        return  # values are not known there
    low, high = row_index.aminmax()
    if low < (-1 if layer.rows == "pooled" else 0) or high >= (layer.n_rows or 1):
        raise ConfigError(
            f"`row_index` (={row_index.tolist()}) names a row beyond the layer's {layer.n_rows}"
            + ("; `rows=pooled` serves rows never seen, as -1" if layer.rows == "separate" else "")
        )


class RowLinear(RowParameters):
    """A linear map on the last axis, one for each row where `rows` says so.

    Arguments as `nn.Linear` has them, and its parameters where rows are shared. x: (..., F) where
    rows are shared, else (H, N, W, F); all rows in one batched product. Returns (..., F_out).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        n_rows: int | None = None,
        rows: str = "shared",
    ) -> None:
        super().__init__(n_rows, rows)
        require_positive(in_features=in_features, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features
        self.declare_filters((out_features, in_features), bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start as `nn.Linear` does, each row for itself."""
        self.reset_filters()

    def extra_repr(self) -> str:
        return (
            f"{self.in_features}, {self.out_features}, bias={self.bias is not None}, "
            f"n_rows={self.n_rows}, rows={self.rows}"
        )

    def forward(self, x: Tensor, row_index: Tensor | None = None) -> Tensor:
        """row_index: numbers of the H rows of x, see `of_rows`."""
        if self.rows == "shared":
            return F.linear(x, self.weight, self.bias)
        weight = self.of_rows("weight", row_index).transpose(1, 2)  # (H, F, F_out)
        flat = x.flatten(1, -2)  # (H, N * W, F)
        if self.bias is None:
            out = torch.bmm(flat, weight)
        else:
            bias = self.of_rows("bias", row_index).unsqueeze(1)  # (H, 1, F_out)
            out = torch.baddbmm(bias, flat, weight)
        return out.unflatten(1, x.shape[1:-1])


class RowNorm(RowParameters):
    """Layer norm or RMS norm over the last axis, its factors by row where `rows` says so.

    name: layer (Ba et al. 2016), rms (Zhang & Sennrich 2019, in at least float32; written out,
    since torch's own warns under autocast and is not fused there) or none. x as `RowLinear`'s.
    """

    def __init__(
        self, name: str, channels: int, *, n_rows: int | None = None, rows: str = "shared"
    ) -> None:
        super().__init__(n_rows, rows)
        require_choice("norm", name, NORMS)
        require_positive(channels=channels)
        self.name, self.channels = name, channels
        if name != "none":
            self.declare("weight", channels)
            nn.init.ones_(self.weight)
        if name == "layer":
            self.declare("bias", channels)
            nn.init.zeros_(self.bias)  # type: ignore[arg-type]

    def extra_repr(self) -> str:
        return f"{self.name}, {self.channels}, n_rows={self.n_rows}, rows={self.rows}"

    def forward(self, x: Tensor, row_index: Tensor | None = None) -> Tensor:
        if self.name == "none":
            return x
        if self.name == "layer" and self.rows == "shared":
            return F.layer_norm(x, (self.channels,), self.weight, self.bias)
        weight = self.of_rows("weight", row_index)[:, None, None]  # (H or 1, 1, 1, channels)
        if self.name == "layer":
            bias = self.of_rows("bias", row_index)[:, None, None]
            return torch.addcmul(bias, F.layer_norm(x, (self.channels,)), weight)
        wide = x.to(self.weight.dtype)
        scaled = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-6)
        return scaled * (self.weight if self.rows == "shared" else weight)
