"""A sweep from start to end: check its settings, join its study, let its workers run trials.

This process trains nothing and reads no data. When it is killed, its workers end too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import optuna

from tsconv.config.compose import SweepPlan, sweep_plan
from tsconv.config.folder import group_names
from tsconv.config.overrides import flat_values
from tsconv.errors import ConfigError, nearest
from tsconv.sweep.results.trial_table import TrialTable
from tsconv.sweep.results.trials import finished
from tsconv.sweep.samplers import quiet_optuna
from tsconv.sweep.search_space.parse import parse_space
from tsconv.sweep.search_space.ranges import Space, describe
from tsconv.sweep.settings import check_settings, parse_duration, trial_limit
from tsconv.sweep.storage.base import Store
from tsconv.sweep.storage.errors import retry_while_unreachable
from tsconv.sweep.storage.open_store import open_store
from tsconv.sweep.study import DATA, find_study, join_study
from tsconv.sweep.worker_environment import devices_of_trial
from tsconv.sweep.worker_pool import WorkerPool, WorkerSpec
from tsconv.training.lightning.loggers import check_logger

# Keys that do not change the figures of a trial, or that each trial sets itself.
_NOT_COMPARED = (
    "run_dir", "resume", "plots", "threads", "data.path", "logger.name", "callbacks.progress",
    "callbacks.checkpoints", "trainer.accelerator", "trainer.devices", "trainer.num_nodes",
    "trainer.strategy",
)  # fmt: skip
_NOT_SEARCHED = (
    "run_dir", "resume", "budget", "plots", "logger", "logger.name", "search_space", "sweep",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class SweepResult:
    """A study as far as it got, and where the time of this command went."""

    folder: Path
    study: optuna.Study
    plan: SweepPlan
    interrupted: bool
    wall_seconds: float
    start_seconds: float  # until the first worker could begin
    own_trials: list[int]  # numbers of the trials that this command ran
    left_out: tuple[str, ...] = ()  # of the data, a sentence each


class Sweep:
    """What a sweep command asks for, checked as far as is possible without the data.

    overrides: Hydra overrides, as on the command line.

    Raises ConfigError for a setting or a range that could not work.

    >>> sweep = Sweep(["data.path=sales.csv", "horizon=28", "run_dir=runs/sales"])
    >>> sweep.folder.as_posix(), sweep.settings.n_trials
    ('runs/sales', 50)
    """

    def __init__(self, overrides: Sequence[str], config_dir: str | None = None) -> None:
        self.overrides, self.config_dir = list(overrides), config_dir
        self.plan = sweep_plan(overrides, config_dir)
        self.settings = self.plan.sweep
        check_logger(self.plan.base.logger.name)
        if self.plan.base.budget is not None:
            raise ConfigError(
                f"a trial of a sweep is one training: leave `budget` (={self.plan.base.budget}) out"
            )
        self.space: Space = parse_space(self.plan.search_space)
        check_settings(self.settings, self.space)
        _check_keys(self.space, self.plan)
        self.timeout = parse_duration(self.settings.timeout)
        self.identity = _identity(self.plan, self.space)
        text = json.dumps(self.identity, sort_keys=True, default=str)
        short = hashlib.sha256(text.encode()).hexdigest()[:8]
        stem = re.sub(r"[^\w-]+", "_", Path(self.plan.base.data.path or "data").stem).strip("_")
        name = f"sweep_{stem}_{self.plan.choices.get('search_space')}_{short}"
        self.folder = Path(self.plan.base.run_dir or Path("runs") / name)
        self.name = self.settings.study or (name if self.settings.storage else "sweep")

    def open_store(self) -> Store:
        """Open the store, creating its files or tables where there are none."""
        settings = self.settings
        return open_store(settings.storage, self.folder, self.name, settings.heartbeat)

    def open_existing_store(self) -> Store | None:
        """Open the store where it may hold a study: a database, or a folder with a journal."""
        if self.settings.storage is None and not (self.folder / "study.journal").is_file():
            return None
        return self.open_store()


def run_sweep(
    sweep: Sweep, notify: Callable[[str], None], begin: Callable[[], None] = lambda: None
) -> SweepResult:
    """Run a sweep until its trials are finished, its time is over, or Ctrl-C.

    notify: takes notes on the data and the study, a line each. begin: is called once the data and
    the config are known to be good, before the first trial.

    Raises TsconvError where config, data or study are at fault, before any trial begins.
    """
    begun = time.monotonic()
    settings = sweep.settings
    with quiet_optuna():
        store = sweep.open_existing_store()
        if store is not None:  # refuse another study before the workers read the data
            with store.lock():
                find_study(store, sweep.name, sweep.identity)
        worker_pool = WorkerPool(
            WorkerSpec(
                sweep.overrides,
                sweep.config_dir,
                sweep.folder,
                sweep.name,
                settings.workers,
                sweep.timeout,
                devices_of_trial(sweep.plan.base.trainer.get("devices", 1)),
            )
        )
        try:
            worker_pool.start()
            ready = worker_pool.first_ready()
            for line in ready["notes"]:
                notify(line)
            begin()
            store = store or sweep.open_store()
            study = _join(sweep, store, ready, notify)
            start = time.monotonic() - begun
            limit = trial_limit(settings, sweep.space)
            show = sweep.plan.base.callbacks.progress
            interrupted = worker_pool.run(study, TrialTable(settings, sweep.space, limit, show))
        finally:
            worker_pool.close()
            if store is not None:
                store.remove_dead_workers()
    wall = time.monotonic() - begun
    own_trials = sorted(worker_pool.trials)
    return SweepResult(
        sweep.folder,
        study,
        sweep.plan,
        interrupted,
        wall,
        start,
        own_trials,
        tuple(ready["left_out"]),
    )


def _join(
    sweep: Sweep, store: Store, ready: dict[str, Any], notify: Callable[[str], None]
) -> optuna.Study:
    """Join the study, or make it, once a worker has read the data; `ready` is its message."""
    settings = sweep.settings
    baseline = ready["baseline"] if settings.baseline else None
    if baseline is None and settings.baseline:
        notify(
            f"the first trial is drawn too: {ready['outside']}, which training without a search "
            f"would use, is outside the search space"
        )
    identity = {**sweep.identity, DATA: ready["data"]}
    study = retry_while_unreachable(
        lambda: join_study(store, sweep.name, identity, settings, baseline)
    )
    before = retry_while_unreachable(lambda: len(finished(study)))
    if before:
        notify(f"continuing the study in {sweep.folder}: {before} trials are finished")
    return study


def _check_keys(space: Space, plan: SweepPlan) -> None:
    """Raise ConfigError for a range of a key that the config does not have."""
    known = {*flat_values(dataclasses.asdict(plan.base)), *group_names()}
    for key in (key_range.key for key_range in space):
        if key in _NOT_SEARCHED:
            raise ConfigError(f"`search_space.{key}`: each trial has its own `{key}`")
        if key not in known and not key.startswith("trainer."):
            raise ConfigError(
                f"`search_space.{key}`: there is no config key `{key}`{nearest(key, known)}"
            )


def _identity(plan: SweepPlan, space: Space) -> dict[str, Any]:
    """What trials of one study have in common, apart from the data; see `find_study`."""
    searched = {key_range.key for key_range in space}
    base = flat_values(dataclasses.asdict(plan.base))
    kept = {k: v for k, v in base.items() if k not in _NOT_COMPARED and k not in searched}
    return {
        "search_space": describe(space),
        "objectives": plan.sweep.objectives,
        "sweep.seed": plan.sweep.seed,
        "config": kept,
    }
