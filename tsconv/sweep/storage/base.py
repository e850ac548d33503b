"""What a study needs of the place where it is stored, whichever that is.

Exact counting needs two things besides Optuna's storage: a lock that the death of its holder
releases, and a way to find running trials whose worker died. A journal file finds them by a lock
that each worker holds as long as it lives, a database by heartbeats.
"""

from __future__ import annotations

import contextlib
from typing import Any, Protocol

from optuna.storages import BaseStorage
from optuna.study import Study


class Store(Protocol):
    """Where one study is stored; `open_store` opens one."""

    @property
    def storage(self) -> BaseStorage:
        """Optuna's storage, which holds the study."""

    def lock(self) -> contextlib.AbstractContextManager[Any]:
        """Hold this lock while trials are counted and claimed; its holder's death releases it."""

    def worker_alive(self, worker: str) -> contextlib.AbstractContextManager[Any]:
        """Mark the worker of that name as alive for as long as the context lasts."""

    def record_heartbeat(self, trial_id: int) -> None:
        """Record that the worker of a trial is alive now."""

    def heartbeats(self, trial_id: int) -> contextlib.AbstractContextManager[Any]:
        """Record heartbeats of a trial, at even intervals, for as long as the context lasts."""

    def lost_trials(self, study: Study, running: dict[int, str | None]) -> list[int]:
        """Ids of the trials, of those in `running` (id -> worker), whose worker is dead."""

    def remove_dead_workers(self) -> None:
        """Remove the files that killed workers left."""

    def close(self) -> None:
        """Close the open connections; the next use opens new ones."""
