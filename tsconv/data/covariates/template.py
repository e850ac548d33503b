"""The file to fill in: the lines whose future covariates a forecast needs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from tsconv.config.schema import DataConfig
from tsconv.data.covariates.future import future_cells
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.roles import as_list
from tsconv.data.settings import TimeFormat
from tsconv.data.timestamps.frequency import Times
from tsconv.data.timestamps.zones import from_local, to_local, zoned
from tsconv.errors import ConfigError

_PARTS = ("Y", "M", "D", "h", "m", "s")


def template_frame(
    panel: Panel,
    data: DataConfig,
    horizon: int,
    time_is_text: bool = False,
    utc_dates: bool = False,
) -> pd.DataFrame:
    """The lines whose future covariates a forecast needs, under the file's own column names.

    horizon: steps; time_is_text, utc_dates: see `Table`. Covariates that the file already has are
    filled in, the rest is empty. Raises ConfigError where there is nothing to fill in, or where
    time is in several columns of text.
    """
    covariates = panel.covariates
    if time_is_text:
        raise ConfigError(f"`template` needs time in one column, and `data.time` is {data.time}")
    if covariates is None or not covariates.future:
        raise ConfigError("`template`: the bundle has no future covariates (no file is needed)")
    steps = panel.lengths[:, None] + torch.arange(horizon)
    series = np.repeat(np.arange(len(panel)), horizon)
    time = panel.frequency.advance(panel.start[series], steps.flatten().numpy())
    s, h = (v.numpy() for v in panel.present.nonzero(as_tuple=True))
    lines = (s[:, None] * horizon + np.arange(horizon)).ravel()
    columns: dict[str, object] = _time_columns(
        time[lines], panel, as_list(data.time, "data.time"), TimeFormat.of(data), utc_dates
    )
    shared = data.wide_columns_are in ("series", "rows")
    ids = panel.id_columns.take(s.repeat(horizon))
    columns |= dict(zip(ids.names, ids.values, strict=True))
    if panel.rows and not shared:
        columns[str(data.row or "row")] = np.array(panel.rows, dtype=object)[h].repeat(horizon)
    cells = future_cells(panel, horizon).numpy()[s, :, :, h].reshape(len(lines), -1)  # (L, F)
    for f, name in enumerate(covariates.future):
        columns[name] = _readable(cells[:, f], covariates.categories.get(name))
    frame = pd.DataFrame(columns)
    return frame.drop_duplicates(list(columns)[: -len(covariates.future)]) if shared else frame


def _readable(cells: npt.NDArray[np.float64], categories: tuple[str, ...] | None) -> pd.Series:
    """Cells of one column as the file has them: numbers, or the names of categories."""
    if categories is None:
        return pd.Series(cells)
    named = [None if np.isnan(c) else categories[int(c)] for c in cells]
    return pd.Series(named, dtype="object")


def _time_columns(
    time: Times, panel: Panel, names: Sequence[str], form: TimeFormat, utc_dates: bool
) -> dict[str, object]:
    """Time as the file spells it: one column, or whole numbers of year, month, day, ..."""
    if len(names) == 1:
        if time.dtype.kind != "M":
            return {names[0]: time}
        if form.unit is not None:  # integers since 1970, which are UTC; days are days anywhere
            utc = time if form.unit == "D" else from_local(time, panel)
            return {names[0]: utc.astype(f"datetime64[{form.unit}]").astype("int64")}
        if form.pattern is None:
            return {names[0]: zoned(time, panel)}
    in_utc = form.utc and not utc_dates
    local = from_local(time, panel) if in_utc else to_local(time, panel)
    if len(names) == 1:
        shown = pd.Series(local).dt.tz_localize("UTC") if in_utc else pd.Series(zoned(time, panel))
        return {names[0]: shown.dt.strftime(str(form.pattern))}
    units = [local.astype(f"datetime64[{unit}]") for unit in _PARTS[: len(names)]]
    parts = [units[0].astype("int64") + 1970]
    for coarse, fine in itertools.pairwise(units):
        parts.append((fine - coarse.astype(fine.dtype)).astype("int64"))
    for part in (1, 2):  # months and days count from 1
        if part < len(parts):
            parts[part] = parts[part] + 1
    return dict(zip(names, parts, strict=True))
