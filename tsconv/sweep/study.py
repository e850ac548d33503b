"""One study, many workers: joining it, taking the next trial, and the exact count.

Every trial is taken under the store's lock, and a lost one is put back in its place instead of
being replaced by another, so a study never holds more than `n_trials` trials and none twice. A
trial's random numbers depend on the sweep's seed and the trial's number alone.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tsconv.config.schema import SweepConfig
from tsconv.errors import ConfigError, require_choice
from tsconv.sweep.search_space.ranges import Space, draw, grid
from tsconv.sweep.storage.store import Store

SAMPLERS = ("tpe", "random", "grid", "cmaes", "gp")
PRUNERS = ("median", "hyperband", "none")
MAXIMISED = ("train_origins_per_second",)
_ERRORS = ("scaled_mae", "scaled_mse", "mae", "mse", "rmse", "smape", "mase", "wql")
OBJECTIVES = (*(f"val.{key}" for key in _ERRORS), "train_seconds", "parameters", *MAXIMISED)
_IDENTITY = "tsconv"  # the attribute of the study that says what it searches

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
warnings.filterwarnings("ignore", message="Heartbeat of storage is supposed")  # ours beats itself


@dataclasses.dataclass(frozen=True)
class ClaimedTrial:
    """A trial that this worker is to run."""

    trial: optuna.Trial
    values: dict[str, Any]  # key of the config -> value
    attempt: int  # from 1


def check_settings(sweep: SweepConfig, space: Space) -> None:
    """Raise ConfigError for a sampler, pruner or objective that could not work."""
    require_choice("sweep.sampler", sweep.sampler, SAMPLERS)
    require_choice("sweep.pruner", pruner_name(sweep), PRUNERS)
    for name, least in (("n_trials", 1), ("workers", 1), ("heartbeat", 1), ("retries", 0)):
        if getattr(sweep, name) < least:
            raise ConfigError(f"`sweep.{name}` (={getattr(sweep, name)}) must be at least {least}")
    if not 0 <= sweep.seed < 2**32:
        raise ConfigError(f"`sweep.seed` (={sweep.seed}) must be between 0 and {2**32 - 1}")
    if not sweep.objectives:
        raise ConfigError("`sweep.objectives` is empty: name at least one, e.g. [val.scaled_mae]")
    for name in sweep.objectives:
        if name.startswith("test"):
            raise ConfigError(f"`sweep.objectives` ({name}): a sweep never looks at the test part")
        require_choice("sweep.objectives", name, OBJECTIVES)
    several = len(sweep.objectives) > 1
    if len(set(sweep.objectives)) < len(sweep.objectives):
        raise ConfigError(f"`sweep.objectives` (={sweep.objectives}) names one twice")
    if several and pruner_name(sweep) != "none":
        raise ConfigError(
            f"`sweep.pruner` (={sweep.pruner}) compares trials by one figure, and there are "
            f"{len(sweep.objectives)} objectives: sweep.pruner=none"
        )
    if several and sweep.sampler == "cmaes":
        raise ConfigError("`sweep.sampler` (=cmaes) knows one objective: take tpe, gp or random")
    if sweep.sampler == "grid":
        grid(space)


def pruner_name(sweep: SweepConfig) -> str:
    """`sweep.pruner`, chosen where it is null."""
    return sweep.pruner or ("median" if len(sweep.objectives) == 1 else "none")


def directions(sweep: SweepConfig) -> list[StudyDirection]:
    return [
        StudyDirection.MAXIMIZE if name in MAXIMISED else StudyDirection.MINIMIZE
        for name in sweep.objectives
    ]


def find_study(store: Store, name: str, identity: dict[str, Any]) -> optuna.Study | None:
    """The study of that name, where there is one. Raises ConfigError where it searches another.

    Only what `identity` holds is compared: what is searched, from what config, on what data.
    """
    if name not in optuna.get_all_study_names(store.storage):
        return None
    study = optuna.load_study(study_name=name, storage=store.storage)
    theirs = study.user_attrs.get(_IDENTITY)
    if theirs is None:
        if any(t.state != TrialState.WAITING for t in study.get_trials(deepcopy=False)):
            raise ConfigError(f"the study `{name}` was not made by tsconv; set another sweep.study")
        return study  # whoever made it died before saying what it is
    other = _difference({k: v for k, v in theirs.items() if k in identity}, identity)
    if other is not None:
        what, before, now = other
        raise ConfigError(
            f"the study `{name}` differs in {what}: it has {before}, this command {now}; "
            f"give the same, or set another `run_dir` (in a database, `sweep.study`)"
        )
    return study


def join_study(
    store: Store,
    name: str,
    identity: dict[str, Any],
    sweep: SweepConfig,
    baseline: dict[str, Any] | None,
) -> optuna.Study:
    """Find the study or make it; of two that come at once, one makes it and the other joins."""
    with store.lock():
        study = find_study(store, name, identity)
        if study is None:
            study = optuna.create_study(
                study_name=name, storage=store.storage, directions=directions(sweep)
            )
        if _IDENTITY not in study.user_attrs:
            if baseline is not None and not study.get_trials(deepcopy=False):
                study.enqueue_trial(baseline)
            study.set_user_attr(_IDENTITY, identity)
        return study


def most_trials(sweep: SweepConfig, space: Space) -> int:
    """How many trials the study is to have: n_trials, or the whole grid where that is less."""
    return min(sweep.n_trials, len(grid(space))) if sweep.sampler == "grid" else sweep.n_trials


def take(
    store: Store, study: optuna.Study, worker: str, sweep: SweepConfig, space: Space
) -> ClaimedTrial | None:
    """Take the next trial, a lost one first; None where all are taken or finished."""
    with store.lock():
        _put_back_lost(store, study, sweep.retries)
        trials = study.get_trials(deepcopy=False)
        waiting = [t for t in trials if t.state == TrialState.WAITING]
        if not waiting and len(trials) >= most_trials(sweep, space):
            return None
        number = waiting[0].number if waiting else len(trials)
        if sweep.sampler == "grid" and not waiting:
            known = [t.system_attrs.get("fixed_params", t.params) for t in trials]
            left = [params for params in grid(space) if params not in known]
            if not left:
                return None
            study.enqueue_trial(left[0])
        study.sampler = make_sampler(sweep, space, number)
        trial = study.ask()
        store.beat(trial._trial_id)
        trial.set_user_attr("worker", worker)
        attempt = trial.user_attrs.get("attempt", 0) + 1
        trial.set_user_attr("attempt", attempt)
        return ClaimedTrial(trial, draw(space, trial), attempt)


def finish(
    store: Store,
    study: optuna.Study,
    taken: ClaimedTrial,
    worker: str,
    state: TrialState,
    values: Sequence[float] | None,
    attributes: dict[str, Any],
) -> bool:
    """Store a trial's outcome; False where the trial is no longer this worker's to finish."""
    with store.lock():
        frozen = store.storage.get_trial(taken.trial._trial_id)
        if frozen.state != TrialState.RUNNING or frozen.user_attrs.get("worker") != worker:
            return False
        for key, value in attributes.items():
            taken.trial.set_user_attr(key, value)
        study.tell(taken.trial, values, state)
        return True


def unfinished(study: optuna.Study) -> int:
    """Trials that run or wait."""
    states = (TrialState.RUNNING, TrialState.WAITING)
    return len(study.get_trials(deepcopy=False, states=states))


def make_sampler(sweep: SweepConfig, space: Space, number: int) -> optuna.samplers.BaseSampler:
    """The sampler of trial `number`, whose random numbers are a function of it and the seed."""
    seed = int(np.random.SeedSequence([sweep.seed, number]).generate_state(1)[0])
    conditional = any(each.when for each in space)
    if sweep.sampler == "tpe":  # `group`: conditional parts are learned from too
        return optuna.samplers.TPESampler(
            seed=seed, group=conditional and len(sweep.objectives) == 1
        )
    if sweep.sampler == "cmaes":
        return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    if sweep.sampler == "gp":
        return optuna.samplers.GPSampler(seed=seed, warn_independent_sampling=False)
    return optuna.samplers.RandomSampler(seed=seed)


def make_pruner(sweep: SweepConfig) -> optuna.pruners.BasePruner:
    """The pruner; its steps are percent of a trial's training."""
    name = pruner_name(sweep)
    if name == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=25)
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=10, max_resource=100)
    return optuna.pruners.NopPruner()


def _put_back_lost(store: Store, study: optuna.Study, retries: int) -> None:
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    lost = set(store.lost(study, {t._trial_id: t.user_attrs.get("worker") for t in running}))
    for trial in running:
        if trial._trial_id in lost:
            _put_back(store.storage, trial, retries)


def _put_back(storage: optuna.storages.BaseStorage, trial: FrozenTrial, retries: int) -> None:
    attempts = trial.user_attrs.get("attempt", 1)
    if attempts <= retries:
        storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)
        return
    error = f"its worker died {attempts} times, perhaps for want of memory"
    storage.set_trial_user_attr(trial._trial_id, "error", error)
    storage.set_trial_user_attr(trial._trial_id, "kind", "lost")
    storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)


def _difference(theirs: Any, ours: Any, path: str = "") -> tuple[str, Any, Any] | None:
    """(where, theirs, ours) of the first place at which two trees differ."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*theirs, *ours}):
            below = f"{path}.{key}" if path else key
            found = _difference(theirs.get(key, "nothing"), ours.get(key, "nothing"), below)
            if found is not None:
                return found
        return None
    return None if theirs == ours else (f"`{path}`", theirs, ours)
