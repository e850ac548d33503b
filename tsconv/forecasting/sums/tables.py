"""Tables of sums: their keys and times as in the file, a point and intervals."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from tsconv.data.batches.common_grid import common_grid
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.zones import zoned
from tsconv.errors import ConfigError, DataError, require_choice
from tsconv.forecasting.file_columns import FileColumns
from tsconv.forecasting.finite import require_finite
from tsconv.forecasting.intervals.wanted import POINTS
from tsconv.forecasting.rounding import round_to_data
from tsconv.forecasting.sums.add import GroupSums, add_groups, sample_quantiles
from tsconv.forecasting.sums.groups import (
    Aggregate,
    Groups,
    find_groups,
    find_members,
    key_names,
    parse_aggregates,
    static_frame,
)
from tsconv.forecasting.sums.paths import SamplePaths
from tsconv.notes import Note, NoteKind
from tsconv.text import plural, quote_first

_FEW = 5  # series that a note names


@dataclasses.dataclass(frozen=True)
class SumForm:
    """How sums are shown: which point and intervals, and the columns and digits of the file."""

    decimals: Mapping[str, int | None]  # of each target, as `target_decimals` gives them
    levels: tuple[float, ...] = (80,)  # per cent of the central intervals
    point: str = "median"  # one of POINTS
    file_columns: FileColumns | None = None  # None: unique_id, row, ds


def aggregates_of(
    value: Any, panel: Panel, table: Table, file_columns: FileColumns | None
) -> tuple[Aggregate, ...]:
    """The sums that `aggregate` asks for of a panel; raises ConfigError for unknown names.

    table: that the panel was made of, with its static covariates.
    """
    static = () if table.static is None else table.static.names
    return parse_aggregates(value, (*key_names(panel, _row_column(file_columns)), *static))


def sum_frames(
    paths: SamplePaths, panel: Panel, table: Table, aggregates: Sequence[Aggregate], form: SumForm
) -> tuple[dict[str, pd.DataFrame], tuple[Note, ...]]:
    """A DataFrame of forecasts for each aggregate, by its name, and notes on what they lack.

    Its columns are those that name a group, `channel` where the forecasts have it, the time (the
    last one of sums over the horizon), `tsconv` and the intervals. Values are those of the samples
    of the sums, in the units of the data. Raises DataError where no sum has a step that all of its
    series have.
    """
    require_choice("point", form.point, POINTS)
    rows: Any = np.array(panel.rows, dtype=object)
    if form.file_columns is not None and panel.rows:
        rows = form.file_columns.rows(rows)
    row_column = _row_column(form.file_columns)
    members = find_members(paths.forecast, panel, static_frame(table, panel), row_column, rows)
    frames: dict[str, pd.DataFrame] = {}
    notes = _skipped_notes(paths)
    for aggregate in aggregates:
        groups = find_groups(paths.forecast, panel, members, aggregate.columns)
        notes += _group_notes(aggregate, groups, paths, panel)
        parts = [
            _frame(sums, groups, paths, panel, aggregate, form)
            for sums in add_groups(paths, groups, aggregate.over_horizon)
        ]
        frames[aggregate.name] = pd.concat(parts, ignore_index=True)
        if frames[aggregate.name].empty:
            raise DataError(
                f"`aggregate` (={aggregate.name}): the forecasts of the series have no step in "
                f"common: their last observed values lie too far apart"
            )
    return frames, tuple(notes)


def _row_column(file_columns: FileColumns | None) -> str | None:
    return None if file_columns is None else file_columns.row


def _frame(
    sums: GroupSums,
    groups: Groups,
    paths: SamplePaths,
    panel: Panel,
    aggregate: Aggregate,
    form: SumForm,
) -> pd.DataFrame:
    """The lines of some groups: by group, target and step."""
    g, c, j = (v.numpy() for v in sums.known.nonzero(as_tuple=True))
    group = g + sums.begin
    lines = groups.keys.iloc[group].reset_index(drop=True)
    columns: dict[str, Any] = {str(name): lines[name] for name in lines}
    keys = list(columns)
    if panel.rows or len(panel.targets) > 1:
        keys.append("channel")
        columns["channel"] = np.array(panel.channels, dtype=object)[c]
    series = paths.forecast.series.numpy()[groups.reference[group]]
    later = common_grid(panel)[1]
    step = groups.first[group] - later[series] + j
    if aggregate.over_horizon:
        step += groups.n_steps[group] - 1
    ds = panel.frequency.advance(panel.start[series], step)
    given = form.file_columns
    times = {"ds": zoned(ds, panel)} if given is None else given.times(ds, panel)
    values = _values(sums.samples[sums.known], c, paths, panel, form)
    names = [*keys, *times, *values]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"`aggregate` (={aggregate.name}): `{name}` is a column of the file and one of the "
                f"forecasts: rename it in the file"
            )
    require_finite(values, columns | times)
    return pd.DataFrame(columns | times | values, index=range(len(group)))


def _values(
    samples: torch.Tensor,
    channel: npt.NDArray[np.int64],
    paths: SamplePaths,
    panel: Panel,
    form: SumForm,
) -> dict[str, npt.NDArray[np.float64]]:
    """The columns of (M, n) samples of sums: the point and the bounds of the intervals."""
    shares = {"tsconv": 0.5}
    for level in sorted(form.levels, reverse=True):
        shares[f"tsconv-lo-{level:.10g}"] = 0.5 - level / 200
        shares[f"tsconv-hi-{level:.10g}"] = 0.5 + level / 200
    found = sample_quantiles(samples, list(shares.values()))  # (M, Q)
    if paths.whole:
        found = torch.ceil(found - 0.5)
    if form.point == "mean":
        found[:, 0] = samples.mean(-1)
    out = found.numpy()
    for c, name in enumerate(panel.targets):
        some = channel == c
        if some.any():
            out[some] = round_to_data(out[some], form.decimals[name])
    return {name: out[:, q] for q, name in enumerate(shares)}


def _skipped_notes(paths: SamplePaths) -> list[Note]:
    skipped = paths.forecast.skipped
    if not skipped:
        return []
    first = skipped[:_FEW]
    text = (
        f"sums lack {plural(len(skipped), 'series', 'series')} without a forecast: "
        f"{quote_first(first, len(skipped))}"
    )
    return [Note(NoteKind.SERIES_LEFT_OUT, text, skipped)]


def _group_notes(
    aggregate: Aggregate, groups: Groups, paths: SamplePaths, panel: Panel
) -> list[Note]:
    """What the sums of an aggregate lack since series end at different times."""
    notes = []
    if len(groups.ended):
        names = tuple(panel.ids[int(s)] for s in paths.forecast.series[groups.ended])
        text = (
            f"`aggregate` (={aggregate.name}): {plural(len(names), 'series', 'series')} in no sum, "
            f"since their last observed values lie too far from those of others: "
            f"{quote_first(names[:_FEW], len(names))}"
        )
        notes.append(Note(NoteKind.SERIES_LEFT_OUT, text, names))
    horizon = paths.forecast.values.shape[-2]
    short = int((groups.n_steps < horizon).sum())
    if short:
        text = (
            f"`aggregate` (={aggregate.name}): {short:,} of {len(groups.n_steps):,} sums cover "
            f"fewer than {plural(horizon, 'step')}, those that all of their series have, since the "
            f"last observed values lie at different times"
        )
        notes.append(Note(NoteKind.SERIES_ENDED_EARLY, text))
    return notes
