"""Sections of the report on the file itself: its size, its columns, the suggested keys."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tsconv.check.read_attempt import ReadAttempt
from tsconv.check.report import Section
from tsconv.check.suggestions.column_roles.undeclared_columns import Candidate
from tsconv.check.suggestions.suggestion import Suggestion
from tsconv.check.tables.columns import Column
from tsconv.check.tables.raw_table import RawTable
from tsconv.data.cache.plan import cache_folder, make_plan, wants_cache
from tsconv.errors import TsconvError
from tsconv.text import format_bytes, plural, shorten

_MOST_LINES = 24  # of columns
_MOST_ALIKE = 4  # columns of one role beyond which they share a line
_ROLES = (
    "data.time", "data.id", "data.row", "data.target", "data.past_covariates",
    "data.future_covariates", "data.static_covariates",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class _Entry:
    """A line of the section on columns: names, what the columns hold, their role."""

    names: str
    content: str
    role: str


def file_section(attempt: ReadAttempt) -> Section:
    """The names of the files, their size, and the number of lines and columns."""
    files, raw_table = attempt.files, attempt.raw_table
    sizes = [f.stat().st_size for f in files]
    name = str(files[0]) if len(files) == 1 else f"{attempt.data.path} ({len(files)} files)"
    parts = [format_bytes(sum(sizes))]
    if raw_table is not None:
        parts += [plural(len(raw_table), "line"), plural(len(raw_table.columns), "column")]
        if not raw_table.complete:
            parts.append("columns as in the first 256 MB")
    lines = [(name, ", ".join(parts))]
    cache = _cache_of(attempt)
    if cache is not None:
        lines.append(("panel cache", f"training keeps the panel in {cache}, mapped into memory"))
    data = {
        "files": [{"path": str(f), "bytes": n} for f, n in zip(files, sizes, strict=True)],
        "rows": None if raw_table is None else len(raw_table),
        "panel_cache": None if cache is None else str(cache),
    }
    return Section("file", lines, data)


def _cache_of(attempt: ReadAttempt) -> Path | None:
    """The folder in which a training keeps the panel; None where it reads it into memory."""
    try:
        wanted = wants_cache(attempt.data, make_plan(attempt.data, attempt.files))
    except TsconvError:  # which the attempt to train names
        return None
    return cache_folder(attempt.data, attempt.files) if wanted else None


def columns_section(
    raw_table: RawTable, declared: Mapping[str, str], undeclared: Sequence[Candidate]
) -> Section:
    """A line for each column with its content and role; many columns of one role share a line.

    declared: column -> the config key that declares it.
    """
    entries = _declared_entries(raw_table, declared) + _undeclared_entries(raw_table, undeclared)
    width = max((len(entry.content) for entry in entries), default=0)
    lines = [(e.names, f"{e.content:<{width}}  {e.role}") for e in entries]
    if len(lines) > _MOST_LINES:
        more = len(lines) - _MOST_LINES
        lines = [*lines[:_MOST_LINES], ("...", f"{more} more columns")]
    title = "columns (?: not declared, a role that fits)" if undeclared else "columns"
    candidates = {c.name: c.role for c in undeclared}
    data = [
        dataclasses.asdict(c)
        | {"declared": declared.get(c.name), "could_be": candidates.get(c.name)}
        for c in raw_table.columns
    ]
    return Section(title, lines, {"columns": data})


def _declared_entries(raw_table: RawTable, declared: Mapping[str, str]) -> list[_Entry]:
    out = []
    for key in _ROLES:
        columns = [c for c in raw_table.columns if declared.get(c.name) == key]
        time_in_parts = key == "data.time" and len(columns) > 1
        role = f"-> {key}"
        if time_in_parts or len(columns) > _MOST_ALIKE:
            out.append(_shared_entry(columns, role, most_names=6 if key == "data.time" else 3))
        else:
            out += [_Entry(c.name, _describe(c), role) for c in columns]
    return out


def _undeclared_entries(raw_table: RawTable, undeclared: Sequence[Candidate]) -> list[_Entry]:
    out = []
    for text in dict.fromkeys(c.text for c in undeclared):
        columns = [raw_table[c.name] for c in undeclared if c.text == text]
        role = f"?  {text}"
        if len(columns) > _MOST_ALIKE:
            out.append(_shared_entry(columns, role, most_names=3))
        else:
            out += [_Entry(c.name, _describe(c), role) for c in columns]
    return out


def _shared_entry(columns: Sequence[Column], role: str, most_names: int) -> _Entry:
    names = shorten([c.name for c in columns], most_names)
    return _Entry(names, _describe_together(columns), role)


def _describe(column: Column) -> str:
    """The range of numbers, or the kind, and how many cells are missing."""
    gaps = f", {column.missing:,} missing" if column.missing and column.kind != "empty" else ""
    bad = f", {column.bad:,} not a number" if column.bad else ""
    if column.numeric:
        return f"{column.low:.6g} to {column.high:.6g}{gaps}{bad}"
    if column.kind == "text":
        return ("text" if column.distinct is None else plural(column.distinct, "value")) + gaps
    return f"{column.kind}{gaps}"


def _describe_together(columns: Sequence[Column]) -> str:
    numbers = [c for c in columns if c.numeric]
    if len(numbers) < len(columns):
        return plural(len(columns), "column")
    low, high = min(c.low for c in numbers), max(c.high for c in numbers)
    missing = sum(c.missing for c in numbers)
    gaps = f", {missing:,} missing" if missing else ""
    return f"{low:.6g} to {high:.6g}{gaps}"


def suggested_section(suggestion: Suggestion) -> Section:
    """The keys under which the file was read where it could not be read as configured."""
    reasons = suggestion.reasons
    lines = [
        (f"{key}={_format_value(value)}", reasons.get(key, ""))
        for key, value in suggestion.keys.items()
    ]
    data = {
        key: {"value": value, "reason": reasons.get(key)} for key, value in suggestion.keys.items()
    }
    title = (
        "suggestions: the rest of this report reads the file with these keys, which you did not set"
    )
    return Section(title, lines, {"suggested": data})


def _format_value(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return str(value)
