"""A column in batches is what pyarrow makes of it at once, for every type and any cut."""

import datetime
import decimal
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsconv.data.reading.parquet_files.column_filler import ColumnFiller
from tsconv.data.reading.parquet_files.parquet_file import read_ahead

COLUMNS: dict[str, pa.Array] = {
    "int64": pa.array([3, -1, 2**60, 0, 7]),
    "int64 with gaps": pa.array([3, 4, None, 0, None]),
    "gaps first": pa.array([None, None, 5, 6, 7], pa.int8()),
    "uint64": pa.array([2**63, 1, 2, 3, 4], pa.uint64()),
    "float32": pa.array([0.1, None, 2, 3, float("nan")], pa.float32()),
    "bool": pa.array([True, False, True, True, False]),
    "bool with gaps": pa.array([True, True, True, None, False]),
    "date32": pa.array([datetime.date(2024, 1, d) for d in range(1, 6)]),
    "date with gaps": pa.array([None, *(datetime.date(2024, 1, d) for d in range(1, 5))]),
    "far dates": pa.array([0, 1, 2**30, 3, -(2**30)], pa.date32()),
    "seconds": pa.array([1, 2, 3, 4, 2**40], pa.timestamp("s")),
    "microseconds": pa.array([1, 2, 3, 4, 5], pa.timestamp("us")),
    "nanoseconds": pa.array([1, 2, 3, 4, 5], pa.timestamp("ns")),
    "zoned": pa.array([1, 2, None, 4, 5], pa.timestamp("us", "Europe/Rome")),
    "text": pa.array(["b", "a", None, "b", ""]),
    "decimal": pa.array([decimal.Decimal("1.5")] * 4 + [None]),
    "names": pa.array(["b", "a", "b", None, "c"]).dictionary_encode(),
    "numbered names": pa.array([7, 8, 7, None, 9]).dictionary_encode(),
}


def rebuilt(column: pa.Array, cuts: set[int], is_number: bool = False) -> pd.Series:
    """The column from batches; each batch of names has a dictionary of its own."""
    filler = ColumnFiller(len(column), is_number)
    ends = sorted({0, len(column), *cuts})
    for first, last in itertools.pairwise(ends):
        batch = column[first:last]
        if pa.types.is_dictionary(column.type):
            batch = batch.cast(column.type.value_type).dictionary_encode()
        filler.add(batch)
    return filler.column()


@given(name=st.sampled_from(sorted(COLUMNS)), cuts=st.sets(st.integers(1, 4)))
def test_batches_are_the_column(name: str, cuts: set[int]) -> None:
    column = COLUMNS[name]
    whole = pa.chunked_array([column]).to_pandas(date_as_object=False)
    ours = rebuilt(column, cuts)
    if name in ("date32", "date with gaps"):  # in microseconds as a rule
        whole, ours = whole.astype("datetime64[us]"), ours.astype("datetime64[us]")
    if isinstance(whole.dtype, pd.CategoricalDtype):
        kind = whole.cat.categories.dtype
        assert ours.cat.categories.dtype == kind
        ours, whole = ours.astype(object), whole.astype(object)
    pd.testing.assert_series_equal(ours, whole)


@pytest.mark.parametrize("name", ["int64 with gaps", "gaps first", "uint64", "float32"])
def test_numbers_become_floats_at_once(name: str) -> None:
    column = COLUMNS[name]
    values = rebuilt(column, {2}, is_number=True).to_numpy()
    assert values.dtype == np.float64
    expected = pa.chunked_array([column]).to_pandas().to_numpy("float64", na_value=np.nan)
    np.testing.assert_array_equal(values, expected)


def test_reading_ahead_is_by_another_thread_and_passes_errors_on() -> None:
    threads: set[Any] = set()

    def batches() -> Iterator[int]:
        for k in range(5):
            threads.add(threading.get_ident())
            if k == 4:
                raise OSError("disk")
            yield k

    ahead = read_ahead(batches())
    assert [next(ahead) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(OSError, match="disk"):
        next(ahead)
    assert threading.get_ident() not in threads


def test_dates_are_put_in_microseconds() -> None:
    assert rebuilt(COLUMNS["date32"], {3}).dtype == "datetime64[us]"
    assert rebuilt(COLUMNS["far dates"], {3}).dtype == "datetime64[ms]"


@pytest.mark.parametrize("column", [pa.array([1, 2]), pa.array(["a", "b"])])
@pytest.mark.parametrize("said", [1, 3])
def test_a_column_of_another_length_than_was_said_is_refused(column: pa.Array, said: int) -> None:
    """Nothing that was never written is taken for a value."""

    def fill() -> pd.Series:
        filler = ColumnFiller(said)
        filler.add(column)
        return filler.column()

    with pytest.raises(ValueError, match=f"it has .* the {said} lines that it says it has"):
        fill()
