"""The lock of a run folder: while a process holds it, the run is going on.

The operating system gives the lock up when the process ends, however it ends. So a lock file that
nobody holds is all that a killed run leaves, and the next one takes it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from tsconv.errors import ConfigError
from tsconv.runs.status import read_status

_FILE = ".running"  # in the folder
_SECONDS = 0.2  # until it is taken for held: who only looks lets it go at once


def lock_path(folder: Path) -> Path:
    """Where the lock of a run folder lies.

    >>> lock_path(Path("runs/sales")).as_posix()
    'runs/sales/.running'
    """
    return folder / _FILE


@contextlib.contextmanager
def hold(path: Path, folder: Path) -> Iterator[None]:
    """Hold a lock; the file goes with it.

    path: the lock's file. folder: that it is of, for the message. Raises ConfigError where another
    process, or another training in this one, holds it; OSError where the file cannot be made.
    """
    lock = FileLock(path)
    while True:
        try:
            lock.acquire(timeout=_SECONDS, poll_interval=_SECONDS / 10)
        except Timeout:
            raise ConfigError(_who_has_it(folder)) from None
        except NotImplementedError:  # a file system without locks
            yield
            return
        if path.exists():
            break
        lock.release()  # who held it before removed the file that this lock is on
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        lock.release()


def is_held(path: Path) -> bool:
    """Whether some process holds the lock; nothing is changed.

    >>> import tempfile
    >>> path = lock_path(Path(tempfile.mkdtemp()))
    >>> is_held(path)
    False
    """
    if not path.is_file():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True
    except (OSError, NotImplementedError):  # no right to look: it may be
        return True


def _who_has_it(folder: Path) -> str:
    """The line that refuses a folder in use, with the process that its status names."""
    status = read_status(folder)
    who = "another process"
    if status is not None and status.state == "running":
        who = f"process {status.pid} on {status.host}, started {status.started},"
    return (
        f"`run_dir` (={folder}): {who} has this folder; wait until it has ended, or name another "
        f"folder"
    )
