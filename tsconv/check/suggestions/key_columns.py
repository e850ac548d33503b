"""Columns that, with the time, identify a line: candidates for `data.id` and `data.row`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from tsconv.check.suggestions.column_names import ID_NAMES, name_rank
from tsconv.check.tables.array_types import Ints
from tsconv.check.tables.columns import Column
from tsconv.check.tables.raw_table import RawTable

_MOST_CANDIDATES = 8
_DUPLICATES = 0.01  # share of the lines that may be duplicates by mistake
_LARGEST_CODE = 2**40  # beyond which combined codes are numbered anew


def find_key_columns(
    raw_table: RawTable, time: Sequence[str], used: set[str]
) -> tuple[list[str], str]:
    """Find the column, or two, that with the time columns make every line unique, and say why.

    used: columns that have another role. No column is returned where the time alone is unique.

    >>> import pyarrow as pa
    >>> lines = {"day": [1, 2, 1, 2], "shop": ["a", "a", "b", "b"], "sold": [1.0, 2.0, 3.0, 4.0]}
    >>> find_key_columns(RawTable.of(pa.table(lines)), ["day"], {"day"})
    (['shop'], 'distinguishes lines of the same time')
    """
    if duplicate_share(combined_codes(raw_table, time)) <= _DUPLICATES:
        return [], "every time occurs once: one series"
    candidates = [
        c for c in raw_table.columns if c.name not in used and _may_be_key(c, len(raw_table))
    ]
    candidates.sort(key=lambda c: (name_rank(c.name, ID_NAMES), c.kind != "text"))
    candidates = candidates[:_MOST_CANDIDATES]
    shares: dict[tuple[str, ...], float] = {}
    for n in (1, 2):
        for some in itertools.combinations(candidates, n):
            names = tuple(c.name for c in some)
            shares[names] = duplicate_share(combined_codes(raw_table, [*time, *names]))
        good = [names for names, s in shares.items() if len(names) == n and s <= _DUPLICATES]
        if good:
            best = min(good, key=lambda names: (shares[names] > 0, good.index(names)))
            pair = sorted(best, key=lambda name: -(raw_table[name].distinct or 0))
            return pair, "distinguishes lines of the same time"
    if not candidates:
        return [], "no column distinguishes lines of the same time"
    best = min(shares, key=lambda names: (shares[names], len(names)))
    share = 100 * shares[best]
    return list(best[:1]), f"distinguishes lines of the same time, except for {share:.1f}%"


def find_extra_key(
    raw_table: RawTable, time: Sequence[str], id_column: str | None, values: set[str]
) -> str | None:
    """Find a further column that, with time and id, makes nearly every line unique; or None.

    values: columns that hold values and cannot be keys.
    """
    taken = {*time, *values, id_column}
    known = [*time, *([id_column] if id_column else [])]
    for column in raw_table.columns:
        if column.name in taken or not _may_be_key(column, len(raw_table)):
            continue
        if duplicate_share(combined_codes(raw_table, [*known, column.name])) <= _DUPLICATES:
            return column.name
    return None


def _may_be_key(column: Column, n_lines: int) -> bool:
    """Whether a column could hold names of series: filled, with values that repeat."""
    if column.missing or column.distinct is None or not 1 < column.distinct <= 0.5 * n_lines:
        return False
    return column.kind == "text" or (
        column.kind == "integer"
        and (name_rank(column.name, ID_NAMES) < len(ID_NAMES) or column.distinct < 0.05 * n_lines)
    )


def combined_codes(raw_table: RawTable, names: Sequence[str]) -> Ints:
    """(N,) one number for each combination of the columns' values."""
    out = np.zeros(len(raw_table), dtype="int64")
    for name in names:
        codes = raw_table.codes(name) + 1
        out = out * (int(codes.max(initial=0)) + 1) + codes
        if out.max(initial=0) > _LARGEST_CODE:
            out = np.unique(out, return_inverse=True)[1]
    return out


def duplicate_share(codes: Ints) -> float:
    """The share of lines whose code an earlier line has.

    >>> duplicate_share(np.array([1, 2, 1, 3]))
    0.25
    """
    ordered = np.sort(codes)
    return float((np.diff(ordered) == 0).sum()) / max(1, len(codes))
