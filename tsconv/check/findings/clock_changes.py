"""Clock changes: hours that local times lack in spring and have twice in autumn."""

from __future__ import annotations

import dataclasses
import datetime

import numpy as np
import numpy.typing as npt

from tsconv.check.report import Finding
from tsconv.check.tables.array_types import Bools, Ints
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.errors import TsconvError
from tsconv.text import plural

_HOUR = 3_600_000_000  # microseconds
_HOURS_OF_CHANGE = 5  # of a day, in which the clocks of all regions change
_SAMPLE = 100_000  # gaps from which the commonest step is estimated
Days = npt.NDArray[np.datetime64]


@dataclasses.dataclass(frozen=True)
class _Rule:
    """Clocks change on the n-th Sunday (-1: the last) of a month, in spring and in autumn."""

    region: str
    spring: tuple[int, int]
    autumn: tuple[int, int]
    zones: dict[int, str]  # first hour that is missing in spring -> a zone of which that is true


_RULES = (
    _Rule(
        "Europe",
        (3, -1),
        (10, -1),
        {1: "Europe/London", 2: "Europe/Berlin", 3: "Europe/Athens"},
    ),
    _Rule("North America", (3, 2), (11, 1), {2: "America/New_York"}),
    _Rule("Australia", (10, 1), (4, 1), {2: "Australia/Sydney"}),
    _Rule("New Zealand", (9, -1), (4, 1), {2: "Pacific/Auckland"}),
)


@dataclasses.dataclass(frozen=True)
class _Match:
    """The holes and double times on the change days of a rule: numbers of sorted lines."""

    rule: _Rule
    holes: Ints  # the last line before each
    doubles: Ints  # the first line of each
    dates: int  # on how many days they lie


@dataclasses.dataclass(frozen=True)
class ClockChanges:
    """Holes and double times on the days when the clocks of a region change.

    zones: those whose clock changes may fit, the likeliest first. zone: the one under which every
    line was read, None where there is none or none was tried; refusal: why the first was refused.
    """

    text: str
    count: int
    first: str
    zones: tuple[str, ...]
    zone: str | None = None
    refusal: TsconvError | None = None

    def finding(self) -> Finding:
        """The finding, whose advice names a zone only where it reads every line."""
        if self.zone is not None:
            advice = f"set data.timezone={self.zone}, or write the times in UTC"
        else:
            advice = (
                f"write the times in UTC: no time zone fits all lines ({self.zones[0]} was tried)"
            )
        return Finding("clock changes", "warning", self.text, self.count, self.first, advice)


def find_clock_changes(table: SortedTable, time_zone: str | None) -> ClockChanges | None:
    """Find holes and double times of up to an hour on the days when clocks change.

    A rule is named where it explains a hole or a double on at least half of its days in the span of
    the file. Returns None where the time zone is known.
    """
    gaps = table.time_gaps
    steps = gaps[gaps > 0]
    if time_zone is not None or not table.has_timestamps or len(steps) == 0:
        return None
    step = int(np.median(steps[:: max(1, len(steps) // _SAMPLE)]))
    if step > _HOUR:
        return None
    holes = np.flatnonzero((gaps > step) & (gaps <= step + _HOUR))
    doubles = np.flatnonzero(gaps == 0)
    if len(holes) + len(doubles) == 0:
        return None
    best: _Match | None = None
    for rule in _RULES:
        match, days = _match_rule(table, rule, holes, doubles)
        if 2 * match.dates >= max(1, days) and (best is None or match.dates > best.dates):
            best = match
    return None if best is None else _describe(table, best)


def _describe(table: SortedTable, match: _Match) -> ClockChanges:
    holes, doubles = match.holes, match.doubles
    parts = [
        plural(len(holes), "missing time") + " in spring" if len(holes) else "",
        plural(len(doubles), "repeated time") + " in autumn" if len(doubles) else "",
    ]
    likeliest = _zone(table, match)
    others = [zone for zone in match.rule.zones.values() if zone != likeliest]
    return ClockChanges(
        f"{' and '.join(p for p in parts if p)}, on days when clocks change in "
        f"{match.rule.region} ({plural(match.dates, 'day')}): the times seem to be "
        f"local, without an offset from UTC",
        len(holes) + len(doubles),
        table.describe(table.first_in_file(np.concatenate([holes + 1, doubles]))),
        (likeliest, *others),
    )


def _match_rule(table: SortedTable, rule: _Rule, holes: Ints, doubles: Ints) -> tuple[_Match, int]:
    """What a rule explains, and how many of its change days the file spans."""
    spring, autumn = _change_days(table, *rule.spring), _change_days(table, *rule.autumn)
    holes = holes[_on_days(table, holes + 1, spring)]
    doubles = doubles[_on_days(table, doubles, autumn)]
    dates = _count_dates(table, holes) + _count_dates(table, doubles)
    return _Match(rule, holes, doubles, dates), len(spring) + len(autumn)


def _zone(table: SortedTable, match: _Match) -> str:
    """A zone of the rule; the first hour that is missing in spring decides which."""
    zones = match.rule.zones
    default = zones.get(2, "")
    if len(match.holes) == 0:
        return default
    before = table.time[match.holes]
    clock = before - before.astype("datetime64[D]")
    step = int(np.median(table.time_gaps[table.time_gaps > 0]))
    hours = np.bincount((clock.astype("int64") + step) // _HOUR)
    return zones.get(int(hours.argmax()), default)


def _change_days(table: SortedTable, month: int, nth: int) -> Days:
    """The n-th Sundays of a month within the span of the file."""
    low, high = table.time.min().astype("datetime64[D]"), table.time.max().astype("datetime64[D]")
    years = range(low.astype(object).year, high.astype(object).year + 1)
    days: Days = np.array([_nth_sunday(y, month, nth) for y in years], dtype="datetime64[D]")
    inside: Days = days[(days > low) & (days < high)]
    return inside


def _nth_sunday(year: int, month: int, nth: int) -> datetime.date:
    if nth > 0:
        first = datetime.date(year, month, 1)
        return first + datetime.timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))
    last = datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(days=1)
    return last - datetime.timedelta(days=(last.weekday() + 1) % 7)


def _on_days(table: SortedTable, lines: Ints, days: Days) -> Bools:
    """Which lines lie in the first hours of some days, in which clocks change."""
    day = table.time[lines].astype("datetime64[D]")
    hours = (table.time[lines] - day).astype("int64") // _HOUR
    return np.asarray(np.isin(day, days) & (hours < _HOURS_OF_CHANGE))


def _count_dates(table: SortedTable, lines: Ints) -> int:
    return len(np.unique(table.time[lines].astype("datetime64[D]")))
