"""Columns that, with the time, identify a line: the smallest set of them becomes `data.id`.

A set is looked for by size: single columns first, then pairs, up to five columns. Large files are
searched on the lines of some times, and the result is confirmed on all lines.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from tsconv.check.layouts.tables import counts_steps_of_day
from tsconv.check.suggestions.column_roles.column_names import ID_NAMES, TARGET_NAMES, name_rank
from tsconv.check.tables.array_types import Ints
from tsconv.check.tables.columns import Column
from tsconv.check.tables.raw_table import RawTable

MOST_DUPLICATES = 0.01  # share of the lines that may repeat a time of their series by mistake
_MOST_COLUMNS = 5
_MOST_CANDIDATES = 12
_MOST_SETS = 600  # that are tried
_SAMPLE = 100_000  # lines on which sets are tried
_FEW_AT_ONCE = 1.5  # lines of a time, on average, below which a column may be no id
_FEWEST_COVERED = 0.5  # share of the times between its first and last that a series covers
_LARGEST_CODE = 2**40  # beyond which combined codes are numbered anew


@dataclasses.dataclass(frozen=True)
class LineKey:
    """Columns that tell lines of the same time apart, and the share of lines that they do not."""

    columns: tuple[str, ...]
    share: float  # of the lines whose time and columns an earlier line has

    @property
    def sufficient(self) -> bool:
        """Whether at most a hundredth of the lines repeats a time of its series."""
        return self.share <= MOST_DUPLICATES


def find_line_key(
    raw_table: RawTable, time: Sequence[str], used: set[str], known: Sequence[str] = ()
) -> LineKey:
    """Find the fewest columns that with the time, and the `known` columns, make lines unique.

    used: columns that have another role. `columns` of the result holds `known` first; nothing is
    added where they suffice. Where no set suffices, the result is the best single column.

    >>> import pyarrow as pa
    >>> lines = {"day": [1, 2, 1, 2], "shop": ["a", "a", "b", "b"], "sold": [1.0, 2.0, 3.0, 4.0]}
    >>> find_line_key(RawTable.of(pa.table(lines)), ["day"], {"day"})
    LineKey(columns=('shop',), share=0.0)
    """
    search = _Search(raw_table, time, known)
    alone = LineKey(tuple(known), search.share_of_all(()))
    if alone.sufficient:
        return alone
    taken = {*used, *time, *known}
    candidates = search.candidates([c for c in raw_table.columns if c.name not in taken])
    tried: list[LineKey] = []
    for n in range(1, _MOST_COLUMNS + 1):
        good = []
        for some in itertools.combinations(candidates, n):
            if len(tried) >= _MOST_SETS:
                break
            if search.changes_along_time(some):
                continue
            key = LineKey(tuple(c.name for c in some), search.share(some))
            tried.append(key)
            if key.sufficient:
                good.append(key)
        for key in sorted(good, key=lambda key: key.share > 0):  # stable: else as they rank
            names = _in_file_order(raw_table, key.columns)
            whole = LineKey((*known, *names), search.share_of_all(key.columns))
            if whole.sufficient:
                return whole
    if not tried:
        return alone
    best = min(tried, key=lambda key: (key.share, len(key.columns)))
    names = _in_file_order(raw_table, best.columns)
    return LineKey((*known, *names), search.share_of_all(best.columns))


class _Search:
    """Codes of the columns of some lines, and the shares of lines that a set leaves alike."""

    def __init__(self, raw_table: RawTable, time: Sequence[str], known: Sequence[str]) -> None:
        self.raw_table = raw_table
        self.all_times = combined_codes(raw_table, [*time, *known])
        self.lines = _lines_of_some_times(combined_codes(raw_table, time))
        self.times = _numbered(self.all_times[self.lines])
        self.codes: dict[str, Ints] = {}

    def candidates(self, columns: Sequence[Column]) -> list[Column]:
        """The columns that may be keys, best first; what another one or the time says is left out.

        A column that always goes with the time, such as a weekday, tells nothing apart; of two that
        group the lines alike, such as a number and a name, the better named one is kept.
        """
        possible = [c for c in columns if _may_be_key(c, len(self.raw_table))]
        possible.sort(key=_key_rank)
        kept: list[Column] = []
        n_times = len(np.unique(self.times))
        for column in possible:
            codes = _numbered(self.raw_table.codes(column.name)[self.lines])
            n = int(codes.max(initial=0)) + 1
            if n < 2 or len(np.unique(self.times * n + codes)) == n_times:
                continue
            if any(_groups_alike(codes, self.codes[k.name]) for k in kept):
                continue
            self.codes[column.name] = codes
            kept.append(column)
            if len(kept) == _MOST_CANDIDATES:
                break
        return kept

    def share(self, columns: Sequence[Column]) -> float:
        """The share of the sampled lines that the columns do not tell from an earlier one."""
        codes = self.times
        for column in columns:
            codes = _combine(codes, self.codes[column.name])
        return duplicate_share(codes)

    def changes_along_time(self, columns: Sequence[Column]) -> bool:
        """Whether the columns change from time to time of one series, as the weather does.

        Then few times have several lines, and each value has but some of the times between its
        first and its last.
        """
        distinct = len(np.unique(self.times))
        if len(self.times) >= _FEW_AT_ONCE * distinct:
            return False
        series = np.zeros(len(self.times), dtype="int64")
        for column in columns:
            series = _combine(series, self.codes[column.name])
        series = _numbered(series)
        n = int(series.max(initial=0)) + 1
        first, last = np.full(n, len(self.times)), np.zeros(n, dtype="int64")
        np.minimum.at(first, series, self.times)
        np.maximum.at(last, series, self.times)
        return bool(len(self.times) < _FEWEST_COVERED * (last - first + 1).sum())

    def share_of_all(self, names: Sequence[str]) -> float:
        """The same of all lines."""
        codes = self.all_times
        for name in names:
            codes = _combine(codes, self.raw_table.codes(name))
        return duplicate_share(codes)


def _lines_of_some_times(times: Ints) -> Ints:
    """Numbers of the lines of evenly picked times: all lines of each, about _SAMPLE of them."""
    if len(times) <= _SAMPLE:
        return np.arange(len(times))
    distinct = np.unique(times)
    every = max(1, min(len(distinct), len(times) // _SAMPLE))
    return np.flatnonzero(np.isin(times, distinct[::every]))


def _may_be_key(column: Column, n_lines: int) -> bool:
    """Whether a column could hold names of series: filled, with values that repeat."""
    if counts_steps_of_day(column):
        return False
    if column.missing or column.distinct is None or not 1 < column.distinct <= 0.5 * n_lines:
        return False
    if column.kind in ("text", "time"):
        return True
    few = column.distinct < 0.05 * n_lines
    named = name_rank(column.name, ID_NAMES) < len(ID_NAMES)
    value = name_rank(column.name, TARGET_NAMES) < len(TARGET_NAMES)
    return column.kind == "integer" and (named or (few and not value))


def _key_rank(column: Column) -> tuple[bool, bool, int]:
    """Text and columns named as ids first, then other whole numbers, then times."""
    rank = name_rank(column.name, ID_NAMES)
    named = rank < len(ID_NAMES)
    return column.kind == "time", not (named or column.kind == "text"), rank


def _in_file_order(raw_table: RawTable, names: Sequence[str]) -> list[str]:
    return [name for name in raw_table.names if name in names]


def _groups_alike(one: Ints, other: Ints) -> bool:
    """Whether two columns of codes from 0 group the lines in the same way."""
    n = int(one.max(initial=0)) + 1
    if n != int(other.max(initial=0)) + 1:
        return False
    return len(np.unique(one * n + other)) == n


def _numbered(codes: Ints) -> Ints:
    return np.asarray(np.unique(codes, return_inverse=True)[1], dtype="int64")


def _combine(codes: Ints, more: Ints) -> Ints:
    """One number for each pair of codes, which may be -1."""
    more = more + 1
    out = codes * (int(more.max(initial=0)) + 1) + more
    return _numbered(out) if out.max(initial=0) > _LARGEST_CODE else out


def combined_codes(raw_table: RawTable, names: Sequence[str]) -> Ints:
    """(N,) one number for each combination of the columns' values."""
    out = np.zeros(len(raw_table), dtype="int64")
    for name in names:
        out = _combine(out, raw_table.codes(name))
    return out


def duplicate_share(codes: Ints) -> float:
    """The share of lines whose code an earlier line has.

    >>> duplicate_share(np.array([1, 2, 1, 3]))
    0.25
    """
    ordered = np.sort(codes)
    return float((np.diff(ordered) == 0).sum()) / max(1, len(codes))
