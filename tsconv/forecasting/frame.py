"""From forecasts to a DataFrame with real timestamps, as `tsconv forecast` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from tsconv.calibration.value_range import ValueRange
from tsconv.data.decimals import decimals_of
from tsconv.data.panel.panel import Panel
from tsconv.data.timestamps.zones import zoned
from tsconv.errors import ConfigError, DataError
from tsconv.forecasting.file_columns import FileColumns, key_columns
from tsconv.forecasting.finite import require_finite
from tsconv.forecasting.forecast import Forecast
from tsconv.forecasting.rounding import round_parts, round_to_data


def forecast_frame(
    forecast: Forecast,
    panel: Panel,
    file_columns: FileColumns | None = None,
    decimals: Mapping[str, int | None] | None = None,
    limits: ValueRange | None = None,
) -> pd.DataFrame:
    """A DataFrame with one line for each (series, row, channel, step).

    Its columns are `unique_id[, row][, channel], ds, tsconv, tsconv-lo-80, ...`: a row and a
    channel where the panel has rows, a channel where it has several targets. With `file_columns`,
    series, rows and times have the names, types and spelling of the file. Values are in the units
    of the data, rounded to what it carries: the `decimals` of each target, or else those of the
    panel. The forecast's components come last, each as `tsconv-<its name>`, and are rounded so that
    they add up to `tsconv`. limits: of the panel, which rounding must not break. Raises DataError
    where no series could be forecast and where a forecast is not finite, ConfigError where a column
    of the file has a name of ours.
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

    names = panel.id_columns.names
    columns: dict[str, Any]
    if file_columns is None or not names:
        shown = ("unique_id",) if file_columns is None else key_columns(panel.ids, names)
        columns = {name: repeat_names(panel.ids, series) for name in shown}
    else:
        typed = panel.id_columns.take(series.repeat(horizon)).values
        columns = dict(zip(names, typed, strict=True))
    keys = [*columns]
    if panel.rows:
        rows = repeat_names(panel.rows, h)
        key = "row" if file_columns is None else file_columns.row
        keys.append(key)
        columns[key] = rows if file_columns is None else file_columns.rows(rows)
    if panel.rows or len(panel.targets) > 1:
        keys.append("channel")
        columns["channel"] = repeat_names(panel.channels, c)
    times = {"ds": zoned(ds, panel)} if file_columns is None else file_columns.times(ds, panel)
    columns |= times
    places = _decimals(panel, decimals)
    flat = _rounded(values, c, places).reshape(count * horizon, -1)
    points = _rounded(forecast.point.transpose(1, 2)[has_forecast], c, places).ravel()
    ours = quantile_columns(forecast.quantiles)
    parts = _components(forecast, has_forecast, c, places, forecast.quantiles.index(0.5))
    keys += [*times, *ours, *parts]
    for name in keys:
        if keys.count(name) > 1:
            raise ConfigError(
                f"`{name}` is a column of the file and one of the forecasts: set `columns=nixtla`"
            )
    if limits is not None:  # a bound may have more decimals than the data
        bounds = (limits.lower, limits.upper)
        low, high = (b.cpu().numpy()[series, c].repeat(horizon) for b in bounds)
        flat, points = flat.clip(low[:, None], high[:, None]), points.clip(low, high)
    levels = {name: flat[:, q] for name, q in ours.items()} | {"tsconv": points}
    require_finite(levels | parts, columns)
    return pd.DataFrame(columns | levels | parts)


def _components(
    forecast: Forecast,
    has_forecast: torch.Tensor,
    channels: npt.NDArray[np.int64],
    places: list[int | None],
    middle: int,
) -> dict[str, npt.NDArray[np.float64]]:
    """The columns of the components, (M * horizon,) each; has_forecast: (S', H, T), M of them."""
    if not forecast.components:
        return {}
    parts = torch.stack([*forecast.components.values()], dim=-1)  # (S', T, H, horizon, parts)
    out = parts.transpose(1, 2)[has_forecast].numpy().copy()  # (M, horizon, parts)
    medians = forecast.values.transpose(1, 2)[has_forecast][..., middle].numpy()
    for c, decimals in enumerate(places):
        some = channels == c
        out[some] = round_parts(out[some], medians[some], decimals)
    return {f"tsconv-{key}": out[..., i].ravel() for i, key in enumerate(forecast.components)}


def _decimals(panel: Panel, decimals: Mapping[str, int | None] | None) -> list[int | None]:
    """The decimals of each target: those given, or those of the panel's values."""
    if decimals is not None:
        return [decimals[name] for name in panel.targets]
    columns = (panel.values[:, c] for c in range(len(panel.targets)))
    return [decimals_of(column.flatten().cpu().numpy()) for column in columns]


def _rounded(
    values: torch.Tensor, channels: npt.NDArray[np.int64], places: list[int | None]
) -> npt.NDArray[np.float64]:
    """(M, horizon, ...) forecasts of the given channels (M,), rounded to what the data carry."""
    out = values.numpy().copy()
    for c, decimals in enumerate(places):
        some = channels == c
        if some.any():
            out[some] = round_to_data(out[some], decimals)
    return out


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
