"""The order of a table's lines, and several lines of one time, as `data.duplicates` says."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from tsconv.data.panel.format_time import format_zoned_time
from tsconv.data.panel.ragged import reduce_runs
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.frequency import Steps, Times
from tsconv.data.timestamps.zones import look_like_clock_changes
from tsconv.errors import DataError
from tsconv.notes import Note, NoteKind
from tsconv.text import plural

Values = npt.NDArray[np.float64]
_TAKEN = {"mean": "their mean", "first": "the first", "last": "the last"}


def sorted_order(members: Steps, time: Times) -> Steps | None:
    """(N,) the lines by member, then time, then place in the file; None where they are sorted.

    >>> sorted_order(np.array([0, 1, 0]), np.array([1, 1, 2]))
    array([0, 2, 1])
    """
    ticks = time.view("int64")
    same = members[1:] == members[:-1]
    rising = (members[1:] > members[:-1]) | (same & (ticks[1:] >= ticks[:-1]))
    if rising.all():
        return None
    del same, rising
    if _rises(ticks):  # by time, with the series interleaved
        return _stable_order(members)
    order = np.argsort(ticks, kind="stable")
    return order[_stable_order(members[order])]


def _rises(ticks: Steps) -> bool:
    return bool((ticks[1:] >= ticks[:-1]).all())


def _stable_order(members: Steps) -> Steps:
    """(N,) the positions of small numbers from 0 on, by number and then place.

    NumPy sorts numbers of 16 bits by counting, in linear time: two digits are enough.
    """
    order = np.argsort((members & 0xFFFF).astype("uint16"), kind="stable")
    high = members >> 16
    if high.any():  # at most 2**32 members
        if int(high.max()) > 0xFFFF:
            return np.argsort(members, kind="stable")
        order = order[np.argsort(high[order].astype("uint16"), kind="stable")]
    return order


def sort_lines(table: Table) -> Table:
    """The lines by member and time, one of each: `table.duplicates` says which one is kept.

    Raises DataError naming the first two lines of one member and time where that is an error.
    """
    order = sorted_order(table.members, table.time)
    notes: list[Note] = []
    if order is not None and not _rises(table.time.view("int64")):
        notes = _unsorted_notes(table, order)
    if order is not None:
        table = table.take(order)
    members, ticks = table.members, table.time.view("int64")
    same = (members[1:] == members[:-1]) & (ticks[1:] == ticks[:-1])
    if same.any():
        duplicates = np.flatnonzero(same)
        i = int(duplicates[0])
        what = (
            f"{table.locations.both(i, i + 1)} are both {table.member(members[i])} at "
            f"{format_zoned_time(table.time[i : i + 1], table)} "
            f"({plural(len(duplicates), 'repeated line')})"
        )
        if table.duplicates == "error":
            raise DataError(f"{what}; {_advice(table, duplicates)}")
        text = f"{what}: {_TAKEN[table.duplicates]} is taken"
        notes.append(Note(NoteKind.DUPLICATES, text, table.member_names(members[i])))
        table = _merged(table, np.flatnonzero(np.concatenate([[True], ~same])))
    return dataclasses.replace(table, notes=(*table.notes, *notes))


def _merged(table: Table, first: Steps) -> Table:
    """One line of those from each of `first` to the next; means are of numbers alone."""
    if table.duplicates == "last":
        return table.take(np.append(first[1:], len(table.codes)) - 1)
    merged = table.take(first)
    if table.duplicates == "first":
        return merged
    parts = {}
    for name in ("past", "future", "static"):
        old, new = getattr(table, name), getattr(merged, name)
        if old is not None:
            values = _means(old.values, first)
            named = [i for i, column in enumerate(old.names) if column in old.categories]
            values[:, named] = new.values[:, named]
            parts[name] = dataclasses.replace(new, values=values)
    return dataclasses.replace(merged, values=_means(table.values, first), **parts)


def _means(values: Values, first: Steps) -> Values:
    """(M, C) means over the lines from each of `first` to the next; missing ones do not count."""
    seen = ~np.isnan(values)
    count = reduce_runs(np.add, seen.astype("int64"), first)
    total = reduce_runs(np.add, np.where(seen, values, 0), first)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _unsorted_notes(table: Table, order: Steps) -> list[Note]:
    """A note where a member's lines go back in time; none for series side by side."""
    members = table.members[order]
    back = np.flatnonzero((members[1:] == members[:-1]) & (order[1:] < order[:-1]))
    if len(back) == 0:
        return []
    i = int(back[order[back].argmin()])
    text = (
        f"{table.locations(order[i])} is earlier than {table.locations.line(int(order[i + 1]))} "
        f"before it ({plural(len(back), 'such line')}): the lines of each series were sorted by "
        f"time"
    )
    return [Note(NoteKind.UNSORTED_LINES, text)]


def _advice(table: Table, duplicates: Steps) -> str:
    """What to do about lines of one member and time."""
    what = "(id, row, time)" if table.rows else "(id, time)"
    advice = (
        f"if another column tells them apart, add it to `data.id`; else keep one line for each "
        f"{what}, or set `data.duplicates=` to mean, first or last"
    )
    if table.time_zone is None and look_like_clock_changes(table.time[duplicates]):
        return (
            f"all lie in an hour in which clocks go back: set `data.timezone=`, such as "
            f"Europe/Berlin; or else {advice}"
        )
    return advice
