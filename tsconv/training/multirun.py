"""Several trainings in turn, as Hydra's multirun has them: a folder for each, one table for all."""

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
from tsconv.output.report import look_up, write_overrides
from tsconv.output.tables import Column, format_number, format_table
from tsconv.training.prepare import PanelCache
from tsconv.training.run import TrainResult, free_folder, train

_SHOWN = ("val.scaled_mae", "test.scaled_mae", "test.mae", "test.mase", "train_seconds")
_LONGEST_NAME = 80


@dataclasses.dataclass(frozen=True)
class Job:
    """One training of a multirun, and what became of it."""

    changed: list[str]  # the overrides that differ between jobs
    folder: Path
    metrics: dict[str, Any] | None
    error: str = ""


def run_jobs(
    jobs: Sequence[list[str]],
    configs: Sequence[TrainConfig],
    notify: Callable[[str], None] | None = None,
) -> str:
    """Train each config in a folder of its own; write summary.csv and return the table.

    All configs are checked, on their data, before the first one is trained; a job that fails then
    does not stop the others. Raises TrainingError at the end where jobs failed.
    """
    workshop = PanelCache()
    for config in configs:
        workshop.prepare(config)
        if config.resume is not None:
            raise ConfigError("`resume` goes on with one run; a multirun starts new ones")
    folder = _folder(configs[0])
    changed = [[o for i, o in enumerate(job) if len({j[i] for j in jobs}) > 1] for job in jobs]
    done: list[Job] = []
    for number, (job, what, config) in enumerate(zip(jobs, changed, configs, strict=True)):
        name = f"{number:03d}_{_plain(what)}".rstrip("_")
        if notify is not None:
            notify(f"job {number + 1} of {len(jobs)}: {' '.join(what)}")
        own = dataclasses.replace(config, run_dir=str(folder / name))
        first = notify if not done else None  # the data are the same for all
        done.append(_run(job, what, own, workshop, first))
        if done[-1].error and notify is not None:
            notify(f"job {number + 1} failed: {done[-1].error}")
        _write(done, folder / "summary.csv")
    failed = [job for job in done if job.error]
    table = _table(done) + f"\nresults: {folder}"
    if failed:
        print(table)
        raise TrainingError(
            f"{len(failed)} of {len(done)} jobs failed; the first, {' '.join(failed[0].changed)}, "
            f"with: {failed[0].error}"
        )
    return table


def _run(
    overrides: list[str],
    changed: list[str],
    config: TrainConfig,
    workshop: PanelCache,
    notify: Callable[[str], None] | None,
) -> Job:
    folder = Path(str(config.run_dir))
    try:
        result: TrainResult = train(config, notify=notify, workshop=workshop)
    except (TsconvError, RuntimeError, MemoryError) as error:  # the next may need less memory
        return Job(changed, folder, None, one_line(error))
    write_overrides(overrides, config, folder / ".hydra")
    return Job(changed, folder, result.metrics)


def _folder(config: TrainConfig) -> Path:
    """Where the jobs' folders go: `run_dir`, or a new one beside those of single runs."""
    if config.run_dir is None:
        return free_folder(Path("runs") / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_multirun")
    folder = Path(config.run_dir)
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"`run_dir` (={folder}) is not empty; name another for a multirun")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _plain(changed: list[str]) -> str:
    """The overrides as part of a folder's name, without what shells and Hydra care about."""
    names = [o.lstrip("+~").rpartition(".")[2] if "=" not in o else _short(o) for o in changed]
    return re.sub(r"[^\w.-]+", "-", "_".join(names))[:_LONGEST_NAME]


def _short(override: str) -> str:
    key, _, value = override.partition("=")
    return f"{key.rpartition('.')[2]}-{value}"


def _figures(job: Job) -> list[float | None]:
    return [look_up(job.metrics or {}, name) for name in _SHOWN]


def _table(jobs: Sequence[Job]) -> str:
    names = [" ".join(job.changed) or "(as given)" for job in jobs]
    width = max(map(len, ["job", *names])) + 2
    columns = [Column(width, "<"), *(Column(len(name) + 2) for name in _SHOWN)]
    lines = [["job", *_SHOWN]]
    for name, job in zip(names, jobs, strict=True):
        cells = [format_number(value, ".5g") for value in _figures(job)]
        if job.error:
            cells[0] = "failed"
        lines.append([name, *cells])
    return format_table(columns, lines)


def _write(jobs: Sequence[Job], path: Path) -> None:
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["folder", "overrides", *_SHOWN, "error"])
    for job in jobs:
        figures = ["" if v is None else v for v in _figures(job)]
        out.writerow([job.folder, " ".join(job.changed), *figures, job.error])
    replace_text(path, text.getvalue())
