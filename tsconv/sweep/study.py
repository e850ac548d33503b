"""One study shared by many workers: joining it, claiming the next trial, counting exactly.

Workers claim trials under the store's lock. A lost trial (one whose worker died) is started again
under its own number, not replaced by another, so a study never holds more than `n_trials` trials
and no trial twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from tsconv.config.schema import SweepConfig
from tsconv.errors import ConfigError
from tsconv.sweep.samplers import make_sampler
from tsconv.sweep.search_space.ranges import Space, draw, grid
from tsconv.sweep.settings import directions, trial_limit
from tsconv.sweep.storage.base import Store
from tsconv.sweep.storage.optuna_internals import enqueued_params, trial_id

DATA = "what the data hold"  # key of an identity: a fingerprint; stored studies have this name
_IDENTITY = "tsconv"  # the user attribute of the study that holds its identity


@dataclasses.dataclass(frozen=True)
class ClaimedTrial:
    """A trial that one worker is to run."""

    trial: optuna.Trial
    values: dict[str, Any]  # key of the config -> value
    attempt: int  # 1, or more where its worker died or the machine failed it


def find_study(store: Store, name: str, identity: dict[str, Any]) -> optuna.Study | None:
    """The study of that name; None where there is none.

    identity: what trials of one study have in common: what is searched, from what config, on what
    data. Only the keys given here are compared.

    Raises ConfigError where the study has another identity, or was not made by tsconv.
    """
    if name not in optuna.get_all_study_names(store.storage):
        return None
    study = optuna.load_study(study_name=name, storage=store.storage)
    stored = study.user_attrs.get(_IDENTITY)
    if stored is None:
        if any(t.state != TrialState.WAITING for t in study.get_trials(deepcopy=False)):
            raise ConfigError(f"the study `{name}` was not made by tsconv; set another sweep.study")
        return study  # the process that made it died before it stored the identity
    difference = _first_difference({k: v for k, v in stored.items() if k in identity}, identity)
    if difference is not None:
        what, before, now = difference
        if what == f"`{DATA}`":
            raise ConfigError(
                f"the study `{name}` was made on other data than this command reads; give the "
                f"same, or set another `run_dir` (in a database, `sweep.study`)"
            )
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
    """Find the study or make it; of two workers that come at once, one makes it.

    baseline: the parameters of the first trial of a new study, None for none.

    Raises ConfigError as `find_study` does.
    """
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


def claim_trial(
    store: Store, study: optuna.Study, worker: str, sweep: SweepConfig, space: Space
) -> ClaimedTrial | None:
    """Claim the next trial for a worker, lost ones first; None where all are claimed or done."""
    with store.lock():
        _requeue_lost_trials(store, study, sweep.retries)
        trials = study.get_trials(deepcopy=False)
        waiting = [t for t in trials if t.state == TrialState.WAITING]
        if not waiting and len(trials) >= trial_limit(sweep, space):
            return None
        number = waiting[0].number if waiting else len(trials)
        if sweep.sampler == "grid" and not waiting:
            tried = [enqueued_params(t) for t in trials]
            left = [params for params in grid(space) if params not in tried]
            if not left:
                return None
            study.enqueue_trial(left[0])
        study.sampler = make_sampler(sweep, space, number)
        trial = study.ask()
        # Before the worker's name: a named trial without a heartbeat would never count as lost.
        store.record_heartbeat(trial_id(trial))
        trial.set_user_attr("worker", worker)
        attempt = trial.user_attrs.get("attempt", 0) + 1
        trial.set_user_attr("attempt", attempt)
        return ClaimedTrial(trial, draw(space, trial), attempt)


def finish_trial(
    store: Store,
    study: optuna.Study,
    claimed: ClaimedTrial,
    worker: str,
    state: TrialState,
    values: Sequence[float] | None,
    attributes: dict[str, Any],
) -> bool:
    """Store the outcome of a trial; False, and nothing stored, where another worker has it now.

    values: one for each objective, None for a trial that failed or was pruned.
    attributes: user attributes to store with it.
    """
    with store.lock():
        frozen = store.storage.get_trial(trial_id(claimed.trial))
        if frozen.state != TrialState.RUNNING or frozen.user_attrs.get("worker") != worker:
            return False
        for key, value in attributes.items():
            claimed.trial.set_user_attr(key, value)
        study.tell(claimed.trial, values, state)
        return True


def begin_again(
    store: Store, claimed: ClaimedTrial, worker: str, attributes: dict[str, Any]
) -> bool:
    """Let a trial that the machine failed wait, to be begun again under its number by any worker.

    attributes: user attributes to store with it. False, and nothing stored, where another worker
    has it now.
    """
    with store.lock():
        number = trial_id(claimed.trial)
        frozen = store.storage.get_trial(number)
        if frozen.state != TrialState.RUNNING or frozen.user_attrs.get("worker") != worker:
            return False
        for key, value in attributes.items():
            claimed.trial.set_user_attr(key, value)
        store.storage.set_trial_state_values(number, TrialState.WAITING)
        return True


def count_unfinished(study: optuna.Study) -> int:
    """How many trials run or wait."""
    states = (TrialState.RUNNING, TrialState.WAITING)
    return len(study.get_trials(deepcopy=False, states=states))


def _requeue_lost_trials(store: Store, study: optuna.Study, retries: int) -> None:
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    workers = {trial_id(t): t.user_attrs.get("worker") for t in running}
    lost = set(store.lost_trials(study, workers))
    for trial in running:
        if trial_id(trial) in lost:
            _requeue(store.storage, trial, retries)


def _requeue(storage: optuna.storages.BaseStorage, trial: FrozenTrial, retries: int) -> None:
    """Let a lost trial wait for another worker, or fail where its retries are used up."""
    attempts, number = trial.user_attrs.get("attempt", 1), trial_id(trial)
    if attempts <= retries:
        storage.set_trial_state_values(number, TrialState.WAITING)
        return
    error = f"its worker died {attempts} times, perhaps for want of memory"
    storage.set_trial_user_attr(number, "error", error)
    storage.set_trial_user_attr(number, "kind", "lost")
    storage.set_trial_state_values(number, TrialState.FAIL)


def _first_difference(theirs: Any, ours: Any, path: str = "") -> tuple[str, Any, Any] | None:
    """(where, theirs, ours) of the first place at which two trees differ; None for none."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*theirs, *ours}):
            below = f"{path}.{key}" if path else key
            found = _first_difference(theirs.get(key, "nothing"), ours.get(key, "nothing"), below)
            if found is not None:
                return found
        return None
    return None if theirs == ours else (f"`{path}`", theirs, ours)
