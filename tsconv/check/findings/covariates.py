"""What the columns beside the target could be, and whether one of them gives the target away."""

from __future__ import annotations

import dataclasses

import numpy as np

from tsconv.check.report import Finding
from tsconv.check.suggestions.roles import is_counter
from tsconv.check.tables.raw_table import Column, RawTable
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.data.timestamps.zones import to_local
from tsconv.text import plural

_AHEAD = (1, 2, 3, 7, 12, 24)  # steps of the future that a column is compared with
_ALIKE = 0.99
_NEARLY = 0.999
_MONTH = 28 * 86_400_000_000  # microseconds: months differ in length
_FEWEST = 20  # pairs of values from which a likeness says something


@dataclasses.dataclass(frozen=True)
class Candidate:
    """What an undeclared column could be declared as."""

    name: str
    role: str  # static, future, past, category, calendar, counter or none
    text: str


def candidates(raw: RawTable, names: list[str], lines: SortedTable | None) -> list[Candidate]:
    """For each of the undeclared columns, in order. Lines give the series, where there are some."""
    aligned = lines if lines is not None and len(lines) == len(raw) else None
    return [_candidate(raw, raw[name], aligned) for name in names]


def _candidate(raw: RawTable, column: Column, lines: SortedTable | None) -> Candidate:
    name = column.name
    if column.kind == "empty":
        return Candidate(name, "none", "empty")
    if column.constant:
        return Candidate(name, "none", "always the same, of no use")
    if is_counter(raw, column):
        return Candidate(name, "counter", "counts the lines, of no use")
    if column.kind == "time":
        return Candidate(name, "none", "another time")
    kind = "numbers" if column.numeric else f"{column.distinct or 'some'} categories"
    if lines is not None:
        if len(lines.first) > 1 and _constant_per_series(raw, name, lines):
            return Candidate(name, "static", f"one value a series, static ({kind})")
        ahead = _filled_ahead(raw, name, lines)
        if ahead is not None:
            return Candidate(name, "future", f"known ahead, {ahead}")
        if _follows_clock(raw, name, lines):
            return Candidate(name, "calendar", "follows from the time")
    if not column.numeric:
        return Candidate(name, "category", "covariate of categories")
    return Candidate(name, "past", "covariate")


def _constant_per_series(raw: RawTable, name: str, lines: SortedTable) -> bool:
    codes = raw.codes(name)[lines.order]
    same = np.diff(codes) == 0
    same[lines.first[1:] - 1] = True
    return bool(same.all())


def _filled_ahead(raw: RawTable, name: str, lines: SortedTable) -> str | None:
    """Filled on nearly all lines behind the last target of a series, where there are such lines."""
    tail = behind_targets(lines)
    if not tail.any():
        return None
    filled = raw.codes(name)[lines.order][tail] >= 0
    if filled.mean() < 0.95:
        return None
    return f"filled on the {plural(int(tail.sum()), 'line')} behind the last target"


def behind_targets(lines: SortedTable) -> np.ndarray:
    """(N,) bool: sorted lines behind the last observed target of their series."""
    at = np.where(lines.observed, np.arange(len(lines)), -1)
    last = np.maximum.reduceat(at, lines.first)
    return (np.arange(len(lines)) > last[lines.rank]) & (last[lines.rank] >= 0)


def _follows_clock(raw: RawTable, name: str, lines: SortedTable) -> bool:
    """Whether a column of few values is the same wherever the hour, the day or the month is."""
    column = raw[name]
    if not lines.dated or column.distinct is None or not 1 < column.distinct <= 366:
        return False
    codes, time = raw.codes(name)[lines.order], to_local(lines.time, lines.table)
    day = time.astype("datetime64[D]")
    month = time.astype("datetime64[M]")
    for part in (
        (time - day).astype("int64") // 3_600_000_000,
        (day.astype("int64") + 3) % 7,
        month.astype("int64") % 12,
        (day - month.astype("datetime64[D]")).astype("int64"),
        time.astype("datetime64[Y]").astype("int64"),
    ):
        parts = part - part.min()
        n_parts = len(np.unique(parts))
        pairs = len(np.unique(codes * (int(parts.max()) + 1) + parts))
        if 1 < n_parts == pairs:
            return True
    return False


def leaks(raw: RawTable, lines: SortedTable, roles: dict[str, str]) -> list[Finding]:
    """Columns of numbers that equal the target, now or some steps ahead, or follow it exactly.

    roles: column -> the key that declares it, for those that are declared.
    """
    if len(raw) != len(lines) or lines.n_targets > 20:
        return []
    out = []
    targets = lines.table.channels[: lines.n_targets]
    for column in raw.columns:
        if not column.numeric or column.constant or column.name in targets:
            continue
        x = raw.numbers(column.name)[lines.order]
        for c, target in enumerate(targets):
            found = _likeness(x, lines.values[:, c], lines)
            if found is not None:
                out.append(_leak(column.name, target, found, roles.get(column.name)))
                break
    return out


def _likeness(x: np.ndarray, y: np.ndarray, lines: SortedTable) -> tuple[int, bool] | None:
    """(steps ahead, whether exactly) by which x tells y, or None."""
    with np.errstate(invalid="ignore"):
        for ahead in (0, *_AHEAD):
            n = len(x) - ahead
            if n < _FEWEST:
                break
            use = _apart(lines, ahead) & ~np.isnan(x[:n]) & ~np.isnan(y[ahead:])
            if use.sum() < _FEWEST:
                continue
            a, b = x[:n][use], y[ahead:][use]
            alike = np.isclose(a, b, rtol=1e-6, atol=0).mean() >= _ALIKE
            if alike and (ahead == 0 or (y[:n][use] == b).mean() < 0.5):
                return ahead, True
            changes = np.ptp(a) > 0 and np.ptp(b) > 0
            if ahead == 0 and changes and abs(np.corrcoef(a, b)[0, 1]) > _NEARLY:
                return 0, False
    return None


def _apart(lines: SortedTable, ahead: int) -> np.ndarray:
    """(N - ahead,) bool: pairs of lines of one series that are `ahead` commonest steps apart."""
    n = len(lines) - ahead
    same = lines.rank[ahead:] == lines.rank[:n]
    gaps = lines.gaps[lines.gaps > 0]
    if ahead == 0 or len(gaps) == 0 or (lines.dated and np.median(gaps) >= _MONTH):
        return same
    distance = lines.time[ahead:].view("int64") - lines.time[:n].view("int64")
    return same & (distance == ahead * int(np.median(gaps)))


def _leak(name: str, target: str, found: tuple[int, bool], key: str | None) -> Finding:
    ahead, exact = found
    if ahead:
        text = f"`{name}` is `{target}` {plural(ahead, 'step')} ahead: it tells the future"
    elif exact:
        text = f"`{name}` is equal to `{target}`"
    else:
        text = f"`{name}` follows `{target}` exactly (correlation above {_NEARLY})"
    known_ahead = key == "data.future_covariates"
    if ahead or known_ahead:
        advice = "leave it out: scores would be too good, forecasts would not"
    elif key is not None:
        advice = "it adds nothing to the target's own past"
    else:
        advice = "do not declare it as known ahead, unless it truly is"
    level = "warning" if key is not None or ahead else "note"
    return Finding("leak", level, text, 1, f"column `{name}`", advice)


def useless(raw: RawTable, roles: dict[str, str]) -> list[Finding]:
    """Declared columns that are empty or never change."""
    out = []
    for name, key in roles.items():
        column = raw[name]
        if not (column.kind == "empty" or column.constant):
            continue
        what = "is empty" if column.kind == "empty" else "has the same value everywhere"
        text = f"column `{name}` ({key}) {what}"
        level = "note" if key in ("data.id", "data.row") else "warning"
        out.append(Finding("useless column", level, text, 1, advice="leave it out"))
    return out
