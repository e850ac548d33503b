"""Times as a file spells them: found from its first cells, and written again for other times."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.settings import TimeFormat
from tsconv.data.timestamps.frequency import Times
from tsconv.data.timestamps.zones import HasClock, from_local, offset_name, to_local, to_utc, zoned

_PARTS = ("Y", "M", "D", "h", "m", "s")
_DATES = (
    "{Y}-{m:02}-{d:02}", "{Y}-{m:02}", "{Y}{m:02}{d:02}", "{Y}",
    *(
        order.format(mark)
        for mark in "./- "
        for order in (
            "{{d:02}}{0}{{m:02}}{0}{{Y}}", "{{d}}{0}{{m}}{0}{{Y}}", "{{m:02}}{0}{{d:02}}{0}{{Y}}",
            "{{m}}{0}{{d}}{0}{{Y}}", "{{Y}}{0}{{m:02}}{0}{{d:02}}", "{{Y}}{0}{{m}}{0}{{d}}",
            "{{d:02}}{0}{{m:02}}{0}{{y:02}}", "{{m:02}}{0}{{d:02}}{0}{{y:02}}",
            "{{d:02}}{0}{{b}}{0}{{Y}}", "{{d}}{0}{{b}}{0}{{Y}}",
        )
    ),
    "{d} {B} {Y}", "{b} {d:02}, {Y}", "{B} {d}, {Y}",
)  # fmt: skip
_CLOCKS = (
    "", " {H:02}:{M:02}", "T{H:02}:{M:02}", " {H:02}:{M:02}:{S:02}", "T{H:02}:{M:02}:{S:02}",
    " {H}:{M:02}", " {I:02}:{M:02} {p}", " {I}:{M:02} {p}", "T{H:02}", " {H:02}",
    " {H:02}:{M:02}:{S:02}.{f:06}", "T{H:02}:{M:02}:{S:02}.{f:06}",
    " {H:02}:{M:02}:{S:02}.{ms:03}", "T{H:02}:{M:02}:{S:02}.{ms:03}",
)  # fmt: skip
_OFFSETS = ("", "Z", "+hh:mm", "+hhmm", "+hh")


@dataclasses.dataclass(frozen=True)
class Spelling:
    """How times are written as text: a date, a clock, and an offset from UTC.

    >>> times = np.array(["2024-01-31T07:00"], "datetime64[us]")
    >>> Spelling("{d}.{m}.{Y} {H}:{M:02}").write(times)
    ['31.1.2024 7:00']
    """

    pattern: str  # of str.format, with the parts of a time
    offset: str = ""  # one of _OFFSETS

    def write(self, local: Times, seconds: npt.NDArray[np.int64] | None = None) -> list[str]:
        """(N,) times on the wall clock as text; seconds: (N,) their offsets from UTC."""
        moments = pd.DatetimeIndex(local).to_pydatetime()
        texts = [self.pattern.format(**_parts(moment)) for moment in moments]
        if self.offset == "Z":
            return [f"{text}Z" for text in texts]
        if not self.offset or seconds is None:
            return texts
        names = [offset_name(int(s)).replace("UTC", "+00:00") for s in seconds]
        if self.offset == "+hhmm":
            names = [name.replace(":", "") for name in names]
        elif self.offset == "+hh":
            names = [name[:3] for name in names]
        return [text + name for text, name in zip(texts, names, strict=True)]


def find_spelling(
    texts: Sequence[str], times: Times, clock: HasClock, in_utc: bool = False
) -> Spelling | None:
    """The spelling by which (N,) times are written as the file's texts; None for none.

    times: as a table has them, see `HasClock`. in_utc: the texts are UTC. Where a date
    could be day or month first, and the texts do not tell, the day comes first.

    >>> from tsconv.data.reading.read import table_from_frame
    >>> from tsconv.config.schema import DataConfig
    >>> texts = ["31.01.2024", "01.02.2024"]
    >>> data = DataConfig(id=None, time_format="%d.%m.%Y")
    >>> table = table_from_frame(pd.DataFrame({"ds": texts, "y": [1, 2]}), data)
    >>> find_spelling(texts, table.time, table)
    Spelling(pattern='{d:02}.{m:02}.{Y}', offset='')
    """
    if len(texts) == 0 or len(texts) != len(times) or times.dtype.kind != "M":
        return None
    local, seconds = local_times(times, clock, in_utc)
    wanted, first = list(texts), slice(0, 1)
    for date, time, offset in itertools.product(_DATES, _CLOCKS, _OFFSETS):
        if offset and (not time or clock.time_zone is None):
            continue
        spelling = Spelling(date + time, offset)
        if offset == "Z" and seconds.any():
            continue
        if spelling.write(local[first], seconds[first]) != wanted[:1]:
            continue
        if spelling.write(local, seconds) == wanted:
            return spelling
    return None


def local_times(
    time: Times, clock: HasClock, in_utc: bool = False
) -> tuple[Times, npt.NDArray[np.int64]]:
    """(N,) times as the wall clock, or UTC, shows them, and their offsets from UTC in seconds."""
    if in_utc:
        return from_local(time, clock), np.zeros(len(time), dtype="int64")
    shown = zoned(time, clock)
    if not isinstance(shown, pd.Series):
        return time, np.zeros(len(time), dtype="int64")
    local = shown.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    utc = shown.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    return cast(Times, local), (local - utc).astype("timedelta64[s]").astype("int64")


def time_columns(
    time: Times,
    clock: HasClock,
    names: Sequence[str],
    form: TimeFormat,
    spelling: Spelling | None = None,
    utc_dates: bool = False,
) -> dict[str, object]:
    """Time as the file spells it, under its own column names.

    time: (N,) of a panel, see `clock`. One column of timestamps, text or integers, or several:
    whole numbers of year, month, day, ..., or, with a spelling or a pattern, a date and a clock.
    Where the file's times are UTC, they are UTC again, but for dates alone (`utc_dates`).
    """
    if time.dtype.kind != "M":
        return {names[0]: time}
    if len(names) == 1 and form.unit is not None:  # since 1970, in UTC; days are days anywhere
        utc = time if form.unit == "D" else from_local(time, clock)
        return {names[0]: utc.astype(f"datetime64[{form.unit}]").astype("int64")}
    in_utc = form.utc and not utc_dates
    text: Sequence[str] | None = None
    if spelling is not None:
        text = _without_doubt(spelling, time, clock, in_utc)
    if text is None and form.pattern is not None:
        text = list(_shown(time, clock, in_utc).dt.strftime(form.pattern))
    if len(names) == 1:
        return {names[0]: zoned(time, clock) if text is None else pd.Series(text, dtype="str")}
    if text is not None:
        words = [t.split(" ") for t in text]
        if any(len(w) != len(names) for w in words):
            return {"ds": zoned(time, clock)}
        return {n: pd.Series([w[k] for w in words], dtype="str") for k, n in enumerate(names)}
    local = from_local(time, clock) if in_utc else to_local(time, clock)
    return _number_columns(local, names)


def _shown(time: Times, clock: HasClock, in_utc: bool) -> pd.Series:
    """(N,) times with their zone, or in UTC."""
    if in_utc:
        return pd.Series(pd.DatetimeIndex(from_local(time, clock), tz="UTC"))
    return pd.Series(zoned(time, clock))


def _number_columns(local: Times, names: Sequence[str]) -> dict[str, object]:
    """Times on the wall clock as whole numbers of year, month, day, ..."""
    units = [local.astype(f"datetime64[{unit}]") for unit in _PARTS[: len(names)]]
    parts = [units[0].astype("int64") + 1970]
    for coarse, fine in itertools.pairwise(units):
        parts.append((fine - coarse.astype(fine.dtype)).astype("int64"))
    for part in (1, 2):  # months and days count from 1
        if part < len(parts):
            parts[part] = parts[part] + 1
    return dict(zip(names, parts, strict=True))


def _without_doubt(
    spelling: Spelling, time: Times, clock: HasClock, in_utc: bool
) -> list[str] | None:
    """The times as text; None where the spelling does not hold them.

    That is where it leaves a part out, such as the clock, or where a wall clock without an offset
    shows a time for the second time, as it does when it goes back.
    """
    distinct, number = np.unique(time, return_inverse=True)
    local, seconds = local_times(cast(Times, distinct), clock, in_utc)
    if clock.time_zone is not None and not clock.wall_clock and not spelling.offset and not in_utc:
        wall = cast(npt.NDArray[np.datetime64], local)
        if (to_utc(wall, clock.time_zone) != distinct).any():
            return None
    texts = spelling.write(local, seconds)
    if len(set(texts)) < len(texts):
        return None
    found = np.array(texts, dtype=object)[number]
    return [str(text) for text in found]


def _parts(moment: object) -> dict[str, object]:
    """The parts of a datetime that a pattern may hold; names of months in English."""
    at = cast(pd.Timestamp, moment)
    month = _MONTHS[at.month - 1]
    return {
        "Y": f"{at.year:04}", "y": at.year % 100, "m": at.month, "d": at.day, "H": at.hour,
        "I": at.hour % 12 or 12, "M": at.minute, "S": at.second, "f": at.microsecond,
        "ms": at.microsecond // 1000, "p": "PM" if at.hour >= 12 else "AM",
        "b": month[:3], "B": month,
    }  # fmt: skip


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
