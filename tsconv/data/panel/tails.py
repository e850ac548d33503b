"""The ends of series at which no target is observed: steps that a panel does not have.

A series is trained, scored and forecast up to its own last observed target. Lines after it are read
for the future covariates alone, where there are some.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsconv.data.panel.ragged import count_steps, reduce_runs, run_starts
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.frequency import Steps
from tsconv.notes import Note, NoteKind
from tsconv.text import plural, quote_first


def observed_lengths(table: Table, spans: Steps, steps: Steps | None) -> Steps:
    """(S,) steps up to the last at which any target of any row is observed.

    spans: (S,) steps of all lines, which is the result for a series without any observed target;
    steps: (N,) of the sorted lines, None where each line is one step.
    """
    seen = np.zeros(len(table.values), dtype=bool)
    for c in range(table.n_targets):
        seen |= ~np.isnan(table.values[:, c])
    if seen.all():
        return spans
    if steps is None:
        steps = count_steps(spans)
    last = reduce_runs(np.maximum, np.where(seen, steps + 1, 0), run_starts(table.codes))
    return np.where(last > 0, last, spans)


def trimmed_notes(ids: Sequence[str], spans: Steps, lengths: Steps) -> list[Note]:
    """A note that counts the series and steps that were trimmed, and names the first series.

    spans: (S,) steps of all lines; lengths: (S,) those up to the last observed target.

    >>> print(*trimmed_notes(("a", "b"), np.array([9, 9]), np.array([9, 6])))
    1 of 2 series ends with empty targets: 3 steps at the end are trimmed (`b`)
    """
    trimmed = np.flatnonzero(lengths < spans)
    if len(trimmed) == 0:
        return []
    first = tuple(ids[s] for s in trimmed[:3])
    listed = quote_first(first, len(trimmed))
    count = int((spans - lengths)[trimmed].sum())
    text = (
        f"{len(trimmed):,} of {len(ids):,} series {'ends' if len(trimmed) == 1 else 'end'} with "
        f"empty targets: {plural(count, 'step')} at the end {'is' if count == 1 else 'are'} "
        f"trimmed ({listed})"
    )
    return [Note(NoteKind.TRIMMED_ENDS, text, first)]
