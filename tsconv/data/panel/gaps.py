"""Steps of the grid without a line: masked, refused or taken as 0, as `data.gaps` says."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tsconv.data.panel.format_time import format_zoned_time
from tsconv.data.panel.ragged import series_index, series_of
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.frequency import DAY, Frequency, Steps, Times
from tsconv.data.timestamps.zones import look_like_clock_changes
from tsconv.errors import DataError
from tsconv.notes import Note, NoteKind


def resolve_gaps(
    table: Table,
    frequency: Frequency,
    start: Times,
    values: npt.NDArray[np.float64],
    indptr: Steps,
    has_line: npt.NDArray[np.bool_],
) -> tuple[Note, ...]:
    """Do with the steps without a line as `table.gaps` says; `zero` sets them in `values`.

    start: (S,); values: (N, C, H), changed in place; has_line: (N, H). A row of a family has gaps
    between its own first and last line only. Returns a note on them; raises DataError where they
    are an error.
    """
    if has_line.all():
        return ()
    inside = _between(has_line, indptr) & ~has_line if table.rows else ~has_line
    count = int(inside.sum())
    if count == 0:
        return ()
    at, row = (int(i) for i in np.unravel_index(int(inside.argmax()), inside.shape))
    s = int(series_of(indptr, np.array(at)))
    time = frequency.advance(start[s : s + 1], np.array([at - indptr[s]]))
    number = s * max(1, len(table.rows)) + row
    total = count + int(has_line.sum())
    what = (
        f"{count:,} of {total:,} steps of {frequency.alias} ({100 * count / total:.1f}%) are not "
        f"in the file, first {table.member(number)} at {format_zoned_time(time, table)}"
    )
    if table.gaps == "error":
        raise DataError(f"{table.source}: {what}; add them, or set `data.gaps=mask` or zero")
    if table.gaps == "zero":
        targets = values[:, : table.n_targets]
        targets[np.broadcast_to(inside[:, None], targets.shape)] = 0
        text = f"{what}: filled with 0 (`data.gaps=zero`)"
    else:
        text = f"{what}: masked, not filled"
        if table.time_zone is None and frequency.size < DAY and not table.rows:
            missing = np.flatnonzero(inside[:, 0])
            series = series_of(indptr, missing)
            if look_like_clock_changes(frequency.advance(start[series], missing - indptr[series])):
                text += (
                    "; they look like clock changes: set `data.timezone=`, such as Europe/Berlin"
                )
    return (Note(NoteKind.MISSING_STEPS, text, table.member_names(number)),)


def _between(has_line: npt.NDArray[np.bool_], indptr: Steps) -> npt.NDArray[np.bool_]:
    """(N, H) steps from each row's first to its last line within each series."""
    number = np.cumsum(has_line, axis=0)
    before = np.concatenate([np.zeros((1, has_line.shape[1]), number.dtype), number])
    series = series_index(indptr)
    begun = number > before[indptr[:-1]][series]
    over = before[:-1] >= before[indptr[1:]][series]
    return begun & ~over
