"""Times of a report: the common grid of all series, as text that people read."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from tsconv.data.batches.common_grid import common_grid
from tsconv.data.panel.panel import Panel
from tsconv.data.timestamps.frequency import DAY, Frequency, Steps
from tsconv.data.timestamps.zones import to_local


@dataclasses.dataclass(frozen=True)
class CommonTimes:
    """The steps first .. first + len(texts) - 1 of the common grid; `later` as `common_grid`'s."""

    first: int
    texts: list[str]
    later: Steps  # (S,)


def common_times(panel: Panel, first: int, last: int) -> CommonTimes:
    """The times of some steps of the common grid, both ends included, on the wall clock."""
    earliest, later = common_grid(panel)
    steps = np.arange(first, last + 1)
    times = panel.frequency.advance(earliest.repeat(len(steps)), steps)
    return CommonTimes(first, time_texts(times, panel), later)


def time_texts(times: Any, panel: Panel) -> list[str]:
    """Times as text on the wall clock: dates alone where no time has a clock.

    Minutes are left out nowhere, seconds where all are 0.
    """
    if times.dtype.kind != "M":
        return [str(t) for t in times.tolist()]
    local: Any = to_local(times, panel)
    if panel.frequency.on_wall_clock and bool((local == local.astype("datetime64[D]")).all()):
        return [str(t) for t in local.astype("datetime64[D]")]
    whole = bool((local == local.astype("datetime64[m]")).all())
    spelt = np.datetime_as_string(local, unit="m" if whole else "s")
    return [str(t).replace("T", " ") for t in spelt]


def clock_changes(times: Any, panel: Panel) -> list[int]:
    """Positions of times (n,) at which the zone's offset is another than before."""
    if times.dtype.kind != "M" or panel.time_zone is None or panel.wall_clock or len(times) < 2:
        return []
    local: Any = to_local(times, panel)
    offset: npt.NDArray[np.int64] = (local - times).astype("int64")
    return (np.flatnonzero(np.diff(offset)) + 1).tolist()


def steps_of_year(frequency: Frequency, season: int) -> tuple[int, str] | None:
    """Steps to the same place a year before, and what that is called; None for no year.

    Of days and finer steps 52 weeks, which keeps the weekday; of integer time the season.

    >>> from tsconv.data.timestamps.frequency import parse_frequency
    >>> steps_of_year(parse_frequency("h"), 24), steps_of_year(parse_frequency("MS"), 12)
    ((8736, '52 weeks before'), (12, 'a year before'))
    """
    if frequency.kind == "month":
        whole = 12 % frequency.size == 0 or frequency.size % 12 == 0
        return (max(1, 12 // frequency.size), "a year before") if whole else None
    if frequency.kind == "business":
        return 260 // frequency.size, "52 weeks before"
    if frequency.kind == "integer":
        return (season, "a season before") if season > 1 else None
    span = 52 * 7 * DAY
    return (span // frequency.size, "52 weeks before") if span % frequency.size == 0 else None
