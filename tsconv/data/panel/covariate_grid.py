"""Covariates on the panel's grid: past categories, future covariates and static ones.

Time-varying ones are ragged as the panel is and start with it, but reach as far as the file does:
future covariates beyond the last observed target too. Static ones have one value for each series
and row.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tsconv.data.panel.grid import LineGrid
from tsconv.data.panel.ragged import indptr_of
from tsconv.data.reading.covariate_columns import CovariateColumns
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.frequency import Steps
from tsconv.errors import DataError


@dataclasses.dataclass(frozen=True)
class ColumnCode:
    """How a network takes one column: a number in deviations, within limits, or a category's."""

    column: int  # of the values
    mean: float = 0.0
    inv_std: float = 0.0  # 0: a constant, of which nothing can be learnt
    limit: float = math.inf  # deviations
    numbers: Tensor | None = None  # (K,) float32: the number of each category of the file

    def scaled(self, values: Tensor) -> Tensor:
        """Numbers in deviations from the mean, without a limit."""
        return (values - self.mean) * self.inv_std

    def __call__(self, values: Tensor) -> Tensor:
        """Values of the column -> float32, NaN where missing.

        >>> ColumnCode(0, mean=3.0, inv_std=2.0, limit=5.0)(torch.tensor([4.0, 9.0])).tolist()
        [2.0, 5.0]
        """
        if self.numbers is None:
            return self.scaled(values).clamp(-self.limit, self.limit).float()
        numbers = self.numbers.to(values.device)
        return torch.where(values.isnan(), torch.nan, numbers[values.nan_to_num(0).long()])


@dataclasses.dataclass(frozen=True)
class Covariates:
    """F columns, in this order: `n_past` past categories, future categories, future numbers.

    Those of a mapped panel stay as the file has them, and are encoded when they are fetched.
    """

    values: Tensor  # (M, F, H) float64, NaN where missing; categories by their number
    indptr: Tensor  # (S + 1,) int64
    names: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]
    n_past: int = 0
    codes: tuple[ColumnCode, ...] = ()  # of `names`, which are then encoded in this order

    def at(self, index: Tensor | slice) -> Tensor:
        """(..., F, H) the values of some steps, encoded where there are codes; index: (...)."""
        values = self.values[index]
        if not self.codes:
            return values
        return torch.stack([code(values[..., code.column, :]) for code in self.codes], dim=-2)

    def in_memory(self) -> Covariates:
        """The same with the values themselves encoded, and no codes."""
        return dataclasses.replace(self, values=self.at(slice(None)), codes=())

    @property
    def lengths(self) -> Tensor:
        """(S,) steps of each series, counted from its start; at least those of the panel."""
        return self.indptr.diff()

    @property
    def future(self) -> tuple[str, ...]:
        """Names of the future columns."""
        return self.names[self.n_past :]

    def with_rows(self, index: Tensor) -> Covariates:
        """Rows in another order; index -1 makes one that is missing throughout."""
        return dataclasses.replace(self, values=_take_rows(self.values, index))

    def to(self, device: torch.device | str) -> Covariates:
        """The same with its tensors on `device`."""
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
        """Rows in another order; index -1 makes one that is missing throughout."""
        return dataclasses.replace(self, values=_take_rows(self.values, index))

    def to(self, device: torch.device | str) -> Static:
        """The same with its values on `device`."""
        return dataclasses.replace(self, values=self.values.to(device))


def _take_rows(values: Tensor, index: Tensor) -> Tensor:
    out = values[..., index]
    out[..., index < 0] = torch.nan
    return out


def covariates_on_grid(table: Table, grid: LineGrid) -> Covariates | None:
    """The time-varying covariates of a sorted table on its grid; None where it has none."""
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
    indptr = indptr_of(grid.spans)
    row = 0 if table.row_codes is None else table.row_codes
    values = np.full((indptr[-1], len(names), max(1, len(table.rows))), np.nan)
    values[indptr[table.codes] + grid.steps, :, row] = np.concatenate(columns, axis=1)
    if past is not None:
        delay_columns(values, indptr, [past.delays[i] for i in past.ordered])
    n_past = 0 if past is None else len(past)
    return Covariates(
        torch.from_numpy(values), torch.from_numpy(indptr), tuple(names), categories, n_past
    )


def delay_columns(values: npt.NDArray[np.float64], indptr: Steps, delays: list[int]) -> None:
    """Move the first columns of (N, C, H) values later, in place, each by its delay in steps.

    The steps before are missing. A value released `delay` steps late then stands at the step at
    which it became known: training, scoring and forecasting see it there, and no origin sees it
    sooner.

    >>> values = np.arange(4.0).reshape(4, 1, 1)
    >>> delay_columns(values, np.array([0, 2, 4]), [1])
    >>> values.ravel()
    array([nan,  0., nan,  2.])
    """
    for column, delay in enumerate(delays):
        if delay == 0:
            continue
        start = np.repeat(indptr[:-1], np.diff(indptr))
        source = np.arange(len(values)) - delay
        released = source >= start
        values[:, column] = np.where(
            released[:, None], values[np.where(released, source, 0), column], np.nan
        )


def static_covariates(table: Table) -> Static | None:
    """One value for each series and row; None for none.

    Raises DataError where a series has two.
    """
    static = table.static
    if static is None:
        return None
    n_rows = max(1, len(table.rows))
    out = np.full((len(table.ids) * n_rows, len(static)), np.nan)
    for k, column in enumerate(static.ordered):
        cells = static.values[:, column]
        observed = np.flatnonzero(~np.isnan(cells))
        members, first = np.unique(table.members[observed], return_index=True)
        out[members, k] = cells[observed[first]]
        other = observed[cells[observed] != out[table.members[observed], k]]
        if len(other):
            name, line = static.names[column], other[0]
            begin = observed[first[np.searchsorted(members, table.members[line])]]
            raise DataError(
                f"{table.locations.both(begin, line)}: `{name}` is {_cell(static, column, begin)} "
                f"and {_cell(static, column, line)} for {table.member(table.members[line])}; "
                f"a static covariate has one value, one that changes is a past or a future one"
            )
    values = out.reshape(len(table.ids), n_rows, -1).transpose(0, 2, 1).copy()
    names = tuple(static.names[i] for i in static.ordered)
    return Static(torch.from_numpy(values), names, static.categories)


def _cell(columns: CovariateColumns, column: int, line: int | np.int64) -> str:
    """A cell as the file has it."""
    value = columns.values[line, column]
    categories = columns.categories.get(columns.names[column])
    return f"{value:g}" if categories is None else repr(categories[int(value)])
