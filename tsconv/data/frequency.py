"""The regular grid that a panel's timestamps lie on: inference, step counting, continuation.

Vectorised over whole columns: `steps` counts steps from a start, `advance` walks on from it.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.errors import ConfigError, DataError

Times = npt.NDArray[np.datetime64] | npt.NDArray[np.int64]
Steps = npt.NDArray[np.int64]

_DAY = 86_400_000_000  # microseconds
_RENAMED = {"M": "ME", "Q": "QE", "Y": "YE", "A": "YE", "H": "h", "T": "min", "S": "s", "L": "ms"}
_MONTHS = {"M": 1, "Q": 3, "Y": 12}


@dataclasses.dataclass(frozen=True)
class Frequency:
    """A step: `size` integers, microseconds, months or business days, by `kind`."""

    alias: str  # as pandas spells it, e.g. "h", "15min", "MS"; "1" for integer time
    kind: str  # "integer" | "fixed" | "month" | "business"
    size: int
    month_end: bool = False  # the last day of the month, whatever its number

    def steps(self, start: Times, time: Times) -> Steps:
        """Whole steps from start to time, elementwise; -1 where `time` is off the grid."""
        if self.kind == "business":
            first, last = (t.astype("datetime64[D]") for t in (start, time))
            days = np.busday_count(first, last)
            fits = (time - last == start - first) & np.is_busday(last) & (days % self.size == 0)
            return np.where(fits, days // self.size, -1).astype("int64")
        if self.kind == "month":
            first, last = (t.astype("datetime64[M]").astype("int64") for t in (start, time))
            count = (last - first) // self.size
            return np.where(self.advance(start, count) == time, count, -1).astype("int64")
        distance = (cast(Any, time) - start).astype("int64")  # both of the same kind
        return np.where(distance % self.size == 0, distance // self.size, -1).astype("int64")

    def advance(self, start: Times, steps: Steps) -> Times:
        """The time `steps` steps after start, elementwise."""
        if self.kind == "integer":
            return start + steps * self.size
        if self.kind == "fixed":
            return start + (steps * self.size).astype("timedelta64[us]")
        day = start.astype("datetime64[D]")
        clock = start - day
        if self.kind == "business":
            return np.busday_offset(day, steps * self.size, roll="forward") + clock
        month = day.astype("datetime64[M]") + steps * self.size
        last = (month + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
        if self.month_end:
            return last + clock
        same = month.astype("datetime64[D]") + (day - day.astype("datetime64[M]"))
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
        if self.size == 7 * _DAY:
            return (52,)
        hour = (_DAY // 24,) if self.size < _DAY // 24 // 15 else ()  # below 4 minutes
        periods = (*hour, _DAY, 7 * _DAY)
        return tuple(p // self.size for p in periods if p % self.size == 0 and p > self.size)


def parse_frequency(alias: str) -> Frequency:
    """Read a pandas frequency alias, or an integer step such as "1"; raises ConfigError."""
    if alias.isdigit() and int(alias) > 0:
        return Frequency(alias, "integer", int(alias))
    try:
        offset = pd.tseries.frequencies.to_offset(alias)
    except (ValueError, TypeError) as error:
        number = alias.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-")
        new = _RENAMED.get(alias[len(number) :].upper() if len(alias) else "")
        hint = (
            f"; write {number}{new}" if new else "; pandas aliases such as h, 15min, D, W, MS, ME"
        )
        raise ConfigError(f"`data.freq` (={alias}) is not a frequency{hint}") from error
    name = offset.freqstr
    base = type(offset).__name__
    if base in ("Day", "Week"):
        return Frequency(name, "fixed", offset.n * _DAY * (7 if base == "Week" else 1))
    if isinstance(offset, pd.offsets.Tick):
        return Frequency(name, "fixed", round(pd.Timedelta(offset).total_seconds() * 1e6))
    if base == "BusinessDay":
        return Frequency(name, "business", offset.n)
    for prefix, months in (("Month", 1), ("Quarter", 3), ("Year", 12)):
        if base in (f"{prefix}Begin", f"{prefix}End"):
            return Frequency(name, "month", offset.n * months, base.endswith("End"))
    raise ConfigError(f"`data.freq` (={alias}) is not supported; use h, 15min, D, B, W, MS or ME")


def infer_frequency(time: Times, series: Steps) -> Frequency:
    """Find the grid from times sorted within each series: the commonest step, checked for shape.

    time, series: (N,), with `series` the code of each row's series. Raises DataError where no
    series has two rows.
    """
    gaps = np.diff(time.view("int64"))[np.diff(series) == 0]
    gaps = gaps[gaps > 0]
    if len(gaps) == 0:
        raise DataError("no series has two timestamps to infer a frequency from: set `data.freq=`")
    sizes, counts = np.unique(gaps, return_counts=True)
    commonest = int(sizes[counts.argmax()])
    if time.dtype.kind != "M":
        return Frequency(str(commonest), "integer", commonest)
    if sizes.min() >= 28 * _DAY:
        monthly = _infer_months(time, series)
        if monthly is not None:
            return monthly
    days = time.astype("datetime64[D]")
    if commonest == _DAY and 3 * _DAY in sizes and np.is_busday(days).all():
        return Frequency("B", "business", 1)
    return Frequency(_fixed_alias(commonest), "fixed", commonest)


def _infer_months(time: Times, series: Steps) -> Frequency | None:
    """A grid of whole months where every timestamp keeps its day (or is its month's last)."""
    month = time.astype("datetime64[M]")
    day = (time.astype("datetime64[D]") - month.astype("datetime64[D]")).astype("int64") + 1
    is_last = (time.astype("datetime64[D]") + np.timedelta64(1, "D")).astype(
        "datetime64[M]"
    ) > month
    if not (is_last.all() or len(np.unique(day)) == 1):
        return None
    gaps = np.diff(month.astype("int64"))[np.diff(series) == 0]
    gaps = gaps[gaps > 0]
    size = math.gcd(*np.unique(gaps).tolist())
    end = bool(is_last.all())
    letter = next(k for k in ("Y", "Q", "M") if size % _MONTHS[k] == 0)
    number = size // _MONTHS[letter]
    alias = f"{number if number > 1 else ''}{letter}{'E' if end else 'S'}"
    return Frequency(alias, "month", size, end)


def _fixed_alias(microseconds: int) -> str:
    for alias, unit in (("W", 7 * _DAY), ("D", _DAY), ("h", _DAY // 24), ("min", 60_000_000)):
        if microseconds % unit == 0:
            number = microseconds // unit
            return alias if number == 1 else f"{number}{alias}"
    if microseconds % 1_000_000 == 0:
        return f"{microseconds // 1_000_000}s"
    return f"{microseconds}us"
