"""Covariates beside the channels of a table: columns of numbers and of categories."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.reading.names import factorize_names, merge_booleans

Values = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class CovariateColumns:
    """Covariates beside the channels: numbers, or categories by their number in `categories`."""

    names: tuple[str, ...]
    values: Values  # (N, F), NaN where missing
    categories: dict[str, tuple[str, ...]]  # of each column that is no number
    delays: tuple[int, ...] = ()  # steps by which each is released late; () for none

    def __len__(self) -> int:
        """The number of columns, F."""
        return len(self.names)

    def tile(self, count: int) -> CovariateColumns:
        """The same lines `count` times over, as wide files are stacked."""
        return dataclasses.replace(self, values=np.tile(self.values, (count, 1)))

    def take(self, order: npt.NDArray[np.int64]) -> CovariateColumns:
        """Some of the lines, in another order."""
        return dataclasses.replace(self, values=self.values[order])

    @property
    def ordered(self) -> list[int]:
        """Numbers of the columns, categories first: the order in which a network takes them."""
        return sorted(range(len(self)), key=lambda i: self.names[i] not in self.categories)


def covariate_columns(
    frame: pd.DataFrame, names: Sequence[str], numbers: Mapping[str, Values], by_step: bool = True
) -> CovariateColumns | None:
    """Covariates side by side: numbers as they are, categories by number; None for none.

    numbers: (N,) of each column of numbers. An empty cell is a category of its own where there is
    one for each step, else a missing value.

    >>> columns = covariate_columns(pd.DataFrame({"sky": ["fair", "", "rain"]}), ["sky"], {})
    >>> columns.values.ravel(), columns.categories
    (array([0., 2., 1.]), {'sky': ('fair', 'rain', '')})
    """
    if not names:
        return None
    columns: list[Values] = []
    categories: dict[str, tuple[str, ...]] = {}
    for name in names:
        if name in numbers:
            columns.append(numbers[name])
            continue
        codes, unique = merge_booleans(*factorize_names(frame[name], missing=("",)))
        if by_step and (codes < 0).any():  # "no holiday" is a category of its own
            codes, unique = np.where(codes < 0, len(unique), codes), (*unique, "")
        categories[name] = unique
        columns.append(np.where(codes < 0, np.nan, codes))
    return CovariateColumns(tuple(names), np.column_stack(columns), categories)
