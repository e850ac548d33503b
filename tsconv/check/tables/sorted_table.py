"""The lines of a table, sorted by series and time once, as all findings look at them."""

from __future__ import annotations

import copy
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tsconv.data.panel.grid import sorted_order, when
from tsconv.data.reading.table import Table

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class SortedTable:
    """N lines in order of (series, row, time); M members, each a (series, row) with its lines.

    `order` maps a sorted line to its line in the table. Everything is counted on whole arrays: a
    million ids take no longer than their lines do.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        order = sorted_order(table.members, table.time)
        self.order: Ints = np.arange(len(table.codes)) if order is None else order
        self.members: Ints = table.members[self.order]
        self.time = table.time[self.order]
        self.values = table.values[self.order]
        self.n_targets = len(table.channels) - table.n_past
        self.first: Ints = np.flatnonzero(np.diff(self.members, prepend=-1))
        self.counts: Ints = np.diff(self.first, append=len(self.members))

    def __len__(self) -> int:
        return len(self.members)

    def without(self, values: list[float]) -> SortedTable:
        """The same lines where these values are missing."""
        if not values:
            return self
        other = copy.copy(self)
        other.values = np.where(np.isin(self.values, values), np.nan, self.values)
        for name in ("observed", "n_observed"):
            other.__dict__.pop(name, None)
        return other

    @cached_property
    def rank(self) -> Ints:
        """(N,) the number of each line's member, 0..M-1 in sorted order."""
        return np.repeat(np.arange(len(self.first)), self.counts)

    @cached_property
    def gaps(self) -> Ints:
        """(N - 1,) from each line to its member's next, in microseconds or integers; else -1."""
        gaps = np.diff(self.time.view("int64"))
        gaps[self.first[1:] - 1] = -1
        return gaps

    @cached_property
    def observed(self) -> Bools:
        """(N,) whether any target has a value."""
        return np.asarray(~np.isnan(self.values[:, : self.n_targets]).all(1))

    @cached_property
    def n_observed(self) -> Ints:
        """(M,) lines with a value of any target."""
        return np.add.reduceat(self.observed.astype("int64"), self.first)

    @property
    def dated(self) -> bool:
        """Whether time is timestamps, not integers."""
        return self.time.dtype.kind == "M"

    def place(self, i: int | np.int64) -> str:
        """File and row of a sorted line."""
        return self.table.places(self.order[i])

    def name(self, m: int | np.int64) -> str:
        """The m-th member's name."""
        return self.table.member(self.members[self.first[m]])

    def at(self, i: int | np.int64) -> str:
        """The time of a sorted line, as its zone tells it."""
        return when(self.table, self.order[i])

    def earliest(self, found: Bools | Ints) -> int:
        """Of sorted lines (a mask, or numbers) the one that stands first in the file."""
        which = np.flatnonzero(found) if found.dtype == bool else found
        return int(which[self.order[which].argmin()])
