"""A run from its start to its end: it has its folder alone, and `status.json` follows it."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tsconv.errors import ConfigError, TsconvError, disk_fault, one_line
from tsconv.runs.lock import hold, lock_path
from tsconv.runs.status import Status, first_status, now, read_status, write_status


class RunRecord:
    """What `status.json` is to say when the run ends, unless an error ends it."""

    def __init__(self, folder: Path, status: Status, is_new: bool = False) -> None:
        self.folder = folder
        self.is_new = is_new  # nobody had the folder before
        self.status = status
        self.outcome, self.error = "finished", ""
        self._begun = time.monotonic()  # the clock of the day may be set back

    def add_figures(self, metrics: Mapping[str, Any]) -> None:
        """Take the figures that lists of runs show from those of metrics.json."""
        self.status = dataclasses.replace(self.status, figures=listed_figures(metrics))

    def write(self) -> None:
        """Write the status as it is now; raises OSError."""
        write_status(self.status, self.folder)

    def ended(self, state: str, error: str = "") -> Status:
        """The status of a run that ends now."""
        seconds = round(time.monotonic() - self._begun, 3)
        return dataclasses.replace(
            self.status, state=state, ended=now(), seconds=seconds, error=error or None
        )

    def end(self, state: str, error: str = "") -> None:
        """Write how the run ended, unless its folder is gone."""
        self.status = self.ended(state, error)
        if self.folder.is_dir():
            self.write()


@contextlib.contextmanager
def recorded(
    folder: Path,
    kind: str,
    data: str | None = None,
    horizon: int | None = None,
    require: Callable[[Path], None] = lambda folder: None,
    is_new: bool = False,
) -> Iterator[RunRecord]:
    """Have a folder alone while the block runs, and write into it what became of the run.

    require: is called once nobody else can have the folder, and raises where it cannot be used.
    is_new: whether the folder was made for this run. Raises ConfigError where another process has
    the folder. What the block raises is recorded: Ctrl-C and a scheduler's end as interrupted, all
    else as failed.

    >>> import tempfile
    >>> from tsconv.runs.status import read_status
    >>> folder = Path(tempfile.mkdtemp())
    >>> with recorded(folder, "train"):
    ...     during = read_status(folder).state
    >>> during, read_status(folder).state
    ('running', 'finished')
    """
    with hold(lock_path(folder), folder):
        require(folder)
        before = read_status(folder)
        made = is_new or (before is not None and before.made_folder)
        status = dataclasses.replace(first_status(kind, data, horizon), made_folder=made)
        with following(RunRecord(folder, status, is_new)) as record:
            yield record


@contextlib.contextmanager
def recorded_where_free(
    folder: Path, kind: str, data: str | None = None, horizon: int | None = None
) -> Iterator[Callable[[], None]]:
    """As `recorded`, for a folder that several commands share: the first of them is recorded.

    Yields a function to call once the folder is to be made; nothing is written before, and nothing
    at all by a command whose folder another one has.
    """
    is_new = not folder.exists()
    with contextlib.ExitStack() as stack:

        def begin() -> None:
            folder.mkdir(parents=True, exist_ok=True)
            own = recorded(folder, kind, data, horizon, is_new=is_new)
            with contextlib.suppress(ConfigError):
                stack.enter_context(own)

        yield begin


@contextlib.contextmanager
def following(record: RunRecord) -> Iterator[RunRecord]:
    """Write that a run is running, and at the end of the block how it ended; holds no lock."""
    record.write()
    try:
        yield record
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | SystemExit)
        with contextlib.suppress(OSError):  # where the disk is full, the error counts
            record.end("interrupted" if stopped else "failed", "" if stopped else fault_line(error))
        raise
    record.end(record.outcome, record.error)


def fault_line(error: BaseException) -> str:
    """What went wrong, in a line for `status.json`.

    >>> fault_line(ValueError("no"))
    'ValueError: no'
    """
    if isinstance(error, OSError) and not isinstance(error, TsconvError):
        return disk_fault(error)
    return one_line(error)


def listed_figures(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of metrics.json that a list of runs shows: of the test part, with the rival's.

    >>> listed_figures({"test": {"scaled_mae": 0.5, "baselines": {}}, "rival": None})
    {'scaled_mae': 0.5}
    """
    part = metrics.get("test") or metrics.get(str(metrics.get("judged"))) or {}
    rival = metrics.get("rival")
    theirs = (part.get("baselines") or {}).get(rival) or {}
    found = {"scaled_mae": part.get("scaled_mae"), "rival_scaled_mae": theirs.get("scaled_mae")}
    figures: dict[str, Any] = {k: v for k, v in found.items() if v is not None and math.isfinite(v)}
    return figures | ({"rival": rival} if rival is not None else {})
