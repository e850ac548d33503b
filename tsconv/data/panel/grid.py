"""A table's sorted lines on the regular grid of their series, and the errors of lines off it."""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np
import numpy.typing as npt

from tsconv.data.panel.format_time import format_time, format_zoned_time
from tsconv.data.panel.ragged import count_steps, reduce_runs, run_lengths, run_starts
from tsconv.data.panel.tails import observed_lengths
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.frequency import Frequency, Steps, Times
from tsconv.errors import DataError
from tsconv.text import plural

_BLOCK = 1 << 18  # lines
_LONGEST_GAP = 1000  # a series may be at most this many times longer than its lines


@dataclasses.dataclass(frozen=True)
class LineGrid:
    """Where the sorted lines of a table stand, by steps counted from the start of their series."""

    start: Times  # (S,) the time of each series' first step
    counts: Steps  # (S,) lines of each series
    line_steps: Steps | None  # (N,) the step of each line; None: each line is one step
    spans: Steps  # (S,) steps from the first to the last line
    lengths: Steps  # (S,) steps to the last observed target; the panel has no later ones

    @property
    def steps(self) -> Steps:
        """(N,) the step of each line."""
        return count_steps(self.counts) if self.line_steps is None else self.line_steps

    @property
    def is_full(self) -> bool:
        """Whether every step of every series has a line of its own, and none is left out."""
        full = (self.counts == self.spans) & (self.lengths == self.spans)
        return bool(full.all())

    @property
    def ahead(self) -> npt.NDArray[np.bool_]:
        """(N,) the lines after the last observed target of their series."""
        return self.steps >= np.repeat(self.lengths, self.counts)


def lay_lines(table: Table, frequency: Frequency) -> LineGrid:
    """Count the steps of a sorted table's lines.

    Raises DataError for a time off the grid, and for a series that would be mostly holes.
    """
    first = run_starts(table.codes)  # every id has a line
    counts = run_lengths(first, len(table.codes))
    start = cast(
        Times, reduce_runs(np.minimum, table.time.view("int64"), first).view(table.time.dtype)
    )
    _reject_off_anchor(table, frequency)
    steps = _line_steps(table, start, first, frequency)
    if steps is None:
        return LineGrid(start, counts, None, counts, observed_lengths(table, counts, None))
    _reject_off_grid(table, steps, frequency)
    spans = reduce_runs(np.maximum, steps, first) + 1
    lengths = observed_lengths(table, spans, steps)
    _reject_sparse(table, first, counts, steps, spans, frequency)
    return LineGrid(start, counts, steps, spans, lengths)


def _line_steps(table: Table, start: Times, first: Steps, frequency: Frequency) -> Steps | None:
    """(N,) the step of each line, -1 off the grid; None where each is one after the line before.

    start, first: (S,) the first time and the first line of each series. Block by block, since what
    is made of all lines takes much memory.
    """
    steps: Steps | None = None
    total = len(table.codes)
    for begin in range(0, total, _BLOCK):
        part = slice(begin, min(begin + _BLOCK, total))
        codes = table.codes[part]
        found = frequency.steps(start[codes], table.time[part])
        if steps is None:
            if np.array_equal(found, np.arange(part.start, part.stop) - first[codes]):
                continue
            steps = np.empty(total, dtype="int64")
            steps[:begin] = np.arange(begin) - first[table.codes[:begin]]
        steps[part] = found
    return steps


def _reject_off_anchor(table: Table, frequency: Frequency) -> None:
    """Raise DataError naming the first line that is on another weekday, or month, than asked."""
    time = table.time
    if frequency.anchor is not None and len(wrong := np.flatnonzero(~frequency.fits(time))):
        i = int(wrong[0])
        raise DataError(
            f"{table.locations(i)}, {table.member(table.members[i])}: {format_time(time[i])} is a "
            f"{time[i].astype(object):%A in %B}, but `data.freq={frequency.alias}` "
            f"({plural(len(wrong), 'such line')}); leave out `data.freq` to take the step from "
            f"the times, or fix the line"
        )


def _reject_off_grid(table: Table, steps: Steps, frequency: Frequency) -> None:
    """Raise DataError naming the first line whose time is no step of the grid."""
    time, off = table.time, np.flatnonzero(steps < 0)
    if len(off):
        i = int(off[0])
        in_utc = table.time_zone is not None and not frequency.on_wall_clock
        shown = _format_line_time(table, i)
        if in_utc:  # where a half or quarter of an hour may lie elsewhere
            shown += f" ({format_time(time[i])} in UTC, on which steps below a day are counted)"
        raise DataError(
            f"{table.locations(i)}, {table.member(table.members[i])}: {shown} is not a whole "
            f"number of steps of {frequency.alias} after the series' start "
            f"({plural(len(off), 'such line')}); fix "
            f"it, or set `data.freq=` to a step that fits all times"
        )


def _reject_sparse(
    table: Table, first: Steps, counts: Steps, steps: Steps, spans: Steps, frequency: Frequency
) -> None:
    """Raise DataError for a series that would be mostly holes, naming the line that is far off.

    first, counts, spans: (S,) each series' first line, number of lines and steps in all.
    """
    sparse = spans > _LONGEST_GAP * counts + _LONGEST_GAP
    if not sparse.any():
        return
    s = int(sparse.argmax())
    lines = first[s] + np.argsort(steps[first[s] : first[s] + counts[s]], kind="stable")
    gaps = np.diff(steps[lines])
    what = (
        f"series `{table.ids[s]}` spans {spans[s]} steps of {frequency.alias} with {counts[s]} "
        f"lines"
    )
    k = int(gaps.argmax())
    if 2 * gaps[k] < spans[s]:  # far apart throughout
        raise DataError(f"{table.source}: {what}; set `data.freq=` to a longer step")
    far = int(lines[k] if k + 1 < len(lines) - (k + 1) else lines[k + 1])
    raise DataError(
        f"{table.locations(far)}: {_format_line_time(table, far)} is {gaps[k]} steps from the "
        f"nearest other time, so that {what}: fix it, or set `data.freq=` to a longer step"
    )


def _format_line_time(table: Table, line: int) -> str:
    return format_zoned_time(table.time[line : line + 1], table)
