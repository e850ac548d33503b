"""What the trials of a study hold: their states, values and figures, and which are the best."""

from __future__ import annotations

import collections
import json
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that ended, in the order of their numbers."""
    return [t for t in study.get_trials(deepcopy=False) if t.state.is_finished()]


def completed(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that were trained to the end, in the order of their numbers."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def state_name(trial: FrozenTrial) -> str:
    """complete, pruned, running, waiting, or the kind of failure: failed, out of memory, lost.

    >>> state_name(optuna.trial.create_trial(value=1.0))
    'complete'
    """
    if trial.state == TrialState.FAIL:
        return str(trial.user_attrs.get("kind", "failed"))
    return _STATES[trial.state]


def best_trials(study: optuna.Study) -> list[FrozenTrial]:
    """The best trial, or the Pareto front in the order of its first objective; [] for none."""
    if not completed(study):
        return []
    if len(study.directions) == 1:
        return [study.best_trial]
    return sorted(study.best_trials, key=lambda t: t.values[0], reverse=is_maximised(study, 0))


def is_maximised(study: optuna.Study, objective: int) -> bool:
    """Whether more is better for objective number `objective`."""
    return study.directions[objective] == StudyDirection.MAXIMIZE


def signs(study: optuna.Study) -> list[int]:
    """For each objective 1 where more is better, -1 where less is."""
    return [1 if is_maximised(study, i) else -1 for i in range(len(study.directions))]


def values_of(trials: Sequence[FrozenTrial], objective: int) -> list[float]:
    """The trials' values of one objective."""
    return [t.values[objective] for t in trials]


def numbers_of(trials: Sequence[FrozenTrial]) -> list[int]:
    """The trials' numbers."""
    return [t.number for t in trials]


def excluding(trials: Sequence[FrozenTrial], others: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that are not among the others."""
    left_out = set(numbers_of(others))
    return [t for t in trials if t.number not in left_out]


def figure(trial: FrozenTrial, name: str) -> float | None:
    """A figure of a trial's metrics.json; None where training did not reach it."""
    value = trial.user_attrs.get("metrics", {}).get(name)
    return None if value is None else float(value)


def first_error(study: optuna.Study) -> str | None:
    """The error of the first trial where every trial failed, None where one did not."""
    trials = finished(study)
    if not trials or any(t.state != TrialState.FAIL for t in trials):
        return None
    return str(trials[0].user_attrs.get("error", "no reason was stored"))


def cause(error: str) -> str:
    """The part of an error that trials which failed alike have in common.

    >>> cause("the loss is not finite at step 7 (learning rate 3): no weight was changed; ...")
    'the loss is not finite'
    """
    head, found, _ = error.partition(" is not finite")
    return head + found if found else error


def mostly_failed(study: optuna.Study) -> str | None:
    """Says that more than half of the trials that ended have failed, and why most of them did.

    None where at most half of them failed.
    """
    trials = finished(study)
    failed = [t for t in trials if t.state == TrialState.FAIL]
    if 2 * len(failed) <= len(trials):
        return None
    errors = collections.Counter(
        cause(str(t.user_attrs.get("error", "no reason was stored"))) for t in failed
    )
    error, count = errors.most_common(1)[0]
    most = "all" if count == len(failed) else f"{count} of them"
    return f"{len(failed)} of {len(trials)} trials failed, {most} with: {error}"


def format_value(value: Any) -> str:
    """A value of a key, short enough for a table.

    >>> format_value(0.0012345), format_value([7, 28]), format_value(None)
    ('0.001234', '[7, 28]', 'null')
    """
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
