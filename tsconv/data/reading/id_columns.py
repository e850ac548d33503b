"""Which series and row each line is of, and IdColumns: the ids as the file itself has them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.reading.column_roles import ColumnRoles
from tsconv.data.reading.names import Codes, first_places, near_equal_notes, read_names
from tsconv.data.source_column import SourceColumn
from tsconv.notes import Note

SINGLE_SERIES = "series"  # the id of a file without an id column
# Columns that hold what a file's name says: no header can be called so.
FILE_ROW, FILE_ID = "\0row", "\0id"
Lines = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class IdColumns:
    """The columns of the file that name its S series, each with one value a series.

    Without an id column, as in a file of one series, there are no names and no values.

    >>> columns = IdColumns(("store", "item"), (pd.Series([7, 7]), pd.Series(["ale", "rum"])))
    >>> columns.take([1, 1]).values[1].tolist()
    ['rum', 'rum']
    """

    names: tuple[str, ...] = ()
    values: tuple[pd.Series, ...] = ()  # (S,) each, in the type that the file has

    def take(self, series: Sequence[int] | Lines) -> IdColumns:
        """Some of the series, in another order or several times over."""
        index = np.asarray(series, dtype="int64")
        values = tuple(v.iloc[index].reset_index(drop=True) for v in self.values)
        return dataclasses.replace(self, values=values)

    def without_categories(self) -> IdColumns:
        """Categories as the values that they stand for: reading made them, to save memory."""
        return dataclasses.replace(
            self,
            values=tuple(
                v.astype(v.cat.categories.dtype) if isinstance(v.dtype, pd.CategoricalDtype) else v
                for v in self.values
            ),
        )


NO_ID_COLUMNS = IdColumns()  # a file without any


def read_ids(
    columns: Sequence[pd.Series], sources: Sequence[SourceColumn]
) -> tuple[Codes, IdColumns]:
    r"""The series of each line, as codes and text, and the columns' own values.

    columns: (N,) each, at least one. The text of several columns is their values joined by `/`; a
    `/` within a value is written `\/`, and a `\` is doubled. Raises DataError naming the first line
    where one of them is empty or no text.

    >>> store, item = pd.Series(["07", "07", "8"]), pd.Series(["ale", "a/b", "ale"])
    >>> sources = [SourceColumn("store", str), SourceColumn("item", str)]
    >>> (codes, ids), columns = read_ids([store, item], sources)
    >>> codes.tolist(), ids
    ([0, 1, 2], ('07/ale', '07/a\\/b', '8/ale'))
    """
    read = [read_names(c, source, "id") for c, source in zip(columns, sources, strict=True)]
    codes, ids = read[0]
    if len(read) > 1:
        for further, spelt in read[1:]:  # codes in order of first appearance, as those of one are
            codes = pd.factorize(codes * len(spelt) + further)[0].astype("int64")
    first = first_lines(codes)
    if len(read) > 1:
        parts = [np.array([_escape(n) for n in spelt], dtype=object)[c[first]] for c, spelt in read]
        ids = tuple("/".join(values) for values in zip(*parts, strict=True))
    values = tuple(column.iloc[first].reset_index(drop=True) for column in columns)
    return (codes, ids), IdColumns(tuple(source.name for source in sources), values)


def first_lines(codes: Lines) -> Lines:
    """(N,) codes from 0 on -> (S,) the first line of each.

    >>> first_lines(np.array([0, 1, 0])).tolist()
    [0, 1]
    """
    return first_places(codes, int(codes.max()) + 1)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("/", "\\/")


@dataclasses.dataclass(frozen=True)
class Keys:
    """The series, and the row of a family, that each line belongs to."""

    codes: Lines  # (N,)
    ids: tuple[str, ...]
    id_columns: IdColumns
    row_codes: Lines | None  # (N,)
    rows: tuple[str, ...]

    @property
    def members(self) -> Lines:
        """(N,) see `Table.members`."""
        return (
            self.codes if self.row_codes is None else self.codes * len(self.rows) + self.row_codes
        )

    @property
    def notes(self) -> list[Note]:
        """Names that differ only in case or spaces."""
        return [*near_equal_notes(self.ids, "id"), *near_equal_notes(self.rows, "row")]


def read_keys(
    frame: pd.DataFrame, roles: ColumnRoles, column: Callable[[str], SourceColumn]
) -> Keys:
    """The series and the row of each line; raises DataError where a cell that names them is empty.

    column: a column's name -> where its cells stand.
    """
    codes, ids = np.zeros(len(frame), dtype="int64"), cast(tuple[str, ...], (SINGLE_SERIES,))
    id_columns = NO_ID_COLUMNS
    names = (FILE_ID,) if FILE_ID in frame else roles.id
    if names:
        columns = [frame[name] for name in names]
        (codes, ids), id_columns = read_ids(columns, [column(name) for name in names])
    row_codes: Lines | None = None
    rows: tuple[str, ...] = ()
    row_column = FILE_ROW if FILE_ROW in frame else roles.row
    if row_column is not None:
        row_codes, rows = read_names(frame[row_column], column(row_column), "row")
    return Keys(codes, ids, id_columns, row_codes, rows)
