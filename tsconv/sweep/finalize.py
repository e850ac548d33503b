"""The end of a sweep: write files and pictures, account for the time, train the winner again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock
from optuna.trial import FrozenTrial

from tsconv.errors import TrainingError
from tsconv.sweep.results.summary import summary, write_best, write_trials
from tsconv.sweep.results.trials import figure, finished, first_error
from tsconv.sweep.run import SweepResult
from tsconv.sweep.samplers import quiet_optuna
from tsconv.sweep.search_space.ranges import Space
from tsconv.text import format_seconds, plural

Train = Callable[[Sequence[str], str | None], None]


def write_results(result: SweepResult, space: Space) -> tuple[list[str], FrozenTrial | None]:
    """Write trials.csv, best.yaml and plots/; returns the lines to print last, and the winner.

    The winner is None where no trial was completed. Raises TrainingError where every trial failed,
    after trials.csv is written. Where most of them failed, see `mostly_failed`.
    """
    study, sweep, folder = result.study, result.plan.sweep, result.folder
    folder.mkdir(parents=True, exist_ok=True)
    write_trials(study, sweep, folder / "trials.csv")
    error = first_error(study)
    if error is not None:
        count = len(finished(study))
        raise TrainingError(
            f"every trial failed ({count}); the first error is: {error} "
            f"(see {folder / 'trials.csv'})"
        )
    winner = write_best(study, sweep, folder)
    lines = [*summary(study, sweep), f"results: {folder}"]
    if winner is not None:
        from tsconv.sweep.results.pictures import draw_all

        with quiet_optuna():
            draw_all(study, sweep, space, folder / "plots")
        lines.append(f"train it: tsconv train --config-dir {folder} +experiment=best")
    return lines, winner


def time_line(result: SweepResult) -> str:
    """Where the time of this command went, in one line."""
    own = [t for t in finished(result.study) if t.number in set(result.own_trials)]
    training = sum(figure(t, "train_seconds") or 0 for t in own)
    compiling = sum(figure(t, "compile_seconds") or 0 for t in own)
    workers = result.plan.sweep.workers
    share = f" (summed over {workers} workers)" if workers > 1 else ""
    return (
        f"{plural(len(own), 'trial')} in {format_seconds(result.wall_seconds)}: "
        f"{format_seconds(result.start_seconds)} until the first began; "
        f"training {format_seconds(training)}, compiling {format_seconds(compiling)}{share}"
    )


def refit(result: SweepResult, winner: FrozenTrial, train: Train) -> Path | None:
    """Train the winner with `train`, which gets overrides and a config folder.

    Of several sweeps that end on one study, only one trains it; for the others, returns the path
    of its bundle, and None for the one that trained it.
    """
    folder = result.folder / f"refit_{winner.number:04d}"
    lock = result.folder / "refit.lock"
    with FileLock(lock):
        try:
            if (folder / "bundle").is_dir():
                return folder / "bundle"
            train([f"run_dir={folder}", "experiment=best"], str(result.folder))
            return None
        finally:
            lock.unlink(missing_ok=True)
