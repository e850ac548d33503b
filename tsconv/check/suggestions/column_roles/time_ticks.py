"""Times of raw columns as numbers, and columns that follow from the time alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from tsconv.check.tables.array_types import Ints
from tsconv.check.tables.columns import Column, is_text
from tsconv.check.tables.raw_table import RawTable
from tsconv.check.tables.time_formats import time_format_of

_HOUR = 3_600_000_000  # microseconds
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s*[AaPp][Mm])?")
_CLOCK_NAMES = ("time", "clock", "hour", "hr", "hh", "timeofday")
_MOST_CALENDAR_VALUES = 366
_FEWEST_LINES = 3  # of each hour, weekday, ... from which a column may follow from it


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


def ticks_of(raw_table: RawTable, time: Sequence[str]) -> Ints | None:
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


def follows_clock(codes: Ints, ticks: Ints) -> bool:
    """Whether the hour, weekday, month, day or year alone determines a column's value.

    codes: (N,) a number for each value of the column; ticks: (N,) microseconds. Only where each
    hour, weekday, ... has several lines: in a file of years every column follows from the year.

    >>> days = 86_400_000_000 * np.arange(60)
    >>> follows_clock(np.arange(60) % 7, days), follows_clock(np.arange(60) % 9, days)
    (True, False)
    """
    n_values = len(np.unique(codes))
    if not 1 < n_values <= _MOST_CALENDAR_VALUES:
        return False
    time = ticks.astype("datetime64[us]")
    day, month = time.astype("datetime64[D]"), time.astype("datetime64[M]")
    for part in (
        (time - day).astype("int64") // _HOUR,
        (day.astype("int64") + 3) % 7,
        month.astype("int64") % 12,
        (day - month.astype("datetime64[D]")).astype("int64"),
        time.astype("datetime64[Y]").astype("int64"),
    ):
        parts = part - part.min()
        n_parts = len(np.unique(parts))
        if not 1 < n_parts <= len(codes) // _FEWEST_LINES:
            continue
        if len(np.unique((codes + 1) * (int(parts.max()) + 1) + parts)) == n_parts:
            return True
    return False
