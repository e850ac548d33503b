"""What is left to train of a run folder, and what an interrupted training tells its user."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from tsconv.config.schema import TrainConfig
from tsconv.errors import ConfigError
from tsconv.runs.status import read_status
from tsconv.training.lightning.checkpoints.resume import checkpoint_path, saved_steps
from tsconv.training.lightning.loop import TrainingInterrupted


def goes_on_in_place(config: TrainConfig) -> bool:
    """Whether a resumed training goes on in the folder of the one that was interrupted."""
    if config.resume is None or config.run_dir is None:
        return False
    return Path(config.resume).resolve() == Path(config.run_dir).resolve()


def finished_line(config: TrainConfig) -> str | None:
    """A line that says that the run to resume is finished; None where something is left to do.

    That may be steps, or what follows the last of them: scores, the bundle, a refit, pictures.
    Raises ConfigError where `trainer.max_steps` is less than what was trained already.
    """
    if not goes_on_in_place(config) or not checkpoint_path(Path(str(config.resume))).is_file():
        return None
    run, asked = Path(str(config.resume)), config.trainer.get("max_steps")
    status = read_status(run)  # earlier versions wrote none
    is_finished = status is None or status.state == "finished"
    done, planned = saved_steps(run), _finished_steps(run)
    if is_finished and planned is not None and (asked is None or asked <= planned):
        early = " (callbacks.patience ended it)" if done < planned else ""
        return (
            f"{run} is finished: {done:,} of {planned:,} steps{early}; to train longer, set "
            f"trainer.max_steps higher"
        )
    if asked is not None and asked < done:
        raise ConfigError(
            f"`trainer.max_steps` (={asked}): {run} has trained {done:,} steps already"
        )
    return None


def _finished_steps(run: Path) -> int | None:
    """The `max_steps` of the training that wrote the folder's bundle; None without a bundle."""
    try:
        config = json.loads((run / "bundle" / "config.json").read_text(encoding="utf-8"))
        steps = config["info"].get("max_steps")
        if steps is None:  # a bundle of an earlier version
            metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
            steps = metrics["train_steps"]
        return int(steps)
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def describe_interruption(stop: BaseException, config: TrainConfig, run_dir: Path) -> str:
    """What Ctrl-C or a lost rank left of a training, and how to go on.

    run_dir: its run folder.
    """
    run = run_dir
    if not checkpoint_path(run).is_file() and config.resume is not None:
        run = Path(config.resume)  # nothing was kept since
    if not checkpoint_path(run).is_file():
        why = "" if config.callbacks.checkpoints else " (callbacks.checkpoints=false)"
        return f"nothing is kept{why}"
    saved, steps = saved_steps(run), config.trainer["max_steps"]
    kept = f"step {saved:,} of {steps:,} is kept in {run}"
    if isinstance(stop, TrainingInterrupted) and stop.step > saved:
        kept += f", without the {stop.step - saved:,} after it"
    if config.data.path is None:
        return kept
    return f"{kept}; to go on: tsconv train {shlex.quote(f'resume={run}')}"
