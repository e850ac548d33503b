"""Column roles: which columns of a file are read, and as what. Declared, never guessed."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from tsconv.config.schema import DataConfig
from tsconv.errors import ConfigError, DataError, nearest, require_choice

WIDE = ("series", "rows", "channels")
_LONGEST_DELAY = 1_000_000  # steps
_DEFAULT_ID = DataConfig().id


@dataclasses.dataclass(frozen=True)
class Roles:
    """Which columns are read, and as what."""

    time: tuple[str, ...]
    id: str | None
    row: str | None
    targets: tuple[str, ...]
    past: tuple[str, ...]  # covariates that are seen up to the origin
    future: tuple[str, ...]  # covariates that are known over the horizon
    static: tuple[str, ...]  # covariates with one value a series and row
    categories: tuple[str, ...]  # those of the covariates that are no numbers
    delays: tuple[int, ...]  # steps by which each of `past` is released late
    wide: str | None  # what the targets are: one of WIDE, or None in long form

    @property
    def numbers(self) -> tuple[str, ...]:
        """Columns of numbers: targets first."""
        return tuple(c for c in (*self.targets, *self.covariates) if c not in self.categories)

    @property
    def covariates(self) -> tuple[str, ...]:
        return (*self.past, *self.future, *self.static)

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of text: ids, rows and categories."""
        return (*(c for c in (self.id, self.row) if c is not None), *self.categories)

    @property
    def wanted(self) -> list[str]:
        """Every column that is read."""
        keys = (c for c in (self.id, self.row) if c is not None)
        return [*self.time, *keys, *self.targets, *self.covariates]


def find_roles(
    names: Sequence[str], data: DataConfig, source: str, future_only: bool = False
) -> Roles:
    """Match the declared columns with the file's; raises DataError naming the nearest one.

    future_only: the file has the future covariates beside time, id and row, and nothing else; where
    it has no id or row, it holds for all of them.
    """
    _reject_twins(names, source)
    _check_combination(data)
    wide = data.wide_columns_are
    time = tuple(as_list(data.time, "data.time"))
    if not time:
        raise ConfigError("`data.time` must name the column of time, or several")
    past, delays = with_delays(data.past_covariates)
    future = tuple(as_list(data.future_covariates, "data.future_covariates"))
    static = tuple(as_list(data.static_covariates, "data.static_covariates"))
    identity = None if wide == "series" else data.id
    grouped = wide is not None or data.row is not None or data.row_from_file is not None
    if identity == _DEFAULT_ID and identity not in names and grouped:
        identity = None  # the file is one series
    keys: dict[str | None, str] = {identity: "data.id", data.row: "data.row"}
    keys.update(dict.fromkeys(past, "data.past_covariates"))
    keys.update(dict.fromkeys(future, "data.future_covariates"))
    keys.update(dict.fromkeys(static, "data.static_covariates"))
    keys.update(dict.fromkeys(time, "data.time"))
    target = as_list(data.target, "data.target")
    if not target:
        target = [n for n in names if n not in keys] if wide else ["y"]
    categories = tuple(as_list(data.categories, "data.categories"))
    for name in categories:
        if name not in (*past, *future, *static):
            raise ConfigError(
                f"`data.categories` names `{name}`, which is none of the covariates: add it to "
                f"data.past_covariates, future_covariates or static_covariates, or take it out"
            )
    roles = Roles(
        time, identity, data.row, tuple(target), past, future, static, categories, delays, wide
    )
    if future_only:
        shown = tuple(c for c in categories if c in future)
        row = data.row if data.row_from_file is None else "row"  # as a template calls it
        shared = (identity not in names, row not in names)  # one list for all of them
        roles = dataclasses.replace(
            roles,
            id=None if shared[0] else identity,
            row=None if shared[1] else row,
            targets=(),
            past=(),
            delays=(),
            static=(),
            categories=shown,
            wide=None,
        )
    for name in roles.wanted:
        if name not in names:
            key = keys.get(name, "data.target")
            alone = "; a file with one series: data.id=null" if key == "data.id" else ""
            raise DataError(
                f"{source}: no column `{name}` (set by `{key}`){nearest(name, names)}; "
                f"its columns are {', '.join(names[:12])}"
                f"{', ...' if len(names) > 12 else ''}{alone}"
            )
    if not roles.targets and not future_only:
        raise DataError(f"{source}: no column of values beside {', '.join(roles.wanted)}")
    for name in roles.wanted:
        if roles.wanted.count(name) > 1:
            raise ConfigError(
                f"column `{name}` is given two roles among data.time, id, row, target and "
                f"past_covariates, future_covariates, static_covariates"
            )
    return roles


def with_delays(value: Any) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of past covariates and the steps by which each is released late.

    An item is a name, or a mapping of `name` and `delay`.
    """
    key = "data.past_covariates"
    items = list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]
    names: list[str] = []
    delays: list[int] = []
    for item in items:
        delay: Any = 0
        if isinstance(item, dict):
            if "name" not in item or set(item) - {"name", "delay"}:
                raise ConfigError(f"`{key}` (={item}): write {{name: rain, delay: 2}}")
            item, delay = item["name"], item.get("delay", 0)
        if isinstance(delay, bool) or not isinstance(delay, int) or delay < 0:
            raise ConfigError(f"`{key}`: the delay of `{item}` (={delay}) must be steps, 0 or more")
        if delay > _LONGEST_DELAY:
            raise ConfigError(
                f"`{key}`: the delay of `{item}` (={delay}) must be at most "
                f"{_LONGEST_DELAY:,} steps"
            )
        names += as_list(item, key)
        delays.append(delay)
    return tuple(names), tuple(delays)


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
    if wide in ("series", "rows") and data.static_covariates is not None:
        raise ConfigError(
            f"`data.static_covariates` and `data.wide_columns_are` (={wide}) exclude each other: "
            f"a column beside those of the {wide} has the same value for all of them"
        )
    require_choice("data.bad_values", data.bad_values, ("error", "missing"))


def covariate_names(data: DataConfig) -> set[str]:
    """All columns that are declared as covariates."""
    past, _ = with_delays(data.past_covariates)
    future = as_list(data.future_covariates, "data.future_covariates")
    return {*past, *future, *as_list(data.static_covariates, "data.static_covariates")}


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
