"""Several trainings in turn, as Hydra's multirun runs them, each in a folder of its own."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tsconv.atomic_write import replace_text
from tsconv.config.schema import TrainConfig
from tsconv.errors import ConfigError, TrainingError, TsconvError, one_line
from tsconv.notes import left_out
from tsconv.output.run_files import find_metric, write_overrides
from tsconv.output.tables import Column, format_number, format_table
from tsconv.training.panel_cache import PanelCache
from tsconv.training.run import TrainResult, free_folder, train

_METRICS = ("val.scaled_mae", "test.scaled_mae", "test.mae", "test.mase", "train_seconds")
_LONGEST_NAME = 80  # characters of a folder's name
Notify = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Job:
    """One training of a multirun, and what became of it."""

    changed: list[str]  # the overrides that differ between jobs
    folder: Path
    metrics: dict[str, Any] | None  # as metrics.json; None where the job failed
    error: str = ""
    left_out: tuple[str, ...] = ()  # sentences on the data


@dataclasses.dataclass(frozen=True)
class MultirunResult:
    """What a multirun leaves: the folder of all jobs, and each job."""

    folder: Path
    jobs: tuple[Job, ...]

    @property
    def table(self) -> str:
        """The jobs and their metrics, one job a line."""
        return _format_jobs(self.jobs)

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was left out of the data, a sentence each: the same for all jobs."""
        return next((job.left_out for job in self.jobs if not job.error), ())

    @property
    def error(self) -> TrainingError | None:
        """An error that counts the failed jobs and names the first; None where none failed."""
        failed = [job for job in self.jobs if job.error]
        if not failed:
            return None
        return TrainingError(
            f"{len(failed)} of {len(self.jobs)} jobs failed; the first, "
            f"{' '.join(failed[0].changed)}, with: {failed[0].error}"
        )


def run_jobs(
    jobs: Sequence[list[str]], configs: Sequence[TrainConfig], notify: Notify | None = None
) -> MultirunResult:
    """Train each config in a folder of its own and write summary.csv, one line a job.

    jobs: the overrides of each job, see `expand_jobs`. configs: what they compose to. notify: gets
    one line at a time, on the data and on each job. All configs are checked, on their data, before
    the first one is trained: raises TsconvError where one is at fault. A job that fails later does
    not stop the others, and the result has its error.
    """
    cache = PanelCache()
    for config in configs:
        cache.prepare(config)
        if config.resume is not None:
            raise ConfigError("`resume` goes on with one run; a multirun starts new ones")
    folder = _make_folder(configs[0])
    changed = [[o for i, o in enumerate(job) if len({j[i] for j in jobs}) > 1] for job in jobs]
    done: list[Job] = []
    for number, (job, differing, config) in enumerate(zip(jobs, changed, configs, strict=True)):
        name = f"{number:03d}_{_folder_name(differing)}".rstrip("_")
        if notify is not None:
            notify(f"job {number + 1} of {len(jobs)}: {' '.join(differing)}")
        own = dataclasses.replace(config, run_dir=str(folder / name))
        notify_data = notify if not done else None  # the data are the same for all
        done.append(_run_job(job, differing, own, cache, notify_data))
        if done[-1].error and notify is not None:
            notify(f"job {number + 1} failed: {done[-1].error}")
        _write_summary(done, folder / "summary.csv")
    return MultirunResult(folder, tuple(done))


def _run_job(
    overrides: list[str],
    changed: list[str],
    config: TrainConfig,
    cache: PanelCache,
    notify: Notify | None,
) -> Job:
    folder = Path(str(config.run_dir))
    try:
        result: TrainResult = train(config, notify=notify, panel_cache=cache)
    except (TsconvError, RuntimeError, MemoryError) as error:  # the next may need less memory
        return Job(changed, folder, None, one_line(error))
    write_overrides(overrides, config, folder / ".hydra")
    return Job(changed, folder, result.metrics, left_out=tuple(left_out(result.notes)))


def _make_folder(config: TrainConfig) -> Path:
    """The folder for the jobs' folders: `run_dir`, or a new one beside those of single runs."""
    if config.run_dir is None:
        return free_folder(Path("runs") / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_multirun")
    folder = Path(config.run_dir)
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"`run_dir` (={folder}) is not empty; name another for a multirun")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _folder_name(changed: list[str]) -> str:
    """The overrides as part of a folder's name, without characters special to shells and Hydra."""
    return re.sub(r"[^\w.-]+", "-", "_".join(map(_shorten_override, changed)))[:_LONGEST_NAME]


def _shorten_override(override: str) -> str:
    """The last part of the key with the value: "model.hidden=8" is "hidden-8"."""
    key, equals, value = override.partition("=")
    if not equals:
        return key.lstrip("+~").rpartition(".")[2]
    return f"{key.rpartition('.')[2]}-{value}"


def _job_metrics(job: Job) -> list[float | None]:
    return [find_metric(job.metrics or {}, name) for name in _METRICS]


def _format_jobs(jobs: Sequence[Job]) -> str:
    names = [" ".join(job.changed) or "(as given)" for job in jobs]
    width = max(map(len, ["job", *names])) + 2
    columns = [Column(width, "<"), *(Column(len(name) + 2) for name in _METRICS)]
    lines = [["job", *_METRICS]]
    for name, job in zip(names, jobs, strict=True):
        cells = [format_number(value, ".5g") for value in _job_metrics(job)]
        if job.error:
            cells[0] = "failed"
        lines.append([name, *cells])
    return format_table(columns, lines)


def _write_summary(jobs: Sequence[Job], path: Path) -> None:
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["folder", "overrides", *_METRICS, "error"])
    for job in jobs:
        metrics = ["" if v is None else v for v in _job_metrics(job)]
        out.writerow([job.folder, " ".join(job.changed), *metrics, job.error])
    replace_text(path, text.getvalue())
