"""Covariates on the panel's grid: categories seen up to the origin, and what is known ahead.

Time-varying ones are ragged as the panel is and start with it, but reach as far as the file does:
beyond the last observed target, where the future is known. Static ones have one value for each
series and row.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tsconv.data.reading.table import Columns, Table
from tsconv.data.timestamps.frequency import Steps
from tsconv.errors import DataError


@dataclasses.dataclass(frozen=True)
class Covariates:
    """F columns, in this order: `n_past` past categories, future categories, future numbers."""

    values: Tensor  # (M, F, H) float64, NaN where missing; categories by their number
    indptr: Tensor  # (S + 1,) int64
    names: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]
    n_past: int = 0

    @property
    def lengths(self) -> Tensor:
        """(S,) steps that are known, counted from each series' start."""
        return self.indptr.diff()

    @property
    def future(self) -> tuple[str, ...]:
        """Names of the columns that are known ahead."""
        return self.names[self.n_past :]

    def with_rows(self, index: Tensor) -> Covariates:
        """Rows in another order; -1 is one that is not there."""
        return dataclasses.replace(self, values=_rows(self.values, index))

    def to(self, device: torch.device | str) -> Covariates:
        return dataclasses.replace(
            self, values=self.values.to(device), indptr=self.indptr.to(device)
        )


@dataclasses.dataclass(frozen=True)
class Static:
    """K columns, categories first."""

    values: Tensor  # (S, K, H) float64, NaN where missing; categories by their number
    names: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]

    def with_rows(self, index: Tensor) -> Static:
        """Rows in another order; -1 is one that is not there."""
        return dataclasses.replace(self, values=_rows(self.values, index))

    def to(self, device: torch.device | str) -> Static:
        return dataclasses.replace(self, values=self.values.to(device))


def _rows(values: Tensor, index: Tensor) -> Tensor:
    out = values[..., index]
    out[..., index < 0] = torch.nan
    return out


def steps_within(indptr: Tensor) -> Tensor:
    """(N,) each step of a ragged tensor counted from the start of its series."""
    return torch.arange(int(indptr[-1])) - indptr[:-1].repeat_interleave(indptr.diff())


def observed_lengths(table: Table, steps: Steps, lengths: Steps) -> Steps:
    """(S,) steps up to the last observed target, where later lines hold the known future.

    steps: of the table's lines, which are in order. `lengths` where nothing is known ahead, or
    for a series without any observed target.
    """
    if table.future is None:
        return lengths
    seen = ~np.isnan(table.values[:, : table.n_targets]).all(1)
    last = np.zeros(len(lengths), dtype="int64")
    np.maximum.at(last, table.codes[seen], steps[seen] + 1)
    return np.where(last > 0, last, lengths)


def lay_covariates(table: Table, steps: Steps, lengths: Steps) -> Covariates | None:
    """The time-varying covariates on the grid; `lengths` are those of all lines: (S,)."""
    past, future = table.past, table.future
    if past is None and future is None:
        return None
    names: list[str] = []
    columns: list[npt.NDArray[np.float64]] = []
    categories: dict[str, tuple[str, ...]] = {}
    for part in (past, future):
        if part is not None:
            names += [part.names[i] for i in part.ordered]
            columns.append(part.values[:, part.ordered])
            categories |= part.categories
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    row = 0 if table.row_codes is None else table.row_codes
    values = np.full((indptr[-1], len(names), max(1, len(table.rows))), np.nan)
    values[indptr[table.codes] + steps, :, row] = np.concatenate(columns, axis=1)
    if past is not None:
        delay_columns(values, indptr, [past.delays[i] for i in past.ordered])
    n_past = 0 if past is None else len(past)
    return Covariates(
        torch.from_numpy(values), torch.from_numpy(indptr), tuple(names), categories, n_past
    )


def delay_columns(values: npt.NDArray[np.float64], indptr: Steps, delays: list[int]) -> None:
    """Move the first columns later, in place, each by its delay; what precedes is missing.

    A value released `delay` steps late then stands at the step at which it became known: training,
    scoring and forecasting see it there, and no origin sees it sooner.
    """
    for column, delay in enumerate(delays):
        if delay == 0:
            continue
        start = np.repeat(indptr[:-1], np.diff(indptr))
        source = np.arange(len(values)) - delay
        known = source >= start
        values[:, column] = np.where(
            known[:, None], values[np.where(known, source, 0), column], np.nan
        )


def lay_static(table: Table) -> Static | None:
    """One value for each series and row; raises DataError where a series has two."""
    static = table.static
    if static is None:
        return None
    n_rows = max(1, len(table.rows))
    out = np.full((len(table.ids) * n_rows, len(static)), np.nan)
    for k, column in enumerate(static.ordered):
        cells = static.values[:, column]
        known = np.flatnonzero(~np.isnan(cells))
        members, first = np.unique(table.members[known], return_index=True)
        out[members, k] = cells[known[first]]
        other = known[cells[known] != out[table.members[known], k]]
        if len(other):
            name, line = static.names[column], other[0]
            begin = known[first[np.searchsorted(members, table.members[line])]]
            raise DataError(
                f"{table.places.both(begin, line)}: `{name}` is {_shown(static, column, begin)} "
                f"and {_shown(static, column, line)} for {table.member(table.members[line])}; "
                f"a static covariate has one value, one that changes is a past or a future one"
            )
    values = out.reshape(len(table.ids), n_rows, -1).transpose(0, 2, 1).copy()
    names = tuple(static.names[i] for i in static.ordered)
    return Static(torch.from_numpy(values), names, static.categories)


def _shown(columns: Columns, column: int, line: int | np.int64) -> str:
    value = columns.values[line, column]
    known = columns.categories.get(columns.names[column])
    return f"{value:g}" if known is None else repr(known[int(value)])
