"""Series as a whole: empty or constant ones, near-equal names, early ends, families."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tsconv.check.report import Finding
from tsconv.check.tables.array_types import Bools
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.check.train_command import override
from tsconv.notes import NoteKind
from tsconv.text import plural

# (pattern, replacement) that remove what makes no difference between names. Spaces go first, so
# that all that reading takes for alike is alike here; between digits a dash stays: 1-1 is not 11.
_NORMALISATION = ((r"\s+", ""), ("[_-]+", "-"), ("([^0-9-])-", r"\1"), ("^0+([0-9])", r"\1"))
_MOST_MEMBERS = 100  # of a family


def find_uninformative_series(table: SortedTable) -> list[Finding]:
    """Count the series that training learns little from: no value, one value, always the same."""
    n = table.n_observed
    with np.errstate(invalid="ignore"):
        target = table.values[:, : table.n_targets]
        low = np.fmin.reduceat(target, table.starts)
        high = np.fmax.reduceat(target, table.starts)
        constant = ((low == high) | np.isnan(low)).all(1) & (n > 1)
    kinds = (
        (NoteKind.EMPTY_SERIES, "warning", n == 0, "no value of the target", "has", "have"),
        (NoteKind.ONE_POINT_SERIES, "note", n == 1, "a single value", "has", "have"),
        (NoteKind.CONSTANT_SERIES, "note", constant, "", "never changes", "never change"),
    )
    findings = [_count_members(table, *each) for each in kinds]
    return [f for f in findings if f is not None]


def _count_members(
    table: SortedTable, kind: str, level: str, members: Bools, what: str, verb: str, verbs: str
) -> Finding | None:
    """members: (M,) which members the finding counts; it names the first.

    what: the end of the sentence; verb, verbs: before it, of one series and of several.
    """
    found = np.flatnonzero(members)
    if len(found) == 0:
        return None
    text = f"{len(found):,} of {len(table.starts):,} series "
    text += verb if len(found) == 1 else verbs
    text += f" {what}" if what else ""
    if len(table.starts) == 1:
        text = f"the series {verb} {what}".rstrip() + ": there is nothing to learn from it"
    return Finding(
        kind,
        "warning" if len(found) == len(table.starts) else level,
        text,
        len(found),
        table.member_name(found[0]),
        names=table.member_ids(found[0]),
    )


def find_near_equal_names(table: SortedTable) -> list[Finding]:
    """Count pairs of ids, and of rows, that differ by case, spaces, dashes, leading zeros only."""
    out = []
    for names, what in ((table.file_table.ids, "ids"), (table.file_table.rows, "rows")):
        if len(names) < 2:
            continue
        plain = pc.utf8_lower(pa.array(names, pa.large_string()))
        for pattern, replacement in _NORMALISATION:
            plain = pc.replace_substring_regex(plain, pattern, replacement)
        codes = plain.dictionary_encode().indices.to_numpy()
        same = np.flatnonzero(np.bincount(codes) > 1)
        if len(same) == 0:
            continue
        verb = "differs" if len(same) == 1 else "differ"
        pair = [names[i] for i in np.flatnonzero(codes == same[0])[:2]]
        out.append(
            Finding(
                NoteKind.NEAR_EQUAL_NAMES,
                "warning",
                f"{plural(len(same), 'pair')} of {what} {verb} only in case, spaces, dashes or "
                f"leading zeros",
                len(same),
                f"`{pair[0]}` and `{pair[1]}`",
                "each counts as a series of its own; correct the file if they are the same",
            )
        )
    return out


def find_early_ends(table: SortedTable) -> Finding | None:
    """Count the series that stop before the last time of the file."""
    last = table.time[table.starts + table.counts - 1]
    early = np.flatnonzero(last < last.max())
    if len(early) == 0:
        return None
    i = table.starts[early[0]] + table.counts[early[0]] - 1
    return Finding(
        "early ends",
        "note",
        f"{len(early):,} of {len(table.starts):,} series end before the last time of the file: "
        f"each is forecast from its own end",
        len(early),
        f"{table.member_name(early[0])} at {table.format_time(i)}",
    )


def find_open_tails(table: SortedTable, known_ahead: Sequence[str] = ()) -> Finding | None:
    """Count the lines after the last target of their series.

    known_ahead: undeclared columns that have values on these lines.
    """
    tail = table.after_last_target
    if not tail.any():
        return None
    n, series = int(tail.sum()), len(np.unique(table.members[tail]))
    return Finding(
        "open tails",
        "note",
        f"{plural(n, 'line')} at the end of {plural(series, 'series', 'series')} "
        f"{'has' if n == 1 else 'have'} no target: forecasts start there",
        n,
        table.describe(table.first_in_file(tail)),
        f"{override('data.future_covariates', list(known_ahead))} uses the values on these lines"
        if known_ahead
        else None,
    )


def find_family(table: SortedTable, id_columns: Sequence[str]) -> Finding | None:
    """Suggest rows of one family where a few series have the same times.

    id_columns: of `data.id`, none where the file holds one series; only a single one can be rows.
    """
    n = len(table.starts)
    equal_lengths = not np.ptp(table.counts)
    if (
        len(id_columns) != 1
        or table.file_table.rows
        or not 1 < n <= _MOST_MEMBERS
        or not equal_lengths
    ):
        return None
    times = table.time.reshape(n, -1)
    if not (times == times[0]).all():
        return None
    return Finding(
        "family",
        "note",
        f"all {n} series have the same times: if they belong together, as the stations of a "
        f"network do, try them as rows of one family",
        n,
        advice=f"{override('data.row', id_columns[0])} data.id=null, with model.rows and "
        f"model.cross_row",
    )
