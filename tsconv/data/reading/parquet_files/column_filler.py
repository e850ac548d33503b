"""A column that comes in batches, put where the whole column is to be: no second copy of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from tsconv.data.timestamps.text import EARLIEST, LATEST

Values = npt.NDArray[Any]


class ColumnFiller:
    """Takes the batches of one column, and gives the column as pandas makes it of all at once.

    lines: of all batches together. is_number: whether numbers are to be float64.

    >>> filler = ColumnFiller(3)
    >>> for batch in ([1, 2], [None]):
    ...     filler.add(pa.array(batch, pa.int64()))
    >>> filler.column().tolist()
    [1.0, 2.0, nan]
    """

    def __init__(self, lines: int, is_number: bool = False) -> None:
        self._lines, self._to_float = lines, is_number
        self._filled = 0
        self._whole: Values | None = None  # (lines,) of which the first are filled
        self._pieces: list[pd.Series] = []  # of types that numpy does not have
        self._names: dict[Any, int] = {}  # of a dictionary
        self._kind: pa.DataType | None = None  # of its names
        self._dictionary: pa.Array | None = None  # of the last batch
        self._numbers: Values = np.zeros(0, dtype="int32")  # of its names, and -1 for none

    def add(self, batch: pa.Array) -> None:
        """Append the lines of a batch."""
        if pa.types.is_dictionary(batch.type):
            self._kind = batch.type.value_type
            self._append(self._numbers_of(batch))
            return
        column = batch.to_pandas(date_as_object=False)
        if isinstance(column.dtype, np.dtype):
            self._append(_in_microseconds(column.to_numpy()))
        else:
            self._pieces.append(column)

    def column(self) -> pd.Series:
        """All lines together; raises ValueError where there are fewer than was said."""
        found = self._filled + sum(map(len, self._pieces))
        if found != self._lines:
            raise ValueError(f"it has {found:,} of the {self._lines:,} lines that it says it has")
        if self._pieces:
            return pd.concat(self._pieces, ignore_index=True)
        whole = np.empty(0) if self._whole is None else self._whole
        if self._kind is None:
            return pd.Series(whole, copy=False)
        names = pd.Index(pa.array(self._names, self._kind).to_pandas(date_as_object=False))
        return pd.Series(
            pd.Categorical.from_codes(whole.astype("int32", copy=False), names), copy=False
        )

    def _append(self, values: Values) -> None:
        if self._whole is None:
            kind = np.dtype("float64") if self._is_number(values) else values.dtype
            self._whole = np.empty(self._lines, dtype=kind)
        elif self._whole.dtype != values.dtype and not self._is_number(values):
            kind = _common(self._whole.dtype, values.dtype)
            self._whole = self._whole.astype(kind, copy=False)
        end = self._filled + len(values)
        if end > self._lines:
            raise ValueError(f"it has more than the {self._lines:,} lines that it says it has")
        self._whole[self._filled : end] = values
        self._filled = end

    def _is_number(self, values: Values) -> bool:
        return self._to_float and values.dtype.kind in "iuf"

    def _numbers_of(self, batch: pa.DictionaryArray) -> Values:
        """The number of each line's name among those of all batches so far, -1 for none."""
        names = batch.dictionary
        if self._dictionary is None or not self._dictionary.equals(names):
            numbers = (self._number(name) for name in names.to_pylist())
            self._dictionary, self._numbers = names, np.array([*numbers, -1], dtype="int32")
        place: Values = batch.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        found: Values = self._numbers[place.astype("int64", copy=False)]
        return found

    def _number(self, name: Any) -> int:
        return -1 if name is None else self._names.setdefault(name, len(self._names))


def _in_microseconds(values: Values) -> Values:
    """Times of a coarser unit in microseconds, unless some are beyond what those reach."""
    if values.dtype.kind != "M" or values.dtype == np.dtype("datetime64[ns]"):
        return values
    first, last = (edge.astype(values.dtype).astype("int64") for edge in (EARLIEST, LATEST))
    ticks = values.view("int64")
    if len(ticks) and (ticks.min() < first or ticks.max() >= last):  # a missing one is the least
        return values
    return values.astype("datetime64[us]", copy=False)


def _common(first: np.dtype[Any], second: np.dtype[Any]) -> np.dtype[Any]:
    """A type that holds the values of both; of two units of time, the one that reaches further."""
    if first.kind == second.kind == "M":
        return second if first == np.dtype("datetime64[us]") else first
    return np.result_type(first, second)
