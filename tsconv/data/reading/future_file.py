"""The known future from a file of its own: its lines beside those of the table."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from tsconv.config.schema import DataConfig
from tsconv.data.reading.read import SINGLE_SERIES, read_table
from tsconv.data.reading.table import Columns, Table
from tsconv.errors import ConfigError, DataError
from tsconv.notes import Note, NoteKind


def read_future(data: DataConfig) -> Table:
    """Read `data.future_path` by the roles of `data`: time, id, row and the future covariates."""
    if data.future_covariates is None:
        raise ConfigError("`data.future_path` needs `data.future_covariates`")
    return read_table(dataclasses.replace(data, path=data.future_path), future_only=True)


def with_future(table: Table, extra: Table) -> Table:
    """The table and the lines of a second one that has nothing but the future covariates.

    Where both have a line, the second fills what the first leaves empty. A second table without ids
    or rows holds for all of them. Raises DataError where the two contradict each other.
    """
    extra, notes = _for_members(table, extra)
    if table.future is None or extra.future is None:
        raise ConfigError("`data.future_path` needs `data.future_covariates`")
    if table.time.dtype != extra.time.dtype or bool(table.time_zone) != bool(extra.time_zone):
        raise DataError(
            f"{extra.source}: its times are not of the kind of those in {table.source}: timestamps "
            f"with an offset from UTC, without one, or integers"
        )
    theirs = _same_columns(table.future, extra.future)
    n = len(table.codes)
    members = np.concatenate([table.members, extra.members])
    time = np.concatenate([table.time, extra.time])
    order = np.lexsort((time.view("int64"), members))  # stable: the table's line comes first
    same = (np.diff(members[order]) == 0) & (np.diff(time[order].view("int64")) == 0)
    same &= (order[:-1] < n) & (order[1:] >= n)
    ours, twin = order[:-1][same], order[1:][same] - n
    future = np.concatenate([table.future.values, theirs.values])
    left, right = (_without_empty(theirs, cells) for cells in (future[ours], theirs.values[twin]))
    differ = np.argwhere(~np.isnan(left) & ~np.isnan(right) & (left != right))
    if len(differ):
        at, column = differ[0]
        raise DataError(
            f"{table.places(ours[at])} and {extra.places(twin[at])} give "
            f"{table.member(members[ours[at]])} two values of `{theirs.names[column]}` for one time"
        )
    filled = np.isnan(left) & ~np.isnan(right)
    future[ours] = np.where(filled | np.isnan(future[ours]), theirs.values[twin], future[ours])
    kept = np.ones(len(members), dtype=bool)
    kept[twin + n] = False

    def grown(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        gap = np.full((len(extra.codes), values.shape[1]), np.nan)
        return np.concatenate([values, gap])[kept]

    def lines(columns: Columns | None) -> Columns | None:
        return columns and dataclasses.replace(columns, values=grown(columns.values))

    rows = None
    if table.row_codes is not None and extra.row_codes is not None:
        rows = np.concatenate([table.row_codes, extra.row_codes])[kept]
    return dataclasses.replace(
        table,
        codes=np.concatenate([table.codes, extra.codes])[kept],
        row_codes=rows,
        time=time[kept],
        values=grown(table.values),
        past=lines(table.past),
        static=lines(table.static),
        future=dataclasses.replace(theirs, values=future[kept]),
        places=table.places.then(extra.places, (n, len(extra.codes))).take(np.flatnonzero(kept)),
        notes=(*table.notes, *extra.notes, *notes),
    )


def _without_empty(columns: Columns, cells: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Cells (N, F) with NaN for the category of empty ones, which any other takes the place of."""
    out = cells.copy()
    for f, name in enumerate(columns.names):
        known = columns.categories.get(name, ())
        if "" in known:
            out[out[:, f] == known.index(""), f] = np.nan
    return out


def _for_members(table: Table, extra: Table) -> tuple[Table, list[Note]]:
    """The second table's lines under the first one's ids and rows; those of others are left out."""
    notes: list[Note] = []
    n = len(extra.codes)
    keep = np.arange(n)
    if extra.ids == (SINGLE_SERIES,) and table.ids != extra.ids:
        codes = np.repeat(np.arange(len(table.ids)), n)
        keep = np.tile(keep, len(table.ids))
    else:
        number = {name: i for i, name in enumerate(table.ids)}
        codes = np.array([number.get(name, -1) for name in extra.ids])[extra.codes]
        strange = [name for name in extra.ids if name not in number]
        if len(strange) == len(extra.ids):
            raise DataError(
                f"{extra.source}: none of its series (`{strange[0]}`, ...) is in {table.source} "
                f"(`{table.ids[0]}`, ...)"
            )
        if strange:
            text = (
                f"{extra.source}: series `{strange[0]}` is not in {table.source} ({len(strange)} "
                f"such): not forecast"
            )
            notes.append(Note(NoteKind.SERIES_ONLY_IN_FUTURE_FILE, text, (strange[0],)))
    rows = extra.row_codes[keep] if extra.row_codes is not None else None
    if table.rows and rows is None:
        count = len(table.rows)
        rows = np.repeat(np.arange(count), len(keep))
        keep, codes = np.tile(keep, count), np.tile(codes, count)
    elif rows is not None:
        number = {name: i for i, name in enumerate(table.rows)}
        rows = np.array([number.get(name, -1) for name in extra.rows])[rows]
    good = codes >= 0 if rows is None else (codes >= 0) & (rows >= 0)
    keep, codes = keep[good], codes[good]
    future = extra.future
    if future is not None:
        future = dataclasses.replace(future, values=future.values[keep])
    return dataclasses.replace(
        extra,
        ids=table.ids,
        rows=table.rows,
        codes=codes,
        row_codes=None if rows is None else rows[good],
        time=extra.time[keep],
        values=extra.values[keep],
        future=future,
        places=extra.places.take(keep),
    ), notes


def _same_columns(ours: Columns, theirs: Columns) -> Columns:
    """Their columns in our order, their categories under our numbers, new ones behind."""
    values = theirs.values[:, [theirs.names.index(name) for name in ours.names]].copy()
    categories = dict(ours.categories)
    for f, name in enumerate(ours.names):
        if name not in ours.categories:
            continue
        both = tuple(dict.fromkeys((*ours.categories[name], *theirs.categories[name])))
        place = {category: i for i, category in enumerate(both)}
        number = np.array([place[c] for c in theirs.categories[name]] or [0], dtype="float64")
        seen = ~np.isnan(values[:, f])
        values[seen, f] = number[values[seen, f].astype("int64")]
        categories[name] = both
    return Columns(ours.names, values, categories)
