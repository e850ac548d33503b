"""Tables of aligned columns, as the commands print them: one way to lay out a line for all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Column:
    """How a column is laid out; all sizes are numbers of characters."""

    width: int  # the least that a cell takes
    align: Literal["<", ">"] = ">"  # to the left or to the right
    indent: int = 0  # blanks before the cell
    longest: int | None = None  # longer cells are cut; None: never

    def fit(self, cell: str) -> str:
        """The cell at the column's width, or longer where it does not fit."""
        return f"{'':{self.indent}}{cell[: self.longest]:{self.align}{self.width}}"


def format_line(columns: Sequence[Column], cells: Sequence[str]) -> str:
    """Lay out one line; the columns behind the last cell stay empty.

    Raises ValueError where there are more cells than columns.

    >>> format_line([Column(6, "<"), Column(8)], ["mae", "0.3914"])
    'mae     0.3914'
    """
    if len(cells) > len(columns):
        raise ValueError(f"{len(cells)} cells do not fit into {len(columns)} columns")
    return "".join(column.fit(cell) for column, cell in zip(columns, cells, strict=False))


def format_table(columns: Sequence[Column], lines: Sequence[Sequence[str]]) -> str:
    """Lay out lines of cells, a heading among them where there is one.

    >>> print(format_table([Column(6, "<"), Column(8)], [["test", "tsconv"], ["mae", "0.3914"]]))
    test    tsconv
    mae     0.3914
    """
    return "\n".join(format_line(columns, cells) for cells in lines)


def format_number(value: float | None, spec: str) -> str:
    """A number by its format specification; "" for None.

    >>> format_number(0.39144, ".4g"), format_number(None, ".4g")
    ('0.3914', '')
    """
    return "" if value is None else format(value, spec)
