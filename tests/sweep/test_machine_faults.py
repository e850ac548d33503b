"""Trials that the machine failed begin again; those that their hyperparameters failed do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from optuna.trial import TrialState

from tests.helpers.frames import daily_frame
from tsconv.errors import TrainingError
from tsconv.sweep import worker as worker_module
from tsconv.sweep.machine_faults import attempts_for
from tsconv.sweep.results.trials import mostly_failed
from tsconv.sweep.storage.journal import JournalStore
from tsconv.sweep.study import join_study
from tsconv.sweep.worker import Worker
from tsconv.sweep.worker_job import WorkerJob


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (OSError(28, "No space left on device"), 3),
        (RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"), 3),
        (torch._dynamo.exc.BackendCompilerFailed(lambda: 0, ValueError("x"), None), 3),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), 3),
        (RuntimeError("CUDA out of memory"), 2),
        (MemoryError(), 2),
        (TrainingError("the gradient of step 7 is not finite"), 1),
        (ValueError("mat1 and mat2 shapes cannot be multiplied"), 1),
    ],
)
def test_which_errors_are_worth_another_attempt(error: Exception, attempts: int) -> None:
    assert attempts_for(error, retries=2) == attempts
    assert attempts_for(error, retries=0) == 1


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, faults: list[Exception], n: int) -> Any:
    """A sweep of one worker whose trainings meet the faults, one each, and then end well."""
    path = folder / "sales.csv"
    daily_frame(2, 150).to_csv(path, index=False)
    monkeypatch.setattr(worker_module, "run_trial", lambda *_: fail(faults))
    given = ["horizon=7", f"data.path={path}", f"sweep.n_trials={n}", "sweep.sampler=random"]
    said: list[dict[str, Any]] = []
    job = WorkerJob(given, None, str(folder / "out"), "s", "w", None, None)
    worker = Worker(job, lambda **message: said.append(message))
    store = JournalStore(folder / "out")
    study = join_study(store, "s", {}, worker.plan.sweep, None)
    worker.run_trials(store)
    return study, said


def fail(faults: list[Exception]) -> Any:
    if faults:
        raise faults.pop(0)
    raise worker_module.Pruned({})  # an end that is no failure, without training anything


def test_a_trial_that_the_machine_failed_begins_again_under_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(28, "No space left on device", "metrics.json")
    study, said = run(tmp_path, monkeypatch, [full], n=2)
    first, second = study.trials
    assert [t.state for t in study.trials] == [TrialState.PRUNED] * 2
    assert (first.user_attrs["attempt"], second.user_attrs["attempt"]) == (2, 1)
    assert "error" not in first.user_attrs
    assert [m["error"] for m in said if m["event"] == "again"] == [
        "the disk is full: metrics.json was not written; free some space, or name another disk"
    ]


def test_faults_that_repeat_and_those_of_hyperparameters_fail_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [MemoryError(), MemoryError(), TrainingError("not finite"), *[OSError(5, "x")] * 3]
    study, _ = run(tmp_path, monkeypatch, faults, n=4)
    assert [t.user_attrs["attempt"] for t in study.trials] == [2, 1, 3, 1]
    states = [TrialState.FAIL] * 3 + [TrialState.PRUNED]
    assert [t.state for t in study.trials] == states
    assert str(mostly_failed(study)).startswith("3 of 4 trials failed, 1 of them with: ")


def test_half_of_the_trials_is_not_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, _ = run(tmp_path, monkeypatch, [TrainingError("a"), TrainingError("a")], n=4)
    assert mostly_failed(study) is None
