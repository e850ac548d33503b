"""The table of one shard, from the lines that a scan of the data has put aside for it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from tsconv.config.schema import DataConfig
from tsconv.data.reading.cells import BadCells
from tsconv.data.reading.checked_table import ReadSettings, Source, checked_table
from tsconv.data.reading.column_roles import ColumnRoles
from tsconv.data.reading.csv_files.text_numbers import text_to_numbers
from tsconv.data.reading.files import concat_frames, line_in_file
from tsconv.data.reading.id_columns import first_lines
from tsconv.data.reading.locations import SourceLocations
from tsconv.data.reading.read import add_names_of_file
from tsconv.data.reading.shards.line_store import LineStore
from tsconv.data.reading.shards.route import HEAD, RECORD, FileFacts
from tsconv.data.reading.table import Table, target_decimals
from tsconv.data.source_column import SourceColumn


@dataclasses.dataclass(frozen=True)
class ShardTable:
    """The lines of a shard, and a few more from the start of the data.

    Those few show how times are written; `select.keep_shard` takes them out.
    """

    table: Table
    position: npt.NDArray[np.int64]  # (S,) of each series in the data: ascending as ids appear
    decimals: dict[str, int | None]  # of each target, over all lines of all shards


class Shards(Protocol):
    """The data by shard."""

    def table(self, shard: int) -> ShardTable | None:
        """The lines of a shard; None where it has none, and no line of the start is kept."""


@dataclasses.dataclass(frozen=True)
class WholeTable:
    """Data that are read at once: `table` has the lines of all shards."""

    whole: Table

    def table(self, shard: int) -> ShardTable:
        """The lines of a shard and of all others."""
        return ShardTable(self.whole, np.arange(len(self.whole.ids)), target_decimals(self.whole))


@dataclasses.dataclass(frozen=True)
class ScannedFile:
    """A file that was gone through."""

    path: Path
    roles: ColumnRoles
    is_text: bool  # whether its numbers wait as text
    facts: FileFacts


@dataclasses.dataclass(frozen=True)
class ScannedFiles:
    """Data that were gone through once: the lines of the wanted shards are in a store."""

    data: DataConfig
    files: tuple[ScannedFile, ...]
    store: LineStore
    future_only: bool
    are_whole: bool = True  # False: a shard may have no value in a column, see `Source.is_whole`

    def table(self, shard: int) -> ShardTable | None:
        """The lines of a shard and of the start; see `checked_table` for what it raises."""
        settings = ReadSettings.of(self.data)
        frames, bad, records, before = [], BadCells(), [], 0
        for number, file in enumerate(self.files):
            lines = [*self.store.take(number, HEAD), *self.store.take(number, shard)]
            if lines:
                frame, more = self._frame(lines, file, settings)
                records.append(frame.pop(RECORD).to_numpy(dtype="int64") + before)
                frames.append(frame)
                bad = bad + more
            before += file.facts.records
        if not frames:
            return None
        whole = frames[0] if len(frames) == 1 else concat_frames(frames)
        frames.clear()
        record = np.concatenate(records)
        locations = SourceLocations.of(
            {str(f.path): f.facts.records for f in self.files},
            lambda name, i: line_in_file(Path(name), settings.form, i),
        ).take(record)
        name = str(self.files[0].path) if len(self.files) == 1 else str(self.data.path)
        roles = self.files[0].roles
        source = Source(name, whole, roles, locations, bad, self.future_only, self.are_whole)
        table = _with_all_rows(checked_table(source, settings), self.files)
        table = dataclasses.replace(table, id_columns=table.id_columns.without_categories())
        pa.default_memory_pool().release_unused()
        return ShardTable(table, record[first_lines(table.codes)], _all_decimals(self.files))

    def _frame(
        self, lines: list[pa.Table], file: ScannedFile, settings: ReadSettings
    ) -> tuple[pd.DataFrame, BadCells]:
        """The lines as a frame: those of the start once, in the order of the file."""
        table = pa.concat_tables(lines).unify_dictionaries()
        frame = table.to_pandas(date_as_object=False, ignore_metadata=True)
        record = frame[RECORD].to_numpy()
        if (np.diff(record) <= 0).any():  # the start's lines that are of the shard too
            _, first = np.unique(record, return_index=True)
            frame = frame.iloc[first].reset_index(drop=True)
            record = record[first]
        bad = BadCells()
        path, form = file.path, settings.form

        def locate(i: int) -> str:
            return f"{path}: line {line_in_file(path, form, int(record[i]))}"

        for name in file.roles.numbers if file.is_text else ():
            frame[name], more = text_to_numbers(
                frame[name],
                SourceColumn(name, locate),
                form,
                settings.missing,
                file.roles.advice(name),
            )
            bad = bad + more
        if not self.future_only:
            add_names_of_file(frame, file.path, self.data)
        return frame, bad


def _with_all_rows(table: Table, files: tuple[ScannedFile, ...]) -> Table:
    """The table with the rows of all shards, in the order in which the data have them."""
    if table.row_codes is None:
        return table
    rows = tuple(dict.fromkeys(row for file in files for row in file.facts.rows))
    if rows == table.rows or not set(table.rows) <= set(rows):
        return table
    number = np.array([rows.index(row) for row in table.rows])
    return dataclasses.replace(table, rows=rows, row_codes=number[table.row_codes])


def _all_decimals(files: tuple[ScannedFile, ...]) -> dict[str, int | None]:
    """The most decimals of any file, for each target."""
    merged = dict(files[0].facts.decimals)
    for file in files[1:]:
        for name, found in file.facts.decimals.items():
            seen = merged[name]
            merged[name] = None if seen is None or found is None else max(seen, found)
    return merged
