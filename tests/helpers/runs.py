"""Short trainings through the library, and forecasts from their bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from tests.helpers.frames import daily_frame, stations
from tsconv.config.compose import train_config
from tsconv.data.reading.read import table_from_frame
from tsconv.forecasting.bundles.bundle import load_bundle
from tsconv.forecasting.forecast import forecast_panel
from tsconv.forecasting.frame import forecast_frame
from tsconv.forecasting.match import match_panel, training_row_index
from tsconv.training.lightning.throughput import Throughput
from tsconv.training.run import TrainResult, train

QUICK = {
    "horizon": 7,
    "trainer.max_steps": 40,
    "compile": "false",
    "precision": "float32",
    "callbacks.progress": "false",
    "plots": "false",
    "logger": "none",
    "refit": "false",
}
ROLES: dict[str, Any] = {
    "data__row": "place",
    "data__target": "[no2,o3]",
    "data__past_covariates": "wind",
    "trainer__max_steps": 12,
}


def run(folder: Path, frame: pd.DataFrame | None = None, **settings: Any) -> TrainResult:
    keys = {**QUICK, **{k.replace("__", "."): v for k, v in settings.items()}}
    taken = len(list(folder.glob("run*"))) if "run_dir" not in keys else 0
    keys.setdefault("run_dir", folder / (f"run{taken}" if taken else "run"))
    config = train_config([f"{k}={v}" for k, v in keys.items()])
    return train(config, table_from_frame(daily_frame() if frame is None else frame, config.data))


def weights(result: TrainResult) -> dict[str, torch.Tensor]:
    return result.bundle.net.state_dict()


def same_weights(a: TrainResult, b: TrainResult) -> bool:
    """Whether two trainings ended with the same tensors, to the last bit."""
    ours, theirs = weights(a), weights(b)
    return ours.keys() == theirs.keys() and all(torch.equal(v, theirs[k]) for k, v in ours.items())


def trained(folder: Path, frame: pd.DataFrame | None = None, **keys: Any) -> TrainResult:
    return run(folder, stations() if frame is None else frame, **{**ROLES, **keys})


def forecast(result: TrainResult, frame: pd.DataFrame) -> tuple[pd.DataFrame, Any]:
    """The table of forecasts from the bundle on disk, and what was made on the way."""
    bundle = load_bundle(result.run_dir / "bundle")
    panel = match_panel(bundle, table_from_frame(frame, bundle.data))
    made = forecast_panel(bundle.net, panel, row_index=training_row_index(bundle, panel))
    return forecast_frame(made, panel), (made, panel, bundle)


class Stop(Exception):
    """Ends a training, as a lost machine would."""


def stop_after(step: int, patch: pytest.MonkeyPatch) -> None:
    """Let trainings raise Stop behind a step."""
    original = Throughput.on_train_batch_end

    def stopping(self: Throughput, trainer: Any, *args: Any) -> None:
        original(self, trainer, *args)
        if trainer.global_step == step:
            raise Stop

    patch.setattr(Throughput, "on_train_batch_end", stopping)
