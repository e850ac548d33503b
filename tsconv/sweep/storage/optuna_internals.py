"""The only module that touches private names of Optuna; every other one uses its public API.

Each function says why the private name is needed and what the public API lacks. When Optuna is
upgraded, this page and its test are what to check.
"""

from __future__ import annotations

from typing import Any

import optuna
from filelock import FileLock
from optuna.storages import RDBStorage
from optuna.storages.journal._file import BaseJournalFileLock
from optuna.trial import FrozenTrial


def trial_id(trial: optuna.Trial | FrozenTrial) -> int:
    """The id of a trial in its storage, unlike `trial.number` unique over all studies in it.

    Private: `_trial_id`. Every method of a storage, heartbeats and states included, takes this id.
    The public attribute is the number alone; the public way from a number to its id asks the
    database once more for each trial.

    >>> study = optuna.create_study()
    >>> trial_id(study.ask()) == trial_id(study.get_trials()[0])
    True
    """
    return trial._trial_id


def stale_trial_ids(storage: RDBStorage, study: optuna.Study) -> list[int]:
    """Ids of the running trials whose last heartbeat is older than the grace period.

    Private: `_get_stale_trial_ids` and `_study_id`. The public `fail_stale_trials` marks such
    trials as failed at once, and a failed trial cannot be started again under its own number.
    """
    return storage._get_stale_trial_ids(study._study_id)


def enqueued_params(trial: FrozenTrial) -> dict[str, Any]:
    """The parameters that a trial was enqueued with, or those that it drew where it was not.

    Private: the key `fixed_params` of `system_attrs`, where `Study.enqueue_trial` keeps them.
    `FrozenTrial.params` is empty until the trial runs, so it does not show what waits.

    >>> study = optuna.create_study()
    >>> study.enqueue_trial({"x": 1})
    >>> enqueued_params(study.get_trials()[0])
    {'x': 1}
    """
    params: dict[str, Any] = trial.system_attrs.get("fixed_params", trial.params)
    return params


class JournalLock(BaseJournalFileLock):
    """The operating system's lock on a file, for a journal.

    Private: the base class, from `optuna.storages.journal._file`. The two public locks
    (`JournalFileSymlinkLock`, `JournalFileOpenLock`) are files that a killed holder leaves behind,
    and the next one takes them away only after a grace period, which could break the lock of a
    slow but living process. The operating system releases this one with its holder's death.
    """

    def __init__(self, path: str) -> None:
        self._file_lock = FileLock(path)

    def acquire(self) -> bool:
        """Wait for the lock and take it."""
        self._file_lock.acquire()
        return True

    def release(self) -> None:
        """Give the lock back."""
        self._file_lock.release()
