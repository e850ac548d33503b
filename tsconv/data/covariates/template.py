"""The file to fill in: the lines whose future covariates a forecast needs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from tsconv.config.schema import DataConfig
from tsconv.data.covariates.future import future_cells
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.roles import as_list
from tsconv.data.settings import TimeFormat
from tsconv.data.timestamps.spelling import time_columns
from tsconv.errors import ConfigError


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
        raise ConfigError(
            "`template`: the bundle uses no future covariates, so a forecast needs no such file"
        )
    steps = panel.lengths[:, None] + torch.arange(horizon)
    series = np.repeat(np.arange(len(panel)), horizon)
    time = panel.frequency.advance(panel.start[series], steps.flatten().numpy())
    s, h = (v.numpy() for v in panel.present.nonzero(as_tuple=True))
    lines = (s[:, None] * horizon + np.arange(horizon)).ravel()
    columns: dict[str, object] = time_columns(
        time[lines],
        panel,
        as_list(data.time, "data.time"),
        TimeFormat.of(data),
        utc_dates=utc_dates,
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
