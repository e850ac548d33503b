"""The regular grid that a panel's timestamps lie on: its spelling, step counting, continuation.

Vectorised over whole columns: `steps` counts steps from a start, `advance` walks on from it. Which
grid a file's times lie on is found in infer.py.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.errors import ConfigError, nearest
from tsconv.notes import Note, NoteKind

Times = npt.NDArray[np.datetime64] | npt.NDArray[np.int64]
Steps = npt.NDArray[np.int64]

DAY = 86_400_000_000  # microseconds
UNITS = {
    "us": 1, "ms": 1000, "s": 1_000_000, "min": 60_000_000, "h": DAY // 24, "D": DAY, "W": 7 * DAY,
}  # fmt: skip
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
# Spellings that pandas has given up, and what it writes now.
_OLD = {
    "M": "ME", "Q": "QE", "Y": "YE", "A": "YE", "H": "h", "T": "min", "S": "s", "L": "ms",
    "U": "us", "AS": "YS", "BM": "BME", "BQ": "BQE", "BY": "BYE", "BA": "BYE", "BAS": "BYS",
    "d": "D", "w": "W", "b": "B",
}  # fmt: skip
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONTH_NAMES = (
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
)  # fmt: skip
_LONGEST = 10_000 * 365 * DAY  # a step beyond all the years that times may have
_EXAMPLES = "h, 15min, D, B, W, W-SUN, MS, ME, QS-FEB, YE"


@dataclasses.dataclass(frozen=True)
class Frequency:
    """A step: `size` integers, microseconds, months or business days, by `kind`."""

    alias: str  # as pandas spells it, e.g. "h", "15min", "MS"; "1" for integer time
    kind: str  # "integer" | "fixed" | "month" | "business"
    size: int
    month_end: bool = False  # the last day of the month, whatever its number
    day: int | None = None  # of months: this day, or the last of a month that has none
    working: bool = False  # of months: the first or last day that is no Saturday or Sunday
    anchor: int | None = None  # weeks: the weekday, Monday being 0; months: the month modulo size

    @property
    def on_wall_clock(self) -> bool:
        """Whether steps are days or coarser, and so keep the local clock across clock changes."""
        return self.kind in ("month", "business") or (self.kind == "fixed" and self.size % DAY == 0)

    def fits(self, time: Times) -> npt.NDArray[np.bool_]:
        """Whether each time falls on the weekday or month that the alias names."""
        if self.anchor is None:
            return np.ones(len(time), dtype=bool)
        if self.kind == "month":
            month = time.astype("datetime64[M]").astype("int64")
            return cast(npt.NDArray[np.bool_], month % self.size == self.anchor % self.size)
        day = time.astype("datetime64[D]").astype("int64")
        return cast(npt.NDArray[np.bool_], (day + 3) % 7 == self.anchor)  # 1970 began on a Thursday

    def steps(self, start: Times, time: Times) -> Steps:
        """Whole steps from start to time, elementwise; -1 where `time` is off the grid.

        >>> time = np.array(["2024-01-31", "2024-02-29", "2024-03-30"], "datetime64[us]")
        >>> parse_frequency("ME").steps(np.repeat(time[:1], 3), time)
        array([ 0,  1, -1])
        """
        if self.kind == "business":
            first, last = (t.astype("datetime64[D]") for t in (start, time))
            days = np.busday_count(first, last)
            fits = (time - last == start - first) & np.is_busday(last) & (days % self.size == 0)
            return np.where(fits, days // self.size, -1).astype("int64")
        if self.kind == "month":
            first, last = (t.astype("datetime64[M]").astype("int64") for t in (start, time))
            count = (last - first) // self.size
            return np.where(self.advance(start, count) == time, count, -1).astype("int64")
        distance = (cast(Any, time) - start).view("int64")  # both of the same kind
        if self.size == 1:
            return cast(Steps, distance)
        count = distance // self.size
        count[count * self.size != distance] = -1
        return cast(Steps, count)

    def advance(self, start: Times, steps: Steps) -> Times:
        """The time `steps` steps after start, elementwise.

        >>> start = np.array(["2024-01-31"], "datetime64[us]")
        >>> parse_frequency("ME").advance(start, np.array([1]))
        array(['2024-02-29T00:00:00.000000'], dtype='datetime64[us]')
        """
        return cast(Times, self._advance(start, steps))

    def _advance(self, start: Any, steps: Steps) -> Any:
        if self.kind == "integer":
            return start + steps * self.size
        if self.kind == "fixed":
            return start + (steps * self.size).astype("timedelta64[us]")
        day = start.astype("datetime64[D]")
        clock = start - day
        if self.kind == "business":
            return np.busday_offset(day, steps * self.size, roll="forward") + clock
        month = day.astype("datetime64[M]") + steps * self.size
        first = month.astype("datetime64[D]")
        last = (month + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
        if self.working:
            end, roll = (last, "backward") if self.month_end else (first, "forward")
            return np.busday_offset(end, 0, roll=cast(Any, roll)) + clock
        if self.month_end:
            return last + clock
        same = first + (
            day - day.astype("datetime64[M]") if self.day is None else np.timedelta64(self.day - 1)
        )
        return np.minimum(same, last) + clock

    @property
    def seasons(self) -> tuple[int, ...]:
        """Seasonal periods in steps that this frequency suggests, shortest first."""
        if self.kind == "month":
            return (12 // self.size,) if self.size < 12 and 12 % self.size == 0 else ()
        if self.kind == "business":
            return (5,) if self.size == 1 else ()
        if self.kind == "integer":
            return ()
        if self.size == 7 * DAY:
            return (52,)
        hour = (DAY // 24,) if self.size < DAY // 24 // 15 else ()  # below 4 minutes
        periods = (*hour, DAY, 7 * DAY)
        return tuple(p // self.size for p in periods if p % self.size == 0 and p > self.size)


def parse_frequency(alias: str) -> Frequency:
    """Read a pandas frequency alias, or an integer step such as "1"; raises ConfigError.

    Spellings that pandas has given up are translated: see `spelling_notes`. `M-30` is ours: the
    30th of each month, in February its last day.

    >>> parse_frequency("15min").seasons  # hours, days and weeks, in steps
    (96, 672)
    """
    if alias.isdecimal() and 0 < int(alias) < 2**62:
        return Frequency(alias, "integer", int(alias))
    found = re.fullmatch(r"(\d{0,9})([A-Za-z]+)(?:-(\w+))?", alias)
    if found is None:
        return _compound(alias)
    count, unit, anchor = int(found[1] or 1), found[2], (found[3] or "").upper()
    by_day = unit == "M" and anchor.isdecimal() and 1 <= int(anchor) <= 31
    unit = unit if by_day else _OLD.get(unit, unit)
    name = (str(count) if count > 1 else "") + unit + (f"-{anchor}" if anchor else "")
    if count < 1:
        raise ConfigError(f"`data.freq` (={alias}) must be at least one step")
    if by_day:
        return Frequency(name, "month", count, day=int(anchor))
    if unit == "W" and (not anchor or anchor in _WEEKDAYS):
        weekday = _WEEKDAYS.index(anchor) if anchor else None
        return _checked(Frequency(name, "fixed", count * 7 * DAY, anchor=weekday), alias)
    if unit in UNITS and not anchor:
        return _checked(Frequency(name, "fixed", count * UNITS[unit]), alias)
    if unit == "B" and not anchor:
        return _checked(Frequency(name, "business", count), alias)
    months = re.fullmatch(r"(B?)([MQY])([SE])", unit)
    if months and (not anchor or (months[2] != "M" and anchor in _MONTH_NAMES)):
        phase = _MONTH_NAMES.index(anchor) if anchor else None
        size = count * _MONTHS[months[2]]
        # With several quarters or years a step, the alias still names the month alone.
        phase = phase % _MONTHS[months[2]] if phase is not None and count == 1 else None
        return _checked(
            Frequency(name, "month", size, months[3] == "E", None, bool(months[1]), phase), alias
        )
    return _compound(alias)


def spelling_notes(alias: str | None) -> tuple[Note, ...]:
    """A note that says how an old spelling of a frequency was read, if it is one.

    >>> str(spelling_notes("H")[0])
    '`data.freq` (=H) is an old spelling, read as h'
    """
    found = re.fullmatch(r"\d*([A-Za-z]+)(?:-(\D\w*))?", alias or "")
    if found is None or found[1] not in _OLD:
        return ()
    new = parse_frequency(str(alias)).alias
    text = f"`data.freq` (={alias}) is an old spelling, read as {new}"
    return (Note(NoteKind.OLD_FREQUENCY_SPELLING, text),)


def _compound(alias: str) -> Frequency:
    """Several units together, such as 1h30min; raises ConfigError for what is no frequency."""
    aliases = [*UNITS, "B", "MS", "ME", "QS", "QE", "YS", "YE"]
    unit = alias.lstrip("0123456789")
    hint = " (did you mean `ME`, months, or `min`?)" if unit == "m" else nearest(unit, aliases)
    if re.fullmatch(r"(?:\d{1,9}(?:us|ms|s|min|h|D))+", alias):
        size = pd.Timedelta(0)
        for number, unit in re.findall(r"(\d+)(us|ms|s|min|h|D)", alias):
            size += int(number) * pd.Timedelta(UNITS[unit], "us")
        return _checked(Frequency(alias, "fixed", round(size / pd.Timedelta(1, "us"))), alias)
    raise ConfigError(f"`data.freq` (={alias}) is not a frequency{hint}; such as {_EXAMPLES}")


def _checked(frequency: Frequency, alias: str) -> Frequency:
    """The frequency; raises ConfigError where its step is longer than all years together."""
    unit = {"month": 28 * DAY, "business": DAY}.get(frequency.kind, 1)
    if not 0 < frequency.size * unit < _LONGEST:
        raise ConfigError(f"`data.freq` (={alias}) must be above 0 and below 10,000 years")
    return frequency
