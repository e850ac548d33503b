"""Lists of runs: what the folders below a folder hold, from their `status.json` alone."""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tsconv.errors import ConfigError
from tsconv.output.tables import Column, format_number, format_table
from tsconv.runs.lock import is_held, lock_path
from tsconv.runs.record import listed_figures
from tsconv.runs.status import Status, read_status
from tsconv.text import printable

_DEEPEST = 3  # folders that hold no run, one in the other
_HOLD_RUNS = ("multirun", "sweep")  # kinds whose folders hold further run folders
_LONGEST = {"run": 48, "data": 24, "error": 100}  # characters
_HEADS = ("run", "kind", "state", "started", "seconds", "data", "horizon", "scaled_mae",
          "best simple", "error")  # fmt: skip
_LEFT = ("run", "kind", "state", "started", "data", "error")


@dataclasses.dataclass(frozen=True)
class Run:
    """A run folder that was found."""

    folder: Path
    status: Status
    state: str  # as the status has it, or killed, or unknown


def find_runs(root: Path) -> list[Run]:
    """The runs in a folder, in its folders, and the jobs of multiruns; the newest first.

    Links are not followed. Raises ConfigError where `root` is no folder.

    >>> import tempfile
    >>> from tsconv.runs.record import recorded
    >>> root = Path(tempfile.mkdtemp())
    >>> (root / "first").mkdir()
    >>> with recorded(root / "first", "train"):
    ...     [run.state for run in find_runs(root)]
    ['running']
    """
    if not root.is_dir():
        fault = "is not a folder" if root.exists() else "does not exist"
        raise ConfigError(f"`dir` (={root}) {fault}: name the folder that holds the run folders")
    found = _run_at(root)
    runs = list(_below(root, 1)) if found is None else [found, *_below(root, _DEEPEST)]
    return sorted(runs, key=lambda run: (run.status.started, str(run.folder)), reverse=True)


def _below(folder: Path, depth: int) -> Iterator[Run]:
    """The runs in the folders of a folder."""
    try:
        with os.scandir(folder) as entries:
            inside = [e.path for e in entries if e.is_dir(follow_symlinks=False)]
    except OSError:  # removed since, or of somebody else
        return
    for path in map(Path, inside):
        found = _run_at(path)
        if found is not None:
            yield found
            if found.status.kind in _HOLD_RUNS:
                yield from _below(path, _DEEPEST)
        elif depth < _DEEPEST and not path.name.startswith("."):
            yield from _below(path, depth + 1)


def _run_at(folder: Path) -> Run | None:
    status = read_status(folder)
    if status is not None:
        return Run(folder, status, shown_state(folder, status))
    if not (folder / "config.yaml").is_file() or not (folder / ".hydra").is_dir():
        return None
    return _run_of_an_earlier_version(folder)


def _run_of_an_earlier_version(folder: Path) -> Run:
    """A run folder without a `status.json`, as versions before 0.2 left it."""
    begun = datetime.datetime.fromtimestamp((folder / "config.yaml").stat().st_mtime, datetime.UTC)
    figures: dict[str, Any] = {}
    try:
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        figures = listed_figures(metrics)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        pass
    state = "finished" if (folder / "bundle").is_dir() else "unknown"
    started = begun.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Run(folder, Status(state, "train", started, 0, "", "", "", figures=figures), state)


def shown_state(folder: Path, status: Status) -> str:
    """The state of a run now: one that says `running` and whose process is gone was killed.

    The lock of the folder tells. Where nobody holds it, and the process ran on another machine,
    whose locks may not reach here, the state is unknown.
    """
    if status.state != "running" or is_held(lock_path(folder)):
        return status.state
    return "killed" if status.host == socket.gethostname() else "unknown"


def runs_text(runs: Sequence[Run], root: Path) -> str:
    """The runs as a table, one a line.

    >>> runs_text([], Path("runs"))
    'no runs in runs'
    """
    if not runs:
        return f"no runs in {root}"
    lines = [dict(zip(_HEADS, _HEADS, strict=True)), *(_cells(run, root) for run in runs)]
    columns = [
        Column(
            max(len(line[head][: _LONGEST.get(head)]) for line in lines),
            "<" if head in _LEFT else ">",
            indent=2 if i else 0,
            longest=_LONGEST.get(head),
        )
        for i, head in enumerate(_HEADS)
    ]
    return format_table(columns, [[line[head] for head in _HEADS] for line in lines])


def _cells(run: Run, root: Path) -> dict[str, str]:
    status = run.status
    seconds = _seconds_since(status.started) if run.state == "running" else status.seconds
    ours, theirs = (status.figures.get(key) for key in ("scaled_mae", "rival_scaled_mae"))
    name = run.folder.relative_to(root).as_posix() if run.folder != root else str(root)
    cells = {
        "run": name,
        "kind": status.kind,
        "state": run.state,
        "started": status.started.replace("T", " "),
        "seconds": "" if seconds is None else f"{seconds:.0f}",
        "data": "" if status.data is None else Path(status.data).name,
        "horizon": "" if status.horizon is None else str(status.horizon),
        "scaled_mae": _number(ours),
        "best simple": _number(theirs),
        "error": status.error or "",
    }
    return {head: printable(cell) for head, cell in cells.items()}


def _number(value: Any) -> str:
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return format_number(value, ".4g") if is_number else ""


def _seconds_since(started: str) -> float | None:
    try:
        begun = datetime.datetime.fromisoformat(started)
        return max(0.0, (datetime.datetime.now(datetime.UTC) - begun).total_seconds())
    except (ValueError, TypeError):
        return None
