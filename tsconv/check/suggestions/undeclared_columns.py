"""What the columns without a role could be declared as, from their content."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tsconv.check.suggestions.roles import is_counter
from tsconv.check.tables.array_types import Ints
from tsconv.check.tables.columns import Column
from tsconv.check.tables.raw_table import RawTable
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.data.timestamps.zones import to_local
from tsconv.text import plural

_HOUR = 3_600_000_000  # microseconds
_MOST_CALENDAR_VALUES = 366
_KNOWN_AHEAD_SHARE = 0.95  # of the lines after the last target that a column must fill
_SAMPLE = 100_000  # lines that are looked at before all are
Clock = npt.NDArray[np.datetime64]


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
    if not table.has_timestamps or distinct is None or not 1 < distinct <= _MOST_CALENDAR_VALUES:
        return False
    some, every = _some_lines(table), slice(None)
    for part in _CLOCK_PARTS:
        if not _determines(part, codes, table, some):
            continue
        if len(some) == len(table) or _determines(part, codes, table, every):
            return True
    return False


def _determines(
    part: Callable[[Clock], Ints], codes: Ints, table: SortedTable, lines: Ints | slice
) -> bool:
    """Whether a part of the clock changes, and each of its values goes with one of the codes."""
    clock = to_local(table.time[lines], table.file_table).astype("datetime64[us]")
    parts = part(clock)
    parts -= parts.min()
    of_part = np.full(int(parts.max()) + 1, -1)
    found = codes[table.order[lines]]
    of_part[parts] = found
    return len(of_part) > 1 and bool((of_part[parts] == found).all())


def _some_lines(table: SortedTable) -> Ints:
    """Evenly picked sorted lines: what does not hold on them does not hold on all."""
    return np.arange(0, len(table), max(1, len(table) // _SAMPLE))


def _hour(time: Clock) -> Ints:
    of_day: Ints = (time - time.astype("datetime64[D]")).astype("int64")
    return of_day // _HOUR


def _weekday(time: Clock) -> Ints:
    return (time.astype("datetime64[D]").astype("int64") + 3) % 7


def _month(time: Clock) -> Ints:
    return time.astype("datetime64[M]").astype("int64") % 12


def _day(time: Clock) -> Ints:
    month = time.astype("datetime64[M]").astype("datetime64[D]")
    days: Ints = (time.astype("datetime64[D]") - month).astype("int64")
    return days


def _year(time: Clock) -> Ints:
    return time.astype("datetime64[Y]").astype("int64")


_CLOCK_PARTS = (_hour, _weekday, _month, _day, _year)
