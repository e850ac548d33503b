"""Covariates as features of each step: categories as learned vectors, numbers, and what they make.

Nothing here mixes steps, so a step's features depend on that step alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsconv.errors import require_positive

_WIDEST = 8  # numbers that a category becomes, at most


class CovariateBatch(NamedTuple):
    """What is given beside the series: F columns by step and K static ones, in a network's order.

    By step: past categories, future categories, future numbers, calendar features; static:
    categories, then numbers. Categories are whole numbers from 1, 0 where unknown.
    """

    values: Tensor  # (B, F, H, W + horizon), any finite value where unseen
    seen: Tensor  # (B, F, H, W + horizon), 1 where there is a value
    static: Tensor  # (B, K, H)
    static_seen: Tensor  # (B, K, H)


class ColumnEncoder(nn.Module):
    """Columns side by side: categories as learned vectors, numbers beside whether they were seen.

    (..., F) -> (..., width): the first len(sizes) columns are categories of so many values each,
    then come n_numbers numbers, then n_plain columns that are never missing. An unknown or missing
    category is the mean of those that are known.
    """

    def __init__(self, sizes: Sequence[int], n_numbers: int, n_plain: int = 0) -> None:
        super().__init__()
        widths = [min(size, _WIDEST) for size in sizes]
        self.tables = nn.ParameterList(
            nn.Parameter(torch.randn(size, width))
            for size, width in zip(sizes, widths, strict=True)
        )
        self.n_numbers, self.n_plain = n_numbers, n_plain
        self.n_columns = len(widths) + n_numbers + n_plain
        self.width = sum(widths) + 2 * n_numbers + n_plain

    def places(self) -> list[list[int]]:
        """The features of each column, in the order of the columns."""
        out, first = [], 0
        for table in self.tables:
            out.append([*range(first, first + table.shape[1])])
            first += table.shape[1]
        last = first + self.n_numbers
        out += [[i, i + self.n_numbers] for i in range(first, last)]
        return out + [[last + self.n_numbers + i] for i in range(self.n_plain)]

    def forward(self, values: Tensor, seen: Tensor) -> Tensor:
        """values, seen: (..., F), see `CovariateBatch`."""
        count = len(self.tables)
        codes = (values[..., :count] * seen[..., :count]).long()
        parts = []
        for i, table in enumerate(self.tables):
            vectors = torch.cat([table.mean(0, keepdim=True), table])  # 0 stands for unknown
            parts.append(F.embedding(codes[..., i], vectors))
        last = count + self.n_numbers
        observed = seen[..., count:last]
        parts += [values[..., count:last] * observed, observed, values[..., last:]]
        return torch.cat([p.to(values.dtype) for p in parts], dim=-1)  # (..., width)


class CovariateEncoder(nn.Module):
    """Features of every step from `CovariateBatch`, in the layout (H, B, W, ...) of the stack.

    What is known ahead goes together with the static columns through a hidden layer of `hidden`
    channels, so that effects need not be linear, nor the same for every kind of series.
    """

    def __init__(
        self,
        past_sizes: Sequence[int] = (),
        future_sizes: Sequence[int] = (),
        n_future: int = 0,
        n_calendar: int = 0,
        static_sizes: Sequence[int] = (),
        n_static: int = 0,
        *,
        hidden: int = 16,
    ) -> None:
        super().__init__()
        require_positive(hidden=hidden)
        self.past = ColumnEncoder(past_sizes, 0)
        self.future = ColumnEncoder(future_sizes, n_future, n_calendar)
        self.static = ColumnEncoder(static_sizes, n_static)
        together = self.future.width + self.static.width
        self.mix = nn.Linear(together, hidden) if together else None
        self.width_ahead = together + hidden if together else 0
        self.width = self.past.width + self.width_ahead
        self.n_columns = self.past.n_columns + self.future.n_columns
        self.n_static = self.static.n_columns

    def forward(self, covariates: CovariateBatch) -> tuple[Tensor, Tensor]:
        """(H, B, W + horizon, past width) and (H, B, W + horizon, width_ahead)."""
        by_step = (v.permute(2, 0, 3, 1) for v in (covariates.values, covariates.seen))
        values, seen = by_step  # (H, B, L, F)
        first = self.past.n_columns
        past = self.past(values[..., :first], seen[..., :first])
        future = self.future(values[..., first:], seen[..., first:])  # (H, B, L, ...)
        one = (v.permute(2, 0, 1).unsqueeze(2) for v in (covariates.static, covariates.static_seen))
        static = self.static(*one).expand(-1, -1, future.shape[2], -1)  # (H, B, L, ...)
        ahead = torch.cat([future, static], dim=-1)
        if self.mix is not None:
            ahead = torch.cat([ahead, F.gelu(self.mix(ahead)).to(ahead.dtype)], dim=-1)
        return past, ahead

    def shares(self, ahead: Tensor, usual: Tensor) -> Iterator[Tensor]:
        """The share of each column known ahead in the features of its steps, one after another.

        ahead: (H, N, L, width_ahead), as `forward` returns it; usual: (H, N, 1, width_ahead) a mean
        of some steps, of the same static values. A share has the shape of `ahead`. All of them add
        up to the features less those that the hidden layer makes of the usual step; a column that
        is at its usual value has none.

        What a column moves in the hidden layer is its integrated gradient (Sundararajan et al.
        2017, arXiv 1703.01365) on the straight way from the usual step: a hidden channel is a
        function of one sum, so that this is the column's part of the sum times the slope between
        the two ends. No order of the columns is preferred, and nothing is left over.
        """
        if self.mix is None:
            return
        width, together = self.future.width, self.mix.in_features
        moved = ahead[..., :width] - usual[..., :width]
        weight = self.mix.weight[:, :width]
        slope = _gelu_slope(self.mix(usual[..., :together]), self.mix(ahead[..., :together]))
        fixed = torch.zeros_like(ahead[..., width:together])
        for places in self.future.places():
            own = torch.zeros_like(moved)
            own[..., places] = moved[..., places]
            hidden = F.linear(moved[..., places], weight[:, places]) * slope
            yield torch.cat([own, fixed, hidden.to(own.dtype)], dim=-1)


def _gelu_slope(low: Tensor, high: Tensor) -> Tensor:
    """(gelu(high) - gelu(low)) / (high - low); the derivative where the two are close."""
    width = high - low
    middle = low + width / 2
    density = torch.exp(-middle.square() / 2) / math.sqrt(2 * math.pi)
    derivative = torch.special.ndtr(middle) + middle * density
    close = width.abs() < torch.finfo(width.dtype).eps ** (1 / 3)  # else digits cancel
    return torch.where(
        close, derivative, (F.gelu(high) - F.gelu(low)) / torch.where(close, 1, width)
    )
