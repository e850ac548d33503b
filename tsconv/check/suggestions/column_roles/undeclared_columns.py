"""What the columns without a role could be declared as, from their content."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tsconv.check.suggestions.column_roles.measurements import is_counter, is_part_of_time
from tsconv.check.suggestions.column_roles.time_ticks import follows_clock
from tsconv.check.tables.columns import Column
from tsconv.check.tables.raw_table import RawTable
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.data.timestamps.zones import to_local
from tsconv.text import plural

_KNOWN_AHEAD_SHARE = 0.95  # of the lines after the last target that a column must fill


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
        if len(table.starts) > 1 and _constant_per_series(raw_table, name, table):
            return Candidate(name, "static", f"one value per series, static ({kind})")
        filled = _filled_after_targets(raw_table, name, table)
        if filled is not None:
            return Candidate(name, "future", f"known ahead, {filled}")
        if _follows_clock(raw_table, column, table):
            return Candidate(name, "calendar", "follows from the time")
    if is_part_of_time(column):
        return Candidate(name, "calendar", "a part of the time")
    if not column.numeric:
        return Candidate(name, "category", "covariate of categories")
    return Candidate(name, "past", "covariate")


def _constant_per_series(raw_table: RawTable, name: str, table: SortedTable) -> bool:
    codes = raw_table.codes(name)[table.order]
    same = np.diff(codes) == 0
    same[table.starts[1:] - 1] = True
    return bool(same.all())


def _filled_after_targets(raw_table: RawTable, name: str, table: SortedTable) -> str | None:
    """Where a column has values after the last target of each series; None where it does not."""
    tail = table.after_last_target
    if not tail.any():
        return None
    filled = raw_table.codes(name)[table.order][tail] >= 0
    if filled.mean() < _KNOWN_AHEAD_SHARE:
        return None
    return f"filled on the {plural(int(tail.sum()), 'line')} after the last target"


def _follows_clock(raw_table: RawTable, column: Column, table: SortedTable) -> bool:
    """Whether the hour, weekday, month, day or year alone determines the column's value."""
    if not table.has_timestamps or column.distinct is None:
        return False
    time = to_local(table.time, table.file_table).astype("datetime64[us]")
    return follows_clock(raw_table.codes(column.name)[table.order], time.astype("int64"))
