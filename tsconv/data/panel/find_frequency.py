"""The frequency of a table: as the config says, or as its times show, on UTC or the wall clock."""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np
import numpy.typing as npt

from tsconv.data.panel.duplicates import sorted_order
from tsconv.data.panel.format_time import format_zoned_time
from tsconv.data.panel.mixed_frequencies import FEWEST_GAPS, reject_mixed
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.frequency import DAY, Frequency, Steps, Times, parse_frequency
from tsconv.data.timestamps.infer import Gaps, gaps_within, infer_frequency
from tsconv.data.timestamps.zones import days_on_wall
from tsconv.errors import DataError

_SUB_DAILY = 20 * DAY // 24  # gaps below this are not days, even where clocks change


def commonest_frequency(table: Table) -> Frequency | None:
    """The frequency that the table's own gaps show; None where it has too few gaps."""
    order = sorted_order(table.members, table.time)
    members, time = table.members, table.time
    if order is not None:
        members, time = members[order], time[order]
    if (members[1:] == members[:-1]).sum() < FEWEST_GAPS:
        return None
    time, _ = _on_regular_clock(table, members, time)
    return infer_frequency(time, members)


class TooFewTimesError(DataError):
    """A frequency cannot be inferred from so few times."""


def choose_frequency(table: Table, freq: str | Frequency | None) -> tuple[Frequency, bool]:
    """The frequency, `freq` or what the times show, and whether it is on the wall clock.

    The table is sorted. Raises DataError for times that show no frequency, or several, naming the
    series; TooFewTimesError where there are not enough.
    """
    members, time = table.members, table.time
    if freq is not None:
        frequency = freq if isinstance(freq, Frequency) else parse_frequency(freq)
        if (frequency.kind == "integer") != (time.dtype.kind != "M"):
            shown = frequency.alias if isinstance(freq, Frequency) else freq
            kind = "integers" if time.dtype.kind != "M" else "timestamps"
            raise DataError(
                f"{table.source}: `data.freq` (={shown}) does not fit a column of {kind}"
            )
        return frequency, table.time_zone is not None and frequency.on_wall_clock
    gaps = gaps_within(time, members)
    _reject_too_few(table, members, time, gaps)
    time, on_wall = _on_regular_clock(table, members, time)
    if on_wall:
        gaps = gaps_within(time, members)
    frequency = infer_frequency(time, members, gaps)
    if frequency.kind == "month" or len(gaps.sizes) > 1:
        reject_mixed(table, members, time, frequency)
    return frequency, on_wall


def on_wall_clock(table: Table) -> Table:
    """The table with its times on the wall clock of its zone, for steps of days and more."""
    time = days_on_wall(cast("npt.NDArray[np.datetime64]", table.time), str(table.time_zone))
    return dataclasses.replace(table, time=time, wall_clock=True)


def _on_regular_clock(table: Table, members: Steps, time: Times) -> tuple[Times, bool]:
    """Sorted times on the clock on which they are regular, and whether it is the wall clock."""
    if table.time_zone is None or (gaps := gaps_within(time, members)).total == 0:
        return time, False
    if gaps.median < _SUB_DAILY:
        return time, False
    return days_on_wall(cast("npt.NDArray[np.datetime64]", time), table.time_zone), True


def _reject_too_few(table: Table, members: Steps, time: Times, gaps: Gaps) -> None:
    """Raise DataError where at most one gap is all that a frequency could be read from."""
    if gaps.total > 1 or (gaps.total == 1 and gaps.sizes[0] == 1 and time.dtype.kind != "M"):
        return
    example = "1" if time.dtype.kind != "M" else "D"
    if gaps.total == 0:
        names = ", ".join(f"`{name}`" for name in table.ids[:3])
        raise TooFewTimesError(
            f"{table.source}: no series has two different times to infer a frequency from "
            f"({names}{', ...' if len(table.ids) > 3 else ''}): set `data.freq=`, such as {example}"
        )
    at = int(((members[1:] == members[:-1]) & (time[1:] != time[:-1])).argmax())
    first, second = (format_zoned_time(time[i : i + 1], table) for i in (at, at + 1))
    raise TooFewTimesError(
        f"{table.source}: {table.member(members[at])} has only two times, {first} and {second}, "
        f"and no other series has two: too few to infer a frequency from; set `data.freq=`, such "
        f"as {example}"
    )
