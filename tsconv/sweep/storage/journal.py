"""A study in a journal file: one machine, no server."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study

from tsconv.sweep.storage.optuna_internals import JournalLock

_NAME = re.compile(r"\w[\w.-]*")  # of a worker


class JournalStore:
    """A journal file in the sweep's folder, beside a lock for each of its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "alive").mkdir(parents=True, exist_ok=True)
        path = folder / "study.journal"
        lock = JournalLock(str(folder / "journal.lock"))
        _cut_torn_line(path, lock)
        self.storage = JournalStorage(JournalFileBackend(str(path), lock))

    def lock(self) -> contextlib.AbstractContextManager[Any]:
        """The lock of the study, on a file of its own."""
        return FileLock(self.folder / "study.lock")

    @contextlib.contextmanager
    def worker_alive(self, worker: str) -> Iterator[None]:
        """Hold the lock of a worker: while it is held, the worker lives. The file goes with it."""
        path = self._worker_lock(worker)
        path.parent.mkdir(exist_ok=True)
        with FileLock(path):
            try:
                yield
            finally:
                path.unlink(missing_ok=True)

    def record_heartbeat(self, trial_id: int) -> None:
        """Do nothing: the lock that a worker holds says that it is alive."""

    def heartbeats(self, trial_id: int) -> contextlib.AbstractContextManager[Any]:
        """Do nothing, see `record_heartbeat`."""
        return contextlib.nullcontext()

    def lost_trials(self, study: Study, running: dict[int, str | None]) -> list[int]:
        """Trials whose worker holds its lock no more."""
        return [trial for trial, worker in running.items() if not self._alive(worker)]

    def remove_dead_workers(self) -> None:
        """Remove the locks of workers that were killed, and the folder where none is left."""
        folder = self.folder / "alive"
        for path in folder.glob("*.lock"):
            self._alive(path.stem)
        with contextlib.suppress(OSError):  # other workers hold their locks in it
            folder.rmdir()

    def close(self) -> None:
        """Do nothing: the journal is open only while it is read or written."""

    def _alive(self, worker: str | None) -> bool:
        # None: it died after claiming the trial and before storing its name. A name that a journal
        # of somebody else holds must not lead to a file elsewhere, which would be removed here.
        if not isinstance(worker, str) or not _NAME.fullmatch(worker):
            return False
        path = self._worker_lock(worker)
        if not path.exists():
            return False
        try:
            with FileLock(path, timeout=0):
                path.unlink(missing_ok=True)
                return False
        except Timeout:
            return True

    def _worker_lock(self, worker: str) -> Path:
        return self.folder / "alive" / f"{worker}.lock"


def _cut_torn_line(path: Path, lock: JournalLock) -> None:
    """Cut off an unfinished last line, which a full disk or a power failure leaves."""
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
