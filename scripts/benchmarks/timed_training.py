"""A training in this process, with the seconds and the peak memory of its parts."""

from __future__ import annotations

import dataclasses
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def train(overrides: list[str]) -> dict[str, Any]:
    """Train in a temporary folder; what it took, by the names that a plan has for the parts.

    "seconds": by part; "total": since the process began; "peak": bytes, the largest resident size;
    "steps", "origins_per_second": of the training steps alone.
    """
    import tsconv.training.panel_cache as panel_cache
    import tsconv.training.run as run
    from tsconv.config.compose import train_config
    from tsconv.race.run import train_or_race
    from tsconv.training.lightning.throughput import Throughput

    taken: dict[str, float] = {}
    validations: list[float] = []

    def timed(owner: Any, name: str, key: str) -> None:
        function: Callable[..., Any] = getattr(owner, name)

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                taken[key] = taken.get(key, 0.0) + time.perf_counter() - begun

        setattr(owner, name, wrapper)

    def ended(self: Throughput, *args: Any) -> None:
        validations.append(self.validation_seconds)
        before(self, *args)

    before = Throughput.on_train_end
    Throughput.on_train_end = ended  # type: ignore[method-assign]
    timed(panel_cache.PanelCache, "panel", "reading")
    timed(panel_cache.PanelCache, "prepare", "preparing")
    timed(run, "solve_linear_branch", "solving")
    timed(run, "run_trainer", "trainer")
    timed(run, "calibrated_scores", "scoring")
    timed(run, "write_run", "writing")
    timed(run, "refit_bundle", "refit")
    config = train_config(overrides)
    taken["starting"] = now()
    with tempfile.TemporaryDirectory() as folder:
        config = dataclasses.replace(config, run_dir=f"{folder}/run")
        figures = train_or_race(config).metrics
    taken["preparing"] -= taken["reading"]
    steps = figures["train_seconds"] - figures.get("solve_seconds", 0.0)
    trainer = taken.pop("trainer", 0.0)
    if figures["train_steps"]:
        taken["compiling"] = figures["compile_seconds"]
        taken["validating"] = validations[0]
        taken["training"] = steps - validations[0]
        taken["setting up"] = trainer - steps - figures["compile_seconds"]
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": taken,
        "total": now(),
        "peak": peak,
        "steps": figures["train_steps"],
        "origins_per_second": figures["train_origins_per_second"],
        "compiled": figures["compiled"],
        "precision": figures["precision"],
    }


def make_daily(path: Path, series: int, length: int) -> None:
    """Write daily series with a week and a level of their own, as Parquet."""
    import numpy as np
    import pandas as pd

    rng, t = np.random.default_rng(0), np.arange(length)
    phase = rng.integers(0, 7, (series, 1))
    week = 1 + 0.3 * np.sin(2 * np.pi * (t + phase) / 7)
    y = rng.gamma(3, 20, (series, 1)) * week + rng.normal(0, 5, (series, length))
    ids = np.repeat([f"s{i:06}" for i in range(series)], length)
    days = np.tile(pd.date_range("2023-01-01", periods=length), series)
    pd.DataFrame({"unique_id": ids, "ds": days, "y": y.ravel().round(2)}).to_parquet(path)


def now() -> float:
    """Seconds since the process began, or of the processor where these are compared."""
    from tsconv.training.plan.run import process_seconds

    counts_processor = time.perf_counter is time.process_time
    return time.process_time() if counts_processor else process_seconds() or 0.0
