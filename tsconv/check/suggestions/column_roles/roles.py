"""Roles that the columns of a file may have, by name and content; only a check suggests any."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from tsconv.check.suggestions.column_roles.column_names import TARGET_NAMES, name_rank
from tsconv.check.suggestions.column_roles.line_keys import LineKey, find_line_key
from tsconv.check.suggestions.column_roles.measurements import compare_columns, measurements
from tsconv.check.suggestions.column_roles.time_columns import choose_time
from tsconv.check.suggestions.suggestion import NO_SUGGESTION, Suggestion
from tsconv.check.tables.raw_table import RawTable
from tsconv.config.schema import DataConfig
from tsconv.data.reading.roles import as_list

_MOST_TARGETS = 8  # unlike columns that are all suggested as targets
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
        if key == "target" and data.target_position is not None:
            continue
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
    targets = [n for n in as_list(data.target, "data.target") if n in raw_table]
    with_targets = dataclasses.replace(data, target=targets)
    used = set(declared_roles(raw_table.names, with_targets))
    used -= set(as_list(data.time, "data.time")) if "time" in missing else set()
    known = [*([] if "id" in missing else as_list(data.id, "data.id")), *as_list(data.row, "")]
    known = [name for name in known if name in raw_table]
    find_id = "id" in missing
    suggestion = NO_SUGGESTION
    time = as_list(data.time, "data.time")
    if "time" in missing:
        choice = choose_time(raw_table, used, known, find_id)
        if choice is None:
            return NO_SUGGESTION
        time, key = list(choice.columns), choice.key
        suggestion |= Suggestion.of("data.time", _one_or_list(time), choice.reason)
    elif find_id:
        key = find_line_key(raw_table, time, used, known)
    ids = known
    if find_id:
        suggestion |= _with_id(key, known)
        ids = list(key.columns)
    used |= {*time, *known, *ids}
    if "target" in missing:
        suggestion = _with_target(suggestion, raw_table, time, ids, used)
    return suggestion


def _one_or_list(names: Sequence[str]) -> str | list[str] | None:
    return list(names) if len(names) > 1 else (names[0] if names else None)


def _with_id(key: LineKey, known: Sequence[str]) -> Suggestion:
    """The id of a key; none where the time alone, or with the known columns, suffices."""
    names = [name for name in key.columns if name not in known]
    if not names:
        why = "no time is repeated: one series"
        if known:
            why = "the declared columns distinguish lines of the same time"
        if not key.sufficient:
            why = "no column distinguishes lines of the same time"
    else:
        verb = "distinguishes" if len(names) == 1 else "together distinguish"
        why = f"{verb} lines of the same time"
        if not key.sufficient:
            why += f", except for {100 * key.share:.1f}% of all lines"
    return Suggestion.of("data.id", _one_or_list(names), why)


def _with_target(
    suggestion: Suggestion,
    raw_table: RawTable,
    time: Sequence[str],
    ids: Sequence[str],
    used: set[str],
) -> Suggestion:
    """Add the target: by its name, else from what the columns of numbers are to each other.

    Without an id, columns that are alike are series side by side; unlike ones are measurements of
    one series, all of them targets where they are few.
    """
    names = measurements(raw_table, time, ids, used)
    if not names:
        return suggestion
    best = min(names, key=lambda name: name_rank(name, TARGET_NAMES))
    if name_rank(best, TARGET_NAMES) < len(TARGET_NAMES):
        return suggestion | Suggestion.of("data.target", best, "by its name")
    one_series = suggestion.keys.get("data.id", "") is None
    if len(names) == 1 or not one_series:
        why = "the only column of measurements"
        if len(names) > 1:
            why = f"the first of {len(names)} measurements; name the one that you forecast"
        return suggestion | Suggestion.of("data.target", names[0], why)
    likeness = compare_columns(raw_table, names)
    if likeness.alike:
        keys: dict[str, Any] = {k: v for k, v in suggestion.keys.items() if k != "data.id"}
        if len([n for n in raw_table.names if n not in used]) > len(names):
            suggestion |= Suggestion.of("data.target", names, "the columns of measurements")
            keys["data.target"] = names
        why = f"{len(names)} columns of numbers {likeness.reason}: a series each"
        return Suggestion(keys, suggestion.reasons) | Suggestion.of(
            "data.wide_columns_are", "series", why
        )
    why = f"{len(names)} columns of numbers {likeness.reason}"
    if len(names) > _MOST_TARGETS:
        why = f"the first of {why}; the others may be past covariates"
        return suggestion | Suggestion.of("data.target", names[0], why)
    why += ": several targets of one series; name a single one to forecast only that"
    return suggestion | Suggestion.of("data.target", names, why)
