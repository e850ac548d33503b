"""Parameters by row, and the linear map and the norm that use them.

A row is one member of a fixed family measured side by side. Rows' parameters are `shared`, one
value for all rows; `separate`, one for each row; or `pooled`, a shared value plus a deviation for
each row. Deviations start at zero and are meant to be decayed; a row that was never seen gets the
shared value alone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.errors import ConfigError, require_choice, require_positive

ROWS = ("shared", "separate", "pooled")
DEVIATION = "row_"  # prefix of a pooled parameter's deviations: row_weight beside weight
_NORMS = ("layer", "rms", "none")


class RowParameters(nn.Module):
    """Base of the layers whose parameters may differ by row.

    Rows lie along a parameter's first axis, as the filters of a grouped convolution do: a parameter
    of shape (D, ...) for one row is (n_rows * D, ...) for all.

    Args:
        n_rows: rows of the family, H; needed unless rows share their parameters.
        rows: `shared`, `separate` or `pooled`, see the top of this module.

    Raises:
        ConfigError: an unknown `rows`, or `n_rows` is missing or below 1.
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
        """Register a parameter, `shape` for one row, without filling it; deviations are zero."""
        n_rows = self.n_rows or 1
        stacked = (n_rows * shape[0], *shape[1:])
        own = self.rows == "separate"
        self.register_parameter(name, nn.Parameter(torch.empty(stacked if own else shape)))
        if self.rows == "pooled":
            deviation = nn.Parameter(torch.zeros(stacked))
            self.register_parameter(DEVIATION + name, deviation)

    def of_rows(self, name: str, row_index: Tensor | None = None) -> Tensor:
        """Return a parameter by row: (H, D, ...), or (1, D, ...) where rows share it.

        row_index: (H,) numbers of rows, int64; -1 is a row that was never seen, for which `pooled`
        returns the shared value. None: all rows, in order.
        """
        value: Tensor = getattr(self, name)
        if self.rows == "shared":
            return value.unsqueeze(0)
        n_rows = self.n_rows or 1
        if self.rows == "separate":
            value = torch.unflatten(value, 0, (n_rows, -1))
            return value if row_index is None else value[row_index]
        deviation = torch.unflatten(getattr(self, DEVIATION + name), 0, (n_rows, -1))
        if row_index is not None:  # no copy of all rows: there may be thousands
            seen = (row_index >= 0).view(-1, *[1] * (deviation.ndim - 1))
            deviation = torch.where(seen, deviation[row_index.clamp_min(0)], 0)
        return value + deviation

    def declare_filters(self, weight: tuple[int, ...], bias: bool) -> None:
        """Register `weight`, of this shape for one row, and a `bias` for each output or None."""
        self.declare("weight", *weight)
        if bias:
            self.declare("bias", weight[0])
        else:
            self.register_parameter("bias", None)

    def reset_filters(self) -> None:
        """Draw `weight` and `bias` as `nn.Linear` and `nn.Conv1d` do, for each row."""
        bound = 1 / math.sqrt(self.weight.shape[1:].numel())
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -bound, bound)
        self.reset_deviations()

    def zero_filters(self) -> None:
        """Set `weight` and `bias` to zero, for layers that start without effect."""
        nn.init.zeros_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def reset_deviations(self) -> None:
        """Set all deviations to zero: every row then has the shared value."""
        for name, parameter in self.named_parameters(recurse=False):
            if name.startswith(DEVIATION):
                nn.init.zeros_(parameter)


def require_rows(layer: RowParameters, n_rows: int, row_index: Tensor | None = None) -> None:
    """Raise ConfigError unless the layer has parameters for the rows of an input.

    n_rows: the input's rows; row_index: (n_rows,) their numbers, or None for all in order.
    """
    if layer.rows == "shared":
        return
    if row_index is None:
        if n_rows != layer.n_rows:
            raise ConfigError(f"x has {n_rows} rows, the layer has `n_rows` (={layer.n_rows})")
        return
    if row_index.shape != (n_rows,):
        raise ConfigError(f"`row_index` has shape {tuple(row_index.shape)}, x has {n_rows} rows")
    if torch.compiler.is_compiling():
        return  # a tracer does not know the values
    low, high = row_index.aminmax()
    if low < (-1 if layer.rows == "pooled" else 0) or high >= (layer.n_rows or 1):
        raise ConfigError(
            f"`row_index` (={row_index.tolist()}) names a row beyond the layer's {layer.n_rows}"
            + ("; `rows=pooled` serves rows never seen, as -1" if layer.rows == "separate" else "")
        )


class RowLinear(RowParameters):
    """`nn.Linear` by row: (H, N, W, in_features) -> (H, N, W, out_features).

    Where rows share their parameters, it is `nn.Linear`, on any number of leading axes; else all
    rows go through one batched product. `weight` is (n_rows * out_features, in_features) where rows
    are separate and (out_features, in_features) else; pooled rows have `row_weight` and `row_bias`.

    Args:
        in_features: size of the last axis of the input.
        out_features: size of the last axis of the output.
        bias: add a learned constant to each output.
        n_rows: rows of the family, H; needed unless rows share their parameters.
        rows: `shared`, `separate` or `pooled`, see `RowwiseConv1d`.

    Raises:
        ConfigError: a size below 1, an unknown `rows`, or `n_rows` is missing.

    Examples:
        >>> import torch
        >>> layer = RowLinear(4, 6, n_rows=10, rows="separate")
        >>> layer(torch.zeros(10, 8, 100, 4)).shape  # (H, N, W, C)
        torch.Size([10, 8, 100, 6])
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
        """Draw the parameters as `nn.Linear` does, for each row."""
        self.reset_filters()

    def extra_repr(self) -> str:
        return (
            f"{self.in_features}, {self.out_features}, bias={self.bias is not None}, "
            f"n_rows={self.n_rows}, rows={self.rows}"
        )

    def forward(self, x: Tensor, row_index: Tensor | None = None) -> Tensor:
        """Map the last axis of x; row_index: the number of each of x's rows, see `of_rows`."""
        if self.rows == "shared":
            return F.linear(x, self.weight, self.bias)
        weight = self.of_rows("weight", row_index).transpose(1, 2)  # (H, F, F_out)
        flat = x.flatten(1, -2)  # (H, N * W, F)
        if self.bias is None:
            out = torch.bmm(flat, weight)
        else:
            bias = self.of_rows("bias", row_index).unsqueeze(1)  # (H, 1, F_out)
            out = torch.baddbmm(bias, flat, weight)
        return torch.unflatten(out, 1, x.shape[1:-1])


class RowNorm(RowParameters):
    """Layer norm or RMS norm over the last axis, with factors by row: x as `RowLinear`'s.

    RMS norm runs in at least float32; it is written out, because PyTorch's warns under autocast and
    is not fused there. Sources: Ba et al. 2016, arXiv 1607.06450; Zhang & Sennrich 2019, arXiv
    1910.07467.

    Args:
        name: `layer`, `rms`, or `none`, which returns x.
        channels: size of the last axis.
        n_rows: rows of the family, H; needed unless rows share their factors.
        rows: `shared`, `separate` or `pooled`, see `RowwiseConv1d`.

    Raises:
        ConfigError: an unknown name, a size below 1, or `n_rows` is missing.

    Examples:
        >>> import torch
        >>> RowNorm("rms", 2)(torch.tensor([[3.0, 4.0]])).round(decimals=3)
        tensor([[0.8490, 1.1310]], grad_fn=<RoundBackward1>)
    """

    def __init__(
        self, name: str, channels: int, *, n_rows: int | None = None, rows: str = "shared"
    ) -> None:
        super().__init__(n_rows, rows)
        require_choice("norm", name, _NORMS)
        require_positive(channels=channels)
        self.name, self.channels = name, channels
        if name != "none":
            self.declare("weight", channels)
            nn.init.ones_(self.weight)
        if name == "layer":
            self.declare("bias", channels)
            nn.init.zeros_(self.get_parameter("bias"))

    def extra_repr(self) -> str:
        return f"{self.name}, {self.channels}, n_rows={self.n_rows}, rows={self.rows}"

    def forward(self, x: Tensor, row_index: Tensor | None = None) -> Tensor:
        """Normalise the last axis of x; row_index: the numbers of x's rows, see `of_rows`."""
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
