"""Forecaster: train on a DataFrame and forecast one, from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from tsconv.data.reading.read import table_from_frame
from tsconv.errors import BundleError, require_choice
from tsconv.forecasting.bundle import Bundle, load_bundle, save_bundle
from tsconv.forecasting.file_columns import columns_of_frame
from tsconv.forecasting.forecast import forecast_panel, skipped_note
from tsconv.forecasting.frame import forecast_frame
from tsconv.forecasting.match import override_roles, prepare_forecast, training_row_index


class Forecaster:
    """Train on a DataFrame and forecast one, with the config's keys as keyword arguments.

    `Forecaster(horizon=28)` takes columns `unique_id, ds, y`. Give other keys of the config with
    double underscores, or with dots by unpacking: `Forecaster(horizon=28, data__id="store")`,
    `Forecaster(horizon=28, **{"model.hidden": 32, "experiment": "quickstart"})`.

    horizon: steps to forecast from each origin. After `fit`, `metrics` holds what metrics.json
    does and `run_dir` is the run folder. After `fit` or `forecast`, `notes` says, a sentence each,
    what happened to the data on the way, such as lines dropped or rows that the frame lacks.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> days = pd.date_range("2024-01-01", periods=60)
    >>> frame = pd.DataFrame({"unique_id": "shop", "ds": days, "y": [1.0, 2.0, 4.0] * 20})
    >>> quick = {"trainer.max_steps": 2, "callbacks.progress": False, "compile": False}
    >>> forecaster = Forecaster(horizon=3, run_dir=folder, plots=False, **quick).fit(frame)
    >>> forecaster.save(folder / "saved")
    >>> Forecaster.load(folder / "saved").forecast(frame)["ds"].dt.day.tolist()  # of March
    [1, 2, 3]
    """

    def __init__(self, horizon: int | None = None, **settings: Any) -> None:
        self.settings = {k.replace("__", "."): v for k, v in settings.items()}
        if horizon is not None:
            self.settings["horizon"] = horizon
        self.metrics: dict[str, Any] = {}
        self.run_dir: Path | None = None
        self.notes: list[str] = []
        self._bundle: Bundle | None = None

    @property
    def bundle(self) -> Bundle:
        """The trained bundle; raises BundleError before `fit` or `load`."""
        if self._bundle is None:
            raise BundleError("this Forecaster has no weights yet: call fit or load first")
        return self._bundle

    def fit(self, frame: pd.DataFrame) -> Forecaster:
        """Train on a long or wide DataFrame and return the Forecaster itself.

        Writes the run folder, as `tsconv train` does. Raises ConfigError for a key of the settings
        that does not exist, DataError where the frame cannot be used, TrainingError where training
        breaks off.
        """
        from tsconv.config.compose import train_config
        from tsconv.config.overrides import format_overrides
        from tsconv.training.run import train

        config = train_config(format_overrides(self.settings))
        self.notes = []
        result = train(config, table_from_frame(frame, config.data), self.notes.append)
        self._bundle, self.metrics, self.run_dir = result.bundle, result.metrics, result.run_dir
        return self

    def forecast(
        self,
        frame: pd.DataFrame,
        batch_size: int = 256,
        future: pd.DataFrame | None = None,
        columns: str = "file",
        **roles: Any,
    ) -> pd.DataFrame:
        """Forecast each series of a DataFrame from its last step.

        batch_size: series forecast at once. future: the future covariates of the steps to
        forecast, where `frame` does not have them. columns: `file` names ids, rows and times as
        `frame` does, `nixtla` calls them `unique_id`, `row` and `ds`. roles: keys of the config's group `data` that
        differ from the training's, such as row="city".

        Returns `id[, row][, channel], time, tsconv, tsconv-lo-80, tsconv-hi-80, ...` in the units
        of the data. Series without an observed value in their context are left out. Raises
        BundleError before `fit` or `load`, ConfigError for a role that does not exist, DataError
        where the frame does not fit the training.
        """
        require_choice("columns", columns, ("file", "nixtla"))
        data = override_roles(self.bundle.data, roles)
        future_table = None if future is None else table_from_frame(future, data, future_only=True)
        table = table_from_frame(frame, data)
        panel, origins = prepare_forecast(
            self.bundle, table, future_table, roles.get("freq"), data.allow_shift
        )
        net = self.bundle.net
        row_index = training_row_index(self.bundle, panel)
        forecast = forecast_panel(net, panel, batch_size, origins, row_index)
        skipped = skipped_note(forecast, net.spec.context_length)
        self.notes = [str(note) for note in (*panel.notes, skipped) if note is not None]
        file_columns = columns_of_frame(frame, data) if columns == "file" else None
        return forecast_frame(forecast, panel, net.quantiles, file_columns)

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
        return forecaster
