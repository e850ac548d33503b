"""Columns that give the target away, and declared columns that are of no use."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from tsconv.check.report import Finding
from tsconv.check.tables.array_types import Floats, Ints
from tsconv.check.tables.raw_table import RawTable
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.text import plural

_STEPS_AHEAD = (1, 2, 3, 7, 12, 24)  # steps of the future that a column is compared with
_EQUAL_SHARE = 0.99  # of the pairs of values
_CORRELATION = 0.999
_MONTH = 28 * 86_400_000_000  # microseconds: months differ in length
_FEWEST_PAIRS = 20  # from which a likeness says something
_MOST_TARGETS = 20
_SAMPLE = 200_000  # lines


@dataclasses.dataclass(frozen=True)
class _Likeness:
    """How a column follows a target: so many steps ahead of it, with equal values or not."""

    steps_ahead: int
    equal: bool


def find_leaks(
    raw_table: RawTable, table: SortedTable, declared: Mapping[str, str]
) -> list[Finding]:
    """Find columns of numbers that equal a target, now or some steps ahead, or follow it exactly.

    declared: column -> the config key that declares it. Both tables hold the same lines.
    """
    if len(raw_table) != len(table) or table.n_targets > _MOST_TARGETS:
        return []
    out = []
    targets, lines = table.file_table.channels[: table.n_targets], _Lines(table)
    for column in raw_table.columns:
        if not column.numeric or column.constant or column.name in targets:
            continue
        x = raw_table.numbers(column.name)[table.order]
        for c, target in enumerate(targets):
            likeness = _compare(x, table.values[:, c], lines)
            if likeness is not None:
                out.append(_leak(column.name, target, likeness, declared.get(column.name)))
                break
    return out


def _compare(x: Floats, y: Floats, lines: _Lines) -> _Likeness | None:
    """How column x follows target y, both (N,) in sorted order; None where it does not."""
    with np.errstate(invalid="ignore"):
        for ahead in (0, *_STEPS_AHEAD):
            if len(x) - ahead < _FEWEST_PAIRS:
                break
            if len(lines.some) < len(x) and not _may_be_like(x, y, lines, ahead):
                continue
            at = lines.with_pair(x, y, ahead, np.arange(len(x)))
            if len(at) < _FEWEST_PAIRS:
                continue
            a, b = x[at], y[at + ahead]
            equal = _equal_share(a, b) >= _EQUAL_SHARE
            if equal and (ahead == 0 or (y[at] == b).mean() < 0.5):
                return _Likeness(ahead, equal=True)
            if ahead == 0 and _correlation(a, b) > _CORRELATION:
                return _Likeness(0, equal=False)
    return None


def _may_be_like(x: Floats, y: Floats, lines: _Lines, ahead: int) -> bool:
    """Whether the pairs of some lines leave open that those of all are alike."""
    at = lines.with_pair(x, y, ahead, lines.some)
    a, b = x[at], y[at + ahead]
    if len(at) < _FEWEST_PAIRS or _equal_share(a, b) > _EQUAL_SHARE - 0.05:
        return True
    return ahead == 0 and _correlation(a, b) > _CORRELATION - 0.1


class _Lines:
    """The lines of a table, and those some steps ahead of them."""

    def __init__(self, table: SortedTable) -> None:
        self.table = table
        gaps = table.time_gaps[table.time_gaps > 0]
        even = len(gaps) > 0 and not (table.has_timestamps and np.median(gaps) >= _MONTH)
        self.step = int(np.median(gaps)) if even else None
        n = len(table)  # where there are many, columns are compared on some lines first
        rng = np.random.default_rng(0)
        many = n > 2 * _SAMPLE
        self.some: Ints = np.sort(rng.integers(0, n, _SAMPLE)) if many else np.arange(n)

    def with_pair(self, x: Floats, y: Floats, ahead: int, lines: Ints) -> Ints:
        """Those of the lines with a value of x, and of y so many commonest steps later."""
        table = self.table
        lines = lines[: np.searchsorted(lines, len(table) - ahead)]
        later = lines + ahead
        use = np.asarray(table.member_index[later] == table.member_index[lines])
        if ahead and self.step is not None:
            ticks = table.time.view("int64")
            use &= ticks[later] - ticks[lines] == ahead * self.step
        return lines[use & ~np.isnan(x[lines]) & ~np.isnan(y[later])]


def _equal_share(a: Floats, b: Floats) -> float:
    return float(np.isclose(a, b, rtol=1e-6, atol=0).mean())


def _correlation(a: Floats, b: Floats) -> float:
    """The size of the correlation, 0 where one of the two never changes."""
    changes = np.ptp(a) > 0 and np.ptp(b) > 0
    return float(abs(np.corrcoef(a, b)[0, 1])) if changes else 0.0


def _leak(name: str, target: str, likeness: _Likeness, key: str | None) -> Finding:
    """key: the config key that declares the column, None where it is not declared."""
    ahead = likeness.steps_ahead
    if ahead:
        text = f"`{name}` is `{target}` {plural(ahead, 'step')} ahead: it reveals the future"
    elif likeness.equal:
        text = f"`{name}` is equal to `{target}`"
    else:
        text = f"`{name}` follows `{target}` exactly (correlation above {_CORRELATION})"
    if ahead or key == "data.future_covariates":
        advice = "leave it out: it makes the scores look better than real forecasts will be"
    elif key is not None:
        advice = "leave it out: the network sees the past of the target anyway"
    else:
        advice = "do not declare it as a future covariate unless you know it ahead of time"
    level = "warning" if key is not None or ahead else "note"
    return Finding("leak", level, text, 1, f"column `{name}`", advice, names=(name, target))


def find_useless_columns(raw_table: RawTable, declared: Mapping[str, str]) -> list[Finding]:
    """Find declared columns that are empty or never change; targets where others change.

    >>> import pyarrow as pa
    >>> raw_table = RawTable.of(pa.table({"size": [3, 3], "sold": [1, 2]}))
    >>> found = find_useless_columns(raw_table, {"size": "data.static_covariates"})
    >>> [f.text for f in found]
    ['column `size` (data.static_covariates) has the same value everywhere']
    """
    out = []
    targets = [raw_table[name] for name, key in declared.items() if key == "data.target"]
    told = {"data.id", "data.row"}  # one series, or one row, as the section on series says
    if all(column.constant for column in targets):
        told.add("data.target")  # series that never change
    for name, key in declared.items():
        column = raw_table[name]
        if column.kind != "empty" and (key in told or not column.constant):
            continue
        what = "is empty" if column.kind == "empty" else "has the same value everywhere"
        text = f"column `{name}` ({key}) {what}"
        out.append(
            Finding("useless column", "warning", text, 1, advice="leave it out", names=(name,))
        )
    return out
