"""What is done with lines of one time, and with times of no line, as `data.duplicates` and
`data.gaps` say; and the lines that tell a user what the data are like.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from tsconv.data.frequency import DAY, Frequency, Steps, Times
from tsconv.data.grid import line_at, show, sorted_order, taken
from tsconv.data.table import Table
from tsconv.errors import DataError

Values = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Lines:
    """The lines of a table in the order of member and time, one for each."""

    order: Steps | None  # (M,) number of each in the table; None where all lie in order
    members: Steps  # (M,)
    codes: Steps  # (M,)
    time: Times  # (M,)
    values: Values  # (M, C)
    notes: tuple[str, ...]


def in_order(table: Table) -> Lines:
    """Sort the lines and settle those of one member and time as `table.duplicates` says.

    Raises DataError naming the first two where that is an error.
    """
    order = sorted_order(table.members, table.time)
    members, time = taken(table.members, order), taken(table.time, order)
    values, notes = taken(table.values, order), _sorted_notes(table, members, order)
    ticks = time.view("int64")
    same = (members[1:] == members[:-1]) & (ticks[1:] == ticks[:-1])
    if same.any():
        if table.duplicates == "error":
            _reject_duplicates(table, members, time, order, np.flatnonzero(same))
        first = np.flatnonzero(np.concatenate([[True], ~same]))
        kept = first
        if table.duplicates == "last":
            kept = np.append(first[1:], len(members)) - 1
        at = int(np.flatnonzero(same)[0])
        both = table.places.both(line_at(order, at), line_at(order, at + 1))
        how = {"mean": "their mean", "first": "the first", "last": "the last"}[table.duplicates]
        notes.append(
            f"{both} are both {table.member(members[at])} at {show(time[at])} "
            f"({int(same.sum()):,} such): {how} is taken"
        )
        values = _means(values, first) if table.duplicates == "mean" else values[kept]
        order = kept if order is None else order[kept]
        members, time = members[kept], time[kept]
    codes = members if table.row_codes is None else taken(table.codes, order)
    return Lines(order, members, codes, time, values, tuple(notes))


def _means(values: Values, first: Steps) -> Values:
    """(M, C) means over the lines from each of `first` to the next; missing ones do not count."""
    seen = ~np.isnan(values)
    count = np.add.reduceat(seen.astype("int64"), first)
    total = np.add.reduceat(np.where(seen, values, 0), first)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _sorted_notes(table: Table, members: Steps, order: Steps | None) -> list[str]:
    if order is None:
        return []
    back = np.flatnonzero((members[1:] == members[:-1]) & (order[1:] < order[:-1]))
    if len(back) == 0:  # series side by side: nothing to tell
        return []
    i = int(back[order[back].argmin()])
    return [
        f"{table.places(int(order[i]))} is earlier than {table.places.row(int(order[i + 1]))} "
        f"before it ({len(back):,} such): the rows of each series were put in order of time"
    ]


def _reject_duplicates(
    table: Table, members: Steps, time: Times, order: Steps | None, same: Steps
) -> None:
    at = int(same[0])
    both = table.places.both(line_at(order, at), line_at(order, at + 1))
    what = "(id, row, time)" if table.rows else "(id, time)"
    advice = (
        f"keep one row of the file for each {what}, or set `data.duplicates=mean`, first or last"
    )
    if table.time_zone is None and like_clock_changes(time[same]):
        advice = (
            f"all lie in an hour in which clocks go back: set `data.timezone=`, such as "
            f"Europe/Berlin; or else {advice}"
        )
    raise DataError(
        f"{both} are both {table.member(members[at])} at {show(time[at])} "
        f"({len(same):,} such); {advice}"
    )


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
    n_targets: int,
) -> tuple[str, ...]:
    """Do with the steps that have no line as `table.gaps` says, in `values` (N, C, H), in place.

    there: (N, H) where there is a line. A row of a family has gaps between its own first and last
    line only. Returns a line that tells of them; raises DataError where they are an error.
    """
    if there.all():
        return ()
    inside = _between(there, indptr) & ~there if table.rows else ~there
    count = int(inside.sum())
    if count == 0:
        return ()
    at, row = (int(i) for i in np.unravel_index(int(inside.argmax()), inside.shape))
    s = int(np.searchsorted(indptr, at, side="right")) - 1
    when = frequency.advance(start[s : s + 1], np.array([at - indptr[s]]))[0]
    member = table.member(s * max(1, len(table.rows)) + row)
    total = count + int(there.sum())
    what = (
        f"{count:,} of {total:,} steps of {frequency.alias} ({100 * count / total:.1f}%) are not "
        f"in the file, first {member} at {show(when)}"
    )
    if table.gaps == "error":
        raise DataError(f"{table.source}: {what}; add them, or set `data.gaps=mask` or zero")
    if table.gaps == "zero":
        values[:, :n_targets][np.broadcast_to(inside[:, None], values[:, :n_targets].shape)] = 0
        return (f"{what}: taken as 0 (`data.gaps=zero`)",)
    told = f"{what}: masked, not filled"
    if table.time_zone is None and frequency.size < DAY and not table.rows:
        gone = np.flatnonzero(inside[:, 0])
        of = np.searchsorted(indptr, gone, side="right") - 1
        if like_clock_changes(frequency.advance(start[of], gone - indptr[of])):
            told += "; they look like clock changes: set `data.timezone=`, such as Europe/Berlin"
    return (told,)


def _between(there: npt.NDArray[np.bool_], indptr: Steps) -> npt.NDArray[np.bool_]:
    """(N, H) steps from each row's first to its last line within each series."""
    number = np.cumsum(there, axis=0)
    before = np.concatenate([np.zeros((1, there.shape[1]), number.dtype), number])
    of = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    begun = number > before[indptr[:-1]][of]
    over = before[:-1] >= before[indptr[1:]][of]
    return begun & ~over
