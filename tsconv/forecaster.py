"""Forecaster: train on a table and forecast one, from Python."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsconv.config.schema import TrainConfig
from tsconv.errors import BundleError, ConfigError, require_choice, require_positive
from tsconv.forecasting.bundles.bundle import Bundle, load_before_refit, load_bundle, save_bundle
from tsconv.forecasting.file_columns import columns_of
from tsconv.forecasting.forecast import skipped_note
from tsconv.forecasting.frame import forecast_frame
from tsconv.forecasting.intervals.calibrators import bundle_calibrator
from tsconv.forecasting.intervals.limit_notes import limit_notes
from tsconv.forecasting.intervals.wanted import beyond_training_note, wanted_of
from tsconv.forecasting.match import override_roles, prepare_forecast, training_row_index
from tsconv.forecasting.ranks import forecast_on_devices
from tsconv.frames import in_kind_of, is_path, table_of
from tsconv.notes import warn
from tsconv.summary import as_html, as_text, facts, headline, metrics_of

if TYPE_CHECKING:
    from tsconv.backtest.run import BacktestResult
    from tsconv.frames import Data


class Forecaster:
    """Train on a table and forecast one, with the config's keys as keyword arguments.

    `Forecaster(horizon=28)` takes columns `unique_id, ds, y`. Give other keys of the config with
    double underscores, or with dots by unpacking: `Forecaster(horizon=28, data__id="store")`,
    `Forecaster(horizon=28, **{"model.hidden": 32, "experiment": "quickstart"})`. With
    `Forecaster(horizon=28, budget="60s")`, `fit` races many candidates and keeps the best.

    horizon: steps to forecast from each origin. Raises ConfigError for a key that does not exist.

    After `fit` or `load`, `metrics` holds the figures of `metrics.json`, those of `val` and `test`
    alone after `load`. `run_dir` is the run folder, None unless one was asked for. `notes` says, a
    sentence each, what the last `fit` or `forecast` did to the data, such as lines dropped; each
    note is a TsconvWarning too.

    >>> import pandas as pd
    >>> days = pd.date_range("2024-01-01", periods=60)
    >>> frame = pd.DataFrame({"unique_id": "shop", "ds": days, "y": [1.0, 2.0, 4.0] * 20})
    >>> forecaster = Forecaster(horizon=3, trainer__max_steps=2, compile=False).fit(frame)
    >>> forecaster.forecast(frame)["ds"].dt.day.tolist()  # of March
    [1, 2, 3]
    """

    def __init__(self, horizon: int | None = None, **settings: Any) -> None:
        self.settings = {} if horizon is None else {"horizon": horizon}
        self.settings |= {key.replace("__", "."): value for key, value in settings.items()}
        if self.settings:
            _check_settings(self.settings)
        self.metrics: dict[str, Any] = {}
        self.run_dir: Path | None = None
        self.notes: list[str] = []
        self._bundle: Bundle | None = None
        self._before_refit: Bundle | None = None

    @property
    def bundle(self) -> Bundle:
        """The trained bundle; raises BundleError before `fit` or `load`."""
        if self._bundle is None:
            raise BundleError("this Forecaster is not trained yet: call fit or load first")
        return self._bundle

    def fit(self, data: Data) -> Forecaster:
        """Train on a long or wide table and return the Forecaster itself.

        data: a DataFrame of pandas or polars (a lazy one is collected), a pyarrow table, or the
        path of a CSV or Parquet file. It is not changed. Nothing is written unless `run_dir` is
        set; then the run folder is that of `tsconv train`.

        In a script that torchrun or srun started several times, all of them must call it; rank 0's
        data are trained on by all, and each gets the result.

        Raises DataError where the data cannot be used, ConfigError for a wrong value of a setting,
        TrainingError where training breaks off.
        """
        from tsconv.config.overrides import format_overrides
        from tsconv.config.resume import train_or_resume_config
        from tsconv.distributed.launched import on_launched_ranks
        from tsconv.race.run import train_or_race

        own_data = {"data.path": data} if is_path(data) and "resume" in self.settings else {}
        overrides = format_overrides({**self._settings_of_fit(), **own_data})
        config = train_or_resume_config(overrides, needs_path=False)
        table = None
        if is_path(data):
            config.data.path = str(data)  # read where it is trained on: nothing else holds it
        else:
            table = table_of(data, config.data, "fit")
        self.notes = []

        def fit() -> tuple[Bundle, Bundle | None, dict[str, Any], Path | None]:
            with _run_folder(config) as (own, kept):
                result = train_or_race(own, table, self._note)
            run_dir = result.run_dir if kept else None
            return result.bundle, result.before_refit, result.metrics, run_dir

        self._bundle, self._before_refit, self.metrics, self.run_dir = on_launched_ranks(fit)
        return self

    def forecast(
        self,
        data: Data,
        horizon: int | None = None,
        batch_size: int = 256,
        future: Data | None = None,
        columns: str = "file",
        devices: int | str = 1,
        components: bool = False,
        levels: Any = None,
        conformal: str | None = None,
        point: str | None = None,
        **roles: Any,
    ) -> Any:
        """Forecast each series of a table from its last step.

        data: as `fit` takes it. horizon: steps, at most those of the training; None: all of them.
        batch_size: series forecast at once. future: the future covariates of the steps to
        forecast, where `data` does not have them. columns: `file` names ids, rows and times as
        `data` does, `nixtla` calls them `unique_id`, `row` and `ds`. devices: processes that share
        the series, one for each GPU, or "auto" for all GPUs. components: a column for each part
        that the median is the sum of, such as `tsconv-level`; on one device. levels: per cents of
        the intervals, such as [50, 80, 95]; None: those of the training. conformal: none, split or
        adaptive; None: as the training chose. point: median or mean, what `tsconv` is; None: as in
        the training. roles: keys of the config's group `data` that differ from the training's, such
        as row="city".

        Returns a table of the kind that `data` is, of pandas for a path, with a line for each
        series and step: the ids, the time, the median `tsconv` and the intervals `tsconv-lo-80,
        tsconv-hi-80, ...` in the units of the data. Series without an observed value in their
        context are left out. Raises BundleError before `fit` or `load`, ConfigError for a role
        that does not exist or a horizon that is too long, DataError where the data do not fit the
        training.
        """
        require_choice("columns", columns, ("file", "nixtla"))
        wanted = wanted_of(levels, conformal, point, components)
        net = self.bundle.net
        steps = _shorter_horizon(horizon, net.spec.horizon)
        roles = {key.removeprefix("data__"): value for key, value in roles.items()}
        given = override_roles(self.bundle.data, roles)
        ahead = None if future is None else table_of(future, given, "forecast(future=...)", True)
        table = table_of(data, given, "forecast")
        panel, origins = prepare_forecast(
            self.bundle, table, ahead, roles.get("freq"), given.allow_shift, steps
        )
        row_index = training_row_index(self.bundle, panel)
        wanted = dataclasses.replace(wanted, roles=given, given=tuple(roles))
        calibrator = bundle_calibrator(self.bundle, panel, wanted)
        further = (components, self.bundle.season, calibrator)
        forecast = forecast_on_devices(
            devices, net, panel, batch_size, origins, row_index, *further
        ).head(steps)
        beyond = beyond_training_note(calibrator.quantiles, calibrator.trained)
        skipped = skipped_note(forecast, net.spec.context_length)
        self.notes = []
        limits = calibrator.value_range
        limited = limit_notes(forecast, panel, limits, given)
        for note in (*panel.notes, beyond, skipped, *limited):
            if note is not None:
                self._note(str(note))
        file_columns = columns_of(data, table, given) if columns == "file" else None
        frame = forecast_frame(forecast, panel, file_columns, limits=limits)
        return in_kind_of(data, frame)

    def backtest(
        self,
        data: Data,
        start: Any = None,
        last: Any = None,
        stride: int = 1,
        horizon: int | None = None,
        forecasts: str | Path | None = None,
        report: str | Path | None = None,
        components: bool = False,
        levels: Any = None,
        conformal: str | None = None,
        point: str | None = None,
        **roles: Any,
    ) -> BacktestResult:
        """Score every past origin of a table in one dense pass, beside simple forecasts.

        data: as `fit` takes it. start: the first step to forecast, a time as the data have them;
        None: the first with a whole context. last: the last origin; None: the last with a whole
        horizon behind it. stride: steps from one origin to the next. horizon: steps, at most those
        of the training. forecasts: a .parquet file for every forecast. report: an .html file for
        the page. components: what each part of the median is worth, in `metrics` and as columns of
        `forecasts`. levels, conformal, point, roles: as `forecast` takes them.

        Returns the figures: `metrics`, and the DataFrames `by_horizon`, `by_series` and
        `over_time`. Where a refit has seen all the data, the network before it is scored. Raises
        BundleError before `fit` or `load`, and ConfigError or DataError as `forecast` does and
        where no origin is left.
        """
        from tsconv.backtest.run import backtest_table
        from tsconv.forecasting.outputs import check_path

        roles = {key.removeprefix("data__"): value for key, value in roles.items()}
        given = override_roles(self.bundle.data, roles)
        for key, value, suffix in (
            ("forecasts", forecasts, ".parquet"),
            ("report", report, ".html"),
        ):
            check_path(key, None if value is None else str(value), (suffix,), (), False)
        table = table_of(data, given, "backtest")
        result = backtest_table(
            self.bundle,
            table,
            given,
            before_refit=self._before_refit,
            start=start,
            last=last,
            stride=stride,
            horizon=horizon,
            freq=roles.get("freq"),
            forecasts=None if forecasts is None else Path(forecasts),
            components=components,
            wanted=wanted_of(levels, conformal, point, components),
        )
        self.notes = []
        for note in result.backtest.panel.notes:
            self._note(str(note))
        if report is not None:
            from tsconv.report.run import ReportSource, write_report

            path = dataclasses.replace(given, path=str(data) if is_path(data) else None)
            source = ReportSource(self.bundle, table, path, "backtest", "Forecaster.backtest(...)")
            write_report(result, source, Path(report))
        return result

    def save(self, folder: str | Path) -> None:
        """Write the bundle, config.json and model.safetensors, in place of an earlier one.

        Raises BundleError before `fit` or `load`, and where `folder` holds anything else.
        """
        save_bundle(self.bundle, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Forecaster:
        """Read a bundle written by `save` or by `tsconv train`; raises BundleError."""
        forecaster = cls()
        forecaster._bundle = load_bundle(folder)
        forecaster._before_refit = load_before_refit(folder)
        forecaster.metrics = metrics_of(forecaster._bundle)
        return forecaster

    def __repr__(self) -> str:
        return as_text(headline(self.settings, self._bundle), self._facts())

    def _repr_html_(self) -> str:
        """The same as a table, which notebooks show."""
        return as_html(headline(self.settings, self._bundle), self._facts())

    def _facts(self) -> dict[str, str]:
        return {} if self._bundle is None else facts(self._bundle, self.metrics, self.run_dir)

    def _settings_of_fit(self) -> dict[str, Any]:
        """The settings; a bar of progress only where somebody watches, unless it is set."""
        return {"callbacks.progress": _is_watched(), **self.settings}

    def _note(self, text: str) -> None:
        """Keep a note, and warn of it once."""
        if text not in self.notes:
            self.notes.append(text)
            warn(text)


def _shorter_horizon(asked: int | None, trained: int) -> int:
    """The steps to give; raises ConfigError where more are asked for than were trained."""
    if asked is None:
        return trained
    require_positive(horizon=asked)
    if asked > trained:
        raise ConfigError(
            f"`horizon` (={asked}) is longer than the {trained} steps of the training; for more, "
            f"train anew with Forecaster(horizon={asked}, ...)"
        )
    return asked


def _check_settings(settings: dict[str, Any]) -> None:
    """Raise ConfigError for a key that does not exist, one of Lightning's Trainer too.

    Lightning takes seconds to import: it is asked only where `conf/` does not list the argument.
    """
    from tsconv.config.compose import check_settings, known_keys

    check_settings(settings)
    listed = known_keys("train")
    others = [key for key in settings if key.startswith("trainer.") and key not in listed]
    if others:
        from tsconv.training.lightning.loop import check_trainer_keys

        check_trainer_keys({key.removeprefix("trainer."): settings[key] for key in others})


def _is_watched() -> bool:
    """Whether a person sees standard error: in a terminal or a notebook."""
    return "ipykernel" in sys.modules or sys.stderr.isatty()


@contextmanager
def _run_folder(config: TrainConfig) -> Iterator[tuple[TrainConfig, bool]]:
    """The config with a folder to train in, and whether that stays; one of ours is removed."""
    if config.run_dir is not None or config.resume is not None:
        yield config, True
        return
    with tempfile.TemporaryDirectory(prefix="tsconv-") as folder:
        try:
            yield dataclasses.replace(config, run_dir=folder, plots=False), False
        except KeyboardInterrupt:  # its message names a folder that is gone
            raise KeyboardInterrupt("nothing is kept; set run_dir to go on later") from None
