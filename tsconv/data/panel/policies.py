"""What is done with lines of one time, and with times of no line, as `data.duplicates` and
`data.gaps` say, and the lines that tell of it.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from tsconv.data.panel.grid import sorted_order, told, when
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.frequency import DAY, Frequency, Steps, Times
from tsconv.errors import DataError
from tsconv.notes import Note, NoteKind

Values = npt.NDArray[np.float64]


def in_order(table: Table) -> Table:
    """The lines by member and time, those of one member and time settled by `table.duplicates`.

    Raises DataError naming the first two where that is an error.
    """
    order = sorted_order(table.members, table.time)
    notes = [] if order is None else _sorted_notes(table, order)
    if order is not None:
        table = table.take(order)
    members, ticks = table.members, table.time.view("int64")
    same = (members[1:] == members[:-1]) & (ticks[1:] == ticks[:-1])
    if same.any():
        twins = np.flatnonzero(same)
        what = (
            f"{table.places.both(twins[0], twins[0] + 1)} are both "
            f"{table.member(members[twins[0]])} at {when(table, twins[0])} "
            f"({len(twins):,} such)"
        )
        if table.duplicates == "error":
            raise DataError(f"{what}; {_advice(table, twins)}")
        how = {"mean": "their mean", "first": "the first", "last": "the last"}[table.duplicates]
        text = f"{what}: {how} is taken"
        notes.append(Note(NoteKind.DUPLICATES, text, table.member_names(members[twins[0]])))
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
            known = [i for i, column in enumerate(old.names) if column in old.categories]
            values[:, known] = new.values[:, known]
            parts[name] = dataclasses.replace(new, values=values)
    return dataclasses.replace(merged, values=_means(table.values, first), **parts)


def _means(values: Values, first: Steps) -> Values:
    """(M, C) means over the lines from each of `first` to the next; missing ones do not count."""
    seen = ~np.isnan(values)
    count = np.add.reduceat(seen.astype("int64"), first)
    total = np.add.reduceat(np.where(seen, values, 0), first)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _sorted_notes(table: Table, order: Steps) -> list[Note]:
    members = table.members[order]
    back = np.flatnonzero((members[1:] == members[:-1]) & (order[1:] < order[:-1]))
    if len(back) == 0:  # series side by side: nothing to tell
        return []
    i = int(back[order[back].argmin()])
    text = (
        f"{table.places(order[i])} is earlier than {table.places.row(int(order[i + 1]))} "
        f"before it ({len(back):,} such): the rows of each series were put in order of time"
    )
    return [Note(NoteKind.UNSORTED_LINES, text)]


def _advice(table: Table, twins: Steps) -> str:
    """What to do about lines of one member and time."""
    what = "(id, row, time)" if table.rows else "(id, time)"
    advice = (
        f"keep one row of the file for each {what}, or set `data.duplicates=mean`, first or last"
    )
    if table.time_zone is None and like_clock_changes(table.time[twins]):
        return (
            f"all lie in an hour in which clocks go back: set `data.timezone=`, such as "
            f"Europe/Berlin; or else {advice}"
        )
    return advice


def like_clock_changes(time: Times) -> bool:
    """Whether times lie in the small hours of Sundays of spring or autumn, on few days."""
    if time.dtype.kind != "M":
        return False
    day = time.astype("datetime64[D]")
    hour = (time - day).astype("timedelta64[h]").astype("int64")
    month = day.astype("datetime64[M]").astype("int64") % 12 + 1
    sunday = (day.astype("int64") + 3) % 7 == 6
    clock = (time != day).any()  # dates alone know no hours
    return bool((sunday & (hour < 4) & np.isin(month, (3, 4, 9, 10, 11))).all() and clock)


def settle_gaps(
    table: Table,
    frequency: Frequency,
    start: Times,
    values: Values,
    indptr: Steps,
    there: npt.NDArray[np.bool_],
) -> tuple[Note, ...]:
    """Do with the steps that have no line as `table.gaps` says, in `values` (N, C, H), in place.

    there: (N, H) where there is a line. A row of a family has gaps between its own first and last
    line only. Returns a note on them; raises DataError where they are an error.
    """
    if there.all():
        return ()
    inside = _between(there, indptr) & ~there if table.rows else ~there
    count = int(inside.sum())
    if count == 0:
        return ()
    at, row = (int(i) for i in np.unravel_index(int(inside.argmax()), inside.shape))
    s = int(np.searchsorted(indptr, at, side="right")) - 1
    time = frequency.advance(start[s : s + 1], np.array([at - indptr[s]]))
    number = s * max(1, len(table.rows)) + row
    total = count + int(there.sum())
    what = (
        f"{count:,} of {total:,} steps of {frequency.alias} ({100 * count / total:.1f}%) are not "
        f"in the file, first {table.member(number)} at {told(time, table)}"
    )
    if table.gaps == "error":
        raise DataError(f"{table.source}: {what}; add them, or set `data.gaps=mask` or zero")
    if table.gaps == "zero":
        targets = values[:, : table.n_targets]
        targets[np.broadcast_to(inside[:, None], targets.shape)] = 0
        text = f"{what}: taken as 0 (`data.gaps=zero`)"
        return (Note(NoteKind.MISSING_STEPS, text, table.member_names(number)),)
    text = f"{what}: masked, not filled"
    if table.time_zone is None and frequency.size < DAY and not table.rows:
        gone = np.flatnonzero(inside[:, 0])
        of = np.searchsorted(indptr, gone, side="right") - 1
        if like_clock_changes(frequency.advance(start[of], gone - indptr[of])):
            text += "; they look like clock changes: set `data.timezone=`, such as Europe/Berlin"
    return (Note(NoteKind.MISSING_STEPS, text, table.member_names(number)),)


def _between(there: npt.NDArray[np.bool_], indptr: Steps) -> npt.NDArray[np.bool_]:
    """(N, H) steps from each row's first to its last line within each series."""
    number = np.cumsum(there, axis=0)
    before = np.concatenate([np.zeros((1, there.shape[1]), number.dtype), number])
    of = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    begun = number > before[indptr[:-1]][of]
    over = before[:-1] >= before[indptr[1:]][of]
    return begun & ~over
