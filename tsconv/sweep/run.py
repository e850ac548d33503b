"""A sweep from start to end: its settings checked, its study joined, its workers let go.

The coordinator itself trains nothing and reads no data. Kill it, and its workers end with it.
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
from tsconv.sweep import study as studies
from tsconv.sweep.results.summary import finished
from tsconv.sweep.results.trial_table import TrialTable
from tsconv.sweep.search_space.parse import parse_space
from tsconv.sweep.search_space.ranges import Space, describe
from tsconv.sweep.storage.store import Store, open_store, patiently
from tsconv.sweep.worker_pool import WorkerPool, WorkerSpec

# Keys that do not change what a trial's figures are, or that each trial has of its own.
_NOT_COMPARED = (
    "run_dir", "resume", "plots", "threads", "data.path", "logger.name", "callbacks.progress",
    "callbacks.checkpoints", "trainer.accelerator", "trainer.devices", "trainer.num_nodes",
)  # fmt: skip
_NOT_SEARCHED = ("run_dir", "resume", "plots", "logger", "logger.name", "search_space", "sweep")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclasses.dataclass(frozen=True)
class SweepResult:
    """A study as far as it got, and where its time went."""

    folder: Path
    study: optuna.Study
    plan: SweepPlan
    interrupted: bool
    wall_seconds: float
    start_seconds: float  # until the first worker could begin
    ours: list[int]  # numbers of the trials that this command ran


class Sweep:
    """What a command asks for, checked as far as that goes without the data."""

    def __init__(self, overrides: Sequence[str], config_dir: str | None = None) -> None:
        self.overrides, self.config_dir = list(overrides), config_dir
        self.plan = sweep_plan(overrides, config_dir)
        self.settings = self.plan.sweep
        self.space: Space = parse_space(self.plan.search_space)
        studies.check_settings(self.settings, self.space)
        _check_keys(self.space, self.plan)
        self.timeout = seconds_of(self.settings.timeout)
        self.identity = _identity(self.plan, self.space)
        text = json.dumps(self.identity, sort_keys=True, default=str)
        short = hashlib.sha256(text.encode()).hexdigest()[:8]
        stem = re.sub(r"[^\w-]+", "_", Path(self.plan.base.data.path or "data").stem).strip("_")
        name = f"sweep_{stem}_{self.plan.choices.get('search_space')}_{short}"
        self.folder = Path(self.plan.base.run_dir or Path("runs") / name)
        self.name = self.settings.study or (name if self.settings.storage else "sweep")

    def store(self) -> Store:
        settings = self.settings
        return open_store(settings.storage, self.folder, self.name, settings.heartbeat)

    def existing(self) -> Store | None:
        """The store, where there may be a study already: a database, or a folder with a journal."""
        if self.settings.storage is None and not (self.folder / "study.journal").is_file():
            return None
        return self.store()


def run_sweep(sweep: Sweep, notify: Callable[[str], None]) -> SweepResult:
    """Run a sweep until its trials are finished, its time is over, or Ctrl-C.

    Raises TsconvError where config, data or study are at fault, before any trial begins.
    """
    begun = time.monotonic()
    store = sweep.existing()
    if store is not None:
        with store.lock():
            studies.find_study(store, sweep.name, sweep.identity)
    settings = sweep.settings
    crew = WorkerPool(
        WorkerSpec(
            sweep.overrides,
            sweep.config_dir,
            sweep.folder,
            sweep.name,
            settings.workers,
            sweep.timeout,
        )
    )
    try:
        ready = crew.first_ready()
        for line in ready["notes"]:
            notify(line)
        identity = {**sweep.identity, "what the data hold": ready["data"]}
        baseline = ready["baseline"] if settings.baseline else None
        if baseline is None and settings.baseline:
            notify("the config as it stands is outside the search space, so it is not tried first")
        home = store or sweep.store()
        study = patiently(
            lambda: studies.join_study(home, sweep.name, identity, settings, baseline)
        )
        before = patiently(lambda: len(finished(study)))
        if before:
            notify(f"going on with the study in {sweep.folder}: {before} trials are finished")
        start = time.monotonic() - begun
        total = studies.most_trials(settings, sweep.space)
        show = sweep.plan.base.callbacks.progress
        interrupted = crew.work(study, TrialTable(settings, sweep.space, total, show))
    finally:
        crew.end()
    wall = time.monotonic() - begun
    return SweepResult(
        sweep.folder, study, sweep.plan, interrupted, wall, start, sorted(crew.trials)
    )


def seconds_of(text: str | None) -> float | None:
    """90, 90s, 30m, 2h or 1d as seconds. Raises ConfigError for anything else."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if found is None:
        raise ConfigError(f"`sweep.timeout` (={text}) must be a time such as 90s, 30m, 2h or 1d")
    return float(found[1]) * _UNITS[found[2] or "s"]


def _check_keys(space: Space, plan: SweepPlan) -> None:
    """Raise ConfigError for a range of a key that the config does not have."""
    known = {*flat_values(dataclasses.asdict(plan.base)), *group_names()}
    for each in space:
        if each.key in _NOT_SEARCHED:
            raise ConfigError(f"`search_space.{each.key}`: each trial has its own `{each.key}`")
        if each.key not in known and not each.key.startswith("trainer."):
            raise ConfigError(
                f"`search_space.{each.key}`: there is no config key `{each.key}`"
                f"{nearest(each.key, known)}"
            )


def _identity(plan: SweepPlan, space: Space) -> dict[str, Any]:
    """What trials of one study have in common; see `join_study`."""
    searched = {each.key for each in space}
    base = flat_values(dataclasses.asdict(plan.base))
    kept = {k: v for k, v in base.items() if k not in _NOT_COMPARED and k not in searched}
    return {
        "search_space": describe(space),
        "objectives": plan.sweep.objectives,
        "sweep.seed": plan.sweep.seed,
        "config": kept,
    }
