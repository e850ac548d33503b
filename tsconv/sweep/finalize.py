"""The end of a sweep: files and pictures written, time accounted for, the winner trained again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from filelock import FileLock
from optuna.trial import FrozenTrial

from tsconv.errors import TrainingError
from tsconv.sweep.results.summary import (
    figure,
    finished,
    first_error,
    summary,
    write_best,
    write_trials,
)
from tsconv.sweep.run import SweepResult
from tsconv.sweep.search_space.ranges import Space

Train = Callable[[Sequence[str], str | None], None]


def leave(result: SweepResult, space: Space) -> tuple[list[str], FrozenTrial | None]:
    """Write trials.csv, best.yaml and plots/; returns the lines to print last, and the winner.

    Raises TrainingError where every trial failed, once all is written.
    """
    study, sweep, folder = result.study, result.plan.sweep, result.folder
    folder.mkdir(parents=True, exist_ok=True)
    write_trials(study, sweep, folder / "trials.csv")
    error = first_error(study)
    if error is not None:
        count = len(finished(study))
        raise TrainingError(
            f"every trial failed, {count} of {count}; the first with: {error} "
            f"(see {folder / 'trials.csv'})"
        )
    winner = write_best(study, sweep, folder)
    lines = [*summary(study, sweep), f"results: {folder}"]
    if winner is not None:
        from tsconv.sweep.results.pictures import draw_all

        draw_all(study, sweep, space, folder / "plots")
        lines.append(f"train it: tsconv train --config-dir {folder} +experiment=best")
    return lines, winner


def time_line(result: SweepResult) -> str:
    """Where the time of this command went."""
    ours = [t for t in finished(result.study) if t.number in set(result.ours)]
    training = sum(figure(t, "train_seconds") or 0 for t in ours)
    compiling = sum(figure(t, "compile_seconds") or 0 for t in ours)
    ratio = f" ({result.wall_seconds / training:.2f} of it)" if training else ""
    return (
        f"{len(ours)} trials in {result.wall_seconds:.0f} s{ratio}: training {training:.0f} s, "
        f"compiling {compiling:.0f} s, start {result.start_seconds:.0f} s"
    )


def refit(result: SweepResult, winner: FrozenTrial, train: Train) -> None:
    """Train the winner as `tsconv train` would, once, however many sweeps end on its study."""
    folder = result.folder / f"refit_{winner.number:04d}"
    with FileLock(result.folder / "refit.lock"):
        if (folder / "bundle").is_dir():
            print(f"bundle: {folder / 'bundle'}")
        else:
            train([f"run_dir={folder}", "experiment=best"], str(result.folder))
