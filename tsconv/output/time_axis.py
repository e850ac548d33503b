"""The axis of time of a plot: short tick labels, and below them the range with its years."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsconv.data.panel.panel import Panel
from tsconv.data.timestamps.frequency import Times
from tsconv.data.timestamps.zones import find_zone, to_wall

_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_LONG = 4 * 366  # days: a longer range is told by its years alone


def format_time_axis(ax: Any, panel: Panel, shown: Times) -> None:
    """Place and label the ticks of an axis of time, and say below which range it shows.

    shown: times of the panel, in order; the first and the last are the range.
    """
    if shown.dtype.kind != "M":
        from matplotlib.ticker import MaxNLocator

        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        return
    import matplotlib.dates

    dates: Any = matplotlib.dates  # its classes have no types
    # Steps finer than a day lie on UTC, so that a clock change does not fold the curve.
    on_utc = panel.time_zone is not None and not panel.wall_clock
    zone = find_zone(panel.time_zone) if panel.time_zone and on_utc else None
    locator = dates.AutoDateLocator(minticks=3, maxticks=8, tz=zone)
    ax.xaxis.set_major_locator(locator)
    # matplotlib would write the year as an offset, and leaves it out where a tick has it.
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=zone, show_offset=False))
    ends: Any = shown[[0, -1]]
    clock = to_wall(ends, panel.time_zone) if panel.time_zone and on_utc else ends
    ax.set_xlabel(describe_range(clock[0], clock[1]), loc="right", fontsize=8, color="#444444")


def describe_range(first: np.datetime64, last: np.datetime64) -> str:
    """A range of time in words that always hold its years.

    >>> describe_range(np.datetime64("2024-01-30"), np.datetime64("2024-03-02"))
    '30 Jan to 2 Mar 2024'
    """
    days = [time.astype("datetime64[D]") for time in (first, last)]
    years, months, numbers = zip(*map(_parts, days), strict=True)
    if days[0] == days[1]:
        return f"{numbers[0]} {months[0]} {years[0]}"
    if (days[1] - days[0]).astype(int) > _LONG:
        return f"{years[0]} to {years[1]}"
    if years[0] != years[1]:
        return " to ".join(f"{n} {m} {y}" for n, m, y in zip(numbers, months, years, strict=True))
    if months[0] != months[1]:
        return f"{numbers[0]} {months[0]} to {numbers[1]} {months[1]} {years[0]}"
    return f"{numbers[0]} to {numbers[1]} {months[0]} {years[0]}"


def _parts(day: np.datetime64) -> tuple[int, str, int]:
    """The year, the month's name and the day of the month."""
    year, month, number = str(day).rsplit("-", 2)
    return int(year), _MONTHS[int(month) - 1], int(number)
