"""Where a study lives: a journal file on one machine, or a PostgreSQL server for many.

Both give what exact counting needs: a lock that its holder's death releases, and a way to tell that
the worker of a running trial is gone. On one machine that is a lock that the worker holds as long
as it lives; on a server it is Optuna's heartbeat.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

from filelock import FileLock, Timeout
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock
from optuna.study import Study
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from tsconv.errors import ConfigError

Result = TypeVar("Result")
PATIENCE = 300.0  # seconds that a worker waits for a database that went away
_GRACE = 3  # missed heartbeats after which a worker is suspected to be dead
# A machine that loses power must not hold the lock for the two hours that TCP would wait.
_CONNECTION = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}


class Unreachable(ConfigError):
    """The database does not answer."""


class Store(Protocol):
    """One study's home."""

    storage: BaseStorage

    def lock(self) -> contextlib.AbstractContextManager[Any]:
        """Held while trials are counted and taken; released by the death of its holder."""

    def working(self, worker: str) -> contextlib.AbstractContextManager[Any]:
        """Held by a worker as long as it lives."""

    def beat(self, trial_id: int) -> None:
        """A sign of life, given before a trial is signed: from then on it counts as in work."""

    def beating(self, trial_id: int) -> contextlib.AbstractContextManager[Any]:
        """Further signs of life for as long as a trial runs."""

    def lost(self, study: Study, running: dict[int, str | None]) -> list[int]:
        """Which of the running trials (id -> worker) have lost their worker."""

    def close(self) -> None:
        """Let go of what is open; whoever uses the store again opens it anew."""


UNANSWERED = (DBAPIError, StorageInternalError, Unreachable)


class JournalStore:
    """A journal file in the sweep's folder, beside the locks of those who work on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "alive").mkdir(parents=True, exist_ok=True)
        path = folder / "study.journal"
        lock = _JournalLock(folder / "journal.lock")
        _drop_torn_line(path, lock)
        self.storage: BaseStorage = JournalStorage(JournalFileBackend(str(path), lock))

    def lock(self) -> contextlib.AbstractContextManager[Any]:
        return FileLock(self.folder / "study.lock")

    def working(self, worker: str) -> contextlib.AbstractContextManager[Any]:
        return FileLock(self._sign(worker))

    def beat(self, trial_id: int) -> None:
        """Nothing: the lock that a worker holds is sign enough."""

    def beating(self, trial_id: int) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext()

    def lost(self, study: Study, running: dict[int, str | None]) -> list[int]:
        return [trial for trial, worker in running.items() if not self._alive(worker)]

    def close(self) -> None:
        """Nothing: the journal is open only while it is read or written."""

    def _alive(self, worker: str | None) -> bool:
        if worker is None:  # died between taking the trial and signing it
            return False
        sign = self._sign(worker)
        try:
            with FileLock(sign, timeout=0):
                sign.unlink(missing_ok=True)
                return False
        except Timeout:
            return True

    def _sign(self, worker: str) -> Path:
        return self.folder / "alive" / f"{worker}.lock"


class DatabaseStore:
    """A study in a PostgreSQL database; `name` is the study's."""

    def __init__(self, url: str, name: str, heartbeat: int) -> None:
        self.url, self.name, self._heartbeat = _with_driver(url), name, heartbeat
        self.shown = hidden_password(url)
        self._stale_since: dict[int, float] = {}  # trial -> when its silence was noticed
        try:
            # A connection of its own for the lock, which lasts as long as a transaction.
            options = _CONNECTION
            self._engine = create_engine(self.url, connect_args=options, poolclass=NullPool)
            pool = {"pool_pre_ping": True, "pool_size": 1, "max_overflow": 4}
            with self._lock("tables"):  # two that make them at once would trip over each other
                self.storage: BaseStorage = RDBStorage(
                    self.url,
                    engine_kwargs={"connect_args": options, **pool},
                    heartbeat_interval=heartbeat,
                    grace_period=_GRACE * heartbeat,
                )
        except (ModuleNotFoundError, NoSuchModuleError) as error:
            raise ConfigError(
                f"`sweep.storage` (={self.shown}) needs a driver: "
                f'pip install "tsconv[postgres]" ({error})'
            ) from error
        except (DBAPIError, StorageInternalError, ArgumentError, ValueError, RuntimeError) as error:
            raise unreachable(self.shown, error) from error

    def lock(self) -> contextlib.AbstractContextManager[Any]:
        return self._lock(f"study {self.name}")

    @contextlib.contextmanager
    def _lock(self, what: str) -> Iterator[None]:
        key = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], signed=True)
        with self._engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            yield

    def working(self, worker: str) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext()

    def beat(self, trial_id: int) -> None:
        assert isinstance(self.storage, RDBStorage)
        self.storage.record_heartbeat(trial_id)

    @contextlib.contextmanager
    def beating(self, trial_id: int) -> Iterator[None]:
        done = threading.Event()

        def keep_on() -> None:
            pause: float = self._heartbeat
            while not done.wait(pause):
                try:
                    self.beat(trial_id)
                    pause = self._heartbeat
                except Exception:  # soon again: when the server is back, others must see it first
                    pause = 1

        thread = threading.Thread(target=keep_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()

    def lost(self, study: Study, running: dict[int, str | None]) -> list[int]:
        storage = self.storage
        assert isinstance(storage, RDBStorage)
        now = time.monotonic()
        stale = storage._get_stale_trial_ids(study._study_id)
        # Twice, some time apart: after an outage all are stale, and the living ones beat again.
        self._stale_since = {trial: self._stale_since.get(trial, now) for trial in stale}
        wait = 2 * self._heartbeat
        lost = {trial for trial, since in self._stale_since.items() if now - since >= wait}
        return [trial for trial, worker in running.items() if worker is None or trial in lost]

    def close(self) -> None:
        assert isinstance(self.storage, RDBStorage)
        self.storage.engine.dispose()


def open_store(url: str | None, folder: Path, name: str, heartbeat: int) -> Store:
    """The home of a study. Raises ConfigError where a database cannot be used."""
    if url is None:
        return JournalStore(folder)
    if not url.startswith("postgresql"):
        raise ConfigError(
            f"`sweep.storage` (={hidden_password(url)}) must be postgresql://user@host/name, or "
            f"null for a journal file in the sweep's folder"
        )
    return DatabaseStore(url, name, heartbeat)


def patiently(call: Callable[[], Result], seconds: float = PATIENCE) -> Result:
    """Call again, for so many seconds, while the database cannot be reached."""
    begun, pause = time.monotonic(), 0.5
    while True:
        try:
            return call()
        except UNANSWERED:
            if time.monotonic() - begun > seconds:
                raise
            time.sleep(pause)
            pause = min(2 * pause, 15)


@contextlib.contextmanager
def told_in_one_line(url: str | None) -> Iterator[None]:
    """Turn what is raised when a database does not answer any more into one line."""
    try:
        yield
    except (DBAPIError, StorageInternalError) as error:
        raise unreachable(hidden_password(str(url)), error) from error


def unreachable(shown: str, error: Exception) -> Unreachable:
    """The one line for a database that does not answer."""
    cause = str(getattr(error, "orig", None) or error)
    return Unreachable(f"`sweep.storage` (={shown}): {' '.join(cause.split())[:200]}")


def hidden_password(url: str) -> str:
    """The address of a database without the password, for messages and files."""
    url = re.sub(r"(?i)(password=)[^&]*", r"\1***", url)
    head, at, host = url.rpartition("@")
    scheme, slashes, user = head.rpartition("://")
    if not at or ":" not in user:
        return url
    return f"{scheme}{slashes}{user.partition(':')[0]}:***@{host}"


def _with_driver(url: str) -> str:
    scheme, colon, rest = url.partition(":")
    return f"postgresql+psycopg:{rest}" if colon and scheme == "postgresql" else url


class _JournalLock(BaseJournalFileLock):
    """The operating system's lock on a file: unlike Optuna's own, a killed holder leaves none."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path)

    def acquire(self) -> bool:
        self._lock.acquire()
        return True

    def release(self) -> None:
        self._lock.release()


def _drop_torn_line(path: Path, lock: _JournalLock) -> None:
    """Cut off a last line that a full disk or a power failure left without its end."""
    if not path.is_file():
        return
    lock.acquire()
    try:
        with path.open("rb+") as file:
            size = file.seek(0, os.SEEK_END)
            kept = size
            while kept > 0:
                file.seek(kept - 1)
                if file.read(1) == b"\n":
                    break
                kept -= 1
            if kept < size:
                file.truncate(kept)
    finally:
        lock.release()
