"""Roles that the columns of a file may have, by name and content: suggestions, used only here."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np

from tsconv.check.tables.raw_table import Column, RawTable
from tsconv.config.schema import DataConfig
from tsconv.data.reading.roles import as_list

_PARTS = ("year", "month", "day", "hour", "minute", "second")
_TIME = (
    "ds", "datetime", "timestamp", "date", "time", "day", "period", "week", "month", "year", "t",
    "step",
)  # fmt: skip
_ID = (
    "unique_id", "id", "series_id", "series", "item_id", "item", "store", "shop", "sku", "product",
    "station", "region", "site", "name",
)  # fmt: skip
_TARGET = (
    "y", "target", "value", "values", "sales", "sold", "demand", "load", "quantity", "qty", "count",
    "volume", "units", "price",
)  # fmt: skip
_MOST_KEYS = 8  # columns that might tell series apart
_DOUBLES = 0.01  # share of the lines that may be doubles by mistake


@dataclasses.dataclass(frozen=True)
class Suggestion:
    """Keys of the config with the reason for each."""

    keys: dict[str, Any]
    reasons: dict[str, str]


def declared_roles(names: list[str], data: DataConfig) -> dict[str, str]:
    """Each column that has a role, with the key that gives it."""
    roles: dict[str, str] = {}
    for key in ("time", "id", "row", "past_covariates", "future_covariates", "static_covariates"):
        value = getattr(data, key)
        for item in value if isinstance(value, (list, tuple)) else [value]:
            name = item.get("name") if isinstance(item, dict) else item
            if name is not None and str(name) in names:
                roles[str(name)] = f"data.{key}"
    target = as_list(data.target, "data.target")
    if not target:
        target = [n for n in names if n not in roles] if data.wide_columns_are else ["y"]
    return roles | {n: "data.target" for n in target if n in names and n not in roles}


def missing_roles(names: list[str], data: DataConfig) -> list[str]:
    """The keys among data.time, id, row, target that name a column which the file lacks."""
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


def suggest_roles(raw: RawTable, data: DataConfig) -> Suggestion:
    """Roles for what is missing; those that name columns of the file are kept."""
    lacks = missing_roles(raw.names, data)
    keys: dict[str, Any] = {}
    why: dict[str, str] = {}
    time = as_list(data.time, "data.time")
    if "time" in lacks:
        time = _time_columns(raw)
        if not time:
            return Suggestion({}, {})
        keys["data.time"] = time[0] if len(time) == 1 else time
        why["data.time"] = "reads as times" if raw[time[0]].kind == "time" else "by its name"
    given = [n for n in as_list(data.target, "data.target") if n in raw]
    used = {*time, *given, *declared_roles(raw.names, dataclasses.replace(data, target=given))}
    if "id" in lacks:
        key, reason = _key_columns(raw, time, used)
        if len(key) == 2 and data.row is None:
            keys["data.row"] = key[1]
            why["data.row"] = f"with `{key[0]}` it tells lines of one time apart"
        keys["data.id"] = key[0] if key else None
        why["data.id"] = reason
        used |= set(key)
    elif data.id:
        used.add(data.id)
    if data.row:
        used.add(data.row)
    if "target" in lacks:
        _target(raw, used, keys, why)
    return Suggestion(keys, why)


def _time_columns(raw: RawTable) -> list[str]:
    lower = {c.name.lower(): c for c in raw.columns}
    parts = [lower[p].name for p in _PARTS if p in lower and lower[p].kind == "integer"]
    if len(parts) >= 2 and [p.lower() for p in parts] == list(_PARTS[: len(parts)]):
        return parts
    times = [c for c in raw.columns if c.kind == "time"]
    if times:
        times.sort(key=lambda c: _by_name(c, _TIME))
        return [times[0].name]
    whole = [c for c in raw.columns if c.kind == "integer" and _by_name(c, _TIME) < len(_TIME)]
    whole.sort(key=lambda c: _by_name(c, _TIME))
    return [c.name for c in whole[:1]]


def _by_name(column: Column, names: tuple[str, ...]) -> int:
    """The place of a column's name in a list, whole names before parts of names."""
    name = column.name.lower()
    if name in names:
        return names.index(name)
    words = set(name.replace("-", "_").replace(" ", "_").split("_"))
    return next((len(names) - 1 for n in names if len(n) > 2 and n in words), len(names))


def _key_columns(raw: RawTable, time: list[str], used: set[str]) -> tuple[list[str], str]:
    """The column, or two, that with the time make every line unique; none where the time does."""
    clock = joint(raw, time)
    if doubles(clock) <= _DOUBLES:
        return [], "every time is there once: one series"
    candidates = [c for c in raw.columns if c.name not in used and _names_things(c, len(raw))]
    candidates.sort(key=lambda c: (_by_name(c, _ID), c.kind != "text"))
    candidates = candidates[:_MOST_KEYS]
    shares: dict[tuple[str, ...], float] = {}
    for n in (1, 2):
        for some in itertools.combinations(candidates, n):
            names = tuple(c.name for c in some)
            shares[names] = doubles(joint(raw, [*time, *names]))
        good = [names for names, s in shares.items() if len(names) == n and s <= _DOUBLES]
        if good:
            best = min(good, key=lambda names: (shares[names] > 0, good.index(names)))
            pair = sorted(best, key=lambda name: -(raw[name].distinct or 0))
            return pair, "tells lines of one time apart"
    if not candidates:
        return [], "no column tells lines of one time apart"
    best = min(shares, key=lambda names: (shares[names], len(names)))
    return list(best[:1]), f"tells lines of one time apart, but for {100 * shares[best]:.1f}%"


def _names_things(column: Column, n: int) -> bool:
    if column.missing or column.distinct is None or not 1 < column.distinct <= 0.5 * n:
        return False
    return column.kind == "text" or (
        column.kind == "integer"
        and (_by_name(column, _ID) < len(_ID) or column.distinct < 0.05 * n)
    )


def joint(raw: RawTable, names: list[str]) -> np.ndarray:
    """(N,) one number for each combination of the columns' values."""
    out = np.zeros(len(raw), dtype="int64")
    for name in names:
        codes = raw.codes(name) + 1
        out = out * (int(codes.max(initial=0)) + 1) + codes
        if out.max(initial=0) > 2**40:
            out = np.unique(out, return_inverse=True)[1]
    return out


def doubles(joined: np.ndarray) -> float:
    """The share of lines whose combination is there already."""
    ordered = np.sort(joined)
    return float((np.diff(ordered) == 0).sum()) / max(1, len(joined))


def _target(raw: RawTable, used: set[str], keys: dict[str, Any], why: dict[str, str]) -> None:
    columns = [c for c in raw.columns if c.name not in used and c.numeric and not c.constant]
    columns = [c for c in columns if not is_counter(raw, c)]
    if not columns:
        return
    named = sorted(columns, key=lambda c: _by_name(c, _TARGET))
    if _by_name(named[0], _TARGET) < len(_TARGET):
        keys["data.target"], why["data.target"] = named[0].name, "by its name"
    elif len(columns) > 1 and keys.get("data.id", "") is None:
        others = [n for n in raw.names if n not in used]
        if len(others) > len(columns):
            keys["data.target"] = [c.name for c in columns]
        keys["data.wide_columns_are"] = "series"
        del keys["data.id"]
        why["data.wide_columns_are"] = f"{len(columns)} columns of numbers, and no id"
    else:
        keys["data.target"] = columns[0].name
        why["data.target"] = (
            "the only column of numbers" if len(columns) == 1 else "the first column of numbers"
        )


def is_counter(raw: RawTable, column: Column) -> bool:
    """Whether a column only counts the lines, from the top or anew in each file."""
    if column.kind != "integer" or column.missing or (column.distinct or 0) < 3:
        return False
    values = raw.table[column.name].to_numpy()
    return bool((np.diff(values) == 1).mean() > 0.99)


def extra_key(raw: RawTable, time: list[str], key: str | None, values: set[str]) -> str | None:
    """A further column that, with the time and the id, makes nearly every line unique; or None."""
    taken = {*time, *values, key}
    for column in raw.columns:
        if column.name in taken or not _names_things(column, len(raw)):
            continue
        if doubles(joint(raw, [*time, *([key] if key else []), column.name])) <= _DOUBLES:
            return column.name
    return None
