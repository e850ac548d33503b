"""The same for Python: Forecaster.fit / forecast / save / load on DataFrames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from tsconv.data.reading.read import table_from_frame
from tsconv.errors import BundleError
from tsconv.forecasting.bundle import Bundle, load_bundle, save_bundle
from tsconv.forecasting.forecast import forecast_frame, forecast_panel, skipped_line
from tsconv.forecasting.match import ready_panel, row_numbers, with_overrides


class Forecaster:
    """Train on a DataFrame and forecast one, with the config tree's keys as keyword arguments.

    `Forecaster(horizon=28)` takes columns `unique_id, ds, y`; other keys of the config are given
    with double underscores, or with dots by unpacking: `Forecaster(horizon=28, data__id="store")`,
    `Forecaster(horizon=28, **{"model.hidden": 32, "experiment": "quickstart"})`.
    """

    def __init__(self, horizon: int | None = None, **settings: Any) -> None:
        self.settings = {k.replace("__", "."): v for k, v in settings.items()}
        if horizon is not None:
            self.settings["horizon"] = horizon
        self.metrics: dict[str, Any] = {}
        self.run_dir: Path | None = None
        self.notes: list[str] = []  # what happened to the data of the last fit or forecast
        self._bundle: Bundle | None = None

    @property
    def bundle(self) -> Bundle:
        """The trained bundle; raises BundleError before `fit` or `load`."""
        if self._bundle is None:
            raise BundleError("this Forecaster has no weights yet: call fit or load first")
        return self._bundle

    def fit(self, frame: pd.DataFrame) -> Forecaster:
        """Train on a long or wide DataFrame; the run folder is `run_dir`, the scores `metrics`."""
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
        **roles: Any,
    ) -> pd.DataFrame:
        """Forecast each series of the DataFrame from its last step.

        `future` has the future covariates of the steps to forecast, where `frame` does not.
        Returns `unique_id[, row][, channel], ds, tsconv, tsconv-lo-80, tsconv-hi-80, ...` in the
        units of the data. Series without an observed value in their context are left out. `roles`
        are keys of the config's group `data` that differ from the training's, such as row="city".
        `notes` then says what happened to the data, such as rows that were not there.
        """
        data = with_overrides(self.bundle.data, roles)
        extra = None if future is None else table_from_frame(future, data, future_only=True)
        table = table_from_frame(frame, data)
        panel, origins = ready_panel(self.bundle, table, extra, roles.get("freq"))
        row_index = row_numbers(self.bundle, panel)
        forecast = forecast_panel(self.bundle.net, panel, batch_size, origins, row_index)
        self.notes = [str(note) for note in panel.notes]
        if forecast.skipped:
            self.notes.append(skipped_line(forecast, self.bundle.net))
        return forecast_frame(forecast, panel, self.bundle.net.quantiles)

    def save(self, folder: str | Path) -> None:
        """Write the bundle: config.json and model.safetensors."""
        save_bundle(self.bundle, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Forecaster:
        """Read a bundle written by `save` or by `tsconv train`."""
        forecaster = cls()
        forecaster._bundle = load_bundle(folder)
        return forecaster
