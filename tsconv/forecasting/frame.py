"""From forecasts to a DataFrame with real timestamps, as `tsconv forecast` writes it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.panel.panel import Panel
from tsconv.data.timestamps.zones import zoned
from tsconv.errors import DataError
from tsconv.forecasting.forecast import Forecast


def forecast_frame(forecast: Forecast, panel: Panel, quantiles: tuple[float, ...]) -> pd.DataFrame:
    """A DataFrame with one line for each (series, row, channel, step).

    Its columns are `unique_id[, row][, channel], ds, tsconv, tsconv-lo-80, ...`: a row and a
    channel where the panel has rows, a channel where it has several targets. Values are in the
    units of the data. Raises DataError where no series could be forecast.
    """
    if len(forecast.series) == 0:
        raise DataError("no series has an observed value in its context to forecast from")
    has_forecast = forecast.has_forecast.transpose(1, 2)  # (S', H, T): rows first in the file
    values = forecast.values.transpose(1, 2)[has_forecast]  # (M, horizon, Q)
    i, h, c = (v.numpy() for v in has_forecast.nonzero(as_tuple=True))
    series = forecast.series.numpy()[i]
    count, horizon = values.shape[:2]
    steps = forecast.origin.numpy()[i][:, None] + np.arange(1, horizon + 1)  # (M, horizon)
    ds = panel.frequency.advance(panel.start[series].repeat(horizon), steps.ravel())

    def repeat_names(
        names: tuple[str, ...], codes: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.object_]:
        return np.array(names, dtype=object)[codes].repeat(horizon)

    columns: dict[str, object] = {"unique_id": repeat_names(panel.ids, series)}
    if panel.rows:
        columns["row"] = repeat_names(panel.rows, h)
    if panel.rows or len(panel.targets) > 1:
        columns["channel"] = repeat_names(panel.channels, c)
    columns["ds"] = zoned(ds, panel)
    flat = values.reshape(count * horizon, -1).numpy()
    for name, q in quantile_columns(quantiles).items():
        columns[name] = flat[:, q]
    return pd.DataFrame(columns)


def quantile_columns(quantiles: tuple[float, ...]) -> dict[str, int]:
    """The names of the output columns, each with the position of the quantile that it shows.

    The median is `tsconv`; levels a and 1 - a bound the central interval of 100 (1 - 2 a) per cent,
    widest first; a level without its opposite is `tsconv-q-<per cent>`.

    >>> quantile_columns((0.1, 0.5, 0.9))
    {'tsconv': 1, 'tsconv-lo-80': 0, 'tsconv-hi-80': 2}
    """
    levels = [round(q, 10) for q in quantiles]
    columns = {"tsconv": levels.index(0.5)}
    for low, level in enumerate(levels):
        opposite = round(1 - level, 10)
        if level < 0.5 and opposite in levels:
            width = f"{100 * (1 - 2 * level):.10g}"
            columns[f"tsconv-lo-{width}"] = low
            columns[f"tsconv-hi-{width}"] = levels.index(opposite)
        elif level != 0.5 and opposite not in levels:
            columns[f"tsconv-q-{100 * level:.10g}"] = low
    return columns
