"""Parts of a table to forecast: some of its series, or what was known before a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.config.schema import DataConfig
from tsconv.data.panel.format_time import format_zoned_time
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.table import Table, take_lines
from tsconv.data.settings import TimeFormat
from tsconv.data.source_column import SourceColumn
from tsconv.data.timestamps.parse import parse_times
from tsconv.data.timestamps.zones import to_wall
from tsconv.errors import ConfigError, DataError, nearest


class OutsideError(ConfigError):
    """`start` or `last` lies outside the lines of a table; those of other shards may reach it."""

    def __init__(self, message: str, rest: Table | None) -> None:
        """rest: the lines to go on with where others reach it; None for none."""
        super().__init__(message)
        self.rest = rest


_FEW = 5  # ids that a message lists


def keep_series(table: Table, wanted: Any) -> Table:
    """The lines of some series; raises ConfigError for an id that the table does not have.

    wanted: one id or a list of them, as text. Several id columns are joined by `/`.

    >>> from tsconv.data.reading.read import table_from_frame
    >>> frame = pd.DataFrame({"unique_id": ["a", "b"], "ds": [1, 1], "y": [5, 6]})
    >>> keep_series(table_from_frame(frame, DataConfig()), "b").ids
    ('b',)
    """
    names = [str(name) for name in (wanted if isinstance(wanted, (list, tuple)) else [wanted])]
    for name in names:
        if name not in table.ids:
            known = ", ".join(table.ids[:_FEW]) + (", ..." if table.ids[_FEW:] else "")
            hint = nearest(name, table.ids) or f"; it has {known}"
            raise ConfigError(f"`series`: {table.source} has no series `{name}`{hint}")
    if not names:
        raise ConfigError("`series` is empty: name a series, or leave the key out")
    return take_lines(table, np.isin(np.array(table.ids), names)[table.codes])


def keep_ids(future: Table, ids: Sequence[str]) -> Table:
    """The lines of a future file that are of these series; all where it holds for every series."""
    kept = np.isin(np.array(future.ids), list(ids))
    return take_lines(future, kept[future.codes]) if kept.any() else future


def cut_table(table: Table, data: DataConfig, start: Any = None, last: Any = None) -> Table:
    """The table as it was before `start`, or up to and with `last`: one of them is given.

    Targets and past covariates of later lines are gone; future covariates and static ones stay.
    start, last: a time as the file's times are, or as ISO 8601. Raises ConfigError for one that is
    no such time, or lies outside the table.
    """
    key, value = ("start", start) if start is not None else ("last", last)
    if start is not None and last is not None:
        raise ConfigError("`start` and `last` exclude each other: give one")
    moment = parse_moment(table, data, key, value)
    after = table.time >= moment if key == "start" else table.time > moment
    observed = ~np.isnan(table.values[:, : table.n_targets]).all(1)
    if not (observed & ~after).any():
        first = format_zoned_time(table.time[observed].min().reshape(1), table)
        raise OutsideError(
            f"`{key}` (={value}): no value is observed before it; the first one in "
            f"{table.source} is at {first}",
            None,
        )
    if not after.any() and key == "last" and (table.time[observed] < moment).all():
        end = format_zoned_time(table.time[observed].max().reshape(1), table)
        raise OutsideError(f"`last` (={value}): {table.source} ends at {end}", table)
    if table.future is None:
        return take_lines(table, ~after)
    values = table.values.copy()
    values[after] = np.nan
    past = table.past
    if past is not None:
        unseen = past.values.copy()
        unseen[after] = np.nan
        past = dataclasses.replace(past, values=unseen)
    return dataclasses.replace(table, values=values, past=past)


def cut_after(table: Table, panel: Panel, time: npt.NDArray[Any]) -> Table:
    """The lines up to and with `time`; of later ones nothing stays, as no training reads them.

    panel: of the table. time: (1,) as the panel has times.
    """
    lines: npt.NDArray[Any] = table.time
    if panel.time_zone is not None and panel.wall_clock and not table.wall_clock:
        lines = to_wall(lines, panel.time_zone)
    return take_lines(table, lines <= time)


def require_start(
    start: Any, table: Table, data: DataConfig, panel: Panel, origins: npt.NDArray[np.int64]
) -> None:
    """Raise ConfigError where `start` lies after the step that follows the last observed one.

    origins: (S,) the step that each series of the panel is forecast from, -1 for none.
    """
    wanted = moment_on_panel("start", start, table, data, panel)
    some = origins >= 0
    first = panel.frequency.advance(panel.start[some], origins[some] + 1)
    if len(first) == 0:
        return
    latest = first[[int(first.argmax())]]
    if latest[0] < wanted[0]:
        raise OutsideError(
            f"`start` (={start}): {table.source} has no value for the step before it; "
            f"the latest start is {format_zoned_time(latest, panel)}",
            table,
        )


def moment_on_panel(
    key: str, value: Any, table: Table, data: DataConfig, panel: Panel
) -> npt.NDArray[Any]:
    """The time that `value` says, as the panel has times: (1,).

    key: the config's, for messages. Raises ConfigError where `value` is not a time.
    """
    wanted = np.array([parse_moment(table, data, key, value)])
    if panel.time_zone is not None and panel.wall_clock:
        wanted = to_wall(wanted, panel.time_zone)
    return wanted


def parse_moment(table: Table, data: DataConfig, key: str, value: Any) -> Any:
    """The time that `value` says, as the table has times.

    key: the config's, for messages. Raises ConfigError where `value` is not a time.
    """
    text = str(value)
    if table.time.dtype.kind != "M":
        if not text.lstrip("+-").isdigit():
            raise ConfigError(
                f"`{key}` (={value}) must be an integer, as the times of the file are"
            )
        return np.int64(int(text))
    form = TimeFormat.of(data)
    source = SourceColumn(key, lambda _: f"`{key}`")
    attempts = [form, dataclasses.replace(form, pattern=None, unit=None)]
    for attempt in attempts:
        integer = attempt.unit not in (None, "step") and text.lstrip("+-").isdigit()
        column = pd.Series([int(text)]) if integer else pd.Series([text])
        try:
            parsed = parse_times(column, source, attempt)
            time, _ = parsed.in_utc(table.time_zone, np.zeros(1, dtype="int64"), source, form.utc)
        except DataError:
            continue
        if time.dtype.kind == "M":
            return time[0]
    shown = format_zoned_time(table.time.max().reshape(1), table)
    what = "the first step to forecast" if key == "start" else "the last step to use"
    raise ConfigError(f"`{key}` (={value}) must be the time of {what}, such as {shown}")
