"""The roles of a file's columns: those that the config declares, matched by name, never guessed."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence

from tsconv.config.schema import DataConfig
from tsconv.data.reading.roles import DeclaredRoles
from tsconv.errors import ConfigError, DataError, nearest
from tsconv.text import shorten

_DEFAULT_ID = (str(DataConfig().id),)


@dataclasses.dataclass(frozen=True)
class ColumnRoles:
    """Which columns of a file are read, and as what."""

    time: tuple[str, ...]
    id: tuple[str, ...]  # () for a file of one series
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
        """Past, future and static covariates, in this order."""
        return (*self.past, *self.future, *self.static)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns of ids and the one of rows."""
        return self.id if self.row is None else (*self.id, self.row)

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of text: ids, rows and categories."""
        return (*self.keys, *self.categories)

    def advice(self, name: str) -> str:
        """What else a column of numbers may be whose cells are text, for messages; "" for none."""
        if name in self.covariates:
            return "if the column holds categories, name it in `data.categories=`; else "
        if self.wide == "steps":
            return (
                "if the column is no step, name it in `data.id`, `data.row` or "
                "`data.static_covariates`; else "
            )
        return ""

    @property
    def wanted(self) -> list[str]:
        """Every column that is read."""
        return [*self.time, *self.keys, *self.targets, *self.covariates]


def match_roles(
    names: Sequence[str], declared: DeclaredRoles, source: str, future_only: bool = False
) -> ColumnRoles:
    """Match the declared columns with a file's `names`.

    future_only: the file has the future covariates beside time, id and row, and nothing else; where
    it has no id or row, it holds for all of them. Raises DataError for a column that the file has
    twice, or lacks, naming the nearest one; ConfigError for a column with two roles.

    >>> match_roles(["ds", "shop", "y"], DeclaredRoles.of(DataConfig(id="shop")), "a.csv").wanted
    ['ds', 'shop', 'y']
    """
    _reject_duplicate_names(names, source)
    identity = declared.id
    one_series = declared.has_rows and declared.wide != "steps"
    if identity == _DEFAULT_ID and identity[0] not in names and one_series:
        identity = ()  # the file is one series
    keys = dataclasses.replace(declared, id=identity).keys()
    targets = declared.targets
    if not targets:
        targets = tuple(n for n in names if n not in keys) if declared.wide else ("y",)
    if declared.target_position is not None and not future_only:
        targets = (_at_position(names, declared.target_position, keys, source),)
    roles = ColumnRoles(
        declared.time,
        identity,
        declared.row,
        targets,
        declared.past,
        declared.future,
        declared.static,
        declared.categories,
        declared.delays,
        declared.wide,
    )
    if future_only:
        # As a template calls it. Where the file has no such column, it is one list for all rows.
        row = declared.row if declared.row_from_file is None else "row"
        identity = identity if declared.id_from_file is None else _DEFAULT_ID
        roles = dataclasses.replace(
            roles,
            id=identity if any(name in names for name in identity) else (),
            row=row if row in names else None,
            targets=(),
            past=(),
            delays=(),
            static=(),
            categories=tuple(c for c in declared.categories if c in declared.future),
            wide=None,
        )
    _reject_absent(roles, names, keys, source)
    if not roles.targets and not future_only:
        raise DataError(f"{source}: no column of values beside {', '.join(roles.wanted)}")
    counts = collections.Counter(roles.wanted)
    for name, count in counts.items():
        if count > 1:
            raise ConfigError(
                f"column `{name}` is given two roles among data.time, id, row, target and "
                f"past_covariates, future_covariates, static_covariates"
            )
    return roles


def _at_position(
    names: Sequence[str], position: int, keys: dict[str | None, str], source: str
) -> str:
    """The column with that number, from 1; raises DataError where it is none, or no target."""
    if position > len(names):
        raise DataError(
            f"{source}: `data.target_position` (={position}), but there are {len(names)} columns: "
            f"{shorten(names, 12)}"
        )
    name = names[position - 1]
    if name in keys:
        raise DataError(
            f"{source}: `data.target_position` (={position}) is column `{name}`, which "
            f"`{keys[name]}` names"
        )
    return name


def _reject_absent(
    roles: ColumnRoles, names: Sequence[str], keys: dict[str | None, str], source: str
) -> None:
    """Raise DataError for the first wanted column that the file lacks."""
    there = set(names)
    for name in roles.wanted:
        if name not in there:
            key = keys.get(name, "data.target")
            alone = "; if the file is one series, set data.id=null" if key == "data.id" else ""
            if alone and not roles.targets:
                alone = "; a future file needs all columns of `data.id`, or none of them"
            raise DataError(
                f"{source}: no column `{name}` (set by `{key}`){nearest(name, names)}; "
                f"its columns are {', '.join(names[:12])}"
                f"{', ...' if len(names) > 12 else ''}{alone}"
            )


def _reject_duplicate_names(names: Sequence[str], source: str) -> None:
    """Raise DataError where two columns have one name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"{source}: two columns are called `{name}`; rename one")
        seen.add(name)
