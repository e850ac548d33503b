"""Cells of the value columns: missing ones, numbers that stand for missing, zeros, negatives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsconv.check.report import Finding
from tsconv.check.tables.array_types import Bools, Floats
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.data.reading.cells import SENTINELS
from tsconv.notes import NoteKind
from tsconv.text import percentage, plural

_MOST_SENTINELS = 3  # looked for at each end of a column
_FEW = 3  # a value that occurs so often is no accident
_FEWEST_OTHERS = 10  # values that a sentinel is compared with
_SAMPLE = 100_000  # values from which the range of the bulk is estimated
_MOST_NOTES = 6  # about zeros and negative values


def find_missing_values(table: SortedTable, use: Bools | None = None) -> Finding | None:
    """Count the empty cells of each channel.

    use: (N,) the sorted lines on which cells count; None for all.
    """
    empty = np.isnan(table.values)
    if use is not None:
        empty &= use[:, None]
    total = int(empty.sum())
    if total == 0:
        return None
    names = table.file_table.channels
    by_channel = empty.sum(0)
    worst = np.argsort(-by_channel, kind="stable")[: 4 if len(names) > 1 else 0]
    shares = ", ".join(
        f"{names[c]} {percentage(int(by_channel[c]), len(table))}" for c in worst if by_channel[c]
    )
    i = table.first_in_file(np.asarray(empty.any(1)))
    return Finding(
        NoteKind.MISSING_VALUES,
        "note",
        f"{total:,} of {empty.size:,} values {'is' if total == 1 else 'are'} missing "
        f"({percentage(total, empty.size)}): masked" + (f"; most in {shares}" if shares else ""),
        total,
        # A wide file has no column of the name that a lone target gets.
        table.location(i)
        + (f", column `{names[int(empty[i].argmax())]}`" if len(names) > 1 else ""),
    )


def find_sentinels(table: SortedTable) -> list[Finding]:
    """Find numbers that probably stand for missing values.

    Such a number lies far outside all others of its column, and it repeats or is a usual one such
    as -9999.
    """
    out = []
    for c, name in enumerate(table.file_table.channels):
        column = table.values[:, c]
        for value, n, low, high in _values_far_outside(column[~np.isnan(column)]):
            out.append(
                Finding(
                    NoteKind.SENTINEL_VALUES,
                    "warning",
                    f"{plural(n, 'value')} of `{name}` {'is' if n == 1 else 'are'} {value:.10g}, "
                    f"all others lie between {low:.4g} and {high:.4g}: does it stand for a missing "
                    f"value?",
                    n,
                    table.location(table.first_in_file(column == value)),
                    f"`data.na_values=[{value:.10g}]` masks them",
                    {"data.na_values": [_whole_as_int(value)]},
                    (name, f"{value:.15g}"),
                )
            )
    return out


def _values_far_outside(values: Floats) -> list[tuple[float, int, float, float]]:
    """(value, how often it occurs, the others' lowest and highest) of each sentinel."""
    found = []
    for pick in (np.min, np.max):
        for _ in range(_MOST_SENTINELS):
            if len(values) < _FEWEST_OTHERS:
                break
            value = float(pick(values))
            same = values == value
            n = int(same.sum())
            others = values[~same]
            usual = value in SENTINELS
            if len(others) < _FEWEST_OTHERS or not (usual or n >= _FEW):
                break
            low, high = float(others.min()), float(others.max())
            # Further sentinels widen the range of the others, but not that of their bulk.
            a, b = np.quantile(others[:: max(1, len(others) // _SAMPLE)], [0.005, 0.995])
            spread = max(b - a, 1e-12 * abs(value))
            distance = low - value if pick is np.min else value - high
            whole = value % 1 == 0 and abs(value) >= 90
            if not (usual or whole) or distance <= (0.5 if usual else 3) * spread:
                break
            found.append((value, n, low, high))
            values = others
    return found


def _whole_as_int(value: float) -> int | float:
    return int(value) if value % 1 == 0 and abs(value) < 1e15 else value


def sentinel_values(findings: Sequence[Finding]) -> list[float]:
    """The numbers that `find_sentinels` found.

    >>> sentinel_values([Finding("k", "warning", "text", keys={"data.na_values": [-9999]})])
    [-9999]
    """
    return [value for f in findings for value in f.keys.get("data.na_values", ())]


def find_zeros_and_negatives(table: SortedTable) -> list[Finding]:
    """Report targets with many zeros, and targets of which very few values are negative."""
    out = []
    for c, name in enumerate(table.file_table.channels[: table.n_targets]):
        column = table.values[:, c]
        observed = int((~np.isnan(column)).sum())
        zeros, negative = int((column == 0).sum()), int((column < 0).sum())
        if 0.3 * observed < zeros < observed:
            text = f"{percentage(zeros, observed)} of the values of `{name}` are 0"
            out.append(Finding("zeros", "note", text, zeros))
        if 0 < negative <= 0.001 * observed:
            out.append(
                Finding(
                    "negative values",
                    "note",
                    f"{plural(negative, 'value')} of `{name}` {'is' if negative == 1 else 'are'} "
                    f"negative, all others are not",
                    negative,
                    table.location(table.first_in_file(column < 0)),
                )
            )
    return out[:_MOST_NOTES]
