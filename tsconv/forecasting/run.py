"""`tsconv forecast` as a plain function: from a bundle and a file to a file of forecasts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from tsconv.calibration.calibrator import Calibrator
from tsconv.config.schema import DataConfig, ForecastConfig
from tsconv.data.covariates.template import template_frame
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.future_file import read_future, with_future
from tsconv.data.reading.read import read_table
from tsconv.data.reading.table import Table, target_decimals
from tsconv.data.settings import FileFormat
from tsconv.data.write import check_output, write_table
from tsconv.distributed.rank_pool import RankPool
from tsconv.distributed.ranks import Ranks
from tsconv.errors import ConfigError, require_choice
from tsconv.evaluation.metrics import interval_levels
from tsconv.forecasting.bundles.bundle import Bundle, load_bundle
from tsconv.forecasting.file_columns import MOST_TIMES, columns_of_file
from tsconv.forecasting.forecast import Forecast, skipped_note
from tsconv.forecasting.frame import forecast_frame
from tsconv.forecasting.intervals.calibrators import bundle_calibrator
from tsconv.forecasting.intervals.limit_notes import limit_notes
from tsconv.forecasting.intervals.wanted import beyond_training_note, wanted_of
from tsconv.forecasting.match import (
    match_panel,
    override_roles,
    prepare_forecast,
    require_horizon,
    training_row_index,
)
from tsconv.forecasting.outputs import check_free, check_path, input_files
from tsconv.forecasting.ranks import find_device, forecast_on_ranks, ranks_for
from tsconv.forecasting.select import cut_table, keep_ids, keep_series, require_start
from tsconv.forecasting.sums.groups import Aggregate
from tsconv.forecasting.sums.paths import SamplePaths
from tsconv.forecasting.sums.run import dependence_note, paths_of
from tsconv.forecasting.sums.tables import SumForm, aggregates_of
from tsconv.forecasting.sums.write import (
    check_samples,
    check_sum_files,
    write_samples,
    write_sums,
)
from tsconv.notes import Note
from tsconv.text import plural


@dataclasses.dataclass(frozen=True)
class ForecastResult:
    """What `run_forecast` wrote, for callers that draw or count it."""

    panel: Panel  # `panel.notes` say what happened to the data
    forecast: Forecast
    bundle: Bundle
    notes: tuple[Note, ...]  # on the forecast: series without one, levels beyond the training

    @property
    def summary(self) -> str:
        """How many series and steps were forecast, and how many series were not."""
        count, horizon = len(self.forecast.series), self.forecast.values.shape[-2]
        missed = len(self.panel) - count
        left = f"; {plural(missed, 'series', 'series')} left out" if missed else ""
        return f"forecast {plural(count, 'series', 'series')}, {plural(horizon, 'step')} each{left}"


def run_forecast(config: ForecastConfig) -> ForecastResult | None:
    """Read the bundle and the file, forecast each series from its last step, write `output`.

    With several `devices` this is rank 0, and the others forecast a part of the series each.

    With `template`, write the lines of future covariates to fill in instead, and return None.
    Raises TsconvError, before anything is written, where the config, the bundle or the file is at
    fault.
    """
    find_device(config.device)
    with RankPool() as pool:
        return _run_forecast(config, ranks_for(config.devices, config.device, pool))


def _run_forecast(config: ForecastConfig, ranks: Ranks) -> ForecastResult | None:
    bundle = load_bundle(config.bundle)
    data = override_roles(bundle.data, config.data)
    if data.path is None:
        raise ConfigError("`data.path` must be given, e.g. data.path=sales.csv")
    _check_paths(config, data)
    n_samples = check_samples(config)
    horizon = require_horizon(bundle, config.horizon)
    if config.components and ranks.size > 1:
        raise ConfigError(
            f"`components` (=true) needs one device: set `devices=1`, not {config.devices}"
        )
    freq = config.data.get("freq")
    if config.template is not None:
        _write_template(config, bundle, data, horizon)
        return None
    table = read_table(data)
    output = Path(config.output)
    file_columns = None
    if config.columns == "file":
        file_columns = columns_of_file(table, data, output.suffix == ".csv")
    future = read_future(data) if data.future_path is not None else None
    decimals = target_decimals(table)
    table, future = _selected(config, table, future, data)
    panel, origins = prepare_forecast(bundle, table, future, freq, data.allow_shift, horizon)
    if config.start is not None:
        require_start(config.start, table, data, panel, origins.numpy())
    if config.aggregate is None:  # else groups are found by the lines
        table = table.head(MOST_TIMES)  # all of them take more memory than the forecasts
    row_index = training_row_index(bundle, panel)
    net = bundle.net
    wanted = wanted_of(config.levels, config.conformal, config.point, config.components)
    wanted = dataclasses.replace(wanted, roles=data, given=tuple(config.data))
    calibrator = bundle_calibrator(bundle, panel, wanted)
    work = (net, panel, config.batch_size, origins, row_index, config.device)

    def make(calibrator: Calibrator, components: bool = False) -> Forecast:
        further = (components, bundle.season, calibrator)
        found: Forecast = ranks.run(forecast_on_ranks, *work, *further)
        return found.head(horizon)

    forecast = make(calibrator, config.components)
    limits = calibrator.value_range
    frame = forecast_frame(forecast, panel, file_columns, decimals, limits)
    aggregates: tuple[Aggregate, ...] = ()
    if config.aggregate is not None:
        aggregates = aggregates_of(config.aggregate, panel, table, file_columns)
    inputs = input_files((data.path, data.future_path))
    with_samples = config.samples is not None
    check_sum_files(output, aggregates, with_samples, inputs, config.overwrite)
    write_table(frame, output, config.escape_formulas)
    skipped = skipped_note(forecast, net.spec.context_length)
    beyond = beyond_training_note(calibrator.quantiles, calibrator.trained)
    found = [skipped, beyond, *limit_notes(forecast, panel, limits, data)]
    if config.aggregate is not None or config.samples is not None:
        found.append(dependence_note(bundle))
        paths = paths_of(bundle, panel, wanted, make, n_samples, config.seed)
        found += _write_sums(config, bundle, paths, panel, table, data, decimals, aggregates)
    return ForecastResult(panel, forecast, bundle, tuple(n for n in found if n is not None))


def _write_sums(
    config: ForecastConfig,
    bundle: Bundle,
    paths: SamplePaths,
    panel: Panel,
    table: Table,
    data: DataConfig,
    decimals: Mapping[str, int | None],
    aggregates: Sequence[Aggregate],
) -> tuple[Note, ...]:
    """Write the sums and the sample paths that are asked for, beside `output`."""
    output, names_of_file = Path(config.output), config.columns == "file"
    levels = wanted_of(config.levels, None, None).levels
    if levels is None:
        trained = sorted(interval_levels(bundle.net.quantiles))
        levels = tuple(map(float, trained)) or SumForm.levels
    point = config.point or str(bundle.info.get("point", "median"))
    notes: tuple[Note, ...] = ()
    if aggregates:
        is_text = output.suffix == ".csv"
        columns = columns_of_file(table, data, is_text) if names_of_file else None
        form = SumForm(decimals, levels, point, columns)
        notes = write_sums(paths, panel, table, aggregates, form, output, config.escape_formulas)
    if config.samples is not None:
        columns = columns_of_file(table, data, False) if names_of_file else None
        write_samples(paths, panel, decimals, columns, output)
    return notes


def _selected(
    config: ForecastConfig, table: Table, future: Table | None, data: DataConfig
) -> tuple[Table, Table | None]:
    """The lines of `series`, and those known at the origin that `start` or `last` asks for.

    With a future file, lines of `data.path` after the origin are future covariates as well.
    """
    if config.series is not None:
        table = keep_series(table, config.series)
        future = future and keep_ids(future, table.ids)
    if config.start is not None or config.last is not None:
        table = cut_table(table, data, config.start, config.last)
    return table, future


def _check_paths(config: ForecastConfig, data: DataConfig) -> None:
    """Raise ConfigError for a file that cannot be written: before any work is done."""
    require_choice("columns", config.columns, ("file", "nixtla"))
    wanted_of(config.levels, config.conformal, config.point, config.components)
    inputs = input_files((data.path, data.future_path))
    if config.template is not None:
        template = Path(config.template)
        check_output(template, "template")
        check_free("template", template, inputs, config.overwrite)
        if template.exists() and not config.overwrite:
            raise ConfigError(
                f"`template` (={template}) exists: name another file, or set `overwrite=true`"
            )
    else:
        check_output(Path(config.output))
        check_free("output", Path(config.output), inputs, config.overwrite)
    if config.plot_series < 1:
        raise ConfigError(f"`plot_series` (={config.plot_series}) must be at least 1")
    check_path("plot", config.plot, (".png", ".svg", ".pdf"), inputs, config.overwrite)
    check_path("report", config.report, (".html",), inputs, config.overwrite)


def _write_template(config: ForecastConfig, bundle: Bundle, data: DataConfig, horizon: int) -> None:
    """The lines of future covariates that the forecast needs, for the user to fill in."""
    table = read_table(data)
    future = read_future(data) if data.future_path is not None else None
    table, future = _selected(config, table, future, data)
    if future is not None:
        table = with_future(table, future)
    panel = match_panel(bundle, table, config.data.get("freq"))
    if config.start is not None:
        require_start(config.start, table, data, panel, panel.lengths.numpy() - 1)
    frame = template_frame(panel, data, horizon, table.time_is_text, table.utc_dates)
    write_table(frame, Path(str(config.template)), csv_format=FileFormat.of(data))
