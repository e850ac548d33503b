"""Notes on what the series of a panel are like, before anything is trained."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tsconv.data.panel.ragged import block_ends, reduce_runs
from tsconv.data.reading.table import Table
from tsconv.notes import Note, NoteKind
from tsconv.text import quote_first

Flags = npt.NDArray[np.bool_]


def series_notes(
    ids: Sequence[str],
    values: npt.NDArray[np.float64],
    offset: npt.NDArray[np.float64],
    indptr: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
) -> list[Note]:
    """Series of one row, without a value, or of one value throughout, counted and the first named.

    values: (N, C, H); offset: (S, C, H) first observed values; counts: (S,) lines of the file.
    """
    observed, moves = np.zeros(len(ids), dtype="int64"), np.zeros(len(ids), dtype=bool)
    ends = block_ends(indptr, int(np.prod(values.shape[1:])))
    for first, last in itertools.pairwise(ends.tolist()):
        block = slice(first, last)
        part = values[indptr[first] : indptr[last]]
        local = indptr[first : last + 1] - indptr[first]
        observed[block], moves[block] = _observed(part, offset[block], local)
    constant = ~moves & (observed > 1)
    one, empty = NoteKind.ONE_POINT_SERIES, NoteKind.EMPTY_SERIES
    found = (
        (one, counts == 1, "a single line", "is forecast but not trained on"),
        (empty, observed == 0, "no values", "is left out"),
        (
            NoteKind.CONSTANT_SERIES,
            constant,
            "the same value throughout",
            "gives the network nothing to learn",
        ),
    )
    return [_series_note(ids, *each) for each in found if each[1].any()]


def _observed(
    values: npt.NDArray[np.float64],
    offset: npt.NDArray[np.float64],
    indptr: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], Flags]:
    """(S,) the steps at which some series hold a value, and whether one differs from the first."""
    seen, moves = np.zeros(len(values), dtype=bool), np.zeros(len(values), dtype=bool)
    for c, h in np.ndindex(values.shape[1:]):
        column = values[:, c, h]
        known = ~np.isnan(column)
        seen |= known
        moves |= known & (column != np.repeat(offset[:, c, h], np.diff(indptr)))
    observed = reduce_runs(np.add, seen, indptr[:-1], "int64")
    return observed, reduce_runs(np.logical_or, moves, indptr[:-1])


def _series_note(ids: Sequence[str], kind: NoteKind, marked: Flags, what: str, then: str) -> Note:
    """A note that counts the series marked in (S,) and names the first three."""
    found = np.flatnonzero(marked)
    first = tuple(ids[s] for s in found[:3])
    listed = quote_first(first, len(found))
    have = "1 series has" if len(found) == 1 else f"{len(found):,} series have"
    return Note(kind, f"{have} {what} ({listed}): such a series {then}", first)


def missing_notes(table: Table, values: npt.NDArray[np.float64], lacking: int) -> list[Note]:
    """A note on how many values are missing where rows are aligned in time.

    values: (N, C, H); `lacking` of its steps and rows are those that a series does not have at all.
    """
    if not table.rows:
        return []
    not_there = lacking * values.shape[1]
    missing = int(np.isnan(values).sum()) - not_there
    if not missing:
        return []
    size = values.size - not_there
    share = 100 * missing / size
    text = (
        f"{missing:,} of {size:,} values are missing ({share:.1f}%, rows aligned in time): "
        f"masked, not filled"
    )
    return [Note(NoteKind.MISSING_VALUES, text)]


def ahead_notes(table: Table, count: int) -> list[Note]:
    """A note on lines after the last observed targets, `count` of them."""
    if not count:
        return []
    past = f" (not for {', '.join(table.channels[table.n_targets :])})" if table.n_past else ""
    text = (
        f"{count:,} lines after the last observed target of their series are used only for future "
        f"covariates{past}"
    )
    return [Note(NoteKind.LINES_AFTER_LAST_TARGET, text, table.channels[table.n_targets :])]
