"""One worker: a process that takes trials of a study and trains them until none is left.

It is started by crew.py, gets its job as the first line of its standard input, and writes
what happens as lines of JSON. `go` sets it to work, `stop` ends it after the running trial; when
the input closes, whoever started it is dead, and so is the worker at once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import optuna
import torch
from optuna.trial import TrialState

from tsconv.config.compose import SweepPlan, sweep_plan, trial_config
from tsconv.config.overrides import flat_values
from tsconv.errors import ConfigError, TsconvError, one_line
from tsconv.sweep import study as studies
from tsconv.sweep.search_space.parse import parse_space
from tsconv.sweep.search_space.ranges import Space, stored_params
from tsconv.sweep.storage.store import (
    UNANSWERED,
    Store,
    open_store,
    patiently,
    told_in_one_line,
)
from tsconv.sweep.trial import (
    Pruned,
    fingerprint,
    is_out_of_memory,
    objective_values,
    run_trial,
    validated,
)
from tsconv.training.notes import training_notes
from tsconv.training.prepare import PanelCache

_IDLE = 2.0  # seconds between looks for a trial that another worker lost


@dataclasses.dataclass(frozen=True)
class Job:
    """What a worker is told at its start."""

    overrides: list[str]
    config_dir: str | None
    folder: str  # of the sweep
    study: str
    name: str  # of the worker
    threads: int | None
    timeout: float | None  # seconds from now on in which trials may begin


class Worker:
    """The loop of one worker; `send` takes its messages."""

    def __init__(self, job: Job, send: Any) -> None:
        self.job, self.send = job, send
        self.plan: SweepPlan = sweep_plan(job.overrides, job.config_dir)
        self.space: Space = parse_space(self.plan.search_space)
        self.workshop = PanelCache()
        self.go, self.stop = threading.Event(), threading.Event()
        self.deadline = time.monotonic() + job.timeout if job.timeout is not None else None

    def prepare(self) -> dict[str, Any]:
        """Read the data and check every range on them: what the study is about, and the notes."""
        asked = self.config({})
        base = validated(self.workshop.prepare(asked))
        data = fingerprint(self.workshop.panel(asked))
        self._check_ends()
        stands = {**flat_values(dataclasses.asdict(base.config)), **self.plan.choices}
        return {
            "data": data,
            "baseline": stored_params(self.space, stands),
            "notes": [
                str(note) for note in (*base.panel.notes, *training_notes(base.panel, base.scale))
            ],
        }

    def config(self, values: dict[str, Any], number: int = 0) -> Any:
        """The config of a trial: a seed and a number of threads of its own, then its values."""
        base = self.plan.base
        own: dict[str, Any] = {"seed": self._seed(number)}
        if base.threads is None and self.job.threads is not None:
            own["threads"] = self.job.threads
        return trial_config(self.job.overrides, {**own, **values}, self.job.config_dir)

    def _seed(self, number: int) -> int:
        return (self.plan.base.seed + number) % 2**32

    def _check_ends(self) -> None:
        """Try both ends, or every choice, of every range. Raises ConfigError naming the range."""
        for each in self.space:
            others = {key: values[0] for key, values in each.when}
            for value in each.extremes():
                try:
                    validated(self.workshop.prepare(self.config({**others, each.key: value})))
                except TsconvError as error:
                    raise ConfigError(
                        f"`search_space.{each.key}` ({each}): {value} does not do: {error}"
                    ) from error

    def work(self, store: Store) -> None:
        """Take trials until all are finished, or the time is over."""
        sweep = self.plan.sweep
        pruner = studies.make_pruner(sweep)
        name = self.job.study
        study = patiently(
            lambda: optuna.load_study(study_name=name, storage=store.storage, pruner=pruner)
        )
        with store.working(self.job.name):
            while not self.stop.is_set() and not self._late():
                taken = patiently(
                    lambda: studies.take(store, study, self.job.name, sweep, self.space)
                )
                if taken is not None:
                    self._run(store, study, taken)
                elif patiently(lambda: studies.unfinished(study)) == 0:
                    return
                else:  # others are still at it: stay, in case one of them dies
                    self.send(event="idle")
                    self.stop.wait(_IDLE)

    def _late(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline

    def _run(self, store: Store, study: optuna.Study, taken: studies.ClaimedTrial) -> None:
        trial, number = taken.trial, taken.trial.number
        self.send(event="begin", number=number, values=taken.values, attempt=taken.attempt)
        folder = Path(self.job.folder) / "trials" / f"{number:04d}"
        begun = time.perf_counter()
        state, values = TrialState.FAIL, None
        found: dict[str, Any] = {}
        with store.beating(trial._trial_id):
            try:
                config = self.config(taken.values, number)
                report = self._reporter(trial, store.storage.get_trial(trial._trial_id).last_step)
                outcome = run_trial(config, self.workshop, folder, report)
                values = objective_values(outcome.metrics, self.plan.sweep.objectives)
                state = TrialState.COMPLETE
                found = {
                    "config": dataclasses.asdict(outcome.config),
                    "metrics": {k: v for k, v in outcome.metrics.items() if k != "val"},
                    "val": _plain_figures(outcome.metrics["val"]),
                }
            except Pruned as pruned:
                state, found = TrialState.PRUNED, {"metrics": pruned.figures}
            except Exception as error:
                found = _failure(error, folder)
        found["seconds"] = round(time.perf_counter() - begun, 3)
        found["seed"] = taken.values.get("seed", self._seed(number))  # it may be searched itself
        patiently(lambda: studies.finish(store, study, taken, self.job.name, state, values, found))
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self.send(event="end", number=number)

    def _reporter(self, trial: optuna.Trial, reported: int | None) -> Any:
        """`reported`: how far an attempt had got whose worker died; until then nothing is new."""
        prunes = studies.pruner_name(self.plan.sweep) != "none"

        def report(step: int, steps: int, error: float) -> bool:
            self.send(event="step", number=trial.number, step=step, steps=steps, error=error)
            percent = round(100 * step / steps)
            if not prunes or percent <= (reported or 0):
                return False
            try:
                patiently(lambda: trial.report(error, percent))
                return step < steps and patiently(trial.should_prune)
            except UNANSWERED:
                return False  # a report only serves to prune; the result will wait

        return report


def _plain_figures(part: dict[str, Any]) -> dict[str, Any]:
    """The figures of a part of metrics.json, without those by row and channel."""
    return {k: v for k, v in part.items() if not isinstance(v, dict)}


def _failure(error: Exception, folder: Path) -> dict[str, Any]:
    """Why a trial failed, for the study; its traceback goes into error.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
    kind = "out of memory" if is_out_of_memory(error) else "failed"
    return {"error": one_line(error)[:500], "kind": kind}


def _listen(worker: Worker) -> None:
    """Follow the orders on the standard input; its end is the end of the process."""
    for line in sys.stdin:
        {"go": worker.go, "stop": worker.stop}[line.strip()].set()
        if worker.stop.is_set():
            worker.go.set()
    os._exit(3)


def main() -> int:
    """Run a worker to its end; returns the exit code of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the group; we wait for `stop`
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # whatever prints goes to the log, not between the messages

    def send(**message: Any) -> None:
        with contextlib.suppress(BrokenPipeError):
            out.write(json.dumps(message) + "\n")

    try:
        worker = Worker(Job(**json.loads(sys.stdin.readline())), send)
        threading.Thread(target=_listen, args=(worker,), daemon=True).start()
        send(event="ready", **worker.prepare())
        worker.go.wait()
        sweep = worker.plan.sweep
        if not worker.stop.is_set():
            folder = Path(worker.job.folder)
            with told_in_one_line(sweep.storage):
                name = worker.job.study
                store = patiently(lambda: open_store(sweep.storage, folder, name, sweep.heartbeat))
                with contextlib.closing(store):
                    worker.work(store)
        send(event="over")
        return 0
    except TsconvError as error:
        send(event="fault", error=one_line(error))
        return 1
    except OSError as error:  # disk full, no permission
        send(event="fault", error=f"{error.strerror or error} ({error.filename})")
        return 1


if __name__ == "__main__":
    sys.exit(main())
