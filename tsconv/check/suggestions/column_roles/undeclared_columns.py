"""What the columns without a role could be declared as, from their content."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tsconv.check.suggestions.column_roles.measurements import is_counter, is_part_of_time
from tsconv.check.suggestions.column_roles.time_ticks import follows_clock
from tsconv.check.tables.array_types import Ints
from tsconv.check.tables.columns import Column
from tsconv.check.tables.raw_table import RawTable
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.data.timestamps.zones import to_local
from tsconv.text import plural

_KNOWN_AHEAD_SHARE = 0.95  # of the lines after the last target that a column must fill
_SAMPLE = 100_000  # lines that are looked at before all are


@dataclasses.dataclass(frozen=True)
class Candidate:
    """What an undeclared column could be declared as."""

    name: str
    role: str  # static, future, past, category, calendar, counter or none
    text: str


def candidate_roles(
    raw_table: RawTable, names: Sequence[str], table: SortedTable | None
) -> list[Candidate]:
    """Find a role for each of the undeclared columns `names`, in order.

    table: the same lines by series and time; without it, only the columns' own content counts.

    >>> import pyarrow as pa
    >>> raw_table = RawTable.of(pa.table({"line": [1, 2, 3], "price": [2.5, 2.5, 3.0]}))
    >>> [c.role for c in candidate_roles(raw_table, ["line", "price"], None)]
    ['counter', 'past']
    """
    same_lines = table if table is not None and len(table) == len(raw_table) else None
    return [_candidate(raw_table, raw_table[name], same_lines) for name in names]


def _candidate(raw_table: RawTable, column: Column, table: SortedTable | None) -> Candidate:
    name = column.name
    if column.kind == "empty":
        return Candidate(name, "none", "empty")
    if column.constant:
        return Candidate(name, "none", "constant, of no use")
    if is_counter(raw_table, column):
        return Candidate(name, "counter", "counts the lines, of no use")
    if column.kind == "time":
        return Candidate(name, "none", "another time")
    kind = "numbers" if column.numeric else f"{column.distinct or 'some'} categories"
    if table is not None:
        codes = raw_table.codes(name)
        if len(table.starts) > 1 and _constant_per_series(codes, table):
            return Candidate(name, "static", f"one value per series, static ({kind})")
        filled = _filled_after_targets(codes, table)
        if filled is not None:
            return Candidate(name, "future", f"known ahead, {filled}")
        if _follows_clock(codes, column.distinct, table):
            return Candidate(name, "calendar", "follows from the time")
    if is_part_of_time(column):
        return Candidate(name, "calendar", "a part of the time")
    if not column.numeric:
        return Candidate(name, "category", "covariate of categories")
    return Candidate(name, "past", "covariate")


def _constant_per_series(codes: Ints, table: SortedTable) -> bool:
    """codes: (N,) of a column, in the order of the file."""
    some = _some_lines(table)
    series = np.searchsorted(table.starts, some, side="right") - 1
    first = table.starts[series]
    if (codes[table.order[some]] != codes[table.order[first]]).any():
        return False
    same = np.diff(codes[table.order]) == 0
    same[table.starts[1:] - 1] = True
    return bool(same.all())


def _filled_after_targets(codes: Ints, table: SortedTable) -> str | None:
    """Where a column has values after the last target of each series; None where it does not."""
    tail = table.after_last_target
    if not tail.any():
        return None
    filled = codes[table.order[tail]] >= 0
    if filled.mean() < _KNOWN_AHEAD_SHARE:
        return None
    return f"filled on the {plural(int(tail.sum()), 'line')} after the last target"


def _follows_clock(codes: Ints, distinct: int | None, table: SortedTable) -> bool:
    """Whether the hour, weekday, month, day or year alone determines the column's value."""
    if not table.has_timestamps or distinct is None:
        return False

    def follows_on(lines: Ints | slice) -> bool:
        time = to_local(table.time[lines], table.file_table).astype("datetime64[us]")
        return follows_clock(codes[table.order[lines]], time.astype("int64"))

    some = _some_lines(table)
    return follows_on(some) and (len(some) == len(table) or follows_on(slice(None)))


def _some_lines(table: SortedTable) -> Ints:
    """Sorted lines picked at random: what does not hold on them does not hold on all."""
    n = len(table)
    if n <= 2 * _SAMPLE:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).integers(0, n, _SAMPLE))
