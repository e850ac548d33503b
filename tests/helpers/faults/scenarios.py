"""What is killed: a command, how it is started again, and what must be the same in the end."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.helpers.frames import daily_frame

QUICK = (
    "horizon=7", "trainer.max_steps=30", "trainer.val_check_interval=5", "compile=false",
    "precision=float32", "callbacks.progress=false", "logger=none", "model.hidden=4",
    "model.levels=2", "plots=false", "data.path=sales.csv",
)  # fmt: skip
TRAIN = ("train", *QUICK, "refit=true", "run_dir=run")
COMPILED = ("train", *QUICK, "refit=true", "run_dir=run", "compile=true")
SWEEP = (
    "sweep", *QUICK, "sweep.n_trials=4", "sweep.sampler=random", "sweep.workers=1",
    "search_space=tcn", "run_dir=run", "trainer.max_steps=10",
)  # fmt: skip
FORECAST = ("forecast", "bundle=whole/bundle", "data.path=sales.csv", "output=forecast.csv")
SHARDS = (*FORECAST, "shards=3")
BACKTEST = ("backtest", "bundle=whole/bundle", "data.path=sales.csv", "run_dir=run")


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A command, and what is left of it.

    again: the command that goes on in a folder, None where nothing is left to do. outcome: what
    must be the same however often it was killed. whole: files that may be missing, but never half.
    """

    name: str
    command: tuple[str, ...]
    again: Callable[[Path], tuple[str, ...] | None]
    outcome: Callable[[Path], dict[str, Any]]
    whole: tuple[str, ...] = ()
    needs_bundle: bool = False


def prepare(folder: Path) -> None:
    """The data that all scenarios read."""
    daily_frame(3, 150).to_csv(folder / "sales.csv", index=False)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _status(folder: Path) -> str:
    path = folder / "run" / "status.json"
    return json.loads(path.read_text())["state"] if path.is_file() else "none"


def _resumed(folder: Path) -> tuple[str, ...]:
    """`resume` where the run got as far as its config; else the first command once more."""
    return ("train", "resume=run") if (folder / "run" / "config.yaml").is_file() else TRAIN


def _resumed_compiled(folder: Path) -> tuple[str, ...]:
    return ("train", "resume=run") if (folder / "run" / "config.yaml").is_file() else COMPILED


def _trained(folder: Path) -> dict[str, Any]:
    run = folder / "run"
    metrics = json.loads((run / "metrics.json").read_text())
    return {
        "weights": _digest(run / "bundle" / "model.safetensors"),
        "before the refit": _digest(run / "bundle_before_refit" / "model.safetensors"),
        "calibration": _digest(run / "bundle" / "calibration.safetensors"),
        "metrics": {part: metrics[part] for part in ("val", "test")},
        "state": _status(folder),
    }


def _swept(folder: Path) -> dict[str, Any]:
    with (folder / "run" / "trials.csv").open() as file:
        trials = list(csv.DictReader(file))
    kept = ("number", "state", "val.scaled_mae")
    return {
        "trials": [{k: v for k, v in t.items() if k in kept or "model." in k} for t in trials],
        "best": (folder / "run" / "best.yaml").read_text().partition("defaults:")[2],
        "state": _status(folder),
    }


def _forecast(folder: Path) -> dict[str, Any]:
    return {"forecast": _digest(folder / "forecast.csv")}


def _backtested(folder: Path) -> dict[str, Any]:
    names = ("metrics_by_horizon.csv", "metrics_by_series.csv")
    metrics = json.loads((folder / "run" / "metrics.json").read_text())
    found = {name: _digest(folder / "run" / name) for name in names}
    return {**found, "overall": metrics["overall"], "state": _status(folder)}


def _backtest_again(folder: Path) -> tuple[str, ...] | None:
    return None if _status(folder) == "finished" else BACKTEST


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("train", TRAIN, _resumed, _trained),
        Scenario("compile", COMPILED, _resumed_compiled, _trained),
        Scenario("sweep", SWEEP, lambda _: SWEEP, _swept),
        Scenario("forecast", FORECAST, lambda _: FORECAST, _forecast, ("forecast.csv",), True),
        Scenario("shards", SHARDS, lambda _: SHARDS, _forecast, ("forecast.csv",), True),
        Scenario("backtest", BACKTEST, _backtest_again, _backtested, (), True),
    )
}
