"""What the lines of a table show before they are laid on a grid: each a pure function.

They count also where training would refuse the file: duplicates, holes, values in disguise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tsconv.check.report import Finding
from tsconv.check.tables.sorted_table import Bools, Ints, SortedTable
from tsconv.data.reading.cells import SENTINELS
from tsconv.text import percentage, plural

# What makes no difference between names. Spaces go first, so that all that reading takes for alike
# is alike here; between digits a dash stays: 1-1 is not 11.
_ALIKE = ((r"\s+", ""), ("[_-]+", "-"), ("([^0-9-])-", r"\1"), ("^0+([0-9])", r"\1"))
_MOST_SENTINELS = 3  # looked for at each end of a column
_FEW = 3  # a value so often is no accident


def duplicate_lines(lines: SortedTable) -> Ints:
    """Sorted lines whose (series, row, time) an earlier one has."""
    return np.flatnonzero(lines.gaps == 0) + 1


def duplicates(lines: SortedTable, policy: str = "error") -> Finding | None:
    """Several lines for one (id, row, time): how many, and whether they say the same."""
    again = duplicate_lines(lines)
    if len(again) == 0:
        return None
    now, before = lines.values[again], lines.values[again - 1]
    alike = int(((now == before) | (np.isnan(now) & np.isnan(before))).all(1).sum())
    i = lines.earliest(again)
    both = lines.table.places.both(*lines.order[i - 1 : i + 1])
    said = "all with the same values" if alike == len(again) else f"{alike:,} with the same values"
    series = len(np.unique(lines.members[again]))
    wanted = "first" if alike == len(again) else "mean"
    refuses = policy == "error"
    return Finding(
        "duplicates",
        "error" if refuses else "note",
        f"{plural(len(again), 'line')} for a time that is there already, in "
        f"{plural(series, 'series', 'series')}, {said}",
        len(again),
        f"{both}: {lines.name(lines.rank[i])} at {lines.at(i)}",
        f"keep one line of each, or set data.duplicates={wanted}"
        if refuses
        else f"`data.duplicates` (={policy}) settles them",
        {"data.duplicates": wanted} if refuses else {},
    )


def unsorted(lines: SortedTable) -> Finding | None:
    """Series whose lines are not in the order of time in the file."""
    order = lines.order
    # In sorted order, a member's lines stand at rising places of the file where it was sorted.
    back = (np.diff(order) < 0) & (lines.gaps >= 0)
    if not back.any():
        return None
    members = len(np.unique(lines.members[1:][back]))
    i = lines.earliest(np.flatnonzero(back))
    return Finding(
        "unsorted",
        "note",
        f"{plural(members, 'series is', 'series are')} not in order of time: sorted when read",
        members,
        f"{lines.name(lines.rank[i])}, {lines.place(i)}",
    )


def missing_values(lines: SortedTable, use: Bools | None = None) -> Finding | None:
    """Empty cells of each channel, on the lines of `use` where it is given."""
    empty = np.isnan(lines.values)
    if use is not None:
        empty &= use[:, None]
    total = int(empty.sum())
    if total == 0:
        return None
    names = lines.table.channels
    by = empty.sum(0)
    worst = np.argsort(-by, kind="stable")[: 4 if len(names) > 1 else 0]
    each = ", ".join(f"{names[c]} {percentage(int(by[c]), len(lines))}" for c in worst if by[c])
    i = lines.earliest(np.asarray(empty.any(1)))
    return Finding(
        "missing values",
        "note",
        f"{total:,} of {empty.size:,} values are missing ({percentage(total, empty.size)}): masked"
        + (f"; most in {each}" if each else ""),
        total,
        f"{lines.place(i)}, column `{names[int(empty[i].argmax())]}`",
    )


def odd_series(lines: SortedTable) -> list[Finding]:
    """Series that teach little: one point, no value, always the same value."""
    n = lines.n_observed
    with np.errstate(invalid="ignore"):
        target = lines.values[:, : lines.n_targets]
        low = np.fmin.reduceat(target, lines.first)
        high = np.fmax.reduceat(target, lines.first)
        constant = ((low == high) | np.isnan(low)).all(1) & (n > 1)
    return [
        f
        for f in (
            _series(lines, n == 0, "warning", "empty series", "without any value of the target"),
            _series(lines, n == 1, "note", "one-point series", "with a single value"),
            _series(lines, constant, "note", "constant series", "that never change"),
        )
        if f
    ]


def _series(
    lines: SortedTable, which: np.ndarray, level: str, kind: str, what: str
) -> Finding | None:
    found = np.flatnonzero(which)
    if len(found) == 0:
        return None
    return Finding(
        kind,
        level,
        f"{plural(len(found), 'series', 'series')} of {len(lines.first):,} {what}",
        len(found),
        lines.name(found[0]),
    )


def sentinels(lines: SortedTable) -> list[Finding]:
    """Values far outside the rest that repeat, or are known for it: missing ones in disguise."""
    out = []
    for c, name in enumerate(lines.table.channels):
        column = lines.values[:, c]
        for value, n, low, high in _outside(column[~np.isnan(column)]):
            i = lines.earliest(column == value)
            out.append(
                Finding(
                    "sentinel values",
                    "warning",
                    f"{plural(n, 'value')} of `{name}` {'is' if n == 1 else 'are'} {value:.10g}, "
                    f"all others between {low:.4g} and {high:.4g}: missing in disguise?",
                    n,
                    lines.place(i),
                    f"`data.na_values=[{value:.10g}]` masks them",
                    {"data.na_values": [_number(value)]},
                )
            )
    return out


def _outside(values: np.ndarray) -> list[tuple[float, int, float, float]]:
    """(value, how often, the rest's lowest and highest) of each that stands far outside."""
    found = []
    for pick in (np.min, np.max):
        for _ in range(_MOST_SENTINELS):
            if len(values) < 10:
                break
            value = float(pick(values))
            same = values == value
            n = int(same.sum())
            rest = values[~same]
            known = value in SENTINELS
            if len(rest) < 10 or not (known or n >= _FEW):
                break
            low, high = float(rest.min()), float(rest.max())
            # Others of its kind widen the range of the rest; the bulk does not know them.
            a, b = np.quantile(rest[:: max(1, len(rest) // 100_000)], [0.005, 0.995])
            spread = max(b - a, 1e-12 * abs(value))
            away = low - value if pick is np.min else value - high
            whole = value % 1 == 0 and abs(value) >= 90
            if not (known or whole) or away <= (0.5 if known else 3) * spread:
                break
            found.append((value, n, low, high))
            values = rest
    return found


def _number(value: float) -> int | float:
    return int(value) if value % 1 == 0 and abs(value) < 1e15 else value


def sentinel_values(found: list[Finding]) -> list[float]:
    """The values that `sentinels` found."""
    return [v for f in found for v in f.keys.get("data.na_values", ())]


def near_equal_ids(lines: SortedTable) -> list[Finding]:
    """Names that differ by case, spaces, dashes or leading zeros only; reading tells of fewer."""
    out = []
    for names, what in ((lines.table.ids, "ids"), (lines.table.rows, "rows")):
        if len(names) < 2:
            continue
        plain = pc.utf8_lower(pa.array(names, pa.large_string()))
        for pattern, by in _ALIKE:
            plain = pc.replace_substring_regex(plain, pattern, by)
        codes = plain.dictionary_encode().indices.to_numpy()
        same = np.flatnonzero(np.bincount(codes) > 1)
        if len(same) == 0:
            continue
        pair = [names[i] for i in np.flatnonzero(codes == same[0])[:2]]
        out.append(
            Finding(
                "near-equal names",
                "warning",
                f"{plural(len(same), 'pair')} of {what} differ by case, spaces, dashes or leading "
                f"zeros only",
                len(same),
                f"`{pair[0]}` and `{pair[1]}`",
                "they are series of their own; mend the file if they are one",
            )
        )
    return out


def value_notes(lines: SortedTable) -> list[Finding]:
    """The share of zeros, and negative values where nearly all are positive."""
    out = []
    for c, name in enumerate(lines.table.channels[: lines.n_targets]):
        column = lines.values[:, c]
        seen = int((~np.isnan(column)).sum())
        zeros, negative = int((column == 0).sum()), int((column < 0).sum())
        if zeros > 0.3 * seen:
            text = f"{percentage(zeros, seen)} of `{name}` are zeros: an intermittent series"
            out.append(Finding("zeros", "note", text, zeros))
        if 0 < negative <= 0.001 * seen:
            out.append(
                Finding(
                    "negative values",
                    "note",
                    f"{plural(negative, 'value')} of `{name}` {'is' if negative == 1 else 'are'} "
                    f"negative, all others not",
                    negative,
                    lines.place(lines.earliest(column < 0)),
                )
            )
    return out[:6]


ALL: tuple[Callable[[SortedTable], list[Finding]], ...] = (
    near_equal_ids,
    odd_series,
    value_notes,
)
