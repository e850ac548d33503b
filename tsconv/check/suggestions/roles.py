"""Roles that the columns of a file may have, by name and content; only a check suggests any."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tsconv.check.suggestions.column_names import TARGET_NAMES, TIME_NAMES, TIME_PARTS, name_rank
from tsconv.check.suggestions.key_columns import find_key_columns
from tsconv.check.suggestions.suggestion import NO_SUGGESTION, Suggestion
from tsconv.check.tables.columns import Column
from tsconv.check.tables.raw_table import RawTable
from tsconv.config.schema import DataConfig
from tsconv.data.reading.roles import as_list

_ROLES = ("time", "id", "row", "past_covariates", "future_covariates", "static_covariates")


def declared_roles(names: Sequence[str], data: DataConfig) -> dict[str, str]:
    """Map each of the columns that has a role to the config key that gives it.

    >>> declared_roles(["day", "y", "price"], DataConfig(time="day", future_covariates=["price"]))
    {'day': 'data.time', 'price': 'data.future_covariates', 'y': 'data.target'}
    """
    roles: dict[str, str] = {}
    for key in _ROLES:
        value = getattr(data, key)
        for item in value if isinstance(value, (list, tuple)) else [value]:
            name = item.get("name") if isinstance(item, dict) else item
            if name is not None and str(name) in names:
                roles[str(name)] = f"data.{key}"
    target = as_list(data.target, "data.target")
    if not target:
        target = [n for n in names if n not in roles] if data.wide_columns_are else ["y"]
    return roles | {n: "data.target" for n in target if n in names and n not in roles}


def missing_roles(names: Sequence[str], data: DataConfig) -> list[str]:
    """The keys among time, id, row and target that name a column which the file lacks.

    >>> missing_roles(["date", "y"], DataConfig(id=None))
    ['time']
    """
    out = []
    for key in ("time", "id", "row", "target"):
        wanted = as_list(getattr(data, key), f"data.{key}")
        if key == "target" and not wanted and data.wide_columns_are is None:
            wanted = ["y"]
        if key == "id" and (data.wide_columns_are == "series" or data.id is None):
            continue
        if any(name not in names for name in wanted):
            out.append(key)
    return out


def suggest_roles(raw_table: RawTable, data: DataConfig) -> Suggestion:
    """Suggest roles for the keys of `missing_roles`; keys that name columns of the file are kept.

    Suggests nothing where no column holds times.
    """
    missing = missing_roles(raw_table.names, data)
    suggestion = NO_SUGGESTION
    time = as_list(data.time, "data.time")
    if "time" in missing:
        time = _time_columns(raw_table)
        if not time:
            return NO_SUGGESTION
        why = "holds times" if raw_table[time[0]].kind == "time" else "by its name"
        suggestion |= Suggestion.of("data.time", time[0] if len(time) == 1 else time, why)
    targets = [n for n in as_list(data.target, "data.target") if n in raw_table]
    with_targets = dataclasses.replace(data, target=targets)
    used = {*time, *targets, *declared_roles(raw_table.names, with_targets)}
    if "id" in missing:
        key, why = find_key_columns(raw_table, time, used)
        if len(key) == 2 and data.row is None:
            row_why = f"with `{key[0]}`, it distinguishes lines of the same time"
            suggestion |= Suggestion.of("data.row", key[1], row_why)
        suggestion |= Suggestion.of("data.id", key[0] if key else None, why)
        used |= set(key)
    elif data.id:
        used.add(data.id)
    if data.row:
        used.add(data.row)
    if "target" in missing:
        suggestion = _with_target(suggestion, raw_table, used)
    return suggestion


def _time_columns(raw_table: RawTable) -> list[str]:
    """The column of times, or several that hold year, month and so on; none where there is none."""
    lower = {c.name.lower(): c for c in raw_table.columns}
    parts = [lower[p].name for p in TIME_PARTS if p in lower and lower[p].kind == "integer"]
    if len(parts) >= 2 and [p.lower() for p in parts] == list(TIME_PARTS[: len(parts)]):
        return parts
    times = [c.name for c in raw_table.columns if c.kind == "time"]
    if times:
        return [min(times, key=_time_rank)]
    whole = [c.name for c in raw_table.columns if c.kind == "integer"]
    whole = [name for name in whole if _time_rank(name) < len(TIME_NAMES)]
    return [min(whole, key=_time_rank)] if whole else []


def _time_rank(column: str) -> int:
    return name_rank(column, TIME_NAMES)


def _with_target(suggestion: Suggestion, raw_table: RawTable, used: set[str]) -> Suggestion:
    """Add the target, or the wide form where several columns hold numbers and none is an id."""
    columns = [c for c in raw_table.columns if c.name not in used and c.numeric and not c.constant]
    names = [c.name for c in columns if not is_counter(raw_table, c)]
    if not names:
        return suggestion
    best = min(names, key=lambda name: name_rank(name, TARGET_NAMES))
    if name_rank(best, TARGET_NAMES) < len(TARGET_NAMES):
        return suggestion | Suggestion.of("data.target", best, "by its name")
    if len(names) > 1 and suggestion.keys.get("data.id", "") is None:
        keys: dict[str, Any] = {k: v for k, v in suggestion.keys.items() if k != "data.id"}
        others = [n for n in raw_table.names if n not in used]
        if len(others) > len(names):
            keys["data.target"] = names
        why = f"{len(names)} columns of numbers, and no id"
        return Suggestion(keys, suggestion.reasons) | Suggestion.of(
            "data.wide_columns_are", "series", why
        )
    why = "the only column of numbers" if len(names) == 1 else "the first column of numbers"
    return suggestion | Suggestion.of("data.target", names[0], why)


def is_counter(raw_table: RawTable, column: Column) -> bool:
    """Whether a column only counts the lines, from the top or anew in each file."""
    if column.kind != "integer" or column.missing or (column.distinct or 0) < 3:
        return False
    values = raw_table.arrow[column.name].to_numpy()
    return bool((np.diff(values) == 1).mean() > 0.99)
