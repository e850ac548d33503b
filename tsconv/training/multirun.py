"""Several trainings in turn, as Hydra's multirun runs them, each in a folder of its own."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tsconv.atomic_write import replace_text
from tsconv.config.resume import stored_config
from tsconv.config.schema import TrainConfig
from tsconv.errors import ConfigError, TrainingError, TsconvError, one_line
from tsconv.evaluation.rivals import describe_baseline
from tsconv.notes import left_out
from tsconv.output.run_files import find_metric, free_folder, write_overrides
from tsconv.output.tables import Column, format_number, format_table
from tsconv.runs.record import recorded
from tsconv.training.lightning.checkpoints.resume import checkpoint_path
from tsconv.training.panel_cache import PanelCache
from tsconv.training.refit import was_interrupted
from tsconv.training.run import TrainResult, train

_METRICS = ("val.scaled_mae", "test.scaled_mae", "test.mae", "test.mase", "train_seconds")
_RIVAL = "rival.scaled_mae"  # on the test part
_JOBS = "jobs.json"  # in the folder of a multirun: the overrides of each job
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
    unfinished: bool = False  # Ctrl-C came before it was done
    # Ctrl-C came in its refit, or ended its race: it is done, and no further job begins.
    stops: bool = False


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
        return next((job.left_out for job in self.jobs if job.left_out), ())

    @property
    def unfinished(self) -> tuple[Job, ...]:
        """The jobs that Ctrl-C left to do; the same command with `run_dir` goes on with them."""
        return tuple(job for job in self.jobs if job.unfinished)

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
    jobs: Sequence[list[str]],
    configs: Sequence[TrainConfig],
    notify: Notify | None = None,
    train_one: Callable[..., TrainResult] = train,
) -> MultirunResult:
    """Train each config in a folder of its own and write summary.csv, one line a job.

    jobs: the overrides of each job, see `expand_jobs`. configs: what they compose to. notify: gets
    one line at a time, on the data and on each job. train_one: takes the arguments of `train`, such
    as `train_or_race`, which races the jobs that have a budget. All configs are checked, on their
    data, before the first one is trained: raises TsconvError where one is at fault. A job that
    fails later does not stop the others, and the result has its error.

    After Ctrl-C the result has the unfinished jobs too. Where `run_dir` is the folder of the same
    jobs, those that are finished are not trained again, and one that was interrupted is resumed.
    """
    with PanelCache() as cache:
        return _run_jobs(jobs, configs, cache, notify, train_one)


def _run_jobs(
    jobs: Sequence[list[str]],
    configs: Sequence[TrainConfig],
    cache: PanelCache,
    notify: Notify | None,
    train_one: Callable[..., TrainResult],
) -> MultirunResult:
    for config in configs:
        cache.prepare(config)
        if config.resume is not None:
            raise ConfigError(
                "`resume` continues one run, and a multirun starts new ones: leave it out"
            )
    is_new = configs[0].run_dir is None or not Path(configs[0].run_dir).exists()
    folder = _make_folder(configs[0], jobs)
    data, horizon = configs[0].data.path, configs[0].horizon
    with recorded(folder, "multirun", data, horizon, is_new=is_new) as record:
        result = _run_in_folder(folder, jobs, configs, cache, notify, train_one)
        if result.unfinished:
            record.outcome = "interrupted"
        elif result.error is not None:
            record.outcome, record.error = "failed", str(result.error)
    return result


def _run_in_folder(
    folder: Path,
    jobs: Sequence[list[str]],
    configs: Sequence[TrainConfig],
    cache: PanelCache,
    notify: Notify | None,
    train_one: Callable[..., TrainResult],
) -> MultirunResult:
    changed = [[o for i, o in enumerate(job) if len({j[i] for j in jobs}) > 1] for job in jobs]
    names = [f"{n:03d}_{_folder_name(own)}".rstrip("_") for n, own in enumerate(changed)]
    done: list[Job] = []
    for number, (job, differing, config) in enumerate(zip(jobs, changed, configs, strict=True)):
        own = _own_config(config, folder / names[number])
        before = _finished_job(differing, folder / names[number])
        if notify is not None:
            what = "is finished" if before is not None else "goes on" if own.resume else ""
            title = f"job {number + 1} of {len(jobs)}: {' '.join(differing)}"
            notify(f"{title} {what}".rstrip())
        notify_data = notify if not done else None  # the data are the same for all
        try:
            done.append(before or _run_job(job, differing, own, cache, notify_data, train_one))
        except KeyboardInterrupt:
            undone = zip(changed[number:], names[number:], strict=True)
            rest = [Job(what, folder / name, None, unfinished=True) for what, name in undone]
            _write_summary([*done, *rest], folder / "summary.csv")
            return MultirunResult(folder, (*done, *rest))
        if done[-1].stops:
            undone = zip(changed[number + 1 :], names[number + 1 :], strict=True)
            rest = [Job(what, folder / name, None, unfinished=True) for what, name in undone]
            _write_summary([*done, *rest], folder / "summary.csv")
            return MultirunResult(folder, (*done, *rest))
        if done[-1].error and notify is not None:
            notify(f"job {number + 1} failed: {done[-1].error}")
        _write_summary(done, folder / "summary.csv")
    return MultirunResult(folder, tuple(done))


def _own_config(config: TrainConfig, folder: Path) -> TrainConfig:
    """A job's config with its folder; where that holds a checkpoint, the config that goes on."""
    config = dataclasses.replace(config, run_dir=str(folder))
    if not (checkpoint_path(folder).is_file() and (folder / "config.yaml").is_file()):
        return config
    return dataclasses.replace(stored_config(folder), run_dir=str(folder), resume=str(folder))


def _finished_job(changed: list[str], folder: Path) -> Job | None:
    """The job that an earlier start of the same multirun finished; None where it did not."""
    if not (folder / "bundle").is_dir():
        return None
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return Job(changed, folder, metrics)


def _run_job(
    overrides: list[str],
    changed: list[str],
    config: TrainConfig,
    cache: PanelCache,
    notify: Notify | None,
    train_one: Callable[..., TrainResult],
) -> Job:
    folder = Path(str(config.run_dir))

    def started(run_dir: Path) -> None:
        write_overrides(overrides, config, run_dir / ".hydra")

    try:
        result = train_one(config, notify=notify, panel_cache=cache, started=started)
    except (TsconvError, RuntimeError, MemoryError) as error:  # the next may need less memory
        return Job(changed, folder, None, one_line(error))
    raced = result.metrics.get("race", {})
    stops = was_interrupted(result.bundle) or bool(raced.get("interrupted"))
    return Job(changed, folder, result.metrics, "", tuple(left_out(result.notes)), stops=stops)


def _make_folder(config: TrainConfig, jobs: Sequence[list[str]]) -> Path:
    """The folder for the jobs' folders: `run_dir`, or a new one beside those of single runs.

    It gets a list of the jobs. Raises ConfigError where it holds something else than these jobs.
    """
    own = [[o for o in job if not o.startswith("run_dir=")] for job in jobs]
    text = json.dumps(own, indent=1) + "\n"
    if config.run_dir is None:
        folder = free_folder(Path("runs") / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_multirun")
    else:
        folder = Path(config.run_dir)
        known = folder / _JOBS
        same = known.is_file() and known.read_text(encoding="utf-8") == text
        if folder.exists() and any(folder.iterdir()) and not same:
            raise ConfigError(
                f"`run_dir` (={folder}) holds something other than this multirun; name another "
                f"folder"
            )
        folder.mkdir(parents=True, exist_ok=True)
    replace_text(folder / _JOBS, text)
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


def _rival(job: Job) -> tuple[str, float | None]:
    """The best simple forecast beside a job, in words, and its `scaled_mae` on the test part."""
    metrics = job.metrics or {}
    key = metrics.get("rival")
    if key is None:
        return "", None
    baselines = (metrics.get("test") or {}).get("baselines", {})
    name = describe_baseline(key, metrics["baseline_steps"][key])
    return name, baselines.get(key, {}).get("scaled_mae")


def _format_jobs(jobs: Sequence[Job]) -> str:
    names = [" ".join(job.changed) or "(as given)" for job in jobs]
    width = max(map(len, ["job", *names])) + 2
    heads = (*_METRICS, _RIVAL)
    columns = [Column(width, "<"), *(Column(len(name) + 2) for name in heads)]
    lines = [["job", *heads]]
    for name, job in zip(names, jobs, strict=True):
        values = [*_job_metrics(job), _rival(job)[1]]
        cells = [format_number(value, ".5g") for value in values]
        if job.error or job.unfinished:
            cells[0] = "failed" if job.error else "unfinished"
        lines.append([name, *cells])
    names_of_rivals = sorted({_rival(job)[0] for job in jobs} - {""})
    rivals = [f"rival: the best simple forecast, {'; '.join(names_of_rivals)}"]
    return "\n".join([format_table(columns, lines), *(rivals if names_of_rivals else [])])


def _write_summary(jobs: Sequence[Job], path: Path) -> None:
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["folder", "overrides", *_METRICS, "rival", _RIVAL, "error"])
    for job in jobs:
        metrics = ["" if v is None else v for v in _job_metrics(job)]
        error = "interrupted" if job.unfinished else job.error
        name, value = _rival(job)
        rival = [name, "" if value is None else value]
        out.writerow([job.folder, " ".join(job.changed), *metrics, *rival, error])
    replace_text(path, text.getvalue())
