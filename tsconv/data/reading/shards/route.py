"""Lines on their way from a file to the shards of their series, a batch at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from tsconv.data.decimals import decimals_of
from tsconv.data.reading.column_roles import ColumnRoles
from tsconv.data.reading.id_columns import SINGLE_SERIES, read_ids
from tsconv.data.reading.names import factorize_names
from tsconv.data.reading.shards.line_store import LineStore
from tsconv.data.reading.shards.shard import shard_of, shards_of
from tsconv.data.source_column import SourceColumn

RECORD = "\0record"  # the column with the number of each record in its file, from 0
HEAD = -1  # in place of a shard: the first lines of a file, whatever their series
Values = npt.NDArray[np.float64]


@dataclasses.dataclass
class FileFacts:
    """What all lines of a file show, those of other shards among them."""

    records: int = 0
    rows: dict[str, None] = dataclasses.field(default_factory=dict)  # in order of appearance
    decimals: dict[str, int | None] = dataclasses.field(default_factory=dict)  # of each target


@dataclasses.dataclass(frozen=True)
class Router:
    """Sends the lines of one file to the shards that are wanted."""

    file: int  # the number of the file
    shards: int  # how many there are
    wanted: frozenset[int]
    store: LineStore
    head: int  # lines of the file's start that are kept whatever their series
    series: str | None  # the series of every line; None: the columns of ids say
    line: Callable[[int], str]  # the number of a record -> its file and line, for messages
    report: Callable[[int], None] | None = None  # is called with the lines of each batch

    def route(
        self,
        batches: Iterable[pa.RecordBatch],
        roles: ColumnRoles,
        to_numbers: Callable[[pd.Series], Values],
    ) -> FileFacts:
        """Store the lines of the wanted shards, and say what all lines show.

        to_numbers: cells of a target as float64, NaN where missing. Raises DataError for an empty
        id in any line.
        """
        self.store.drop(self.file)
        facts = FileFacts(decimals=dict.fromkeys(roles.targets, 0))
        for batch in batches:
            if batch.num_rows:
                self._route_batch(batch, roles, to_numbers, facts)
                if self.report is not None:
                    self.report(batch.num_rows)
        return facts

    def _route_batch(
        self,
        batch: pa.RecordBatch,
        roles: ColumnRoles,
        to_numbers: Callable[[pd.Series], Values],
        facts: FileFacts,
    ) -> None:
        first, count = facts.records, batch.num_rows
        table = pa.Table.from_batches([batch])
        table = table.append_column(RECORD, pa.array(np.arange(first, first + count)))
        for name, found in facts.decimals.items():
            if found is not None:
                cells = batch.column(name).to_pandas()
                facts.decimals[name] = decimals_of(to_numbers(cells), found)
        if roles.row is not None:
            _, rows = factorize_names(batch.column(roles.row).to_pandas())
            facts.rows |= dict.fromkeys(rows)
        if first < self.head:
            self.store.put(self.file, HEAD, _compact(table.slice(0, self.head - first)))
        facts.records += count
        if self.series is not None or not roles.id:
            shard = shard_of(self.series or SINGLE_SERIES, self.shards)
            if shard in self.wanted:
                self.store.put(self.file, shard, _compact(table))
            return
        self._split(table, self._shard_of_lines(batch, roles, first))

    def _shard_of_lines(
        self, batch: pa.RecordBatch, roles: ColumnRoles, first: int
    ) -> npt.NDArray[np.int64]:
        columns = [batch.column(name).to_pandas() for name in roles.id]
        sources = [SourceColumn(name, lambda i: self.line(first + i)) for name in roles.id]
        (codes, ids), _ = read_ids(columns, sources)
        return shards_of(ids, self.shards)[codes]

    def _split(self, table: pa.Table, shard: npt.NDArray[np.int64]) -> None:
        """Store each wanted shard's lines, in the order of the file."""
        if len(self.wanted) == 1:
            (only,) = self.wanted
            lines = table.filter(pa.array(shard == only))
            if lines.num_rows:
                self.store.put(self.file, only, _compact(lines))
            return
        table = table.take(pa.array(np.argsort(shard.astype("int32"), kind="stable")))
        ends = np.cumsum(np.bincount(shard, minlength=self.shards))
        for number in sorted(self.wanted):
            start = int(ends[number - 1]) if number else 0
            size = int(ends[number]) - start
            if size:
                self.store.put(self.file, number, _compact(table.slice(start, size)))


def _compact(table: pa.Table) -> pa.Table:
    """The lines with no more names in their dictionaries than they use, and no larger buffers."""
    table = table.combine_chunks()
    columns = []
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            plain = column.cast(column.type.value_type)
            column = plain.dictionary_encode().cast(pa.dictionary(pa.int32(), plain.type))
        columns.append(column)
    return pa.table(columns, names=table.column_names)
