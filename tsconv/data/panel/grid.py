"""Laying lines on the regular grid: their order, their clock, and what does not fit, named."""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.panel.mixed_frequencies import FEWEST_GAPS, reject_mixed
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.frequency import DAY, Frequency, Steps, Times, parse_frequency
from tsconv.data.timestamps.infer import gaps_within, infer_frequency
from tsconv.data.timestamps.zones import days_on_wall, zoned
from tsconv.errors import DataError

_SUB_DAILY = 20 * DAY // 24  # gaps below this are not days, even where clocks change
_LONGEST_GAP = 1000  # a series may be at most this many times longer than its rows


def commonest_step(table: Table) -> Frequency | None:
    """The frequency that the table's own gaps show; None where they are too few to tell."""
    order = sorted_order(table.members, table.time)
    members, time = table.members, table.time
    if order is not None:
        members, time = members[order], time[order]
    if (members[1:] == members[:-1]).sum() < FEWEST_GAPS:
        return None
    time, _ = _inferred_on(table, members, time)
    return infer_frequency(time, members)


def sorted_order(members: Steps, time: Times) -> Steps | None:
    """(N,) the lines by member, then time, then place in the file; None where they lie so."""
    ticks = time.view("int64")
    same = members[1:] == members[:-1]
    rising = (members[1:] > members[:-1]) | (same & (ticks[1:] >= ticks[:-1]))
    return None if rising.all() else np.lexsort((ticks, members))


def choose_frequency(table: Table, freq: str | None) -> tuple[Frequency, bool]:
    """The grid, `freq` or what the times show, and whether it is on the wall clock.

    The table is in order. Raises DataError for times that show no frequency, or several, naming
    the series.
    """
    members, time = table.members, table.time
    if freq is not None:
        frequency = parse_frequency(freq)
        if (frequency.kind == "integer") != (time.dtype.kind != "M"):
            kind = "integers" if time.dtype.kind != "M" else "timestamps"
            raise DataError(
                f"{table.source}: `data.freq` (={freq}) does not fit a column of {kind}"
            )
        return frequency, table.time_zone is not None and frequency.on_wall_clock
    _reject_too_few(table, members, time)
    time, on_wall = _inferred_on(table, members, time)
    frequency = infer_frequency(time, members)
    reject_mixed(table, members, time, frequency)
    return frequency, on_wall


def _inferred_on(table: Table, members: Steps, time: Times) -> tuple[Times, bool]:
    """Sorted times on the clock on which they are to be regular, and whether it is the wall's."""
    if table.time_zone is None or len(gaps := gaps_within(time, members)) == 0:
        return time, False
    if np.median(gaps) < _SUB_DAILY:
        return time, False
    return days_on_wall(cast("npt.NDArray[np.datetime64]", time), table.time_zone), True


def on_wall(table: Table) -> Table:
    """The table with its times on the wall clock of its zone, for steps of days and more."""
    time = cast("npt.NDArray[np.datetime64]", table.time)
    on_days = days_on_wall(time, str(table.time_zone))
    return dataclasses.replace(table, time=on_days, wall_clock=True)


def _reject_too_few(table: Table, members: Steps, time: Times) -> None:
    """Raise DataError where at most one gap is all that a frequency could be read from."""
    gaps = gaps_within(time, members)
    if len(gaps) > 1 or (len(gaps) == 1 and gaps[0] == 1 and time.dtype.kind != "M"):
        return
    if len(gaps) == 0:
        names = ", ".join(f"`{name}`" for name in table.ids[:3])
        raise DataError(
            f"{table.source}: no series has two different times to infer a frequency from "
            f"({names}{', ...' if len(table.ids) > 3 else ''}): set `data.freq=`, such as "
            f"{'1' if time.dtype.kind != 'M' else 'D'}"
        )
    at = int(((members[1:] == members[:-1]) & (time[1:] != time[:-1])).argmax())
    raise DataError(
        f"{table.source}: {table.member(members[at])} has only two times, {when(table, at)} and "
        f"{when(table, at + 1)}, and no other series has two: too few to infer a frequency from; "
        f"set `data.freq=`, such as {'1' if time.dtype.kind != 'M' else 'D'}"
    )


def reject_off_grid(table: Table, steps: Steps, frequency: Frequency) -> None:
    """Raise DataError naming the first line whose time is no step of the grid."""
    time = table.time
    if frequency.anchor is not None and len(wrong := np.flatnonzero(~frequency.fits(time))):
        i = int(wrong[0])
        raise DataError(
            f"{table.places(i)}, {table.member(table.members[i])}: {show(time[i])} is a "
            f"{time[i].astype(object):%A in %B}, but `data.freq={frequency.alias}` ({len(wrong)} "
            f"such); set the right `data.freq=`"
        )
    off = np.flatnonzero(steps < 0)
    if len(off):
        i = int(off[0])
        utc = table.time_zone is not None and not frequency.on_wall_clock
        shown = when(table, i)
        if utc:  # where a half or quarter of an hour may lie elsewhere
            shown += f" ({show(time[i])} in UTC, on which steps below a day are counted)"
        raise DataError(
            f"{table.places(i)}, {table.member(table.members[i])}: {shown} is not a whole "
            f"number of steps of {frequency.alias} after the series' start ({len(off)} such); set "
            f"`data.freq=`"
        )


def reject_sparse(
    table: Table, first: Steps, counts: Steps, steps: Steps, known: Steps, frequency: Frequency
) -> None:
    """Raise DataError for a series that would be mostly holes, naming the line that is far off.

    first, counts, known: (S,) each series' first line, number of lines and steps in all.
    """
    sparse = known > _LONGEST_GAP * counts + _LONGEST_GAP
    if not sparse.any():
        return
    s = int(sparse.argmax())
    lines = first[s] + np.argsort(steps[first[s] : first[s] + counts[s]], kind="stable")
    gaps = np.diff(steps[lines])
    what = (
        f"series `{table.ids[s]}` spans {known[s]} steps of {frequency.alias} with {counts[s]} rows"
    )
    k = int(gaps.argmax())
    if 2 * gaps[k] < known[s]:  # far apart throughout
        raise DataError(f"{table.source}: {what}; set `data.freq=` to a longer step")
    far = lines[k] if k + 1 < len(lines) - (k + 1) else lines[k + 1]
    raise DataError(
        f"{table.places(far)}: {when(table, far)} is {gaps[k]} steps away from the next time, so "
        f"that {what}: mend it, or set `data.freq=` to a longer step"
    )


def when(table: Table, line: int | np.int64) -> str:
    """The time of a line in messages, as its zone tells it."""
    return told(table.time[int(line) : int(line) + 1], table)


def told(time: Times, table: Table) -> str:
    """A time (1,) of a table in messages, as its zone tells it."""
    shown = time if table.wall_clock else zoned(time, table)
    return str(shown.iloc[0]) if isinstance(shown, pd.Series) else show(shown[0])


def show(time: np.datetime64 | np.int64) -> str:
    """A time in messages."""
    return str(time).replace("T", " ").removesuffix(".000000").removesuffix(" 00:00:00")
