"""SourceColumn: where the cells of a column stand in the files, for messages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tsconv.errors import DataError

Locate = Callable[[int], str]  # the number of a line of the table, from 0 -> "sales.csv: line 42"


@dataclasses.dataclass(frozen=True)
class SourceColumn:
    """A column's name, and the file and line of each of its cells.

    >>> column = SourceColumn("y", lambda i: f"sales.csv: line {i + 2}")
    >>> str(column.error(40, "'x' is not a number"))
    "sales.csv: line 42, column `y`: 'x' is not a number"
    """

    name: str
    locate: Locate

    def at(self, i: int | np.integer[Any]) -> str:
        """The file, line and column of the i-th cell, counted from 0."""
        return f"{self.locate(int(i))}, column `{self.name}`"

    def error(self, i: int | np.integer[Any], problem: str) -> DataError:
        """The error of the i-th cell, to be raised."""
        return DataError(f"{self.at(i)}: {problem}")

    def take(self, lines: npt.NDArray[np.int64]) -> SourceColumn:
        """The column of some of the lines alone."""
        return SourceColumn(self.name, lambda i: self.locate(int(lines[i])))
