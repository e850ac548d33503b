"""Optuna's samplers and pruners, made from the settings of a sweep."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

import numpy as np
import optuna

from tsconv.config.schema import SweepConfig
from tsconv.sweep.search_space.ranges import Space
from tsconv.sweep.settings import pruner_name


def make_sampler(sweep: SweepConfig, space: Space, number: int) -> optuna.samplers.BaseSampler:
    """The sampler of trial `number`.

    Its random numbers depend on `sweep.seed` and the trial's number alone, so that a sweep which
    was interrupted draws the same trials as one that was not.
    """
    seed = int(np.random.SeedSequence([sweep.seed, number]).generate_state(1)[0])
    conditional = any(each.when for each in space)
    if sweep.sampler == "tpe":  # `group` lets TPE learn from conditional ranges too
        return optuna.samplers.TPESampler(
            seed=seed, group=conditional and len(sweep.objectives) == 1
        )
    if sweep.sampler == "cmaes":
        return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    if sweep.sampler == "gp":
        return optuna.samplers.GPSampler(seed=seed, warn_independent_sampling=False)
    return optuna.samplers.RandomSampler(seed=seed)


def make_pruner(sweep: SweepConfig) -> optuna.pruners.BasePruner:
    """The pruner of a sweep; its steps are percent of a trial's training."""
    name = pruner_name(sweep)
    if name == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=25)
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=10, max_resource=100)
    return optuna.pruners.NopPruner()


@contextlib.contextmanager
def quiet_optuna() -> Iterator[None]:
    """Silence, for as long as the context lasts, what Optuna says of things a sweep does itself.

    These are its log of every trial, its notes on experimental features, and its warning that
    heartbeats belong to `Study.optimize` (the workers of a sweep send their own).
    """
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
            warnings.filterwarnings("ignore", message="Heartbeat of storage is supposed")
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
