"""One study and many workers: the exact count, lost trials, joining, samplers. On both stores."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from tests.helpers.studies import settings
from tsconv.config.schema import SweepConfig
from tsconv.errors import ConfigError
from tsconv.sweep import study as studies
from tsconv.sweep.search_space.parse import parse_space
from tsconv.sweep.search_space.ranges import Space, grid
from tsconv.sweep.storage.store import JournalStore, Store, open_store

SPACE = parse_space({"x": {"type": "float", "low": 0, "high": 1}, "k": {"choices": ["a", "b"]}})
IDENTITY = {"search_space": {"x": "float 0 to 1"}, "config": {"horizon": 7}}


def join(store: Store, name: str, sweep: SweepConfig | None = None) -> optuna.Study:
    return studies.join_study(store, name, IDENTITY, sweep or settings(), None)


def run_all(
    store: Store, study: optuna.Study, worker: str, sweep: SweepConfig, space: Space = SPACE
) -> None:
    """Take and finish trials until there are none; the value is what was drawn for x, or 0."""
    with store.working(worker):
        while (taken := studies.take(store, study, worker, sweep, space)) is not None:
            value = [float(taken.values.get("x", 0))] * len(sweep.objectives)
            time.sleep(0.005)
            studies.finish(store, study, taken, worker, TrialState.COMPLETE, value, {})


def _hammer(address: str | None, folder: Path, name: str, worker: int, together: Any) -> None:
    together.wait(60)
    store = open_store(address, folder, name, heartbeat=1)
    sweep = settings(n_trials=24)
    run_all(store, join(store, name, sweep), f"w{worker}", sweep)


def run_together(crew: list[Any]) -> None:
    """Start every process, wait for all, and see that none failed."""
    for process in crew:
        process.start()
    for process in crew:
        process.join()
    assert [process.exitcode for process in crew] == [0] * len(crew)


def test_workers_that_start_at_once_join_one_study_and_share_the_exact_count(
    address: str | None, tmp_path: Path, name: str, store: Store
) -> None:
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(3)
    crew = [
        context.Process(target=_hammer, args=(address, tmp_path, name, w, together))
        for w in range(3)
    ]
    run_together(crew)
    assert optuna.get_all_study_names(store.storage).count(name) == 1
    trials = join(store, name).get_trials()
    assert [t.number for t in trials] == list(range(24))
    assert all(t.state == TrialState.COMPLETE for t in trials)
    assert len({t.params["x"] for t in trials}) == 24  # nobody drew what another did
    assert len({t.user_attrs["worker"] for t in trials}) > 1


def _take_and_hang(address: str | None, folder: Path, name: str, ready: Any) -> None:
    store = open_store(address, folder, name, heartbeat=1)
    study = join(store, name)
    with store.working("doomed"):
        taken = studies.take(store, study, "doomed", settings(), SPACE)
        assert taken is not None
        with store.beating(taken.trial._trial_id):
            ready.set()
            time.sleep(60)


def killed_in_a_trial(address: str | None, folder: Path, name: str) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_take_and_hang, args=(address, folder, name, ready))
    process.start()
    assert ready.wait(60)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def wait_until_lost(store: Store, study: optuna.Study) -> None:
    """A server knows only by the heartbeats that do not come, and looks twice."""
    if not isinstance(store, JournalStore):
        time.sleep(4.5)
        assert store.lost(study, {0: "doomed"}) == []  # not at the first look
        time.sleep(2.2)


def test_a_lost_trial_is_taken_over_in_its_place(
    address: str | None, tmp_path: Path, name: str, store: Store
) -> None:
    killed_in_a_trial(address, tmp_path, name)
    study = join(store, name)
    drawn = study.get_trials()[0].params
    assert study.get_trials()[0].state == TrialState.RUNNING
    wait_until_lost(store, study)
    taken = studies.take(store, study, "heir", settings(), SPACE)
    assert taken is not None
    assert (taken.trial.number, taken.attempt, taken.values) == (0, 2, drawn)
    studies.finish(store, study, taken, "heir", TrialState.COMPLETE, [1.0], {})
    run_all(store, study, "heir", settings())
    assert [t.number for t in study.get_trials()] == [0, 1, 2, 3, 4]
    assert all(t.state == TrialState.COMPLETE for t in study.get_trials())


def _die_after_taking(address: str | None, folder: Path, name: str) -> None:
    store = open_store(address, folder, name, heartbeat=1)
    with store.working("doomed"):
        studies.take(store, join(store, name), "doomed", settings(), SPACE)
        os.kill(os.getpid(), signal.SIGKILL)  # before any heartbeat of its own


def test_a_trial_whose_worker_died_at_once_is_lost_too(
    address: str | None, tmp_path: Path, name: str, store: Store
) -> None:
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_die_after_taking, args=(address, tmp_path, name))
    process.start()
    process.join()
    study = join(store, name)
    wait_until_lost(store, study)
    taken = studies.take(store, study, "heir", settings(), SPACE)
    assert taken is not None
    assert (taken.trial.number, taken.attempt) == (0, 2)
    if address is not None:  # the heir has not beaten yet, and the dead one's beats are old
        assert studies.take(store, study, "third", settings(), SPACE).trial.number == 1  # type: ignore[union-attr]


def _make_store(address: str, folder: Path, name: str, together: Any) -> None:
    together.wait(60)
    join(open_store(address, folder, name, heartbeat=1), name)


def test_studies_that_are_made_at_once_in_a_new_database_do_not_collide(
    postgres: str, tmp_path: Path
) -> None:
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    server = create_engine(
        postgres.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool
    )
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE fresh"))
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(3)
    address = postgres.replace("/postgres?", "/fresh?")
    crew = [
        context.Process(target=_make_store, args=(address, tmp_path, f"study {i}", together))
        for i in range(3)
    ]
    run_together(crew)


def test_a_trial_that_kills_its_workers_is_given_up(store: Store, name: str) -> None:
    study, sweep = join(store, name), settings(n_trials=1, retries=1)
    for worker in "ab":
        assert studies.take(store, study, worker, sweep, SPACE) is not None
        store.lost = lambda study, running: list(running)  # type: ignore[method-assign]
    assert studies.take(store, study, "c", sweep, SPACE) is None
    (trial,) = study.get_trials()
    assert trial.state == TrialState.FAIL
    assert trial.user_attrs["kind"] == "lost"
    assert "died 2 times" in trial.user_attrs["error"]


def test_a_running_trial_is_not_taken_from_a_living_worker(store: Store, name: str) -> None:
    study, sweep = join(store, name), settings(n_trials=2)
    with store.working("alive"):
        first = studies.take(store, study, "alive", sweep, SPACE)
        assert first is not None
        with store.beating(first.trial._trial_id):
            time.sleep(4)  # four heartbeats of a second; three missed ones would be the end
            second = studies.take(store, study, "other", sweep, SPACE)
    assert second is not None
    assert second.trial.number == 1


def test_a_worker_that_was_given_up_cannot_finish_twice(store: Store, name: str) -> None:
    study, sweep = join(store, name), settings(n_trials=1)
    slow = studies.take(store, study, "slow", sweep, SPACE)
    assert slow is not None
    store.lost = lambda study, running: list(running)  # type: ignore[method-assign]
    heir = studies.take(store, study, "heir", sweep, SPACE)
    assert heir is not None
    assert heir.trial.number == slow.trial.number
    late = studies.finish(store, study, slow, "slow", TrialState.COMPLETE, [5.0], {})
    assert not late
    assert studies.finish(store, study, heir, "heir", TrialState.COMPLETE, [3.0], {})
    assert study.get_trials()[0].value == 3.0


def test_more_trials_continue_a_study_and_fewer_leave_it(store: Store, name: str) -> None:
    study = join(store, name)
    run_all(store, study, "w", settings(n_trials=3))
    before = study.get_trials()
    run_all(store, study, "w", settings(n_trials=2))
    assert len(study.get_trials()) == 3
    run_all(store, study, "w", settings(n_trials=5))
    after = study.get_trials()
    assert [t.params for t in after[:3]] == [t.params for t in before]
    assert len(after) == 5


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


def test_a_grid_is_gone_through_once_and_then_over(tmp_path: Path) -> None:
    space = parse_space({"k": {"choices": ["a", "b"]}, "i": {"type": "int", "low": 1, "high": 3}})
    store, sweep = open_store(None, tmp_path, "s", 1), settings(n_trials=50, sampler="grid")
    baseline = {"k": "b", "i": 2}
    study = studies.join_study(store, "s", IDENTITY, sweep, baseline)
    run_all(store, study, "w", sweep, space)
    params = [t.params for t in study.get_trials()]
    assert params[0] == baseline
    assert sorted(map(str, params)) == sorted(map(str, grid(space)))
    assert studies.most_trials(sweep, space) == 6


def test_a_study_of_something_else_is_left_alone(store: Store, name: str) -> None:
    study = join(store, name)
    run_all(store, study, "w", settings(n_trials=1))
    for identity, words in (
        ({**IDENTITY, "search_space": {"x": "float 0 to 2"}}, "`search_space.x`: it has float 0"),
        ({**IDENTITY, "search_space": {}}, "float 0 to 1, this command nothing"),
        ({**IDENTITY, "config": {"horizon": 9}}, "`config.horizon`: it has 7, this command 9"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            studies.join_study(store, name, identity, settings(), None)
    assert len(study.get_trials()) == 1


def test_somebody_elses_study_is_refused(store: Store, name: str) -> None:
    theirs = optuna.create_study(study_name=name, storage=store.storage)
    theirs.add_trial(optuna.trial.create_trial(value=1.0))
    with pytest.raises(ConfigError, match="was not made by tsconv"):
        join(store, name)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"sampler": "tep"},
            r"`sweep.sampler` \(=tep\) must be one of .* \(did you mean `tpe`\?\)",
        ),
        ({"pruner": "medium"}, r"did you mean `median`"),
        ({"n_trials": 0}, r"`sweep.n_trials` \(=0\) must be at least 1"),
        ({"objectives": []}, "is empty"),
        ({"objectives": ["test.mae"]}, "never looks at the test part"),
        ({"objectives": ["val.coverage_80"]}, "must be one of val.scaled_mae"),
        ({"objectives": ["val.mae", "val.mae"]}, "names one twice"),
        ({"objectives": ["val.mae", "parameters"], "pruner": "median"}, "sweep.pruner=none"),
        ({"objectives": ["val.mae", "parameters"], "sampler": "cmaes"}, "knows one objective"),
        ({"sampler": "grid"}, "needs `choices` or a `step`"),
    ],
)
def test_settings_that_could_not_work_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        studies.check_settings(settings(**given), SPACE)


def test_several_objectives_have_no_pruner_by_default_and_throughput_is_maximised() -> None:
    several = settings(objectives=["val.mae", "train_origins_per_second"])
    studies.check_settings(several, SPACE)
    assert studies.pruner_name(several) == "none"
    assert studies.pruner_name(settings()) == "median"
    assert [d.name for d in studies.directions(several)] == ["MINIMIZE", "MAXIMIZE"]


def test_the_median_pruner_stops_what_is_worse_than_half_of_the_others() -> None:
    study = optuna.create_study(pruner=studies.make_pruner(settings()))
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
