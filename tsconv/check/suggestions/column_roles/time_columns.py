"""The column that orders the lines in time, or the columns that hold the time together.

Of several candidates the one is taken that, with the id found for it, leaves the fewest lines of
the same time and series; then the one with the most even steps; the names of columns break ties.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tsconv.check.suggestions.column_roles.column_names import TIME_NAMES, TIME_PARTS, name_rank
from tsconv.check.suggestions.column_roles.line_keys import LineKey, combined_codes, find_line_key
from tsconv.check.suggestions.column_roles.measurements import is_counter
from tsconv.check.suggestions.column_roles.time_ticks import holds_clock, ticks_of
from tsconv.check.suggestions.reading_keys import suggest_for_whole_numbers
from tsconv.check.tables.array_types import Ints
from tsconv.check.tables.columns import Column, is_text
from tsconv.check.tables.raw_table import RawTable

_MOST_CANDIDATES = 5
_MOST_REPEATED = 0.5  # share of the lines that may repeat a whole number that is a time
_MOST_LINES = 200_000  # from which the evenness of steps is judged
_MONTH = 28 * 86_400_000_000  # microseconds: months differ in length


@dataclasses.dataclass(frozen=True)
class TimeChoice:
    """The columns of time, the columns of the id that goes with them, and why."""

    columns: tuple[str, ...]
    key: LineKey
    reason: str


def choose_time(
    raw_table: RawTable, used: set[str], known: Sequence[str] = (), find_key: bool = True
) -> TimeChoice | None:
    """Choose the time among the columns that may hold it; None where none does.

    used: columns that have another role. known: columns that are declared as id and row.
    find_key: whether further columns may be added to them.

    >>> lines = {"day": ["2024-01-01"] * 2, "at": ["2024-01-01 00:00", "2024-01-01 12:00"]}
    >>> raw_table = RawTable.of(pa.table({**lines, "y": [1.5, 2.0]}))
    >>> choose_time(raw_table, {"y"}).columns
    ('at',)
    """
    candidates = [c for c in time_candidates(raw_table) if not used & set(c)][:_MOST_CANDIDATES]
    choices = []
    all_of_them = {name for c in candidates for name in c}
    for columns in candidates:
        if find_key:
            key = find_line_key(raw_table, columns, used | (all_of_them - set(columns)), known)
            if not key.sufficient:
                key = find_line_key(raw_table, columns, used, known)
        else:
            key = LineKey(tuple(known), find_line_key(raw_table, columns, set(), known).share)
        choices.append(TimeChoice(columns, key, _reason(raw_table, columns)))
    choices = [c for c in choices if c.key.share <= _MOST_REPEATED or not _counts(raw_table, c)]
    if len(choices) > 1:
        choices.sort(key=lambda choice: _rank(raw_table, choice))
    return choices[0] if choices else None


def _counts(raw_table: RawTable, choice: TimeChoice) -> bool:
    """Whether a time is one column of bare whole numbers, such as the number of a weekday."""
    return len(choice.columns) == 1 and raw_table[choice.columns[0]].kind == "integer"


def _rank(raw_table: RawTable, choice: TimeChoice) -> tuple[bool, bool, int, bool, int]:
    """The smaller, the better."""
    even = step_evenness(raw_table, choice.columns, choice.key.columns)
    return (
        not choice.key.sufficient,
        even is not None and even < 0.5,
        len(choice.key.columns),
        choice.key.share > 0,
        min(name_rank(name, TIME_NAMES) for name in choice.columns),
    )


def _reason(raw_table: RawTable, columns: Sequence[str]) -> str:
    if len(columns) > 1:
        return "together they hold the time"
    return "holds the times" if raw_table[columns[0]].kind == "time" else "by its name"


def time_candidates(raw_table: RawTable) -> list[tuple[str, ...]]:
    """Columns, and sets of columns, that may hold the time, in order of preference."""
    lower = {c.name.lower(): c for c in raw_table.columns}
    parts = [lower[p].name for p in TIME_PARTS if p in lower and lower[p].kind == "integer"]
    if len(parts) < 2 or [p.lower() for p in parts] != list(TIME_PARTS[: len(parts)]):
        parts = []
    times = [c for c in raw_table.columns if c.kind == "time" and not c.constant and not c.missing]
    times.sort(key=lambda c: name_rank(c.name, TIME_NAMES))
    clocks = [c.name for c in raw_table.columns if holds_clock(raw_table, c)]
    out: list[tuple[str, ...]] = [
        (date.name, clock) for date in times if _holds_dates(raw_table, date) for clock in clocks
    ]
    out += [(c.name,) for c in times]
    if parts:
        out.append(tuple(parts))
    if not out:
        whole = [c for c in raw_table.columns if c.kind == "integer" and not c.missing]
        named = [c for c in whole if name_rank(c.name, TIME_NAMES) < len(TIME_NAMES)]
        dates = [c for c in whole if c not in named and suggest_for_whole_numbers(raw_table, c)]
        out = [(c.name,) for c in sorted(named, key=lambda c: name_rank(c.name, TIME_NAMES))]
        out += [(c.name,) for c in dates]
        first = raw_table.columns[0]
        if first in whole and (first.name,) not in out and _are_unnamed_years(raw_table, first):
            out.append((first.name,))
    return out


def _are_unnamed_years(raw_table: RawTable, column: Column) -> bool:
    """Whether years stand below no name of their own, as the index of a table that was saved."""
    unnamed = column.name.strip().lower() in ("", "index", "unnamed: 0")
    years = column.low >= 1000 and column.high <= 2200
    return unnamed and bool(years) and is_counter(raw_table, column)


def _holds_dates(raw_table: RawTable, column: Column) -> bool:
    """Whether a column of times holds days alone, without a clock."""
    kind = raw_table.arrow[column.name].type
    if is_text(kind):
        return not raw_table.words(column.name).iloc[:1000].str.contains(":").any()
    if pa.types.is_date(kind):
        return True
    times = raw_table.arrow[column.name].to_numpy().astype("datetime64[us]")
    return bool((times == times.astype("datetime64[D]")).all())


def step_evenness(raw_table: RawTable, time: Sequence[str], key: Sequence[str]) -> float | None:
    """The share of steps between neighbouring lines of a series that equal the commonest one.

    Steps of 28 days or more count as equal. None where the times cannot be read.
    """
    some: slice | Ints = slice(None)
    members = combined_codes(raw_table, key)
    if len(members) > _MOST_LINES:
        some_members = np.unique(members)
        every = max(1, len(members) // _MOST_LINES)
        some = np.flatnonzero(np.isin(members, some_members[::every]))[:_MOST_LINES]
        members = members[some]
    ticks = ticks_of(raw_table, time)
    if ticks is None:
        return None
    ticks = ticks[some]
    order = np.lexsort((ticks, members))
    gaps = np.diff(ticks[order])[np.diff(members[order]) == 0]
    gaps = gaps[gaps > 0]
    if len(gaps) == 0:
        return None
    _, counts = np.unique(np.minimum(gaps, _MONTH), return_counts=True)
    return float(counts.max() / len(gaps))
