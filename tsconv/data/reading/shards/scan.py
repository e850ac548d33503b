"""The tables of shards: long CSV and Parquet files are read in one pass, with no more in memory.

A line of another shard is passed by: its cells are for that shard to check. Other layouts (wide
columns, Excel) are read whole, and the series of a shard taken from them.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from tsconv.config.schema import DataConfig
from tsconv.data.reading.checked_table import ReadSettings
from tsconv.data.reading.column_roles import ColumnRoles, match_roles
from tsconv.data.reading.csv_files.csv_stream import stream_csv
from tsconv.data.reading.csv_files.text_numbers import text_to_numbers
from tsconv.data.reading.files import (
    find_files,
    is_excel,
    is_parquet,
    line_in_file,
    reject_other_formats,
)
from tsconv.data.reading.parquet_files.parquet_file import open_parquet, parquet_batches
from tsconv.data.reading.read import read_table, same_roles
from tsconv.data.reading.roles import name_in_file
from tsconv.data.reading.shards.line_store import LineStore
from tsconv.data.reading.shards.route import FileFacts, Router
from tsconv.data.reading.shards.shard_table import ScannedFile, ScannedFiles, Shards, WholeTable
from tsconv.data.settings import FileFormat
from tsconv.data.source_column import SourceColumn
from tsconv.errors import DataError, one_line

_BATCH = 1 << 18  # lines of a Parquet file at once
_BUFFER = 1 << 20  # bytes of a column that are read at once


def scan(
    data: DataConfig,
    shards: int,
    wanted: Iterable[int],
    store: LineStore,
    future_only: bool = False,
    head: int = 0,
    report: Callable[[int], None] | None = None,
) -> Shards:
    """Go through `data.path` once, and keep the lines of the wanted shards in `store`.

    shards: how many there are. future_only: see `read_table`. head: how many of the first lines
    come with every shard. report: is called with the number of lines of each batch. Raises
    DataError for a file that cannot be read, and for an empty id in any line; what else is wrong
    with a line is found when its shard's table is made.
    """
    files = find_files(str(data.path), "data.future_path" if future_only else "data.path")
    if not can_stream(data, files, future_only):
        return WholeTable(read_table(data, future_only))
    settings = ReadSettings.of(data)
    found: list[ScannedFile] = []
    for number, path in enumerate(files):
        series = None
        if data.id_from_file is not None and not future_only:
            series = name_in_file(path.name, data.id_from_file, "data.id_from_file")
        router = Router(
            number,
            shards,
            frozenset(wanted),
            store,
            0 if number else head,
            series,
            functools.partial(_line, path, settings.form),
            report,
        )
        file = _scan_file(path, settings, router, future_only)
        if file.facts.records == 0:
            raise DataError(f"{path}: there are no lines below the header")
        same_roles(found[0].roles if found else None, file.roles, files[0], path)
        if data.row_from_file is not None and not future_only:
            file.facts.rows[name_in_file(path.name, data.row_from_file)] = None
        found.append(file)
    pa.default_memory_pool().release_unused()
    return ScannedFiles(data, tuple(found), store, future_only)


def can_stream(data: DataConfig, files: list[Path], future_only: bool = False) -> bool:
    """Whether the data are in long form, in files whose lines come one after another."""
    wide = data.wide_columns_are is not None and not future_only
    if wide or any(map(is_excel, files)) or (data.target_position is not None and len(files) > 1):
        return False
    return all(_has_plain_ids(data, path, future_only) for path in files if is_parquet(path))


def _has_plain_ids(data: DataConfig, path: Path, future_only: bool) -> bool:
    """Whether the ids of a Parquet file are text or integers, spelt alike in any batch."""
    settings = ReadSettings.of(data)
    try:
        schema = pyarrow.parquet.read_schema(path)
    except (pa.ArrowException, OSError):
        return True  # reading says what is wrong
    roles = match_roles(schema.names, settings.roles, str(path), future_only)
    kinds = [schema.field(name).type for name in roles.keys]
    kinds = [k.value_type if pa.types.is_dictionary(k) else k for k in kinds]
    return all(
        pa.types.is_integer(k) or pa.types.is_string(k) or pa.types.is_large_string(k)
        for k in kinds
    )


def _scan_file(
    path: Path, settings: ReadSettings, router: Router, future_only: bool
) -> ScannedFile:
    """Go through one file, and keep its lines by `router`."""
    reject_other_formats(path)
    facts = FileFacts()

    def match(names: list[str], source: str) -> ColumnRoles:
        return match_roles(names, settings.roles, source, future_only)

    def consume(batches: Iterator[pa.RecordBatch], roles: ColumnRoles, is_text: bool) -> None:
        nonlocal facts
        source = SourceColumn("", str)
        lenient = dataclasses.replace(settings.missing, bad_values="missing")

        def to_numbers(cells: pd.Series) -> npt.NDArray[np.float64]:
            if is_text:
                cells = text_to_numbers(cells, source, settings.form, lenient)[0]
            values = pd.to_numeric(cells, errors="coerce").to_numpy("float64", na_value=np.nan)
            given = settings.missing.numbers
            return np.where(np.isin(values, given), np.nan, values) if given else values

        facts = router.route(batches, roles, to_numbers)

    if not is_parquet(path):
        has_time_format = settings.time.pattern is not None
        roles, is_text = stream_csv(
            path, match, settings.form, settings.missing, has_time_format, consume
        )
        return ScannedFile(path, roles, is_text, facts)
    try:
        roles, file = open_parquet(path, match, _BUFFER)
        with file:
            consume(parquet_batches(file, _BATCH, roles.wanted), roles, False)
    except (pa.ArrowException, OSError, ValueError, OverflowError, KeyError) as error:
        raise DataError(
            f"{path}: not a Parquet file that can be read: {one_line(error)}"
        ) from error
    return ScannedFile(path, roles, False, facts)


def _line(path: Path, form: FileFormat, record: int) -> str:
    """The file and line of a record, for messages."""
    return f"{path}: line {line_in_file(path, form, record)}"
