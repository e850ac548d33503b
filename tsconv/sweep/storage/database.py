"""A study in a PostgreSQL database, which workers on many machines share."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.study import Study
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from tsconv.errors import ConfigError
from tsconv.sweep.storage.errors import mask_password, unreachable_error
from tsconv.sweep.storage.optuna_internals import stale_trial_ids

_GRACE = 3  # missed heartbeats after which a worker is suspected to be dead
# A machine that loses power must not hold the lock for the two hours that TCP would wait.
_CONNECTION = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}


class DatabaseStore:
    """The study `name` in the database at `url`; `heartbeat` is in seconds.

    Raises ConfigError where the driver is missing, StorageUnreachableError where the database
    does not answer.
    """

    def __init__(self, url: str, name: str, heartbeat: int) -> None:
        self.url, self.name, self._heartbeat = _with_driver(url), name, heartbeat
        shown = mask_password(url)
        self._stale_since: dict[int, float] = {}  # trial id -> when it was first found stale
        try:
            # A connection of its own for the lock, which lasts as long as a transaction.
            self._engine = create_engine(self.url, connect_args=_CONNECTION, poolclass=NullPool)
            pool = {"pool_pre_ping": True, "pool_size": 1, "max_overflow": 4}
            with self._lock("tables"):  # two processes that make the tables at once would collide
                self.storage = RDBStorage(
                    self.url,
                    engine_kwargs={"connect_args": _CONNECTION, **pool},
                    heartbeat_interval=heartbeat,
                    grace_period=_GRACE * heartbeat,
                )
        except (ModuleNotFoundError, NoSuchModuleError) as error:
            raise ConfigError(
                f"`sweep.storage` (={shown}) needs a driver: "
                f'pip install "tsconv[postgres]" ({error})'
            ) from error
        except (DBAPIError, StorageInternalError, ArgumentError, ValueError, RuntimeError) as error:
            raise unreachable_error(shown, error) from error

    def lock(self) -> contextlib.AbstractContextManager[Any]:
        """A lock of the server, which ends with the connection."""
        return self._lock(f"study {self.name}")

    @contextlib.contextmanager
    def _lock(self, what: str) -> Iterator[None]:
        key = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], signed=True)
        with self._engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            yield

    def worker_alive(self, worker: str) -> contextlib.AbstractContextManager[Any]:
        """Do nothing: heartbeats belong to trials, not to workers."""
        return contextlib.nullcontext()

    def record_heartbeat(self, trial_id: int) -> None:
        """Store a heartbeat of a trial."""
        self.storage.record_heartbeat(trial_id)

    @contextlib.contextmanager
    def heartbeats(self, trial_id: int) -> Iterator[None]:
        """Store heartbeats of a trial from a thread."""
        done = threading.Event()

        def keep_beating() -> None:
            pause: float = self._heartbeat
            while not done.wait(pause):
                try:
                    self.record_heartbeat(trial_id)
                    pause = self._heartbeat
                except Exception:  # try again soon, before others look for stale trials
                    pause = 1

        thread = threading.Thread(target=keep_beating, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()

    def lost_trials(self, study: Study, running: dict[int, str | None]) -> list[int]:
        """Trials that were stale at two looks, at least two heartbeats apart.

        One look is not enough: after an outage of the server every trial is stale, until the
        living workers reach it again.
        """
        now = time.monotonic()
        stale = stale_trial_ids(self.storage, study)
        self._stale_since = {trial: self._stale_since.get(trial, now) for trial in stale}
        wait = 2 * self._heartbeat
        lost = {trial for trial, since in self._stale_since.items() if now - since >= wait}
        return [trial for trial, worker in running.items() if worker is None or trial in lost]

    def remove_dead_workers(self) -> None:
        """Do nothing: workers leave no files."""

    def close(self) -> None:
        """Close the connections of the pool."""
        self.storage.engine.dispose()


def _with_driver(url: str) -> str:
    scheme, colon, rest = url.partition(":")
    return f"postgresql+psycopg:{rest}" if colon and scheme == "postgresql" else url
