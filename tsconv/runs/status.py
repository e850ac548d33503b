"""`status.json`: what became of a run, beside its results. Neither torch nor pandas is needed."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import re
import shlex
import socket
import sys
from pathlib import Path
from typing import Any

from tsconv.atomic_write import replace_text

FILE = "status.json"
_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]*@")
_LARGEST = 1_000_000  # bytes of a status.json that is read


@dataclasses.dataclass(frozen=True)
class Status:
    """What `status.json` holds; times are in UTC."""

    state: str  # running, finished, failed, or interrupted: by Ctrl-C or by a scheduler
    kind: str  # train, race, multirun, backtest or sweep
    started: str
    pid: int
    host: str
    command: str
    tsconv: str  # the version
    ended: str | None = None
    seconds: float | None = None
    error: str | None = None  # one line, where it failed
    data: str | None = None  # `data.path`; None for a table in memory
    horizon: int | None = None
    figures: dict[str, Any] = dataclasses.field(default_factory=dict)  # of the test part
    made_folder: bool = False  # the folder was not there before its first run


def first_status(kind: str, data: str | None, horizon: int | None) -> Status:
    """The status of a run that this process begins now.

    >>> first_status("train", "sales.csv", 28).state
    'running'
    """
    from tsconv import __version__

    return Status(
        state="running",
        kind=kind,
        started=now(),
        pid=os.getpid(),
        host=socket.gethostname(),
        command=_command(),
        tsconv=__version__,
        data=data,
        horizon=horizon,
    )


def now() -> str:
    """The time in UTC, as `status.json` has it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def write_status(status: Status, folder: Path) -> None:
    """Write `status.json` whole or not at all; raises OSError."""
    replace_text(folder / FILE, json.dumps(dataclasses.asdict(status), indent=1) + "\n")


def read_status(folder: Path) -> Status | None:
    """Read the `status.json` of a folder; None where there is none, or none of tsconv.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_status(first_status("train", None, 28), folder)
    >>> read_status(folder).horizon
    28
    """
    path = folder / FILE
    try:
        if path.stat().st_size > _LARGEST:
            return None
        values = json.loads(path.read_text(encoding="utf-8"))
        known = {field.name for field in dataclasses.fields(Status)}
        status = Status(**{k: v for k, v in values.items() if k in known})
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return status if _has_right_types(status) else None


def _has_right_types(status: Status) -> bool:
    """Whether a status that was read holds what one that was written does."""
    texts = (status.state, status.kind, status.started, status.host, status.command, status.tsconv)
    optional = (status.ended, status.error, status.data)
    return (
        all(isinstance(text, str) for text in texts)
        and all(text is None or isinstance(text, str) for text in optional)
        and isinstance(status.pid, int)
        and isinstance(status.seconds, int | float | None)
        and isinstance(status.horizon, int | None)
        and isinstance(status.figures, dict)
        and isinstance(status.made_folder, bool)
    )


def _command() -> str:
    """The command line of this process, without passwords in addresses of databases."""
    name, *words = sys.argv or [""]
    stem = Path(name).name
    words = [_PASSWORD.sub(r"\1***@", word) for word in words]
    return shlex.join(["tsconv" if stem == "cli.py" else stem, *words])
