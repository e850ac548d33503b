"""The logs of a sweep's workers: their names, their last line, and the removal of old ones."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path


def worker_log(folder: Path, index: int) -> Path:
    """The log of a worker that this process starts, by the machine and both numbers.

    folder: of the sweep. index: of the worker among those of this process.
    """
    return folder / "logs" / f"{socket.gethostname()}-{os.getpid()}-{index}.log"


def last_line(log: Path) -> str:
    """The last line of a log that is not blank; "no output" where there is none.

    >>> last_line(Path("no such.log"))
    'no output'
    """
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
    return next((line for line in reversed(lines) if line.strip()), "no output")


def remove_old_logs(folder: Path) -> None:
    """Remove the logs of this machine's commands that have ended, as killed ones leave them.

    folder: of the sweep. Logs of this process, and of commands that still run, stay.
    """
    own = re.compile(re.escape(socket.gethostname()) + r"-(\d+)-\d+\.log")
    for log in (folder / "logs").glob("*.log"):
        found = own.fullmatch(log.name)
        if found is not None and not _is_running(int(found[1])):
            log.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
