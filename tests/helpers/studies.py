"""Settings of a sweep, and studies whose trials are run without training."""

from __future__ import annotations

import time
from typing import Any

import optuna
from optuna.trial import TrialState

from tsconv.config.schema import SweepConfig
from tsconv.sweep.search_space.parse import parse_space
from tsconv.sweep.search_space.ranges import Space
from tsconv.sweep.storage.base import Store
from tsconv.sweep.study import claim_trial, finish_trial, join_study

SPACE = parse_space({"x": {"type": "float", "low": 0, "high": 1}, "k": {"choices": ["a", "b"]}})
IDENTITY = {"search_space": {"x": "float 0 to 1"}, "config": {"horizon": 7}}


def settings(**given: Any) -> SweepConfig:
    """The settings of a small sweep, with those given."""
    defaults: dict[str, Any] = {
        "n_trials": 5, "timeout": None, "workers": 1, "sampler": "random", "pruner": None,
        "objectives": ["val.mae"], "seed": 0, "baseline": True, "storage": None, "study": None,
        "heartbeat": 1, "retries": 2, "refit": False,
    }  # fmt: skip
    return SweepConfig(**{**defaults, **given})


def join(store: Store, name: str, sweep: SweepConfig | None = None) -> optuna.Study:
    return join_study(store, name, IDENTITY, sweep or settings(), None)


def run_all(
    store: Store,
    study: optuna.Study,
    worker: str,
    sweep: SweepConfig,
    space: Space = SPACE,
    seconds: float = 0.005,
) -> None:
    """Claim and finish trials, each of so many seconds; the value is what x drew, or 0."""
    with store.worker_alive(worker):
        while (claimed := claim_trial(store, study, worker, sweep, space)) is not None:
            value = [float(claimed.values.get("x", 0))] * len(sweep.objectives)
            time.sleep(seconds)
            finish_trial(store, study, claimed, worker, TrialState.COMPLETE, value, {})
