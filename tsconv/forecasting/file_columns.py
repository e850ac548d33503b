"""What a file calls the columns of its series, rows and times, and how it spells them."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from tsconv.config.schema import DataConfig
from tsconv.data.reading.csv_files.compression import open_unpacked
from tsconv.data.reading.files import find_files, is_parquet
from tsconv.data.reading.id_columns import SINGLE_SERIES
from tsconv.data.reading.roles import as_list
from tsconv.data.reading.table import Table
from tsconv.data.settings import FileFormat, TimeFormat
from tsconv.data.timestamps.frequency import Times
from tsconv.data.timestamps.spelling import Spelling, find_spelling, time_columns
from tsconv.data.timestamps.zones import HasClock

_LOOK = 1 << 16  # bytes of a file's start
MOST_TIMES = 200  # that a spelling must fit, the first of a file
Head = dict[str, list[str]]  # the first cells of some columns, as text


@dataclasses.dataclass(frozen=True)
class FileColumns:
    """The names and types by which forecasts come back as the file has them."""

    time: tuple[str, ...]
    row: str
    form: TimeFormat
    spelling: Spelling | None = None  # None: as timestamps, or by the pattern of `form`
    integer_row: bool = False
    integer_time: bool = False  # of a date that is written as a number, such as 20240131
    date: bool = False  # whether the file has dates, in Parquet
    utc_dates: bool = False  # whether times that are UTC have no clock, see `Table`

    def times(self, time: Times, clock: HasClock) -> dict[str, Any]:
        """The columns of (N,) times of a panel."""
        columns = time_columns(time, clock, self.time, self.form, self.spelling, self.utc_dates)
        if self.integer_time:
            columns = {n: pd.Series(v).astype("int64") for n, v in columns.items()}
        if self.date:
            columns = {n: pd.Series(v).dt.date for n, v in columns.items()}
        return columns

    def rows(self, names: Any) -> Any:
        """A column of (N,) names of rows."""
        return pd.Series(names).astype("int64") if self.integer_row else names


def columns_of(given: Any, table: Table, data: DataConfig) -> FileColumns:
    """Those of what a Python user gave: the path of a file, a DataFrame, or another table."""
    if isinstance(given, (str, os.PathLike)):
        return columns_of_file(table, dataclasses.replace(data, path=os.fspath(given)), False)
    frame = given if isinstance(given, pd.DataFrame) else pd.DataFrame()
    plain = dataclasses.replace(columns_of_frame(frame, data), utc_dates=table.utc_dates)
    return dataclasses.replace(plain, spelling=_spelling(table, _text_head(given, plain), plain))


def _text_head(given: Any, plain: FileColumns) -> Head:
    """The first cells of the columns of time that are text, of a table in memory."""
    head = {}
    for name in plain.time:
        try:
            cells = list(given[name][:MOST_TIMES])
        except (TypeError, KeyError, LookupError):  # such as a lazy frame
            return {}
        texts = [cell.as_py() if isinstance(cell, pa.Scalar) else cell for cell in cells]
        if texts and all(isinstance(text, str) for text in texts):
            head[name] = [text.strip() for text in texts]
    return head


def columns_of_frame(frame: pd.DataFrame, data: DataConfig) -> FileColumns:
    """Those of a DataFrame, whose timestamps stay timestamps.

    >>> columns_of_frame(pd.DataFrame({"day": [1]}), DataConfig(time="day")).time
    ('day',)
    """
    names = _time_names(data)
    row = str(data.row or "row")
    kinds = {str(name): dtype for name, dtype in frame.dtypes.items()}
    form = TimeFormat.of(data)
    return FileColumns(
        names,
        row,
        form,
        integer_row=pd.api.types.is_integer_dtype(kinds.get(row, "object")),
        integer_time=form.pattern is not None
        and all(pd.api.types.is_integer_dtype(kinds.get(n, "object")) for n in names),
    )


def columns_of_file(table: Table, data: DataConfig, to_text: bool) -> FileColumns:
    """Those of the file that a table was read from.

    table: its lines in the order of the file. to_text: whether the forecasts are written as text,
    in which timestamps have a spelling; else a CSV file's times come back as timestamps.
    """
    path = find_files(str(data.path))[0]
    names, row = _time_names(data), str(data.row or "row")
    plain = FileColumns(names, row, TimeFormat.of(data), utc_dates=table.utc_dates)
    if is_parquet(path):
        return _columns_of_parquet(path, table, plain)
    if not to_text or path.suffix.lower() in (".xlsx", ".xls"):
        return plain
    head = _csv_head(path, FileFormat.of(data), names)
    return dataclasses.replace(plain, spelling=_spelling(table, head, plain))


def key_columns(table_ids: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of ids: none where the file is one series without an id.

    >>> key_columns(("series",), ()), key_columns(("p", "q"), ()), key_columns(("p",), ("shop",))
    ((), ('unique_id',), ('shop',))
    """
    if names:
        return names
    return () if table_ids == (SINGLE_SERIES,) else ("unique_id",)


def _time_names(data: DataConfig) -> tuple[str, ...]:
    return tuple(as_list(data.time, "data.time")) or ("ds",)


def _spelling(table: Table, head: Head, plain: FileColumns) -> Spelling | None:
    names = plain.time
    if any(name not in head for name in names):
        return None
    texts = [" ".join(cells) for cells in zip(*(head[n] for n in names), strict=True)][:MOST_TIMES]
    if len(names) > 1 and not table.time_is_text:
        return None  # whole numbers
    count = min(len(texts), len(table.time))
    in_utc = plain.form.utc and not table.utc_dates
    return find_spelling(texts[:count], table.time[:count], table, in_utc)


def _csv_head(path: Path, form: FileFormat, names: tuple[str, ...]) -> Head:
    """The first cells of the named columns of a CSV file; {} where they cannot be read plainly."""
    try:
        with open_unpacked(path) as stream:
            start = bytes(stream.read(_LOOK))
    except (OSError, pa.ArrowException):
        return {}
    encoding = "utf-8-sig" if form.encoding.lower().replace("_", "-") == "utf-8" else form.encoding
    text = start.decode(encoding, errors="replace")
    if len(start) == _LOOK:
        text = text[: text.rfind("\n") + 1]
    try:
        records = [r for r in csv.reader(io.StringIO(text), delimiter=form.sep) if r]
    except csv.Error:
        return {}
    if len(records) < 2:
        return {}
    header = records[0]
    if any(name not in header for name in names):
        return {}
    lines = [r for r in records[1 : MOST_TIMES + 1] if len(r) == len(header)]
    return {name: [r[header.index(name)].strip() for r in lines] for name in names}


def _columns_of_parquet(path: Path, table: Table, plain: FileColumns) -> FileColumns:
    schema = pyarrow.parquet.read_schema(path)

    def kind(name: str) -> pa.DataType:
        return schema.field(name).type if name in schema.names else pa.null()

    time = [kind(name) for name in plain.time]
    changed: dict[str, Any] = {"integer_row": pa.types.is_integer(kind(plain.row))}
    if plain.form.pattern is not None:
        changed["integer_time"] = all(map(pa.types.is_integer, time))
    changed["date"] = len(time) == 1 and pa.types.is_date(time[0])
    if all(pa.types.is_string(t) or pa.types.is_large_string(t) for t in time):
        file = pyarrow.parquet.ParquetFile(path)
        batches = file.iter_batches(MOST_TIMES, columns=list(plain.time))
        first = next(batches)
        head = {n: [str(v).strip() for v in first.column(n).to_pylist()] for n in plain.time}
        changed["spelling"] = _spelling(table, head, plain)
    return dataclasses.replace(plain, **changed)
