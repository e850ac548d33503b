"""The roles of columns as the config declares them, before any file is looked at."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from tsconv.config.schema import DataConfig
from tsconv.errors import ConfigError, DataError, require_choice

WIDE = ("series", "rows", "channels", "steps")
_DEFAULT = DataConfig()
_LONGEST_DELAY = 1_000_000  # steps


@dataclasses.dataclass(frozen=True)
class DeclaredRoles:
    """The roles that the config declares, before any file is looked at.

    >>> DeclaredRoles.of(DataConfig(past_covariates={"name": "rain", "delay": 2})).delays
    (2,)
    """

    time: tuple[str, ...]
    id: tuple[str, ...]  # () for a file of one series
    row: str | None
    row_from_file: str | None  # a regular expression that finds the row in a file's name
    id_from_file: str | None  # and one that finds the id
    targets: tuple[str, ...]  # () where none is named
    target_position: int | None  # the target's number among the file's columns, from 1
    past: tuple[str, ...]
    delays: tuple[int, ...]  # steps by which each of `past` is released late
    future: tuple[str, ...]
    static: tuple[str, ...]
    categories: tuple[str, ...]
    wide: str | None  # what the columns of values are: one of WIDE, or None in long form

    @classmethod
    def of(cls, data: DataConfig) -> DeclaredRoles:
        """From `data`; raises ConfigError for roles that exclude each other or are no names."""
        _check_combination(data)
        time = tuple(as_list(data.time, "data.time"))
        if data.wide_columns_are == "steps":
            time = ()  # the columns are the steps
        elif not time:
            raise ConfigError("`data.time` must name the column of time, or several")
        identity = _id_columns(data.id)
        past, delays = with_delays(data.past_covariates)
        future = tuple(as_list(data.future_covariates, "data.future_covariates"))
        static = tuple(as_list(data.static_covariates, "data.static_covariates"))
        targets = tuple(as_list(data.target, "data.target"))
        categories = tuple(as_list(data.categories, "data.categories"))
        for name in categories:
            if name not in (*past, *future, *static):
                raise ConfigError(
                    f"`data.categories` names `{name}`, which is not a covariate: add it to "
                    f"data.past_covariates, future_covariates or static_covariates, or take it out"
                )
        return cls(
            time,
            () if data.wide_columns_are == "series" or data.id_from_file else identity,
            data.row,
            data.row_from_file,
            data.id_from_file,
            targets,
            data.target_position,
            past,
            delays,
            future,
            static,
            categories,
            data.wide_columns_are,
        )

    @property
    def has_rows(self) -> bool:
        """Whether there is a family of rows, in columns or lines; or columns that are series."""
        return self.wide is not None or self.row is not None or self.row_from_file is not None

    def keys(self) -> dict[str | None, str]:
        """Each declared column other than the targets, and the config key that names it."""
        keys: dict[str | None, str] = {self.row: "data.row"}
        keys |= dict.fromkeys(self.id, "data.id")
        keys |= dict.fromkeys(self.past, "data.past_covariates")
        keys |= dict.fromkeys(self.future, "data.future_covariates")
        keys |= dict.fromkeys(self.static, "data.static_covariates")
        return keys | dict.fromkeys(self.time, "data.time")


def _id_columns(value: Any) -> tuple[str, ...]:
    """The columns that `data.id` names; raises ConfigError for none, and for one named twice."""
    names = tuple(as_list(value, "data.id"))
    if value is not None and not names:
        raise ConfigError(
            "`data.id` (=[]) names no column; for a file of one series set data.id=null"
        )
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"`data.id` (={list(names)}) names column `{name}` twice")
    return names


def with_delays(value: Any) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of past covariates and the steps by which each is released late.

    An item is a name, or a mapping of `name` and `delay`. Raises ConfigError for anything else.

    >>> with_delays(["wind", {"name": "rain", "delay": 2}])
    (('wind', 'rain'), (0, 2))
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


def _check_combination(data: DataConfig) -> None:
    """Raise ConfigError for roles that exclude each other."""
    wide = data.wide_columns_are
    if wide is not None:
        require_choice("data.wide_columns_are", wide, WIDE)
    if data.row is not None and data.row_from_file is not None:
        raise ConfigError(
            f"`data.row` (={data.row}) and `data.row_from_file` (={data.row_from_file}): give one"
        )
    _check_files_and_positions(data)
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


def _check_files_and_positions(data: DataConfig) -> None:
    """Raise ConfigError for ids, targets and steps that several keys would name."""
    wide, position = data.wide_columns_are, data.target_position
    if data.id_from_file is not None:
        if data.id is not None and as_list(data.id, "data.id") != [_DEFAULT.id]:
            raise ConfigError(
                f"`data.id` (={data.id}) and `data.id_from_file` (={data.id_from_file}): give one"
            )
        if wide == "series":
            raise ConfigError(
                "`data.id_from_file` and `data.wide_columns_are` (=series) exclude each other: "
                "the columns are the series"
            )
    if position is not None:
        if isinstance(position, bool) or not isinstance(position, int) or position < 1:
            raise ConfigError(f"`data.target_position` (={position}) must be 1 or more")
        if data.target is not None or wide is not None:
            key = "data.target" if data.target is not None else "data.wide_columns_are"
            raise ConfigError(f"`{key}` and `data.target_position` (={position}): give one")
    if wide != "steps":
        return
    if data.time is not None and as_list(data.time, "data.time") != [_DEFAULT.time]:
        raise ConfigError(
            f"`data.time` (={data.time}) and `data.wide_columns_are` (=steps) exclude each other: "
            f"each column is a step; set data.time=null"
        )
    for key in ("past_covariates", "future_covariates"):
        if getattr(data, key) is not None:
            raise ConfigError(
                f"`data.{key}` and `data.wide_columns_are` (=steps) exclude each other: a line is "
                f"a series, so that a column beside the steps is a static covariate"
            )


def as_list(value: Any, key: str) -> list[str]:
    """One column name, or several, as a list; raises ConfigError for anything else.

    >>> as_list("sales", "data.target"), as_list(None, "data.target")
    (['sales'], [])
    """
    if value is None:
        return []
    items = list(value) if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(item, (str, int)) and not isinstance(item, bool) for item in items):
        raise ConfigError(f"`{key}` (={value}) must be a column's name, or a list of names")
    return [str(item) for item in items]


def name_in_file(name: str, pattern: str, key: str = "data.row_from_file") -> str:
    """The row or id in a file's name: what the first group of the pattern finds in it.

    Raises ConfigError for a pattern that is no regular expression, DataError where it finds none.

    >>> name_in_file("air_north_2024.csv", r"air_(\\w+)_\\d+")
    'north'
    """
    try:
        found = re.search(pattern, name)
    except re.error as error:
        raise ConfigError(f"`{key}` (={pattern}) is not a regular expression: {error}") from error
    if found is None:
        raise DataError(f"{name}: `{key}` (={pattern}) finds nothing in this name")
    text = found.group(1) if found.re.groups else found.group(0)
    if not text:
        raise DataError(f"{name}: `{key}` (={pattern}) finds an empty name in it")
    return str(text)
