"""Forecasting: from a bundle and a panel to a table of forecasts with real timestamps."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from tsconv.config.schema import ForecastConfig
from tsconv.data.batches.chunks import gather
from tsconv.data.covariates.template import template_frame
from tsconv.data.panel.origin_range import OriginRange
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.future_file import read_future, with_future
from tsconv.data.reading.read import read_table
from tsconv.data.timestamps.zones import zoned
from tsconv.data.write import check_output, write_table
from tsconv.errors import ConfigError, DataError
from tsconv.forecasting.bundle import Bundle, load_bundle
from tsconv.forecasting.match import panel_for, ready_panel, row_numbers, with_overrides
from tsconv.model.network import ForecastNet


@dataclasses.dataclass(frozen=True)
class Forecast:
    """Forecasts from one origin of each series that could be forecast."""

    values: torch.Tensor  # (S', T, H, horizon, Q) float64, in original units
    known: torch.Tensor  # (S', T, H) where there was anything to go by; elsewhere values are NaN
    series: torch.Tensor  # (S',) which series of the panel
    origin: torch.Tensor  # (S',) the step they were made from
    skipped: tuple[str, ...]  # (series, row, target) without an observed value in their context


@dataclasses.dataclass(frozen=True)
class ForecastResult:
    """What `run_forecast` wrote, for whoever wants to draw or count it."""

    panel: Panel
    forecast: Forecast
    bundle: Bundle


def run_forecast(config: ForecastConfig) -> ForecastResult | None:
    """`tsconv forecast`: read the bundle and the file, write `output`.

    With `template`, write the lines of future covariates to fill in instead, and return None.
    Nothing is written where the bundle, the file or the output is at fault.
    """
    output = Path(config.output)
    check_output(output)
    if config.template is not None:
        check_output(Path(config.template), "template")
        if Path(config.template).exists():
            raise ConfigError(f"`template` (={config.template}) exists: name another file")
    if config.plot is not None and Path(config.plot).suffix not in (".png", ".svg", ".pdf"):
        raise ConfigError(f"`plot` (={config.plot}) must end in .png, .svg or .pdf")
    if config.plot_series < 1:
        raise ConfigError(f"`plot_series` (={config.plot_series}) must be at least 1")
    if config.plot is not None and not Path(config.plot).parent.is_dir():
        raise ConfigError(f"`plot` (={config.plot}): the folder does not exist")
    bundle = load_bundle(config.bundle)
    data = with_overrides(bundle.data, config.data)
    if data.path is None:
        raise ConfigError("`data.path` must be given, e.g. data.path=sales.csv")
    table = read_table(data)
    freq = config.data.get("freq")
    extra = read_future(data) if data.future_path is not None else None
    if config.template is not None:
        table = table if extra is None else with_future(table, extra)
        panel = panel_for(bundle, table, freq)
        lines = template_frame(panel, data, bundle.net.spec.horizon, table.time_is_text)
        write_table(lines, Path(config.template), spelling=data)
        return None
    panel, origins = ready_panel(bundle, table, extra, freq)
    net = bundle.net.to(_device(config.device))
    row_index = row_numbers(bundle, panel)
    forecast = forecast_panel(net, panel, config.batch_size, origins, row_index)
    write_table(forecast_frame(forecast, panel, net.quantiles), output, config.escape_formulas)
    return ForecastResult(panel, forecast, bundle)


def skipped_line(forecast: Forecast, net: ForecastNet) -> str:
    """One line that names the series without a forecast."""
    names = ", ".join(forecast.skipped[:5]) + (", ..." if len(forecast.skipped) > 5 else "")
    return (
        f"{len(forecast.skipped)} series left out, nothing observed in their last "
        f"{net.spec.context_length} steps: {names}"
    )


def _device(name: str) -> torch.device:
    """The device to forecast on; raises ConfigError where there is none of that name."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"`device` (={name}) is not to be had here; use auto or cpu") from error


def forecast_panel(
    net: ForecastNet,
    panel: Panel,
    batch_size: int = 256,
    origins: torch.Tensor | None = None,
    row_index: torch.Tensor | None = None,
) -> Forecast:
    """Forecast every series from its last step, or from `origins`: (S,) steps, -1 to leave one out.

    No series need have been seen in training. A target of which nothing was observed within
    `context_length` steps of its origin has nothing to go by; it is left out, named in `skipped`.
    row_index: (H,) the number of each row in the training, see `row_numbers`.
    """
    if batch_size < 1:
        raise ConfigError(f"`batch_size` (={batch_size}) must be at least 1")
    parameter = next(net.parameters())
    device, dtype = parameter.device, parameter.dtype
    panel = panel.to(device)
    origin = panel.lengths - 1 if origins is None else origins.to(device)
    segment = OriginRange(first=origin, last=origin, cutoff=panel.lengths)
    wanted = torch.nonzero(origin >= 0).flatten()
    targets, n_rows = len(panel.targets), panel.n_rows
    shape = (0, targets, n_rows, net.spec.horizon, len(net.quantiles))
    parts = [torch.zeros(shape, dtype=torch.float64)]
    knowns = [torch.zeros(shape[:3], dtype=torch.bool)]
    row_index = None if row_index is None else row_index.to(device)
    with torch.inference_mode():
        for series in wanted.split(max(1, batch_size // n_rows)):
            batch = gather(
                panel, segment, series, origin[series], 1, net.history, net.spec.horizon, dtype
            )
            out = net(batch.x, batch.mask, 1, row_index, batch.known)
            known = (out.n_observed > 0).squeeze(-1)  # (B, T, H)
            values = out.values().squeeze(3).double()  # (B, T, H, horizon, Q)
            values = values + panel.offset[series][:, :targets, :, None, None]
            parts.append(torch.where(known[..., None, None], values, torch.nan).cpu())
            knowns.append(known.cpu())
    values, known = torch.cat(parts), torch.cat(knowns)
    wanted = wanted.cpu()
    some = known.flatten(1).any(1)
    skipped = _skipped(panel, wanted, known)
    return Forecast(values[some], known[some], wanted[some], origin.cpu()[wanted[some]], skipped)


def _skipped(panel: Panel, wanted: torch.Tensor, known: torch.Tensor) -> tuple[str, ...]:
    """Names of what was not forecast; rows that a series never had are not missed."""
    missed = ~known & panel.present.cpu()[wanted].unsqueeze(1)
    return tuple(sorted(panel.name(int(wanted[i]), c, h) for i, c, h in missed.nonzero().tolist()))


def forecast_frame(forecast: Forecast, panel: Panel, quantiles: tuple[float, ...]) -> pd.DataFrame:
    """One line a (series, row, channel, step).

    `unique_id[, row][, channel], ds, tsconv, tsconv-lo-80, ...`: a row and a channel where the
    panel has rows, a channel where it has several targets. Raises DataError where there is none.
    """
    if len(forecast.series) == 0:
        raise DataError("no series has an observed value in its context to forecast from")
    known = forecast.known.transpose(1, 2)  # (S', H, T): rows first in the file
    values = forecast.values.transpose(1, 2)[known]  # (M, horizon, Q)
    i, h, c = (v.numpy() for v in known.nonzero(as_tuple=True))
    series = forecast.series.numpy()[i]
    count, horizon = values.shape[:2]
    steps = forecast.origin.numpy()[i][:, None] + np.arange(1, horizon + 1)  # (M, horizon)
    ds = panel.frequency.advance(panel.start[series].repeat(horizon), steps.ravel())

    def named(names: tuple[str, ...], codes: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
        return np.array(names, dtype=object)[codes].repeat(horizon)

    columns: dict[str, object] = {"unique_id": named(panel.ids, series)}
    if panel.rows:
        columns["row"] = named(panel.rows, h)
    if panel.rows or len(panel.targets) > 1:
        columns["channel"] = named(panel.channels, c)
    columns["ds"] = zoned(ds, panel)
    flat = values.reshape(count * horizon, -1).numpy()
    for name, q in quantile_columns(quantiles).items():
        columns[name] = flat[:, q]
    return pd.DataFrame(columns)


def quantile_columns(quantiles: tuple[float, ...]) -> dict[str, int]:
    """Names of the output columns and the quantile each shows.

    The median is `tsconv`; levels a and 1 - a bound the central interval of 100 (1 - 2 a) per cent,
    widest first; a level without its opposite is `tsconv-q-<per cent>`.
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
