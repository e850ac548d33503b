"""`tsconv forecast` as a plain function: from a bundle and a file to a file of forecasts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from tsconv.config.schema import DataConfig, ForecastConfig
from tsconv.data.covariates.template import template_frame
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.future_file import read_future, with_future
from tsconv.data.reading.read import read_table
from tsconv.data.settings import FileFormat
from tsconv.data.write import check_output, write_table
from tsconv.errors import ConfigError
from tsconv.forecasting.bundle import Bundle, load_bundle
from tsconv.forecasting.forecast import Forecast, forecast_panel, skipped_note
from tsconv.forecasting.frame import forecast_frame
from tsconv.forecasting.match import (
    match_panel,
    override_roles,
    prepare_forecast,
    training_row_index,
)
from tsconv.notes import Note


@dataclasses.dataclass(frozen=True)
class ForecastResult:
    """What `run_forecast` wrote, for callers that draw or count it."""

    panel: Panel  # `panel.notes` say what happened to the data
    forecast: Forecast
    bundle: Bundle
    skipped: Note | None  # names the series without a forecast


def run_forecast(config: ForecastConfig) -> ForecastResult | None:
    """Read the bundle and the file, forecast each series from its last step, write `output`.

    With `template`, write the lines of future covariates to fill in instead, and return None.
    Raises TsconvError, before anything is written, where the config, the bundle or the file is at
    fault.
    """
    _check_paths(config)
    bundle = load_bundle(config.bundle)
    data = override_roles(bundle.data, config.data)
    if data.path is None:
        raise ConfigError("`data.path` must be given, e.g. data.path=sales.csv")
    freq = config.data.get("freq")
    if config.template is not None:
        _write_template(bundle, data, freq, Path(config.template))
        return None
    table = read_table(data)
    future = read_future(data) if data.future_path is not None else None
    panel, origins = prepare_forecast(bundle, table, future, freq)
    net = bundle.net.to(_find_device(config.device))
    row_index = training_row_index(bundle, panel)
    forecast = forecast_panel(net, panel, config.batch_size, origins, row_index)
    frame = forecast_frame(forecast, panel, net.quantiles)
    write_table(frame, Path(config.output), config.escape_formulas)
    skipped = skipped_note(forecast, net.spec.context_length)
    return ForecastResult(panel, forecast, bundle, skipped)


def _check_paths(config: ForecastConfig) -> None:
    """Raise ConfigError for a file that cannot be written: before any work is done."""
    check_output(Path(config.output))
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


def _write_template(bundle: Bundle, data: DataConfig, freq: str | None, path: Path) -> None:
    """The lines of future covariates that a forecast needs, for the user to fill in."""
    table = read_table(data)
    if data.future_path is not None:
        table = with_future(table, read_future(data))
    panel = match_panel(bundle, table, freq)
    horizon = bundle.net.spec.horizon
    frame = template_frame(panel, data, horizon, table.time_is_text, table.utc_dates)
    write_table(frame, path, csv_format=FileFormat.of(data))


def _find_device(name: str) -> torch.device:
    """The device to forecast on; raises ConfigError where this machine has none of that name."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"`device` (={name}): this machine has none of that name; use auto or cpu"
        ) from error
