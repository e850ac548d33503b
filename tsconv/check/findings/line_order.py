"""Lines that repeat a time of their series, and series whose lines are not in order of time.

Both are counted also where training would refuse the file.
"""

from __future__ import annotations

import numpy as np

from tsconv.check.report import Finding
from tsconv.check.suggestions.column_roles.line_keys import MOST_DUPLICATES
from tsconv.check.tables.array_types import Ints
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.notes import NoteKind
from tsconv.text import percentage, plural


def duplicate_lines(table: SortedTable) -> Ints:
    """Numbers of the sorted lines whose (series, row, time) an earlier line has."""
    return np.flatnonzero(table.time_gaps == 0) + 1


def find_duplicates(table: SortedTable, policy: str = "error") -> Finding | None:
    """Count the lines that repeat a (series, row, time), and those that repeat the values too.

    policy: `data.duplicates`; where it is "error", training refuses the file. Beyond a hundredth of
    the lines it is never suggested to average them: an id is missing then.
    """
    again = duplicate_lines(table)
    if len(again) == 0:
        return None
    now, before = table.values[again], table.values[again - 1]
    equal = int(((now == before) | (np.isnan(now) & np.isnan(before))).all(1).sum())
    i = table.first_in_file(again)
    both = table.file_table.locations.both(*table.order[i - 1 : i + 1])
    name = table.member_name(table.member_index[i])
    all_equal = equal == len(again)
    values = "all with the same values" if all_equal else f"{equal:,} of them with the same values"
    series = len(np.unique(table.members[again]))
    text = (
        f"{plural(len(again), 'line repeats', 'lines repeat')} an earlier time of the same series "
    )
    text += f"({plural(series, 'series', 'series')}), {values}"
    level, keys = "error", {}
    many = len(again) > MOST_DUPLICATES * len(table) and not all_equal
    if many:
        text += f": {percentage(len(again), len(table))} of all lines"
        advice = "an id is missing: name the columns that distinguish these lines by data.id=[...]"
    if policy != "error":
        level = "warning" if many else "note"
        resolved = f"data.duplicates={policy} resolves them"
        advice = f"{resolved}, but {advice}" if many else resolved
    elif not many:
        fix = "first" if all_equal else "mean"
        keys = {"data.duplicates": fix}
        advice = f"keep one line for each time, or set data.duplicates={fix}"
    return Finding(
        NoteKind.DUPLICATES,
        level,
        text,
        len(again),
        f"{both}: {name} at {table.format_time(i)}",
        advice,
        keys,
    )


def find_unsorted(table: SortedTable) -> Finding | None:
    """Count the series whose lines are not in order of time in the file."""
    order = table.order
    # A member whose lines are sorted in the file has rising line numbers in sorted order.
    back = (np.diff(order) < 0) & (table.time_gaps >= 0)
    if not back.any():
        return None
    members = len(np.unique(table.members[1:][back]))
    i = table.first_in_file(np.flatnonzero(back))
    return Finding(
        NoteKind.UNSORTED_LINES,
        "note",
        f"the lines of {plural(members, 'series', 'series')} are not in order of time; reading "
        f"sorts them",
        members,
        f"{table.member_name(table.member_index[i])}, {table.location(i)}",
    )
