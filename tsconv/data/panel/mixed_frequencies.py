"""Series of different frequencies in one file: found where the frequency is inferred, and named."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from tsconv.data.panel.ragged import reduce_runs, run_lengths, run_starts
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.frequency import DAY, Frequency, Steps, Times
from tsconv.data.timestamps.infer import fixed_alias
from tsconv.errors import DataError

FEWEST_GAPS = 4  # with fewer, a row's own step looks like holes
# Days of the calendar's steps, and what stands for them when steps are compared.
_CALENDAR = {"MS": (28, 31, 30), "QS": (89, 92, 91), "YS": (365, 366, 365)}
_BUSINESS = -1  # stands for business days
Flags = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class _OwnSteps:
    """Each member's own step: (M,) arrays."""

    member: Steps
    step: Steps  # microseconds, months or integers
    steady: Flags  # whether nearly all of its gaps are that step
    usual: Flags  # whether its step is that of the file
    gaps: Steps  # how many it has


def reject_mixed(table: Table, members: Steps, time: Times, frequency: Frequency) -> None:
    """Raise DataError where a member keeps a step of its own: on one grid it would be all holes."""
    ticks = time.view("int64")
    if frequency.kind == "month":
        ticks = time.astype("datetime64[M]").view("int64")
    inside = np.flatnonzero((members[1:] == members[:-1]) & (time[1:] != time[:-1]))
    gap = ticks[inside + 1] - ticks[inside]
    if gap.min() == gap.max():
        return
    dates = frequency.kind in ("fixed", "business")
    unit = DAY if frequency.kind == "business" else frequency.size
    weekday = np.zeros(0, dtype=bool)
    if frequency.kind == "fixed" and unit == DAY:
        weekday = np.is_busday(time.astype("datetime64[D]"))[inside]
    own = _own_steps(members[inside], gap, unit, dates, weekday)
    if own.gaps.max() == 1 and own.usual.mean() < 0.5:  # two lines each, hardly two alike
        first, others = 0, own.step != own.step[0]
    else:
        odd = own.steady & (own.step != unit)
        usual = own.usual & ~odd
        if not odd.any():
            return
        first = int(odd.argmax())
        others = usual if usual.any() else own.steady & (own.step != own.step[first])
    if others.any():
        raise _error(table, own, first, int(others.argmax()), frequency, unit)


def _own_steps(members: Steps, gap: Steps, unit: int, dates: bool, weekday: Flags) -> _OwnSteps:
    """The steps of members by the gaps (N,) of their lines; weekday: (N,) or () if all one."""
    first = run_starts(members)
    total = run_lengths(first, len(members))
    own, high = reduce_runs(np.minimum, gap, first), reduce_runs(np.maximum, gap, first)
    often = reduce_runs(np.add, gap == np.repeat(own, total), first, "int64")
    steady = (often >= 0.9 * total) & (total >= FEWEST_GAPS)
    usual = reduce_runs(np.add, gap == unit, first, "int64") >= 0.5 * total
    step = own
    if dates:
        for low, most, stands in _CALENDAR.values():
            alike = (own >= low * DAY) & (high <= most * DAY) & (total >= FEWEST_GAPS)
            step, steady = np.where(alike, stands * DAY, step), steady | alike
    if len(weekday):
        weekends = reduce_runs(np.add, gap == 3 * DAY, first, "int64")
        working = reduce_runs(np.logical_and, weekday, first) & (weekends >= 2)
        # Nearly all gaps are within a week or across its end.
        working &= weekends + often >= 0.9 * total
        working &= own == DAY
        step, steady = np.where(working, _BUSINESS, step), steady | working
    usual |= steady & (step == unit)
    return _OwnSteps(members[first], step, steady, usual, total)


def _error(
    table: Table, own: _OwnSteps, first: int, other: int, frequency: Frequency, unit: int
) -> DataError:
    """The error that names two members of different steps, and the frequency that holds both."""
    dates = frequency.kind in ("fixed", "business")

    def name(step: int) -> str:
        if not dates:
            return str(step) if frequency.kind == "integer" else f"{step} months"
        if step == _BUSINESS:
            return "B"
        calendar = {days * DAY: alias for alias, (_, _, days) in _CALENDAR.items()}
        return calendar.get(step) or fixed_alias(step)

    m, u = table.member(own.member[first]), table.member(own.member[other])
    step, usual = int(own.step[first]), int(own.step[other])
    calendar = dates and step in (_BUSINESS, *(d * DAY for _, _, d in _CALENDAR.values()))
    if own.usual[other] and not own.steady[other]:  # its smallest gap may be another
        usual = unit
    shown = frequency.alias if usual == unit else name(usual)
    if usual == unit and step % unit == 0 and frequency.kind != "business" and not calendar:
        what = f"comes every {step // unit} steps of {frequency.alias}, {u} every step"
        finest = frequency.alias
    else:
        what = f"comes in steps of {name(step)}, {u} in steps of {shown}"
        # Days hold business days and whatever is longer; with the others the finer step does.
        finest = "D" if step == _BUSINESS else name(step) if step < usual else shown
        finest = "D" if usual == _BUSINESS and step > DAY else finest
        finest = frequency.alias if frequency.kind == "month" else finest
    kinds = "rows" if table.rows else "series"
    return DataError(
        f"{table.source}: {m} {what}: give {kinds} one frequency (a file each), or set "
        f"`data.freq={finest}` to have the steps between masked"
    )
