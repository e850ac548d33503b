"""Laying sorted lines on the regular grid: their order, and what does not fit, named."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tsconv.data.frequency import Frequency, Steps, Times, infer_frequency
from tsconv.data.table import Table
from tsconv.errors import DataError

_FEWEST_GAPS = 4  # below these a row's own step cannot be told from holes


def commonest_step(table: Table) -> Frequency | None:
    """The frequency that the table's own gaps show; None where they are too few to tell."""
    order = sorted_order(table.members, table.time)
    members = table.members[order]
    if (np.diff(members) == 0).sum() < _FEWEST_GAPS:
        return None
    return infer_frequency(table.time[order], members)


def sorted_order(codes: Steps, time: Times) -> npt.NDArray[np.int64]:
    later = (np.diff(codes) > 0) | ((np.diff(codes) == 0) & (np.diff(time.view("int64")) >= 0))
    return np.arange(len(codes)) if later.all() else np.lexsort((time, codes))


def reject_duplicates(
    table: Table, members: Steps, time: Times, order: npt.NDArray[np.int64]
) -> None:
    same = np.flatnonzero((np.diff(members) == 0) & (np.diff(time.view("int64")) == 0))
    if len(same):
        both = table.places.both(*order[same[0] : same[0] + 2])
        what = "(id, row, time)" if table.rows else "(id, time)"
        raise DataError(
            f"{both} are both {table.member(members[same[0]])} at {_show(time[same[0]])} "
            f"({len(same)} such pairs); keep one row of the file for each {what}"
        )


def reject_off_grid(
    table: Table,
    members: Steps,
    time: Times,
    steps: Steps,
    frequency: Frequency,
    order: npt.NDArray[np.int64],
) -> None:
    off = np.flatnonzero(steps < 0)
    if len(off):
        raise DataError(
            f"{table.places(order[off[0]])}, {table.member(members[off[0]])}: "
            f"{_show(time[off[0]])} is not a whole number of steps of {frequency.alias} after "
            f"the series' start ({len(off)} such rows); set `data.freq=`"
        )


def reject_mixed_rows(table: Table, members: Steps, steps: Steps, frequency: Frequency) -> None:
    """Raise DataError where a row keeps a step of its own: it would be all holes on the grid."""
    inside = np.diff(members) == 0
    of, gap = members[1:][inside], np.diff(steps)[inside]
    total = np.bincount(of)
    usual = np.flatnonzero(np.bincount(of, weights=gap == 1) >= 0.5 * np.maximum(total, 1))
    for member in np.flatnonzero(total >= _FEWEST_GAPS):
        sizes, counts = np.unique(gap[of == member], return_counts=True)
        own = int(sizes[counts.argmax()])
        if own > 1 and counts.max() >= 0.9 * total[member] and len(usual):
            raise DataError(
                f"{table.source}: {table.member(member)} comes every {own} steps of "
                f"{frequency.alias}, {table.member(usual[0])} every step: give rows one frequency, "
                f"or set `data.freq={frequency.alias}` to have the steps between masked"
            )


def _show(time: np.datetime64 | np.int64) -> str:
    return str(time).replace("T", " ").removesuffix(".000000")
