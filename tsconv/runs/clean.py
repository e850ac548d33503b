"""Removes run folders that are of no use: failed or killed, with nothing to go on from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tsconv.atomic_write import is_part_file
from tsconv.errors import ConfigError
from tsconv.runs.folder import can_be_resumed, is_finished
from tsconv.runs.listing import Run, shown_state
from tsconv.runs.lock import hold, lock_path
from tsconv.runs.status import FILE, read_status

_GONE = ("failed", "killed")
# What tsconv, and the loggers that it starts, write into a run folder.
_OURS = (
    FILE, ".hydra", "config.yaml", "metrics.json", "leaderboard.csv", "plots", "checkpoints", "log",
    "mlruns", "wandb", "jobs.json", "summary.csv", "logs", "alive", "study.lock", "journal.lock",
)  # fmt: skip


def removable(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that failed or were killed and hold nothing to resume.

    Of a multirun that may go with all its jobs, only the multirun.

    >>> removable([])
    []
    """
    found = [run for run in runs if run.state in _GONE and why_kept(run.folder) is None]
    folders = {run.folder for run in found}
    return [run for run in found if not folders & set(run.folder.parents)]


def remove_run(folder: Path) -> None:
    """Remove the folder of a run that is of no use, with all that it holds; links are not followed.

    It is looked at again first. Raises ConfigError where it is to be kept, or where a process has
    it by now; OSError where it cannot be removed.

    >>> import tempfile
    >>> remove_run(Path(tempfile.mkdtemp()))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    tsconv.errors.ConfigError: ... stays: it has no status.json
    """
    reason = why_kept(folder)
    if reason is None:
        with hold(lock_path(folder), folder):
            reason = why_kept(folder, is_ours=True)
            if reason is None:
                shutil.rmtree(folder)
                return
    raise ConfigError(f"{folder} stays: {reason}")


def why_kept(folder: Path, is_ours: bool = False) -> str | None:
    """Why a run folder must stay; None where it may go.

    is_ours: the lock of the folder is held by who asks.
    """
    path = folder / FILE
    status = read_status(folder)
    if folder.is_symlink() or path.is_symlink() or status is None:
        return f"it has no {FILE}"
    state = status.state if is_ours else shown_state(folder, status)
    if state not in (*_GONE, *(("running",) if is_ours else ())):
        return f"its run is {state}"
    if is_finished(folder):
        return "it holds results"
    if can_be_resumed(folder):
        return "it can be resumed"
    if not status.made_folder:
        return "it was there before the run"
    lock = lock_path(folder).name
    with os.scandir(folder) as entries:
        others = [entry for entry in entries if entry.name not in (*_OURS, lock)]
    for entry in others:
        if is_part_file(entry.name):
            continue
        is_job = status.kind == "multirun" and entry.is_dir(follow_symlinks=False)
        if not is_job or why_kept(Path(entry.path)) is not None:
            return f"it holds {entry.name}"
    return None
