"""Column roles: which columns of a file are read, and as what. Declared, never guessed."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from tsconv.errors import ConfigError, DataError, nearest, require_choice
from tsconv.schema import DataConfig

WIDE = ("series", "rows", "channels")
_DEFAULT_ID = DataConfig().id


@dataclasses.dataclass(frozen=True)
class Roles:
    """Which columns are read, and as what."""

    time: tuple[str, ...]
    id: str | None
    row: str | None
    values: tuple[str, ...]  # targets, then past-only columns
    n_past: int
    wide: str | None  # what the columns of values are: one of WIDE, or None in long form

    @property
    def wanted(self) -> list[str]:
        """Every column that is read."""
        return [*self.time, *(c for c in (self.id, self.row) if c is not None), *self.values]


def find_roles(names: Sequence[str], data: DataConfig, source: str) -> Roles:
    """Match the declared columns with the file's; raises DataError naming the nearest one."""
    _reject_twins(names, source)
    _check_combination(data)
    wide = data.wide_columns_are
    time = tuple(as_list(data.time, "data.time"))
    if not time:
        raise ConfigError("`data.time` must name the column of time, or several")
    past = tuple(as_list(data.past_covariates, "data.past_covariates"))
    identity = None if wide == "series" else data.id
    grouped = wide is not None or data.row is not None or data.row_from_file is not None
    if identity == _DEFAULT_ID and identity not in names and grouped:
        identity = None  # the file is one series
    target = as_list(data.target, "data.target")
    if not target:
        taken = {*time, identity, data.row, *past}
        target = [n for n in names if n not in taken] if wide else ["y"]
    roles = Roles(time, identity, data.row, (*target, *past), len(past), wide)
    keys: dict[str | None, str] = {identity: "data.id", data.row: "data.row"}
    keys.update(dict.fromkeys(past, "data.past_covariates"))
    keys.update(dict.fromkeys(time, "data.time"))
    for name in roles.wanted:
        if name not in names:
            key = keys.get(name, "data.target")
            alone = "; a file with one series: data.id=null" if key == "data.id" else ""
            raise DataError(
                f"{source}: no column `{name}` (set by `{key}`){nearest(name, names)}; "
                f"its columns are {', '.join(names[:12])}"
                f"{', ...' if len(names) > 12 else ''}{alone}"
            )
    if len(roles.values) == roles.n_past:
        raise DataError(f"{source}: no column of values beside {', '.join(roles.wanted)}")
    for name in roles.wanted:
        if roles.wanted.count(name) > 1:
            raise ConfigError(
                f"column `{name}` is given two roles among data.time, id, row, target and "
                f"past_covariates"
            )
    return roles


def _reject_twins(names: Sequence[str], source: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"{source}: two columns are called `{name}`; rename one")
        seen.add(name)


def _check_combination(data: DataConfig) -> None:
    """Raise ConfigError for roles that exclude each other."""
    wide = data.wide_columns_are
    if wide is not None:
        require_choice("data.wide_columns_are", wide, WIDE)
    if data.row is not None and data.row_from_file is not None:
        raise ConfigError(
            f"`data.row` (={data.row}) and `data.row_from_file` (={data.row_from_file}): give one"
        )
    row = data.row or data.row_from_file
    if wide in ("series", "rows") and row is not None:
        key = "data.row" if data.row else "data.row_from_file"
        raise ConfigError(
            f"`{key}` (={row}) and `data.wide_columns_are` (={wide}) exclude each other: give one, "
            f"or data.wide_columns_are=channels"
        )
    if wide in ("series", "rows") and data.past_covariates:
        raise ConfigError(
            f"`data.past_covariates` and `data.wide_columns_are` (={wide}) exclude each other: "
            f"each column of the file is one of the {wide}"
        )
    require_choice("data.bad_values", data.bad_values, ("error", "missing"))


def as_list(value: Any, key: str) -> list[str]:
    """One column name, or several, as a list; raises ConfigError for anything else."""
    if value is None:
        return []
    items = list(value) if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(item, (str, int)) and not isinstance(item, bool) for item in items):
        raise ConfigError(f"`{key}` (={value}) must be a column's name, or a list of names")
    return [str(item) for item in items]


def row_of_file(name: str, pattern: str) -> str:
    """The row that a file's name tells: what the first group of the pattern finds in it."""
    try:
        found = re.search(pattern, name)
    except re.error as error:
        raise ConfigError(
            f"`data.row_from_file` (={pattern}) is not a regular expression: {error}"
        ) from error
    if found is None:
        raise DataError(f"{name}: `data.row_from_file` (={pattern}) finds nothing in this name")
    text = found.group(1) if found.re.groups else found.group(0)
    if not text:
        raise DataError(f"{name}: `data.row_from_file` (={pattern}) finds an empty name in it")
    return str(text)
