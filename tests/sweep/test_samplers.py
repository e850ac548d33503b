"""Samplers and pruners: what they draw depends on seed and number alone, and they learn."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import optuna
import pytest

from tests.helpers.studies import join, run_all, settings
from tsconv.sweep.samplers import make_pruner, quiet_optuna
from tsconv.sweep.storage.open_store import open_store


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes", "gp"])
def test_an_interrupted_sweep_draws_what_one_in_one_go_draws(sampler: str, tmp_path: Path) -> None:
    drawn = []
    for folder, stops in ((tmp_path / "a", [14]), (tmp_path / "b", [5, 14])):
        for stop in stops:  # a new process each time, as far as the store can tell
            store = open_store(None, folder, "s", 1)
            sweep = settings(n_trials=stop, sampler=sampler)
            study = join(store, "s", sweep)
            run_all(store, study, "w", sweep)
        drawn.append([t.params for t in study.get_trials()])
    assert drawn[0] == drawn[1]
    other = open_store(None, tmp_path / "c", "s", 1)
    sweep = settings(n_trials=3, sampler=sampler, seed=1)
    study = join(other, "s", sweep)
    run_all(other, study, "w", sweep)
    assert study.get_trials()[0].params != drawn[0][0]


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes"])
def test_samplers_learn(sampler: str, tmp_path: Path) -> None:
    store, sweep = open_store(None, tmp_path, "s", 1), settings(n_trials=30, sampler=sampler)
    study = join(store, "s", sweep)
    run_all(store, study, "w", sweep)  # the objective is x itself
    values = [t.params["x"] for t in study.get_trials()]
    assert sum(values[-10:]) < 0.6 * sum(values[:10])


def test_the_median_pruner_stops_what_is_worse_than_half_of_the_others() -> None:
    study = optuna.create_study(pruner=make_pruner(settings()))
    for level in range(5):
        trial = study.ask()
        for percent in (25, 50, 75):
            trial.report(level, percent)
        study.tell(trial, float(level))
    good, bad = study.ask(), study.ask()
    bad.report(9, 20)
    assert not bad.should_prune()  # too early to tell
    bad.report(9, 50)
    good.report(1, 50)
    assert bad.should_prune()
    assert not good.should_prune()


def test_optuna_is_quiet_within_a_sweep_and_as_before_after_it() -> None:
    before = optuna.logging.get_verbosity(), list(warnings.filters)
    with quiet_optuna():
        assert optuna.logging.get_verbosity() == optuna.logging.WARNING
        with warnings.catch_warnings(record=True) as caught:
            warnings.warn("new", optuna.exceptions.ExperimentalWarning, stacklevel=1)
            warnings.warn("Heartbeat of storage is supposed to be", UserWarning, stacklevel=1)
        assert not caught
    assert (optuna.logging.get_verbosity(), list(warnings.filters)) == before


def test_importing_the_sweep_changes_no_settings_of_others() -> None:
    code = (
        "import warnings, optuna\n"
        "before = optuna.logging.get_verbosity(), list(warnings.filters)\n"
        "import tsconv.sweep.run, tsconv.sweep.finalize, tsconv.sweep.study\n"
        "ours = [f for f in warnings.filters if f not in before[1]]\n"
        "ours = [f for f in ours if 'Experimental' in str(f) or 'Heartbeat' in str(f)]\n"
        "assert optuna.logging.get_verbosity() == before[0] and not ours, ours\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
