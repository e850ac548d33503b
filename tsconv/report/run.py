"""Reports: the page of a backtest, and the same as JSON; after train, forecast or backtest."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from tsconv.backtest.run import BacktestResult, Started, backtest_table
from tsconv.config.schema import DataConfig
from tsconv.data.reading.future_file import read_future
from tsconv.data.reading.table import Table
from tsconv.errors import DataError
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.forecasting.forecast import forecast_panel
from tsconv.forecasting.intervals.calibrators import bundle_calibrator
from tsconv.forecasting.intervals.wanted import Wanted
from tsconv.forecasting.match import prepare_forecast, training_row_index
from tsconv.forecasting.outputs import input_files
from tsconv.report.content.contents import About, report_content
from tsconv.report.content.fine_print import fine_print
from tsconv.report.content.series import Coming
from tsconv.report.page import write_json_twin, write_page
from tsconv.text import plural

_NO_FUTURE = "The forecast to come is not shown: {}"


@dataclasses.dataclass(frozen=True)
class ReportSource:
    """What a report is made of beside the backtest."""

    bundle: Bundle  # that makes the forecast to come
    table: Table
    data: DataConfig  # the roles that the table was read with
    made_by: str  # backtest, train or forecast
    command: str  # that repeats it


def write_report(result: BacktestResult, source: ReportSource, path: Path) -> Path:
    """Write the page to `path`, an .html file, and its JSON twin beside it, whose path is returned.

    Raises OSError where they cannot be written.
    """
    coming, warnings = _coming(source, result.backtest.wanted)
    files = input_files((source.data.path,))
    printed = fine_print(result.backtest, result.metrics, source.table, files)
    steps = plural(result.backtest.horizon, "step")
    about = About(
        title=f"{_file_name(source.table.source)}, {steps} ahead",
        made_by=source.made_by,
        fine_print=printed,
        command=source.command,
        warnings=tuple(warnings),
    )
    content = report_content(result, about, coming)
    twin = path.with_suffix(".json")
    write_json_twin(content, twin)
    write_page(content, path)
    return twin


def backtest_and_report(
    source: ReportSource,
    before_refit: Bundle | None,
    path: Path,
    started: Started | None = None,
    wanted: Wanted | None = None,
) -> BacktestResult:
    """Score every origin of what a training or a forecast has read, and write the report.

    before_refit, started, wanted: as `backtest_table` and `run_backtest` take them.
    """
    result = backtest_table(
        source.bundle,
        source.table,
        source.data,
        before_refit=before_refit,
        started=started,
        wanted=wanted,
    )
    write_report(result, source, path)
    return result


def _file_name(source: str) -> str:
    """The name of a file, with its folder where it is a pattern for several."""
    path = Path(source)
    return str(Path(*path.parts[-2:])) if "*" in path.name else path.name


def _coming(source: ReportSource, wanted: Wanted) -> tuple[Coming | None, list[str]]:
    """The forecast from the end of each series, or why there is none."""
    bundle, data = source.bundle, source.data
    try:
        future = read_future(data) if data.future_path is not None else None
        panel, origins = prepare_forecast(
            bundle, source.table, future, data.freq, data.allow_shift, None
        )
    except DataError as error:
        return None, [_NO_FUTURE.format(str(error))]
    net = bundle.net.cpu()
    row_index = training_row_index(bundle, panel)
    calibrator = bundle_calibrator(bundle, panel, wanted)
    forecast = forecast_panel(
        net, panel, origins=origins, row_index=row_index, calibrator=calibrator
    )
    return Coming(forecast), []


def command_line(name: str, overrides: Sequence[str]) -> str:
    """The command as a shell takes it.

    >>> command_line("backtest", ["bundle=run", "start=2024-01-01 00:00"])
    "tsconv backtest bundle=run 'start=2024-01-01 00:00'"
    """
    import shlex

    return shlex.join(["tsconv", name, *overrides])
