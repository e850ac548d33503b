"""What a sweep leaves to read, from studies made by hand."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import optuna
import pytest
from omegaconf import OmegaConf
from optuna.trial import TrialState, create_trial

from tests.helpers.studies import settings
from tsconv.sweep.results.summary import short_names, summary, write_best, write_trials
from tsconv.sweep.results.trials import best_trials, first_error

RANGES = {
    "optimizer.lr": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True),
    "model.rows": optuna.distributions.CategoricalDistribution(["shared", "pooled"]),
}


def add(study: optuna.Study, value: Any, lr: float, state: str = "COMPLETE", **attrs: Any) -> None:
    values = value if isinstance(value, list) else [value]
    study.add_trial(
        create_trial(
            state=TrialState[state],
            values=values if state == "COMPLETE" else None,
            params={"optimizer.lr": lr, "model.rows": "shared"},
            distributions=RANGES,
            user_attrs={"seed": 3, "attempt": 1, **attrs},
        )
    )


@pytest.fixture
def study() -> optuna.Study:
    study = optuna.create_study()
    metrics = {"train_seconds": 2.5, "parameters": 100}
    for value, lr in ((0.5, 1e-3), (0.4, 2e-3)):
        config = {"horizon": 7, "seed": 3, "run_dir": None, "resume": None, "optimizer": {"lr": lr}}
        add(study, value, lr, config=config, metrics=metrics, val={"mae": value, "wql": None})
    add(study, 0, 3e-3, "PRUNED", metrics={"train_seconds": 1.0})
    for _ in range(2):
        add(study, 0, 9e-2, "FAIL", error="the gradient is not finite", kind="failed")
    add(study, 0, 5e-3, "FAIL", error="no memory", kind="out of memory")
    return study


def test_every_trial_has_its_line(study: optuna.Study, tmp_path: Path) -> None:
    write_trials(study, settings(objectives=["val.scaled_mae"]), tmp_path / "trials.csv")
    with (tmp_path / "trials.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    states = ["complete", "complete", "pruned", "failed", "failed", "out of memory"]
    assert [line["state"] for line in lines] == states
    assert [line["best"] for line in lines] == list("010000")
    assert [line["val.scaled_mae"] for line in lines] == ["0.5", "0.4", "", "", "", ""]
    assert lines[1]["optimizer.lr"] == "0.002"
    assert lines[1]["val.mae"] == "0.4"
    assert lines[2]["train_seconds"] == "1.0"
    assert lines[3]["error"] == "the gradient is not finite"


def test_the_end_counts_and_explains(study: optuna.Study) -> None:
    lines = summary(study, settings(objectives=["val.scaled_mae"]))
    assert (
        lines[0]
        == "6 trials: 2 complete, 1 pruned, 2 failed, 1 out of memory (*: the best when it ended)"
    )
    assert lines[1] == "  2 failed: the gradient is not finite"
    assert lines[2] == "  1 out of memory: no memory"
    assert lines[-1].startswith("best: trial 1: val.scaled_mae 0.4 with optimizer.lr=0.002")
    assert first_error(study) is None


def test_the_rival_stands_below_the_best_trial() -> None:
    study = optuna.create_study()
    rival = {"name": "seasonal naive, 7 steps", "val": {"scaled_mae": 0.5, "wql": None}}
    add(study, 0.4, 1e-3, rival=rival)
    lines = summary(study, settings(objectives=["val.scaled_mae"]))
    assert lines[-1] == "best simple forecast: seasonal naive, 7 steps: val.scaled_mae 0.5"
    lines = summary(study, settings(objectives=["val.wql"]))  # not defined for the rival
    assert lines[-1].startswith("best: trial 0")


def test_only_failures_give_the_first_error() -> None:
    study = optuna.create_study()
    assert first_error(study) is None
    add(study, 0, 9e-2, "FAIL", error="first", kind="failed")
    add(study, 0, 9e-2, "FAIL", error="second", kind="failed")
    assert first_error(study) == "first"
    assert best_trials(study) == []
    assert summary(study, settings())[0] == "2 trials: 2 failed"


def test_best_is_an_experiment_without_a_run_folder(study: optuna.Study, tmp_path: Path) -> None:
    winner = write_best(study, settings(), tmp_path)
    assert winner is not None
    assert winner.number == 1
    text = (tmp_path / "experiment" / "best.yaml").read_text()
    assert text.startswith("# @package _global_\n# Trial 1 of ")
    content = OmegaConf.to_container(OmegaConf.create(text))
    assert content == {"horizon": 7, "seed": 3, "optimizer": {"lr": 0.002}}


def test_a_front_is_in_the_order_of_its_first_objective(tmp_path: Path) -> None:
    study = optuna.create_study(directions=["minimize", "maximize"])
    for values in ([3.0, 9.0], [1.0, 5.0], [2.0, 4.0], [2.5, 7.0]):
        add(study, values, 1e-3, config={})
    sweep = settings(objectives=["val.mae", "train_origins_per_second"])
    assert [t.number for t in best_trials(study)] == [1, 3, 0]
    assert summary(study, sweep)[1] == "Pareto front:"
    assert write_best(study, sweep, tmp_path) == study.trials[1]


def test_short_names_stay_apart() -> None:
    keys = ["model.hidden", "optimizer.name", "scheduler.name", "seed"]
    assert short_names(keys) == {
        "model.hidden": "hidden",
        "optimizer.name": "optimizer.name",
        "scheduler.name": "scheduler.name",
        "seed": "seed",
    }
