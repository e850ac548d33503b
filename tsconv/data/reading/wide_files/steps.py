"""Wide files with a column a step: a line is a series, ragged to the right."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.reading.id_columns import Keys
from tsconv.data.reading.locations import SourceLocations
from tsconv.data.settings import TimeFormat
from tsconv.data.source_column import SourceColumn
from tsconv.data.timestamps.frequency import Steps, Times
from tsconv.data.timestamps.parse import parse_times
from tsconv.errors import DataError
from tsconv.text import plural

Values = npt.NDArray[np.float64]
# How columns are called by times, beside ISO 8601 and whole numbers, and how often it may be so.
_HEADERS = {
    r"\d{4}": "%Y",
    r"\d{4}-\d\d": "%Y-%m",
    r"\d{4}/\d\d?": "%Y/%m",
    r"\d{4}\.\d\d": "%Y.%m",
    r"[A-Za-z]{3} \d{4}": "%b %Y",
    r"[A-Za-z]{3}-\d{4}": "%b-%Y",
    r"[A-Za-z]{4,9} \d{4}": "%B %Y",
}
_ISO = r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d.*)?"
_MOST_OF = 0.8  # of the columns, that the others count as no steps


class LongSteps(NamedTuple):
    """The steps of L lines end to end: N values."""

    values: Values  # (N,)
    lines: Steps  # (N,) the line that each stands in
    steps: Steps  # (N,) its column among those of steps, from 0


def unroll(columns: Sequence[Values]) -> LongSteps:
    """W columns of (L,) values as one line a value: each line up to its last value.

    A line without any value has one step, which is missing.

    >>> unroll([np.array([1.0, 5.0]), np.array([2.0, np.nan])])
    LongSteps(values=array([1., 2., 5.]), lines=array([0, 0, 1]), steps=array([0, 1, 0]))
    """
    lengths = np.ones(len(columns[0]), dtype="int64")
    for w, column in enumerate(columns):
        lengths[~np.isnan(column)] = w + 1
    ends = np.cumsum(lengths)
    starts = ends - lengths
    values = np.empty(int(ends[-1]))
    for w, column in enumerate(columns):
        inside = lengths > w
        values[starts[inside] + w] = column[inside]
    lines = np.repeat(np.arange(len(lengths)), lengths)
    return LongSteps(values, lines, np.arange(len(values)) - starts[lines])


def times_of_columns(
    names: Sequence[str], form: TimeFormat, source: str
) -> tuple[pd.Series, SourceColumn] | None:
    """The names of W columns as a column of times, where they are called by times; else None.

    Whole numbers are times too: years, or steps. Raises DataError for a name that is no time where
    most others are.

    >>> times_of_columns(["Jan 2024", "Feb 2024"], TimeFormat(), "a.csv")[0].astype(str).tolist()
    ['2024-01-01', '2024-02-01']
    >>> times_of_columns(["V2", "V3"], TimeFormat(), "a.csv")
    """
    header = _Header("", str, tuple(names), source)
    text = pd.Series(names, dtype="str").str.strip()
    if form.pattern is not None:
        return text, header
    patterns = (*_HEADERS, _ISO, r"\d+")
    fits = {pattern: text.str.fullmatch(pattern).to_numpy(dtype=bool) for pattern in patterns}
    best = max(patterns, key=lambda pattern: int(fits[pattern].sum()))
    fitting = fits[best]
    if fitting.mean() <= _MOST_OF or (best == r"\d+" and not fitting.all()):
        return None
    if not fitting.all():
        raise header.error(
            int((~fitting).argmax()),
            f"not a time, as the names of the other columns ({names[int(fitting.argmax())]}, ...) "
            f"are: name it in `data.id`, `data.row` or `data.static_covariates`, or name the "
            f"steps in `data.target`",
        )
    numbered = best == r"\d{4}" and not text.between("1800", "2200").all()  # those are no years
    if best == r"\d+" or numbered:
        return text.astype("int64") if text.str.len().max() < 19 else text, header
    if best == _ISO:
        return text, header
    parsed = pd.to_datetime(text, format=_HEADERS[best], errors="coerce")
    return (parsed, header) if parsed.notna().all() else None


@dataclasses.dataclass(frozen=True)
class _Header(SourceColumn):
    """The names of columns, as if they stood below each other."""

    names: tuple[str, ...] = ()
    source: str = ""

    def at(self, i: int | np.integer) -> str:
        return f"{self.source}: line 1, column `{self.names[int(i)]}`"


@dataclasses.dataclass(frozen=True)
class StepCells(SourceColumn):
    """The values of all steps, N of them, in the file's own lines and columns."""

    names: tuple[str, ...] = ()  # of the W columns
    steps: Steps | None = None  # (N,) the column of each value

    def at(self, i: int | np.integer) -> str:
        assert self.steps is not None
        return f"{self.locate(int(i))}, column `{self.names[self.steps[int(i)]]}`"


def step_times(
    names: Sequence[str], form: TimeFormat, source: str
) -> tuple[Times, str | None] | None:
    """(W,) the times by which the columns are called, and their zone; None for no times.

    Raises DataError for two columns of one time.
    """
    found = times_of_columns(names, form, source)
    if found is None:
        return None
    column, header = found
    parsed = parse_times(column, header, form)
    nobody = np.zeros(len(names), dtype="int64")
    are_utc = form.utc and not parsed.are_dates
    time, zone = parsed.in_utc(form.zone, nobody, header, are_utc)
    order = np.argsort(time, kind="stable")
    same = np.flatnonzero(time[order][1:] == time[order][:-1])
    if len(same):
        first, second = names[order[same[0]]], names[order[same[0] + 1]]
        raise DataError(f"{source}: columns `{first}` and `{second}` are the same time")
    return time, zone


def column_order(time: Times) -> list[int]:
    """The positions of the columns in order of time."""
    return cast("list[int]", np.argsort(time, kind="stable").tolist())


def require_series_of_lines(keys: Keys, source: str, locations: SourceLocations) -> None:
    """Raise DataError for two lines of one series, where each line is a series."""
    lines = len(keys.codes)
    if lines > 1 and not keys.id_columns.names and not keys.rows:
        raise DataError(
            f"{source}: each of its {lines:,} lines is a series (`data.wide_columns_are=steps`): "
            f"set `data.id` to the column that tells them apart"
        )
    again = np.flatnonzero(pd.Series(keys.members).duplicated())
    if len(again):
        second = int(again[0])
        first = int((keys.members == keys.members[second]).argmax())
        name = f"series `{keys.ids[keys.codes[second]]}`"
        if keys.row_codes is not None:
            name += f", family row `{keys.rows[keys.row_codes[second]]}`"
        raise DataError(
            f"{locations.both(first, second)} are both {name} "
            f"({plural(len(again), 'such line')}), but each line "
            f"is a series: add the column that tells them apart to `data.id`"
        )
