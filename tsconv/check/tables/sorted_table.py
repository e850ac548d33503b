"""The lines of a table, sorted once by series and time: the order that findings need."""

from __future__ import annotations

import copy
from functools import cached_property

import numpy as np

from tsconv.check.tables.array_types import Bools, Ints
from tsconv.data.panel.duplicates import sorted_order
from tsconv.data.panel.format_time import format_zoned_time
from tsconv.data.reading.table import Table

_OF_VALUES = ("observed", "n_observed", "after_last_target")  # cached properties


class SortedTable:
    """N lines in order of (series, row, time); M members, each a (series, row) with its lines.

    `order` maps a sorted line to its line in the table. All counts are array operations: their cost
    depends on the number of lines, not on the number of series.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.reading.read import table_from_frame
    >>> frame = pd.DataFrame({"unique_id": ["a", "b", "a"], "ds": [2, 1, 1], "y": [5.0, 6.0, 7.0]})
    >>> table = SortedTable(table_from_frame(frame, DataConfig()))
    >>> table.order.tolist(), table.starts.tolist(), table.member_name(1)
    ([2, 0, 1], [0, 2], 'series `b`')
    """

    def __init__(self, table: Table) -> None:
        self.file_table = table
        order = sorted_order(table.members, table.time)
        in_order = slice(None) if order is None else order  # a view where the lines are sorted
        self.order: Ints = np.arange(len(table.codes)) if order is None else order
        self.members: Ints = table.members[in_order]
        self.time = table.time[in_order]
        self.values = table.values[in_order]
        self.n_targets = len(table.channels) - table.n_past
        self.starts: Ints = np.flatnonzero(np.diff(self.members, prepend=-1))
        self.counts: Ints = np.diff(self.starts, append=len(self.members))

    def __len__(self) -> int:
        return len(self.members)

    def without(self, values: list[float]) -> SortedTable:
        """The same lines with these values missing."""
        if not values:
            return self
        other = copy.copy(self)
        other.values = np.where(np.isin(self.values, values), np.nan, self.values)
        for name in _OF_VALUES:
            other.__dict__.pop(name, None)
        return other

    @cached_property
    def member_index(self) -> Ints:
        """(N,) the number of each line's member, 0..M-1 in sorted order."""
        return np.repeat(np.arange(len(self.starts)), self.counts)

    @cached_property
    def time_gaps(self) -> Ints:
        """(N - 1,) microseconds or integers from each line to its member's next; else -1."""
        gaps: Ints = np.diff(self.time.view("int64"))
        gaps[self.starts[1:] - 1] = -1
        return gaps

    @cached_property
    def observed(self) -> Bools:
        """(N,) whether any target has a value."""
        return np.asarray(~np.isnan(self.values[:, : self.n_targets]).all(1))

    @cached_property
    def n_observed(self) -> Ints:
        """(M,) lines with a value of any target."""
        return np.add.reduceat(self.observed.astype("int64"), self.starts)

    @cached_property
    def after_last_target(self) -> Bools:
        """(N,) whether a line comes after the last observed target of its member."""
        lines = np.arange(len(self))
        last = np.maximum.reduceat(np.where(self.observed, lines, -1), self.starts)
        last_of_line = last[self.member_index]
        return np.asarray((lines > last_of_line) & (last_of_line >= 0))

    @property
    def has_timestamps(self) -> bool:
        """Whether time is timestamps rather than integers."""
        return self.time.dtype.kind == "M"

    def location(self, line: int | np.int64) -> str:
        """The file and the line in it of a sorted line, for messages."""
        return self.file_table.locations(self.order[line])

    def member_name(self, m: int | np.int64) -> str:
        """The m-th member's name, for messages."""
        return self.file_table.member(self.members[self.starts[m]])

    def member_ids(self, m: int | np.int64) -> tuple[str, ...]:
        """The m-th member's series id, and its row where the table has rows."""
        return self.file_table.member_names(self.members[self.starts[m]])

    def format_time(self, line: int | np.int64) -> str:
        """The time of a sorted line in its time zone, for messages."""
        i = int(self.order[line])
        return format_zoned_time(self.file_table.time[i : i + 1], self.file_table)

    def describe(self, line: int | np.int64) -> str:
        """Location, member and time of a sorted line, for messages."""
        name = self.member_name(self.member_index[line])
        return f"{self.location(line)}: {name} at {self.format_time(line)}"

    def first_in_file(self, lines: Bools | Ints) -> int:
        """Of sorted lines, a mask or their numbers, the one that comes first in the file."""
        numbers = np.flatnonzero(lines) if lines.dtype == bool else lines
        return int(numbers[self.order[numbers].argmin()])
