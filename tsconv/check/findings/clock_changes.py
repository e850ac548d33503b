"""Clock changes: hours that local times lack in spring and have twice in autumn."""

from __future__ import annotations

import datetime

import numpy as np

from tsconv.check.report import Finding
from tsconv.check.tables.sorted_table import Ints, SortedTable
from tsconv.text import plural

_HOUR = 3_600_000_000  # microseconds
# Which Sunday (-1: the last) of which month, in spring and in autumn; the zone to name; the hours.
_RULES = {
    "Europe": ((3, -1), (10, -1), {1: "Europe/London", 2: "Europe/Berlin", 3: "Europe/Athens"}),
    "North America": ((3, 2), (11, 1), {2: "America/New_York"}),
}


def clock_changes(lines: SortedTable, zone: str | None) -> Finding | None:
    """Holes and doubles of up to an hour on the days when clocks change; None where zones are set.

    A rule is named where it explains at least two thirds of all doubles, or finds its hole or its
    double on at least half of its days in the span of the file.
    """
    gaps = lines.gaps
    steps = gaps[gaps > 0]
    if zone is not None or not lines.dated or len(steps) == 0:
        return None
    step = int(np.median(steps[:: max(1, len(steps) // 100_000)]))
    if step > _HOUR:
        return None
    hole = np.flatnonzero((gaps > step) & (gaps <= step + _HOUR))
    double = np.flatnonzero(gaps == 0)
    if len(hole) + len(double) == 0:
        return None
    best: tuple[int, str, Ints, Ints] | None = None
    for name, (spring, autumn, _) in _RULES.items():
        holes = hole[_on_days(lines, hole + 1, _days(lines, *spring))]
        doubles = double[_on_days(lines, double, _days(lines, *autumn))]
        dates = _count_dates(lines, holes) + _count_dates(lines, doubles)
        days = len(_days(lines, *spring)) + len(_days(lines, *autumn))
        if 2 * dates >= max(1, days) and (best is None or dates > best[0]):
            best = (dates, name, holes, doubles)
    if best is None:
        return None
    return _finding(lines, len(double), *best)


def _finding(
    lines: SortedTable, all_doubles: int, dates: int, rule: str, holes: Ints, doubles: Ints
) -> Finding:
    parts = [
        plural(len(holes), "hole") + " in spring" if len(holes) else "",
        plural(len(doubles), "double time") + " in autumn" if len(doubles) else "",
    ]
    zones = _RULES[rule][2]
    zone = zones.get(2, "")
    if len(holes):  # the first hour that is not there tells the zone
        after = lines.time[holes] - lines.time[holes].astype("datetime64[D]")
        step = int(np.median(lines.gaps[lines.gaps > 0]))
        hours = np.bincount((after.astype("int64") + step) // _HOUR)
        zone = zones.get(int(hours.argmax()), zone)
    i = lines.earliest(np.concatenate([holes + 1, doubles]))
    return Finding(
        "clock changes",
        "warning",
        f"{' and '.join(p for p in parts if p)}, on days when clocks change in {rule} "
        f"({plural(dates, 'day')}): times are local, without their offset",
        len(holes) + len(doubles),
        f"{lines.place(i)}: {lines.name(lines.rank[i])} at {lines.at(i)}",
        f"write times in UTC, or name the zone, such as data.timezone={zone}",
        {"data.timezone": zone} if len(holes) and 0 < len(doubles) == all_doubles else {},
    )


def _days(lines: SortedTable, month: int, which: int) -> np.ndarray:
    """The change days of one kind within the span of the file."""
    low, high = lines.time.min().astype("datetime64[D]"), lines.time.max().astype("datetime64[D]")
    years = range(low.astype(object).year, high.astype(object).year + 1)
    days = np.array([_sunday(y, month, which) for y in years], dtype="datetime64[D]")
    return days[(days > low) & (days < high)]


def _sunday(year: int, month: int, which: int) -> datetime.date:
    if which > 0:
        first = datetime.date(year, month, 1)
        return first + datetime.timedelta(days=(6 - first.weekday()) % 7 + 7 * (which - 1))
    last = datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(days=1)
    return last - datetime.timedelta(days=(last.weekday() + 1) % 7)


def _on_days(lines: SortedTable, index: Ints, days: np.ndarray) -> np.ndarray:
    return np.isin(lines.time[index].astype("datetime64[D]"), days)


def _count_dates(lines: SortedTable, index: Ints) -> int:
    return len(np.unique(lines.time[index].astype("datetime64[D]")))
