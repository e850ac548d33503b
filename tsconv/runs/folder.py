"""The folder of a training: a new one, or `run_dir`, which is never one that holds another run."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterator
from pathlib import Path

from tsconv.atomic_write import remove_parts
from tsconv.config.schema import TrainConfig
from tsconv.errors import ConfigError
from tsconv.output.run_files import free_folder
from tsconv.runs.record import RunRecord, recorded
from tsconv.runs.status import read_status


@contextlib.contextmanager
def training_folder(config: TrainConfig, kind: str, goes_on: bool = False) -> Iterator[RunRecord]:
    """Make or take the run folder of a training, and have it alone while the block runs.

    kind: train or race. goes_on: whether the training resumes the run that the folder holds; what
    that has left half written is removed. Raises ConfigError where another process has the folder,
    and where it holds another run.
    """
    is_new = config.run_dir is None or not Path(config.run_dir).exists()
    folder = make_run_dir(config)
    require = functools.partial(require_free, kind=kind, goes_on=goes_on)
    data, horizon = config.data.path, config.horizon
    with recorded(folder, kind, data, horizon, require, is_new) as record:
        remove_parts(folder)
        yield record


def make_run_dir(config: TrainConfig) -> Path:
    """A folder of its own for every run: `run_dir`, or a new one under runs/."""
    if config.run_dir is not None:
        folder = Path(config.run_dir)
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    return free_folder(Path("runs") / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_seed{config.seed}")


def require_free(folder: Path, kind: str, goes_on: bool = False) -> None:
    """Raise ConfigError where a folder holds a run that a new one of that kind would replace.

    goes_on: whether the run in it is resumed. What a run left that failed before its first
    checkpoint is no obstacle. Call it while the folder's lock is held.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> require_free(folder, "train")
    >>> (folder / "bundle").mkdir()
    >>> require_free(folder, "train")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    tsconv.errors.ConfigError: `run_dir` (=...) holds a finished run: name another folder
    """
    if goes_on:
        return
    status = read_status(folder)
    if status is not None and status.kind not in _SAME[kind]:
        raise ConfigError(
            f"`run_dir` (={folder}) is the folder of a {status.kind}: name another folder"
        )
    if is_finished(folder):
        more = "" if not can_be_resumed(folder) else f", or train it longer with resume={folder}"
        raise ConfigError(f"`run_dir` (={folder}) holds a finished run: name another folder{more}")
    if can_be_resumed(folder):
        raise ConfigError(
            f"`run_dir` (={folder}) holds a run that is not finished: go on with it by "
            f"resume={folder}, or name another folder"
        )


_SAME = {"train": ("train", "race"), "race": ("train", "race"), "backtest": ("backtest",)}


def is_finished(folder: Path) -> bool:
    """Whether a folder holds the results of a run; metrics.json may be half of an unfinished one.

    >>> import tempfile
    >>> is_finished(Path(tempfile.mkdtemp()))
    False
    """
    if (folder / "bundle").exists() or (folder / "trials.csv").exists():
        return True
    status = read_status(folder)
    if status is None:
        return (folder / "metrics.json").exists()
    return status.state == "finished"


def can_be_resumed(folder: Path) -> bool:
    """Whether a folder holds a state to go on from: a checkpoint, or the study of a sweep.

    >>> import tempfile
    >>> can_be_resumed(Path(tempfile.mkdtemp()))
    False
    """
    checkpoints = folder / "checkpoints"
    return any(checkpoints.glob("*.ckpt")) or any(
        (folder / name).exists() for name in ("study.journal", "trials")
    )
