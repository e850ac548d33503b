"""The column that orders the lines in time, or the columns that hold the time together.

Of several candidates the one is taken that, with the id found for it, leaves the fewest lines of
the same time and series; then the one with the most even steps; the names of columns break ties.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from tsconv.check.suggestions.column_names import TIME_NAMES, TIME_PARTS, name_rank
from tsconv.check.suggestions.line_keys import LineKey, combined_codes, find_line_key
from tsconv.check.suggestions.reading_keys import suggest_for_whole_numbers
from tsconv.check.tables.array_types import Ints
from tsconv.check.tables.columns import Column, is_text
from tsconv.check.tables.raw_table import RawTable
from tsconv.check.tables.time_formats import time_format_of

_MOST_CANDIDATES = 5
_MOST_LINES = 200_000  # from which the evenness of steps is judged
_MONTH = 28 * 86_400_000_000  # microseconds: months differ in length
_HOUR = 3_600_000_000
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s*[AaPp][Mm])?")
_CLOCK_NAMES = ("time", "clock", "hour", "hr", "hh", "timeofday")


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
    if len(choices) > 1:
        choices.sort(key=lambda choice: _rank(raw_table, choice))
    return choices[0] if choices else None


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
        return "they hold the time together"
    return "holds times" if raw_table[columns[0]].kind == "time" else "by its name"


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
    return out


def holds_clock(raw_table: RawTable, column: Column) -> bool:
    """Whether a column holds times of day such as 12:30, or whole hours by its name."""
    kind = raw_table.arrow[column.name].type
    if column.missing or (column.distinct or 0) < 2:
        return False
    if pa.types.is_time(kind):
        return True
    if column.kind == "integer":
        parts = set(re.split(r"[\W_]+", column.name.lower()))
        hours = column.low >= 0 and column.high <= 24
        return hours and bool(parts & set(_CLOCK_NAMES))
    if is_text(kind):
        words = raw_table.words(column.name).str.strip()
        return len(words) > 1 and all(_CLOCK.fullmatch(word) for word in words)
    return False


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
    ticks = _ticks(raw_table, time)
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


def _ticks(raw_table: RawTable, time: Sequence[str]) -> Ints | None:
    """(N,) microseconds, or the integers of a column of them; None where some is no time."""
    parts = []
    for name in time:
        column = raw_table.arrow[name]
        if raw_table[name].missing:
            return None
        if pa.types.is_integer(column.type):
            if len(time) > 1 and not holds_clock(raw_table, raw_table[name]):
                return None
            values = np.asarray(column.to_numpy(), dtype="int64")
            parts.append(values * (_HOUR if len(time) > 1 else 1))
        elif pa.types.is_time(column.type):
            parts.append(column.cast(pa.time64("us")).cast(pa.int64()).to_numpy())
        elif is_text(column.type):
            words = pd.Series(raw_table.words(name))
            form = time_format_of(words.iloc[:2000])
            form = form[0] if isinstance(form, list) else form
            if form is None:  # a clock
                clock = pd.to_timedelta(words.str.strip().map(_with_seconds), errors="coerce")
                values = clock.to_numpy().astype("timedelta64[us]").astype("int64")
                unread = clock.isna().any()
            else:
                date = pd.to_datetime(
                    words.str.strip(), format=form or "ISO8601", errors="coerce", utc=True
                )
                values = date.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
                values = values.astype("int64")
                unread = date.isna().any()
            if unread:
                return None
            parts.append(values[raw_table.codes(name)])
        else:
            parts.append(column.to_numpy().astype("datetime64[us]").astype("int64"))
    total = np.zeros(len(raw_table), dtype="int64")
    for part in parts:
        total = total + part
    return total


def _with_seconds(clock: str) -> str:
    return clock if clock.count(":") == 2 else f"{clock}:00"
