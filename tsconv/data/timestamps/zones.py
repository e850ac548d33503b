"""Time zones: wall-clock times to UTC and back, across clock changes.

A table's times are UTC where it has a zone. A panel of days or coarser steps keeps the wall clock,
so that a day across a clock change is one step; finer steps are counted in UTC.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import zoneinfo
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.source_column import SourceColumn
from tsconv.data.timestamps.frequency import Steps, Times
from tsconv.errors import ConfigError, DataError, nearest
from tsconv.text import plural

Wall = npt.NDArray[np.datetime64]
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)(?::?(\d\d))?")


class HasClock(Protocol):
    """Anything whose times lie on a clock, UTC or a zone's own: a panel, or a table."""

    @property
    def time_zone(self) -> str | None: ...
    @property
    def wall_clock(self) -> bool: ...


@dataclasses.dataclass(frozen=True)
class ParsedTimes:
    """A column of times as it is written: `in_utc` makes UTC of it where a zone is given."""

    time: Times  # (N,) datetime64[us] or int64
    zone: str | None  # of times that are UTC already
    naive: npt.NDArray[np.bool_] | None = None  # (N,) those without offset, beside others

    @property
    def are_dates(self) -> bool:
        """Whether they have no clock: all at midnight, and none with an offset."""
        if self.time.dtype.kind != "M" or self.zone is not None or self.naive is not None:
            return False
        return bool((self.time == self.time.astype("datetime64[D]")).all())

    def in_utc(
        self, zone: str | None, members: Steps, source: SourceColumn, are_utc: bool = False
    ) -> tuple[Times, str | None]:
        """(N,) times in UTC and the zone to show them in, or as they are and None without a zone.

        zone: of the times without an offset; with `are_utc` those are UTC, and only shown in it.
        members: (N,) the series (and row) of each line, see `from_wall`.
        """
        if zone is None or self.time.dtype.kind != "M":
            return self.time, self.zone
        find_zone(zone)
        if are_utc:
            return self.time, zone
        wall = cast(Wall, self.time)
        if self.naive is not None:
            some = np.flatnonzero(self.naive)
            wall[some] = from_wall(wall[some], zone, members[some], source.take(some))
        elif self.zone is None:
            wall = from_wall(wall, zone, members, source)
        return wall, zone


def find_zone(name: str, key: str = "data.timezone") -> datetime.tzinfo:
    """The zone of an IANA name, UTC, or an offset such as +02:00; raises ConfigError.

    >>> find_zone("+02:00")
    datetime.timezone(datetime.timedelta(seconds=7200))
    """
    if name in ("UTC", "Z", "utc"):
        return datetime.UTC
    offset = _OFFSET.fullmatch(name)
    try:
        if offset:
            hours, minutes, seconds = (int(part or 0) for part in offset.groups()[1:])
            size = datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds)
            return datetime.timezone(size if offset[1] == "+" else -size)
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        hint = nearest(name, zoneinfo.available_timezones())
        raise ConfigError(
            f"`{key}` (={name}) is not a time zone{hint}; such as UTC, Europe/Berlin or +02:00"
        ) from error


def zone_name(zone: datetime.tzinfo) -> str:
    """The name by which `find_zone` finds the zone: an IANA name, an offset, or UTC.

    Raises DataError for a zone without a name, such as one of dateutil.
    """
    name = str(getattr(zone, "key", None) or getattr(zone, "zone", None) or "")
    if name:
        return "UTC" if name in ("Etc/UTC", "UTC") else name
    offset = zone.utcoffset(None)
    if offset is None:
        raise DataError(f"the time zone {zone} has no name: use zoneinfo.ZoneInfo, or UTC")
    return offset_name(round(offset.total_seconds()))


def offset_name(seconds: int) -> str:
    """The name of an offset from UTC.

    >>> offset_name(7200), offset_name(0)
    ('+02:00', 'UTC')
    """
    minutes, rest = divmod(abs(seconds), 60)
    text = f"{'-' if seconds < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"
    return "UTC" if seconds == 0 else text + (f":{rest:02}" if rest else "")


def to_wall(time: Wall, zone: str) -> Wall:
    """(N,) times in UTC as the wall clock of the zone shows them.

    >>> to_wall(np.array(["2024-07-01T00:00"], "datetime64[us]"), "Europe/Berlin")
    array(['2024-07-01T02:00:00.000000'], dtype='datetime64[us]')
    """
    if zone == "UTC":
        return time
    moved = pd.DatetimeIndex(time, tz="UTC").tz_convert(find_zone(zone)).tz_localize(None)
    return moved.to_numpy().astype("datetime64[us]", copy=False)


def to_utc(wall: Wall, zone: str) -> Wall:
    """(N,) times on the zone's wall clock in UTC.

    Of two moments that the clock shows alike the first; of none, the moment after the change.
    """
    if zone == "UTC":
        return wall
    return _localized(wall, find_zone(zone), np.ones(len(wall), dtype=bool), "shift_forward")


def to_local(time: Times, panel: HasClock) -> Times:
    """Times of a panel, on its own clock, as the wall clock of its zone shows them."""
    if panel.time_zone is None or panel.wall_clock:
        return time
    return to_wall(cast(Wall, time), panel.time_zone)


def from_local(time: Times, panel: HasClock) -> Times:
    """Times of a panel, on its own clock, in UTC where it has a zone."""
    if panel.time_zone is None or not panel.wall_clock:
        return time
    return to_utc(cast(Wall, time), panel.time_zone)


def zoned(time: Times, panel: HasClock) -> pd.Series | Times:
    """Times of a panel or table with their zone: a Series, or the times alone without a zone."""
    if panel.time_zone is None:
        return time
    utc = cast(Wall, time)
    if panel.wall_clock:
        utc = to_utc(utc, panel.time_zone)
    return pd.Series(pd.DatetimeIndex(utc, tz="UTC").tz_convert(find_zone(panel.time_zone)))


def days_on_wall(time: Wall, zone: str) -> Wall:
    """UTC to the wall clock for days and coarser steps.

    Where all but a few times are midnight, one whose midnight a clock change took away (and which
    is therefore an hour late) is midnight too.
    """
    wall = to_wall(time, zone)
    day = wall.astype("datetime64[D]").astype("datetime64[us]")
    late = np.flatnonzero(wall != day)
    if 0 < len(late) < 0.5 * len(wall):
        shifted = late[to_utc(day[late], zone) == time[late]]
        wall = wall.copy()
        wall[shifted] = day[shifted]
    return wall


def from_wall(wall: Wall, zone: str, members: Steps, source: SourceColumn) -> Wall:
    """Wall-clock times of a file as UTC: (N,).

    Of two lines of a member (a series and row) that show the same time where clocks go back, the
    first is summer time; the last, where the member's lines go back in time. Dates alone (all at
    midnight) are never in doubt. Raises DataError naming the line of a time that a clock change
    leaves out.
    """
    found = find_zone(zone)
    plain = (
        pd.DatetimeIndex(wall)
        .tz_localize(found, ambiguous="NaT", nonexistent="NaT")
        .tz_convert("UTC")
        .tz_localize(None)
    )
    utc = plain.to_numpy().astype("datetime64[us]")
    odd = np.flatnonzero(np.isnat(utc))
    if len(odd) == 0:
        return utc
    if (wall == wall.astype("datetime64[D]")).all():
        utc[odd] = to_utc(wall[odd], zone)
        return utc
    again = pd.DataFrame({"member": members[odd], "time": wall[odd]}).groupby(["member", "time"])
    back = _going_back(wall, members)[members[odd]]
    first = np.where(back, again.cumcount(ascending=False), again.cumcount()) == 0
    utc[odd] = _localized(wall[odd], found, first, "NaT")
    none = odd[np.isnat(utc[odd])]
    if len(none):
        shown = str(wall[none[0]]).replace("T", " ").removesuffix(".000000")
        raise source.error(
            none[0],
            f"{shown} does not exist in {zone}, because clocks went forward then "
            f"({plural(len(none), 'such time')}); if the times are UTC, set `data.times_are=utc`; "
            f"if they are on a clock that "
            f"never changes, leave `data.timezone` out, or set an offset such as "
            f"`data.timezone={offset_name(_standard_offset(found, wall[none[0]]))}`",
        )
    return utc


def look_like_clock_changes(time: Times) -> bool:
    """Whether all times lie in the small hours of Sundays of spring or autumn.

    >>> look_like_clock_changes(np.array(["2024-03-31T02:00"], "datetime64[us]"))
    True
    """
    if time.dtype.kind != "M":
        return False
    day = time.astype("datetime64[D]")
    hour = (time - day).astype("timedelta64[h]").astype("int64")
    month = day.astype("datetime64[M]").astype("int64") % 12 + 1
    sunday = (day.astype("int64") + 3) % 7 == 6
    clock = (time != day).any()  # dates alone know no hours
    return bool((sunday & (hour < 4) & np.isin(month, (3, 4, 9, 10, 11))).all() and clock)


def _standard_offset(zone: datetime.tzinfo, near: np.datetime64) -> int:
    """Seconds by which winter time is ahead of UTC in the year of a time."""
    year = int(str(near)[:4])
    ahead = [datetime.datetime(year, m, 1, tzinfo=zone).utcoffset() for m in (1, 7)]
    return min(round(a.total_seconds()) for a in ahead if a is not None)


def _going_back(wall: Wall, members: Steps) -> npt.NDArray[np.bool_]:
    """(M,) whether most of a member's lines are earlier than the one before: newest first."""
    order = np.argsort(members, kind="stable")
    member, time = members[order], wall[order].view("int64")
    same = member[1:] == member[:-1]
    rise = np.sign(np.diff(time))[same]
    return np.bincount(member[1:][same], rise, int(member[-1]) + 1) < 0


def _localized(
    wall: Wall, zone: datetime.tzinfo, first: npt.NDArray[np.bool_], nonexistent: str
) -> Wall:
    """Wall-clock times as UTC; first: (N,) whether each is the first of two moments."""
    index = pd.DatetimeIndex(wall).tz_localize(
        zone,
        ambiguous=first,
        nonexistent=cast("object", nonexistent),  # type: ignore[arg-type]
    )
    return index.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]")
