"""What is summed: the members of each group of an aggregate, and the steps of their sum."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.batches.common_grid import common_grid
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.table import Table
from tsconv.errors import ConfigError, nearest
from tsconv.forecasting.file_columns import key_columns
from tsconv.forecasting.forecast import Forecast

TOTAL, HORIZON = "total", "horizon"
Index = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Aggregate:
    """Sums that a name of `aggregate` asks for.

    `columns` are the keys of a group; None for every series and row by itself.
    """

    name: str
    columns: tuple[str, ...] | None
    over_horizon: bool = False

    @property
    def stem(self) -> str:
        """The name as a part of a file's.

        >>> Aggregate("region+horizon", ("region",), True).stem
        'region_horizon'
        """
        return "".join(c if c.isalnum() or c in "-." else "_" for c in self.name)


def parse_aggregates(value: Any, columns: Sequence[str]) -> tuple[Aggregate, ...]:
    """The aggregates that a config asks for: `total`, `horizon`, columns, or several by a +.

    value: a name or a list of them. columns: those that name series or rows in the file, and static
    covariates. Raises ConfigError for another name, and where two would have the same file.

    >>> parse_aggregates("region+horizon", ["region"])
    (Aggregate(name='region+horizon', columns=('region',), over_horizon=True),)
    """
    names = [str(name) for name in (value if isinstance(value, (list, tuple)) else [value])]
    if not names:
        raise ConfigError("`aggregate` is empty: name a sum, such as total, or leave the key out")
    found = tuple(_parse(name, columns) for name in names)
    stems = [aggregate.stem for aggregate in found]
    for one, stem in zip(found, stems, strict=True):
        if stems.count(stem) > 1:
            raise ConfigError(
                f"`aggregate`: two sums would be written to the file of {one.name}: name it once"
            )
    return found


def _parse(name: str, columns: Sequence[str]) -> Aggregate:
    parts = [name] if name in columns else name.split("+")
    known = [TOTAL, HORIZON, *columns]
    for part in parts:
        if part not in known:
            raise ConfigError(
                f"`aggregate` (={name}): `{part}` must be one of {', '.join(known)}"
                f"{nearest(part, known)}"
            )
        if parts.count(part) > 1:
            raise ConfigError(f"`aggregate` (={name}) names `{part}` twice")
    keys = tuple(part for part in parts if part not in (TOTAL, HORIZON))
    if TOTAL in parts and keys:
        raise ConfigError(
            f"`aggregate` (={name}): `total` sums over all series, so that no column goes with it"
        )
    return Aggregate(name, keys if keys or TOTAL in parts else None, HORIZON in parts)


@dataclasses.dataclass(frozen=True)
class Groups:
    """G groups and their M members, each a series of the forecast and a row.

    The sum of a group has the steps first .. first + n_steps - 1 of the common grid.
    """

    keys: pd.DataFrame  # G lines: the columns that name a group
    reference: Index  # (G,) a series of the forecast whose times its steps have
    first: Index  # (G,) the first step, on the common grid
    n_steps: Index  # (G,) as many as all of its members have; 0 for none
    series: Index  # (M,) of the forecast, in order
    row: Index  # (M,)
    group: Index  # (M,)
    begin: Index  # (M,) the first step of each member's forecast, on the common grid
    ended: (
        Index  # series of the forecast that are in no sum, since their forecast is of other times
    )


@dataclasses.dataclass(frozen=True)
class Members:
    """The M series and rows that have a forecast, with the columns of the file that name them."""

    columns: pd.DataFrame  # M lines
    own: tuple[str, ...]  # the columns that tell them all apart, as in a file of forecasts
    series: Index  # (M,) positions in the forecast, in order
    row: Index  # (M,)


def find_groups(
    forecast: Forecast, panel: Panel, members: Members, columns: Sequence[str] | None
) -> Groups:
    """The groups of members that have the same values in some columns; None: each by itself.

    A group's sum has the steps of its members' forecasts: of the origin that most of them have, the
    latest of several. A member with fewer than half of these steps is left out, and a step that one
    of the others lacks has no sum.
    """
    series, row = members.series, members.row
    group = np.zeros(len(series), dtype="int64")
    if columns is None:
        group = np.arange(len(series))
    elif columns:
        by = members.columns.groupby(list(columns), sort=False, dropna=False, observed=True)
        group = by.ngroup().to_numpy(dtype="int64")
    later = common_grid(panel)[1]
    begin = (later[forecast.series.numpy()] + forecast.origin.numpy() + 1)[series]
    usual, reference = _usual(group, begin)
    horizon = forecast.values.shape[-2]
    kept = 2 * np.abs(begin - usual[group]) <= horizon
    first = np.full(len(usual), np.iinfo("int64").min)
    np.maximum.at(first, group[kept], begin[kept])
    end = np.full(len(usual), np.iinfo("int64").max)
    np.minimum.at(end, group[kept], begin[kept] + horizon)
    shown = members.columns[list(members.own if columns is None else columns)]
    return Groups(
        keys=shown.iloc[reference].reset_index(drop=True),
        reference=series[reference],
        first=first,
        n_steps=np.maximum(end - first, 0),
        series=series[kept],
        row=row[kept],
        group=group[kept],
        begin=begin[kept],
        ended=np.unique(series[~kept]),
    )


def _usual(group: Index, begin: Index) -> tuple[Index, Index]:
    """(G,) what most members of each group have, the latest of several, and one that has it."""
    pairs, first, count = np.unique(
        np.stack([group, begin]), axis=1, return_index=True, return_counts=True
    )
    order = np.lexsort((pairs[1], count, pairs[0]))
    ends = np.append(np.flatnonzero(np.diff(pairs[0][order])), len(order) - 1)
    best = order[ends]
    return pairs[1][best], first[best]


def key_names(panel: Panel, row_column: str | None) -> tuple[str, ...]:
    """The columns by which series and rows can be summed: those of ids, and that of rows.

    row_column: its name in the file; None for a table of `unique_id, row, ds`.
    """
    names = panel.id_columns.names or key_columns(panel.ids, ())
    more = ("unique_id",) if row_column is None and "unique_id" not in names else ()
    return (*more, *names, *([row_column or "row"] if panel.rows else []))


def find_members(
    forecast: Forecast, panel: Panel, static: pd.DataFrame, row_column: str | None, rows: Any
) -> Members:
    """The series and rows of a forecast, with the columns that name them in the file.

    static: S * H lines of other columns, series by series. row_column: as `key_names` takes it;
    rows: (H,) as the file has them.
    """
    i, h = (v.numpy() for v in forecast.has_forecast.any(1).nonzero(as_tuple=True))
    s = forecast.series.numpy()[i]
    ids = panel.id_columns.without_categories().take(s)
    names = np.array(panel.ids, dtype=object)[s]
    columns: dict[str, Any] = dict.fromkeys(key_names(panel, row_column), names)
    columns |= dict(zip(ids.names, ids.values, strict=True))
    own = tuple(columns)
    if row_column is None:
        own = ("unique_id", *(["row"] if panel.rows else []))
    if panel.rows:
        columns[row_column or "row"] = pd.Series(rows).iloc[h].reset_index(drop=True)
    lines = static.iloc[s * panel.n_rows + h].reset_index(drop=True)
    for name in lines:
        columns.setdefault(str(name), lines[name])
    return Members(pd.DataFrame(columns, index=range(len(i))), own, i, h)


def static_frame(table: Table, panel: Panel) -> pd.DataFrame:
    """The static covariates of a table as the file has them: S * H lines, series by series.

    A series and row without a value has an empty text, or NaN in a column of numbers.
    """
    static, count = table.static, len(panel) * panel.n_rows
    columns: dict[str, Any] = {}
    if static is not None:
        series = pd.Index(panel.ids).get_indexer(pd.Index(table.ids))
        row = np.zeros(1, dtype="int64")
        if panel.rows:
            row = pd.Index(panel.rows).get_indexer(pd.Index(table.rows))
        s = series[table.codes]
        h = row[0 if table.row_codes is None else table.row_codes] + np.zeros_like(s)
        for k, name in enumerate(static.names):
            cells = static.values[:, k]
            some = np.flatnonzero(~np.isnan(cells) & (s >= 0) & (h >= 0))
            found = np.full(count, np.nan)
            found[(s * panel.n_rows + h)[some]] = cells[some]
            columns[name] = found
            if name in static.categories:
                texts = np.array([*static.categories[name], ""], dtype=object)
                columns[name] = texts[np.where(np.isnan(found), -1, found).astype("int64")]
    return pd.DataFrame(columns, index=range(count))
