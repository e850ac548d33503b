"""Forecasting: from a bundle and a panel to a table of forecasts with real timestamps."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch

from tsconv.bundle import Bundle, load_bundle
from tsconv.data.chunks import Segment, gather
from tsconv.data.panel import Panel, build_panel, commonest_step
from tsconv.data.read import Table, read_table
from tsconv.errors import ConfigError, DataError
from tsconv.model import ForecastNet
from tsconv.schema import ForecastConfig


@dataclasses.dataclass(frozen=True)
class Forecast:
    """Forecasts from one origin of each series that could be forecast."""

    values: torch.Tensor  # (S', C, horizon, Q) float64, in original units
    series: torch.Tensor  # (S',) which series of the panel
    origin: torch.Tensor  # (S',) the step they were made from
    skipped: tuple[str, ...]  # ids without an observed value in their context


@dataclasses.dataclass(frozen=True)
class ForecastResult:
    """What `run_forecast` wrote, for whoever wants to draw or count it."""

    panel: Panel
    forecast: Forecast
    bundle: Bundle


def run_forecast(config: ForecastConfig) -> ForecastResult:
    """`tsconv forecast`: read the bundle and the file, write `output`.

    Nothing is written where the bundle, the file or the output is at fault.
    """
    output = Path(config.output)
    check_output(output)
    if config.plot is not None and Path(config.plot).suffix not in (".png", ".svg", ".pdf"):
        raise ConfigError(f"`plot` (={config.plot}) must end in .png, .svg or .pdf")
    if config.plot is not None and not Path(config.plot).parent.is_dir():
        raise ConfigError(f"`plot` (={config.plot}): the folder does not exist")
    bundle = load_bundle(config.bundle)
    data = dataclasses.replace(bundle.data, **config.data)
    if data.path is None:
        raise ConfigError("`data.path` must be given, e.g. data.path=sales.csv")
    panel = panel_for(bundle, read_table(data), config.data.get("freq"))
    net = bundle.net.to(_device(config.device))
    forecast = forecast_panel(net, panel, config.batch_size)
    write_table(forecast_frame(forecast, panel, net.quantiles), output)
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


def panel_for(bundle: Bundle, table: Table, freq: str | None = None) -> Panel:
    """The table on the bundle's frequency; raises DataError where the file's is another."""
    panel = build_panel(table, freq or bundle.freq)
    found = None if freq else commonest_step(table)
    ours = panel.frequency
    if found is not None and (
        (found.kind == ours.kind and found.size > ours.size)
        or (found.kind, ours.kind) == ("month", "fixed")
    ):
        raise DataError(
            f"{table.source}: its steps are {found.alias}, but the bundle forecasts steps of "
            f"{ours.alias}; set `data.freq={ours.alias}` if most rows are missing indeed"
        )
    channels = bundle.info.get("channels", list(panel.channels))
    if len(panel.channels) != len(channels):
        raise DataError(
            f"{table.source}: {len(panel.channels)} target columns ({', '.join(panel.channels)}), "
            f"but the bundle forecasts {len(channels)} ({', '.join(channels)})"
        )
    return panel


def forecast_panel(
    net: ForecastNet, panel: Panel, batch_size: int = 256, origins: torch.Tensor | None = None
) -> Forecast:
    """Forecast every series from its last step, or from `origins`: (S,) steps, -1 to leave one out.

    No series need have been seen in training. One of which nothing was observed within
    `context_length` steps of its origin has nothing to go by; it is left out, named in `skipped`.
    """
    if batch_size < 1:
        raise ConfigError(f"`batch_size` (={batch_size}) must be at least 1")
    parameter = next(net.parameters())
    device, dtype = parameter.device, parameter.dtype
    panel = panel.to(device)
    origin = panel.lengths - 1 if origins is None else origins.to(device)
    segment = Segment(first=origin, last=origin, cutoff=panel.lengths)
    wanted = torch.nonzero(origin >= 0).flatten()
    shape = (0, len(panel.channels), net.spec.horizon, len(net.quantiles))
    parts, kept = [torch.zeros(shape, dtype=torch.float64)], [torch.zeros(0, dtype=torch.int64)]
    with torch.inference_mode():
        for series in wanted.split(batch_size):
            batch = gather(
                panel, segment, series, origin[series], 1, net.history, net.spec.horizon, dtype
            )
            out = net(batch.x, batch.mask)
            known = (out.n_observed > 0).all(1).squeeze(-1)  # (B,)
            values = out.values().squeeze(2).double()  # (B, C, horizon, Q)
            parts.append((values + panel.offset[series][..., None, None])[known].cpu())
            kept.append(series[known].cpu())
    index = torch.cat(kept)
    if origins is None and len(index) == 0:
        raise DataError("no series has an observed value in its context to forecast from")
    missing = sorted(set(wanted.tolist()) - set(index.tolist()))
    return Forecast(
        torch.cat(parts), index, origin.cpu()[index], tuple(panel.ids[s] for s in missing)
    )


def forecast_frame(forecast: Forecast, panel: Panel, quantiles: tuple[float, ...]) -> pd.DataFrame:
    """One line a (series, channel, step): `unique_id[, channel], ds, tsconv, tsconv-lo-80, ...`."""
    n, channels, horizon, _ = forecast.values.shape
    series = forecast.series.numpy()
    steps = (forecast.origin.numpy()[:, None] + np.arange(1, horizon + 1)).ravel()  # (n * horizon,)
    ds = panel.frequency.advance(panel.start[series].repeat(horizon), steps)
    ds = ds.reshape(n, 1, horizon).repeat(channels, 1).ravel()
    ids = np.array(panel.ids, dtype=object)[series].repeat(channels * horizon)
    columns: dict[str, object] = {"unique_id": ids}
    if channels > 1:
        names = np.array(panel.channels, dtype=object).repeat(horizon)
        columns["channel"] = np.tile(names, n)
    columns["ds"] = pd.Series(ds).dt.tz_localize(panel.time_zone) if panel.time_zone else ds
    flat = forecast.values.reshape(n * channels * horizon, -1).numpy()
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


def check_output(output: Path) -> None:
    """Raise ConfigError where `output` cannot be written: before any work is done."""
    if output.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"`output` (={output}) must end in .csv or .parquet")
    if not output.parent.is_dir():
        raise ConfigError(f"`output` (={output}): the folder {output.parent} does not exist")
    if output.is_dir():
        raise ConfigError(f"`output` (={output}) is a folder")


def write_table(frame: pd.DataFrame, output: Path) -> None:
    """Write .csv or .parquet beside the target and rename, so that no half-written file is seen."""
    check_output(output)
    handle, name = tempfile.mkstemp(prefix=f".{output.name}-", dir=output.parent)
    os.close(handle)
    try:
        if output.suffix == ".csv":
            _write_csv(frame, name)
        else:
            frame.to_parquet(name, index=False)
        Path(name).chmod(0o644)
        os.replace(name, output)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write_csv(frame: pd.DataFrame, name: str) -> None:
    """Dates without a clock where all are midnight; no quotes where no text needs them."""
    import pyarrow as pa
    import pyarrow.csv

    ds = frame["ds"]
    if ds.dtype.kind == "M":
        zone = "+00:00" if getattr(ds.dt, "tz", None) is not None else ""
        time = (ds.dt.tz_localize(None) if zone else ds).to_numpy().astype("datetime64[us]")
        coarsest_first: tuple[Literal["D", "s", "us"], ...] = ("D", "s", "us")
        if zone:  # a date alone has no offset
            coarsest_first = coarsest_first[1:]
        units = (u for u in coarsest_first if (time == time.astype(f"datetime64[{u}]")).all())
        text = np.char.replace(np.datetime_as_string(time, unit=next(units)), "T", " ")
        frame = frame.assign(ds=np.char.add(text, zone) if zone else text)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    special = frame["unique_id"].astype(str).str.contains('[,"\r\n]', regex=True).any()
    if "channel" in frame:
        special = special or frame["channel"].astype(str).str.contains('[,"\r\n]', regex=True).any()
    options = pyarrow.csv.WriteOptions(
        include_header=False, quoting_style="needed" if special else "none"
    )
    with open(name, "wb") as sink:
        sink.write((",".join(frame.columns) + "\n").encode())
        pyarrow.csv.write_csv(table, sink, options)
