"""One worker: a process that claims trials of a study and trains them until none is left.

`worker_pool.py` starts it, and `worker_job.py` says what the two exchange. When the standard input
closes, whoever started the worker is dead, and the worker ends at once.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import torch
from optuna.trial import TrialState

from tsconv.config.compose import SweepPlan, sweep_plan, trial_config
from tsconv.config.overrides import flat_values
from tsconv.config.schema import TrainConfig
from tsconv.data.fingerprint import fingerprint
from tsconv.errors import ConfigError, TsconvError, disk_fault, one_line
from tsconv.notes import left_out
from tsconv.sweep.machine_faults import attempts_for, is_device_fault
from tsconv.sweep.samplers import make_pruner, quiet_optuna
from tsconv.sweep.search_space.parse import parse_space
from tsconv.sweep.search_space.ranges import Space, first_outside, stored_params
from tsconv.sweep.settings import pruner_name
from tsconv.sweep.storage.base import Store
from tsconv.sweep.storage.errors import (
    UNREACHABLE,
    retry_while_unreachable,
    storage_errors_in_one_line,
)
from tsconv.sweep.storage.open_store import open_store
from tsconv.sweep.storage.optuna_internals import trial_id
from tsconv.sweep.study import (
    ClaimedTrial,
    begin_again,
    claim_trial,
    count_unfinished,
    finish_trial,
)
from tsconv.sweep.trial import (
    Pruned,
    Report,
    objective_values,
    record_failure,
    require_validation,
    rival_figures,
    run_trial,
    whole_part_figures,
)
from tsconv.sweep.worker_job import WorkerJob
from tsconv.training.notes import split_notes, training_notes
from tsconv.training.panel_cache import PanelCache

_IDLE_SECONDS = 2.0  # between two looks for a trial that another worker lost


class Worker:
    """The trials of one worker process; `send` takes its messages, see `worker_job.py`."""

    def __init__(self, job: WorkerJob, send: Callable[..., None]) -> None:
        self.job, self.send = job, send
        self.plan: SweepPlan = sweep_plan(job.overrides, job.config_dir)
        self.space: Space = parse_space(self.plan.search_space)
        self.panel_cache = PanelCache()
        self.device_is_lost = False  # by the last trial: this process can use it no more
        self.go, self.stop = threading.Event(), threading.Event()
        self.deadline = time.monotonic() + job.timeout if job.timeout is not None else None

    def prepare(self) -> dict[str, Any]:
        """Read the data and try the ends of every range on them.

        Returns the fingerprint of the data, the parameters of the baseline trial (None where the
        space does not hold the given config), the first key that it does not hold, and the notes
        on the data. Raises TsconvError for a fault in the data, the config or a range.
        """
        config = self.config_for({})
        prepared = require_validation(self.panel_cache.prepare(config))
        data = fingerprint(self.panel_cache.panel(config))
        self._check_ranges()
        given = {**flat_values(dataclasses.asdict(prepared.config)), **self.plan.choices}
        panel = prepared.panel
        of_training = training_notes(panel, prepared.scale)
        outside = first_outside(self.space, given)
        notes = [*panel.notes, *of_training, *split_notes(panel, prepared.split)]
        return {
            "data": data,
            "baseline": stored_params(self.space, given),
            "outside": None if outside is None else f"{outside.key}={given.get(outside.key)}",
            "notes": [str(note) for note in notes],
            "left_out": left_out(notes),
        }

    def config_for(self, values: dict[str, Any], number: int = 0) -> TrainConfig:
        """The config of trial `number`: its own seed and number of threads, then its values."""
        base = self.plan.base
        own: dict[str, Any] = {"seed": self._seed(number)}
        shared = str(base.trainer.get("devices", 1)) != "1"  # by the ranks of a trial
        if base.threads is None and self.job.threads is not None and not shared:
            own["threads"] = self.job.threads
        return trial_config(self.job.overrides, {**own, **values}, self.job.config_dir)

    def _seed(self, number: int) -> int:
        return (self.plan.base.seed + number) % 2**32

    def _check_ranges(self) -> None:
        """Try both ends, or every choice, of every range. Raises ConfigError naming the range."""
        for key_range in self.space:
            others = {key: values[0] for key, values in key_range.when}
            for value in key_range.extremes():
                try:
                    config = self.config_for({**others, key_range.key: value})
                    require_validation(self.panel_cache.prepare(config))
                except TsconvError as error:
                    raise ConfigError(
                        f"`search_space.{key_range.key}` ({key_range}): {value} cannot be used: "
                        f"{error}"
                    ) from error

    def run_trials(self, store: Store) -> None:
        """Claim and run trials until all are finished, the time is over, or `stop` is set."""
        sweep, name = self.plan.sweep, self.job.name
        study = retry_while_unreachable(
            lambda: optuna.load_study(
                study_name=self.job.study, storage=store.storage, pruner=make_pruner(sweep)
            )
        )
        with store.worker_alive(name):
            while not self.stop.is_set() and not self._is_late():
                claimed = retry_while_unreachable(
                    lambda: claim_trial(store, study, name, sweep, self.space)
                )
                if claimed is not None:
                    self._run(store, study, claimed)
                elif retry_while_unreachable(lambda: count_unfinished(study)) == 0:
                    return
                else:  # other workers run the last trials: wait, in case one of them dies
                    self.send(event="idle")
                    self.stop.wait(_IDLE_SECONDS)

    def _is_late(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline

    def _run(self, store: Store, study: optuna.Study, claimed: ClaimedTrial) -> None:
        """Run one trial and store its outcome, whatever it is."""
        trial, number = claimed.trial, claimed.trial.number
        self.send(event="begin", number=number, values=claimed.values, attempt=claimed.attempt)
        begun = time.perf_counter()
        with store.heartbeats(trial_id(trial)):
            state, values, attributes = self._outcome(store, claimed)
        if state == TrialState.WAITING:
            self._begin_again(store, claimed, str(attributes["error"]))
            return
        attributes["seconds"] = round(time.perf_counter() - begun, 3)
        attributes["seed"] = claimed.values.get("seed", self._seed(number))  # it may be searched
        retry_while_unreachable(
            lambda: finish_trial(store, study, claimed, self.job.name, state, values, attributes)
        )
        _free_memory()
        self.send(event="end", number=number)

    def _begin_again(self, store: Store, claimed: ClaimedTrial, error: str) -> None:
        """Put a trial back that the machine failed; a device that is lost ends this process."""
        attributes = {"failed attempt": error}
        retry_while_unreachable(lambda: begin_again(store, claimed, self.job.name, attributes))
        self.send(event="again", number=claimed.trial.number, error=error)
        if self.device_is_lost:
            raise SystemExit(4)  # the pool starts another
        _free_memory()

    def _outcome(
        self, store: Store, claimed: ClaimedTrial
    ) -> tuple[TrialState, list[float] | None, dict[str, Any]]:
        """Train a trial; returns its state, its values, and the attributes to store with it.

        The state is WAITING where the machine failed it and it is to be begun again.
        """
        number = claimed.trial.number
        folder = Path(self.job.folder) / "trials" / f"{number:04d}"
        try:
            config = self.config_for(claimed.values, number)
            reported = store.storage.get_trial(trial_id(claimed.trial)).last_step
            report = self._reporter(claimed.trial, reported or 0)
            outcome = run_trial(config, self.panel_cache, folder, report)
            values = objective_values(outcome.metrics, self.plan.sweep.objectives)
        except Pruned as pruned:
            return TrialState.PRUNED, None, {"metrics": pruned.figures}
        except Exception as error:
            failure = record_failure(error, folder)
            self.device_is_lost = is_device_fault(error)
            is_last = claimed.attempt >= attempts_for(error, self.plan.sweep.retries)
            return TrialState.FAIL if is_last else TrialState.WAITING, None, failure
        attributes = {
            "config": dataclasses.asdict(outcome.config),
            "rival": rival_figures(outcome.metrics),
            "metrics": {k: v for k, v in outcome.metrics.items() if k != "val"},
            "val": whole_part_figures(outcome.metrics["val"]),
        }
        return TrialState.COMPLETE, values, attributes

    def _reporter(self, trial: optuna.Trial, reported: int) -> Report:
        """What a trial calls after each validation.

        reported: percent of its steps up to which an earlier attempt, whose worker died, had
        reported; until then nothing is reported again.
        """
        prunes = pruner_name(self.plan.sweep) != "none"

        def report(step: int, steps: int, error: float) -> bool:
            self.send(event="step", number=trial.number, step=step, steps=steps, error=error)
            percent = round(100 * step / steps)
            if not prunes or percent <= reported:
                return False
            try:
                retry_while_unreachable(lambda: trial.report(error, percent))
                return step < steps and retry_while_unreachable(trial.should_prune)
            except UNREACHABLE:
                return False  # reports only serve to prune; the outcome waits for the database

        return report


def _free_memory() -> None:
    """Give back what a trial took, for the next one."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _obey(worker: Worker) -> None:
    """Follow the commands on the standard input; where it closes, end the process."""
    for line in sys.stdin:
        {"go": worker.go, "stop": worker.stop}[line.strip()].set()
        if worker.stop.is_set():
            worker.go.set()
    os._exit(3)


def _work(send: Callable[..., None]) -> None:
    """Read the job, prepare, wait for `go`, and run trials."""
    worker = Worker(WorkerJob.from_json(sys.stdin.readline()), send)
    threading.Thread(target=_obey, args=(worker,), daemon=True).start()
    send(event="ready", **worker.prepare())
    worker.go.wait()
    if worker.stop.is_set():
        return
    sweep, job = worker.plan.sweep, worker.job
    with storage_errors_in_one_line(sweep.storage):
        store = retry_while_unreachable(
            lambda: open_store(sweep.storage, Path(job.folder), job.study, sweep.heartbeat)
        )
        with contextlib.closing(store), worker.panel_cache:
            worker.run_trials(store)


def main() -> int:
    """Run a worker to its end; returns the exit code of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pool's, which says `stop`
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # whatever libraries print goes to the log, not between the messages

    def send(**message: Any) -> None:
        with contextlib.suppress(BrokenPipeError):
            out.write(json.dumps(message) + "\n")

    try:
        with quiet_optuna():
            _work(send)
        send(event="over")
        return 0
    except TsconvError as error:
        send(event="fault", error=one_line(error))
        return 1
    except OSError as error:  # disk full, no permission
        send(event="fault", error=disk_fault(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
