"""From which checkpoint a training goes on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tsconv.config.schema import TrainConfig
from tsconv.errors import BundleError, ConfigError
from tsconv.training.lightning.checkpoints.file import previous_path, read_checkpoint

_FOLDER, _FILE = "checkpoints", "last.ckpt"


@dataclasses.dataclass(frozen=True)
class Resumption:
    """A checkpoint to go on from; note: what a user should know of it, "" for nothing."""

    path: Path
    step: int
    note: str = ""


def checkpoint_path(run_dir: Path) -> Path:
    """Where the checkpoint of a run lies.

    >>> checkpoint_path(Path("runs/sales")).as_posix()
    'runs/sales/checkpoints/last.ckpt'
    """
    return run_dir / _FOLDER / _FILE


def find_checkpoint(run_dir: Path) -> Resumption | None:
    """Return the last whole checkpoint of a run, or the one before; None where it has none.

    Raises BundleError where none of them is whole.
    """
    last = checkpoint_path(run_dir)
    faults: list[str] = []
    for path in (last, previous_path(last)):
        if not path.is_file():
            continue
        try:
            step = read_checkpoint(path)["global_step"]
        except BundleError as error:
            faults.append(str(error))
            continue
        before = f"training goes on from the one before, of step {step:,}"
        return Resumption(path, step, f"{faults[0]}; {before}" if faults else "")
    if faults:
        raise BundleError(
            f"`resume` (={run_dir}): {'; '.join(faults)}; start a new training without `resume`"
        )
    return None


def require_run(config: TrainConfig) -> None:
    """Raise ConfigError where `resume` names no run folder; the checkpoint in it is not read."""
    if config.resume is None:
        return
    run, last = Path(config.resume), checkpoint_path(Path(config.resume))
    if not any(p.is_file() for p in (last, previous_path(last), run / "config.yaml")):
        raise ConfigError(f"`resume` (={run}): there is no {last} to go on from, and no config")


def resume_or_start(config: TrainConfig) -> tuple[TrainConfig, str]:
    """The config of a training that was to be resumed, and a note for its user.

    A run folder that has a config.yaml and no checkpoint was ended before its first one: it starts
    again at step 0, in the folder that the config names, which gives the same weights. Raises
    ConfigError where `resume` names no run folder, BundleError where its checkpoints are damaged.
    """
    if config.resume is None:
        return config, ""
    require_run(config)
    run = Path(config.resume)
    found = find_checkpoint(run)
    if found is not None:
        return config, found.note
    fresh = dataclasses.replace(config, resume=None, run_dir=config.run_dir or str(run))
    return fresh, f"{run} has no checkpoint yet: training starts at its first step"


def resume_path(config: TrainConfig) -> str | None:
    """Return the checkpoint to go on from; None where `resume` is null.

    Raises ConfigError where there is none, BundleError where it is damaged.
    """
    if config.resume is None:
        return None
    found = find_checkpoint(Path(config.resume))
    if found is None:
        path = checkpoint_path(Path(config.resume))
        raise ConfigError(f"`resume` (={config.resume}): there is no {path} to go on from")
    return str(found.path)


def saved_steps(run_dir: Path) -> int:
    """The number of steps that a run's checkpoint holds.

    Raises BundleError where it is damaged, ConfigError where there is none.
    """
    found = find_checkpoint(run_dir)
    if found is None:
        raise ConfigError(f"`resume`: there is no {checkpoint_path(run_dir)}")
    return found.step
