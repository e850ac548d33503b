"""Future covariates from a file of their own: its lines are merged with those of the table."""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np
import numpy.typing as npt

from tsconv.config.schema import DataConfig
from tsconv.data.reading.covariate_columns import CovariateColumns
from tsconv.data.reading.id_columns import SINGLE_SERIES
from tsconv.data.reading.names import boolean_key
from tsconv.data.reading.read import read_table
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.zones import to_utc
from tsconv.errors import ConfigError, DataError
from tsconv.notes import Note, NoteKind
from tsconv.text import plural

Lines = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


def read_future(data: DataConfig) -> Table:
    """Read `data.future_path` by the roles of `data`: time, id, row and the future covariates.

    Raises ConfigError where no future covariates are declared, DataError as `read_table` does.
    """
    if data.future_covariates is None:
        raise ConfigError("`data.future_path` needs `data.future_covariates`")
    return read_table(dataclasses.replace(data, path=data.future_path), future_only=True)


def with_future(table: Table, extra: Table) -> Table:
    """The table and the lines of a second one that has nothing but the future covariates.

    Where both have a line, the second fills what the first leaves empty. A second table without ids
    or rows holds for all of them. Raises DataError where the two contradict each other.

    >>> import pandas as pd
    >>> from tsconv.data.reading.read import table_from_frame
    >>> data = DataConfig(id=None, future_covariates="promo")
    >>> past = table_from_frame(pd.DataFrame({"ds": [1, 2], "y": [5, 6], "promo": [0, 1]}), data)
    >>> ahead = table_from_frame(pd.DataFrame({"ds": [3], "promo": [1]}), data, future_only=True)
    >>> with_future(past, ahead).future.values.ravel().tolist()
    [0.0, 1.0, 1.0]
    """
    extra, notes = _for_members(table, _on_clock_of(table, extra))
    if table.future is None or extra.future is None:
        raise ConfigError("`data.future_path` needs `data.future_covariates`")
    if table.time.dtype != extra.time.dtype or bool(table.time_zone) != bool(extra.time_zone):
        raise DataError(
            f"{extra.source}: its times and those of {table.source} must be of one kind: "
            f"timestamps "
            f"with an offset from UTC, timestamps without one, or integers"
        )
    theirs = _same_columns(table.future, extra.future)
    n = len(table.codes)
    ours, duplicates = _lines_of_both(table, extra)
    filled = _filled(table, extra, theirs, ours, duplicates)
    kept = np.ones(n + len(extra.codes), dtype=bool)
    kept[duplicates + n] = False

    def extended(values: Values) -> Values:
        gap = np.full((len(extra.codes), values.shape[1]), np.nan)
        return np.concatenate([values, gap])[kept]

    def extended_columns(columns: CovariateColumns | None) -> CovariateColumns | None:
        return columns and dataclasses.replace(columns, values=extended(columns.values))

    rows = None
    if table.row_codes is not None and extra.row_codes is not None:
        rows = np.concatenate([table.row_codes, extra.row_codes])[kept]
    locations = table.locations.then(extra.locations, (n, len(extra.codes)))
    return dataclasses.replace(
        table,
        codes=np.concatenate([table.codes, extra.codes])[kept],
        row_codes=rows,
        time=np.concatenate([table.time, extra.time])[kept],
        values=extended(table.values),
        past=extended_columns(table.past),
        static=extended_columns(table.static),
        future=dataclasses.replace(theirs, values=np.concatenate([filled, theirs.values])[kept]),
        locations=locations.take(np.flatnonzero(kept)),
        notes=(*table.notes, *extra.notes, *notes),
    )


def _on_clock_of(table: Table, extra: Table) -> Table:
    """The second table, with its dates taken to the zone where those of the first one were."""
    if not (table.utc_dates and extra.utc_dates and extra.time_zone is not None):
        return extra
    days = cast("npt.NDArray[np.datetime64]", extra.time)
    return dataclasses.replace(extra, time=to_utc(days, extra.time_zone))


def _lines_of_both(table: Table, extra: Table) -> tuple[Lines, Lines]:
    """The lines of the table that the second one has too, by member and time, and those there."""
    n = len(table.codes)
    members = np.concatenate([table.members, extra.members])
    ticks = np.concatenate([table.time, extra.time]).view("int64")
    order = np.lexsort((ticks, members))  # stable: the table's line comes first
    same = (np.diff(members[order]) == 0) & (np.diff(ticks[order]) == 0)
    same &= (order[:-1] < n) & (order[1:] >= n)
    return order[:-1][same], order[1:][same] - n


def _filled(
    table: Table, extra: Table, theirs: CovariateColumns, ours: Lines, duplicates: Lines
) -> Values:
    """The table's future covariates with what `theirs` has for its empty cells.

    Lines `ours` of the table and `duplicates` of the second one are of the same member and time.
    Raises DataError where the two differ.
    """
    assert table.future is not None
    future = table.future.values.copy()
    left = _without_empty(theirs, future[ours])
    right = _without_empty(theirs, theirs.values[duplicates])
    differ = np.argwhere(~np.isnan(left) & ~np.isnan(right) & (left != right))
    if len(differ):
        i, column = differ[0]
        raise DataError(
            f"{table.locations(ours[i])} and {extra.locations(duplicates[i])} give "
            f"{table.member(table.members[ours[i]])} two values of `{theirs.names[column]}` for "
            f"one time"
        )
    fill = (np.isnan(left) & ~np.isnan(right)) | np.isnan(future[ours])
    future[ours] = np.where(fill, theirs.values[duplicates], future[ours])
    return future


def _without_empty(columns: CovariateColumns, cells: Values) -> Values:
    """Cells (N, F) with NaN for the category of empty ones, which any other replaces."""
    out = cells.copy()
    for f, name in enumerate(columns.names):
        categories = columns.categories.get(name, ())
        if "" in categories:
            out[out[:, f] == categories.index(""), f] = np.nan
    return out


def _for_members(table: Table, extra: Table) -> tuple[Table, list[Note]]:
    """The second table's lines under the first one's ids and rows, and notes on those left out.

    Raises DataError where none of its ids is in the first.
    """
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
                f"{extra.source}: series `{strange[0]}` is not in {table.source} "
                f"({plural(len(strange), 'such series', 'such series')}): its lines are not used"
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
        locations=extra.locations.take(keep),
    ), notes


def _same_columns(ours: CovariateColumns, theirs: CovariateColumns) -> CovariateColumns:
    """Their columns in our order, their categories under our numbers, new ones behind."""
    values = theirs.values[:, [theirs.names.index(name) for name in ours.names]].copy()
    categories = dict(ours.categories)
    for f, name in enumerate(ours.names):
        if name not in ours.categories:
            continue
        spelt = (*ours.categories[name], *theirs.categories[name])
        alike = {boolean_key(category): category for category in reversed(spelt)}
        index = {key: i for i, key in enumerate(dict.fromkeys(map(boolean_key, spelt)))}
        both = tuple(alike[key] for key in index)
        codes = [index[boolean_key(c)] for c in theirs.categories[name]]
        number = np.array(codes or [0], dtype="float64")
        seen = ~np.isnan(values[:, f])
        values[seen, f] = number[values[seen, f].astype("int64")]
        categories[name] = both
    return CovariateColumns(ours.names, values, categories)
