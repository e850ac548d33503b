"""`tsconv backtest` as a plain function: from a bundle and a file to a folder of figures."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from tsconv.atomic_write import replace_folder
from tsconv.backtest.backtest import Backtest, Observer
from tsconv.backtest.components import ComponentSizes
from tsconv.backtest.covariates.importance import importance_of
from tsconv.backtest.figures import (
    by_horizon_frame,
    by_series_frame,
    metrics_of,
    over_time_frame,
)
from tsconv.backtest.forecast_file import forecast_file
from tsconv.backtest.further import Further, Notify, Scoring, further_of, prepare_scoring
from tsconv.backtest.origins import BacktestOrigins, choose_origins
from tsconv.config.schema import BacktestConfig, DataConfig
from tsconv.data.covariates.shift import reject_shift
from tsconv.data.reading.read import read_table
from tsconv.data.reading.table import Table
from tsconv.data.write import write_table
from tsconv.distributed.threads import torch_threads
from tsconv.errors import ConfigError
from tsconv.evaluation.training_ends import steps_until
from tsconv.forecasting.bundles.bundle import Bundle, load_before_refit, load_bundle
from tsconv.forecasting.intervals.calibrators import quantiles_wanted
from tsconv.forecasting.intervals.wanted import Wanted, wanted_of
from tsconv.forecasting.match import encode_panel, match_panel, override_roles, require_horizon
from tsconv.forecasting.outputs import check_path, input_files
from tsconv.forecasting.ranks import find_device
from tsconv.forecasting.select import keep_series, moment_on_panel
from tsconv.notes import Note, NoteKind
from tsconv.output.run_files import free_folder, write_json
from tsconv.runs.lock import hold
from tsconv.runs.record import RunRecord
from tsconv.runs.status import first_status, write_status

_BEFORE_REFIT = (
    "the bundle was refit on all of these data: scored is the network before the refit, which had "
    "not seen the test part"
)


@dataclasses.dataclass(frozen=True)
class BacktestResult:
    """What a backtest found: the figures of metrics.json, and its tables."""

    backtest: Backtest
    metrics: dict[str, Any]
    by_horizon: pd.DataFrame
    by_series: pd.DataFrame
    over_time: pd.DataFrame


@dataclasses.dataclass(frozen=True)
class BacktestRun:
    """What `run_backtest` read and wrote, for callers that show it."""

    result: BacktestResult
    run_dir: Path
    bundle: Bundle  # as it is on disk
    table: Table
    data: DataConfig  # the roles that the table was read with


Started = Callable[[BacktestOrigins], Observer | None]


def run_backtest(
    config: BacktestConfig, started: Started | None = None, notify: Notify | None = None
) -> BacktestRun:
    """Read the bundle and the file, score every origin, and write a folder of figures.

    The folder appears whole when all is done. started: called with the origins before the first
    forecast; what it returns is called with each batch, such as a progress bar. notify: called with
    what takes long beside it, before it begins and as it goes on. Raises TsconvError, before the
    folder is written, where the config, the bundle or the file is at fault.
    """
    device = find_device(config.device)
    bundle = load_bundle(config.bundle)
    data = override_roles(bundle.data, config.data)
    if data.path is None:
        raise ConfigError("`data.path` must be given, e.g. data.path=sales.csv")
    _check_paths(config, data)
    with _alone(config, data) as record:
        return _backtest(config, bundle, data, device, record, started, notify)


def _backtest(
    config: BacktestConfig,
    bundle: Bundle,
    data: DataConfig,
    device: torch.device,
    record: RunRecord,
    started: Started | None,
    notify: Notify | None,
) -> BacktestRun:
    """Read, score and write, once the folder of the results is known to be free."""
    wanted = wanted_of(config.levels, config.conformal, config.point, config.components)
    wanted = dataclasses.replace(wanted, given=tuple(config.data))
    further = further_of(config, bundle, data, notify)
    table = read_table(data)
    with torch_threads(config.threads):
        result = backtest_table(
            bundle,
            table,
            data,
            before_refit=load_before_refit(config.bundle),
            device=device,
            start=config.start,
            last=config.last,
            stride=config.stride,
            horizon=config.horizon,
            series=config.series,
            freq=config.data.get("freq"),
            forecasts=None if config.forecasts is None else Path(config.forecasts),
            components=config.components,
            started=started,
            further=further,
            wanted=wanted,
        )
    run_dir = _write_folder(result, config, record)
    return BacktestRun(result, run_dir, bundle, table, data)


def backtest_table(
    bundle: Bundle,
    table: Table,
    data: DataConfig,
    *,
    before_refit: Bundle | None = None,
    device: torch.device | None = None,
    start: Any = None,
    last: Any = None,
    stride: int = 1,
    horizon: int | None = None,
    series: Any = None,
    freq: str | None = None,
    forecasts: Path | None = None,
    components: bool = False,
    started: Started | None = None,
    further: Further | None = None,
    wanted: Wanted | None = None,
) -> BacktestResult:
    """Score every origin of a table; see conf/backtest.yaml for the arguments.

    data: the roles that the table was read with. before_refit: the bundle that was refit since,
    which is scored in its place where a refit has left nothing that it had not seen. device: where
    the network runs. Raises TsconvError where they do not go together.
    """
    further, whole = further or Further(), table
    if components and further.trainings is not None:
        raise ConfigError(
            "`components` says why one network forecasts what it does: leave it out, or "
            "`backtest.refit_every`, which trains many"
        )
    steps = require_horizon(bundle, horizon)
    if series is not None:
        table = keep_series(table, series)
    if not data.allow_shift:
        reject_shift(table, bundle.encodings, steps)
    panel = encode_panel(bundle, match_panel(bundle, table, freq), table.source)
    begin = None if start is None else moment_on_panel("start", start, table, data, panel)
    end = None if last is None else moment_on_panel("last", last, table, data, panel)

    def origins_of(one: Bundle) -> BacktestOrigins:
        seen, context = steps_until(one.info.get("seen_until"), panel), one.net.spec.context_length
        return choose_origins(panel, context, steps, begin, end, stride, seen)

    origins = origins_of(bundle)
    if before_refit is not None and int(origins.held_out.counts.sum()) == 0:
        bundle, origins = before_refit, origins_of(before_refit)
        if further.trainings is None:
            panel = panel.with_notes([Note(NoteKind.BEFORE_REFIT, _BEFORE_REFIT)])
    if device is not None:
        bundle.net.to(device)
    wanted = dataclasses.replace(wanted or Wanted(), roles=data)
    scoring = Scoring(bundle, panel, table, origins, steps, further, wanted=wanted)
    scoring = prepare_scoring(scoring, whole, has_start=start is not None)
    progress = None if started is None else started(scoring.origins)
    begun = time.perf_counter()
    with contextlib.ExitStack() as stack:
        observers: list[Observer] = [] if progress is None else [progress]
        sizes = ComponentSizes(bundle, panel, steps) if components else None
        if sizes is not None:
            observers.append(sizes)
        if forecasts is not None:
            quantiles = quantiles_wanted(bundle.net, wanted)
            file = forecast_file(forecasts, panel, quantiles, sizes)
            observers.append(stack.enter_context(file))
        found = scoring.score(observers)
    seconds = time.perf_counter() - begun
    why: dict[str, Any] = {}
    if sizes is not None:
        why = {"components": sizes.mean_sizes(), "importance": importance_of(found)}
    return _result(found, scoring, seconds, why)


def _result(
    found: Backtest, scoring: Scoring, seconds: float, why: dict[str, Any]
) -> BacktestResult:
    metrics = {**metrics_of(found), **scoring.figures(), **why}
    n_origins = metrics["overall"]["n_origins"]
    if scoring.statistical is not None:
        seconds -= scoring.statistical.seconds  # their own figure
    metrics |= {
        "backtest_seconds": round(seconds, 3),
        "backtest_origins_per_second": round(n_origins / max(seconds, 1e-9), 1),
    }
    frames = (by_horizon_frame(found), by_series_frame(found), over_time_frame(found))
    return BacktestResult(found, metrics, *frames)


def _write_folder(result: BacktestResult, config: BacktestConfig, record: RunRecord) -> Path:
    """Write the results to `run_dir`, or to a new folder below runs/, whole or not at all."""
    own = config.run_dir is None
    stem = Path("runs") / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_backtest"
    run_dir = free_folder(stem) if config.run_dir is None else Path(config.run_dir)
    try:
        with replace_folder(run_dir) as folder:
            write_figures(result, folder)
            if config.plots:
                from tsconv.backtest.plots import plot_backtest

                (folder / "plots").mkdir()
                plot_backtest(result.backtest, result.over_time, folder / "plots")
            record.add_figures(result.metrics)
            write_status(record.ended("finished"), folder)
    except BaseException:
        if own:
            run_dir.rmdir()  # it is empty
        raise
    return run_dir


def write_figures(result: BacktestResult, folder: Path) -> None:
    """Write metrics.json and the tables of a backtest to a folder."""
    write_json(result.metrics, folder / "metrics.json")
    write_table(result.by_horizon, folder / "metrics_by_horizon.csv")
    write_table(result.by_series, folder / "metrics_by_series.csv")
    write_table(result.over_time, folder / "metrics_over_time.csv")


def _check_paths(config: BacktestConfig, data: DataConfig) -> None:
    """Raise ConfigError for what cannot be written: before any work is done."""
    inputs = input_files((data.path,))
    check_path("forecasts", config.forecasts, (".parquet",), inputs, config.overwrite)
    check_path("report", config.report, (".html",), inputs, config.overwrite)


@contextlib.contextmanager
def _alone(config: BacktestConfig, data: DataConfig) -> Iterator[RunRecord]:
    """Have `run_dir` for this backtest alone; raises ConfigError where that cannot be.

    The folder appears whole at the end, so the lock lies beside it.
    """
    is_new = config.run_dir is None or not Path(config.run_dir).exists()
    status = first_status("backtest", data.path, config.horizon)
    status = dataclasses.replace(status, made_folder=is_new)
    folder = Path(config.run_dir or "runs")
    record = RunRecord(folder, status, is_new)
    if config.run_dir is None:  # it gets a name that is free
        yield record
        return
    with hold(folder.with_name(f".{folder.name}.running"), folder):
        _check_run_dir(folder)
        yield record


def _check_run_dir(folder: Path) -> None:
    """Raise ConfigError for a folder that holds something: nothing is ever replaced."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if folder.is_dir() and (folder / "metrics_by_horizon.csv").is_file():
        raise ConfigError(f"`run_dir` (={folder}) holds a finished backtest: name another folder")
    raise ConfigError(f"`run_dir` (={folder}) exists and does not hold a backtest: name another")
