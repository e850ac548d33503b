"""One study and many workers: the exact count, lost trials, joining. On both stores."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from tests.helpers.rank_processes import CONTEXT
from tests.helpers.studies import IDENTITY, SPACE, join, run_all, settings
from tsconv.errors import ConfigError
from tsconv.sweep.search_space.parse import parse_space
from tsconv.sweep.search_space.ranges import grid
from tsconv.sweep.settings import trial_limit
from tsconv.sweep.storage.base import Store
from tsconv.sweep.storage.journal import JournalStore
from tsconv.sweep.storage.open_store import open_store
from tsconv.sweep.storage.optuna_internals import trial_id
from tsconv.sweep.study import claim_trial, finish_trial, join_study


def _hammer(address: str | None, folder: Path, name: str, worker: int, together: Any) -> None:
    together.wait(60)
    store = open_store(address, folder, name, heartbeat=1)
    sweep = settings(n_trials=24)
    study = join(store, name, sweep)
    together.wait(60)  # the first to join must not finish all trials before the others are there
    run_all(store, study, f"w{worker}", sweep, seconds=0.02)


def run_together(processes: list[Any]) -> None:
    """Start every process, wait for all, and see that none failed."""
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(processes)


def test_workers_that_start_at_once_join_one_study_and_share_the_exact_count(
    address: str | None, tmp_path: Path, name: str, store: Store
) -> None:
    together = CONTEXT.Barrier(3)
    processes = [
        CONTEXT.Process(target=_hammer, args=(address, tmp_path, name, w, together))
        for w in range(3)
    ]
    run_together(processes)
    assert optuna.get_all_study_names(store.storage).count(name) == 1
    trials = join(store, name).get_trials()
    assert [t.number for t in trials] == list(range(24))
    assert all(t.state == TrialState.COMPLETE for t in trials)
    assert len({t.params["x"] for t in trials}) == 24  # nobody drew what another did
    assert len({t.user_attrs["worker"] for t in trials}) > 1


def _claim_and_hang(address: str | None, folder: Path, name: str, ready: Any) -> None:
    store = open_store(address, folder, name, heartbeat=1)
    study = join(store, name)
    with store.worker_alive("doomed"):
        claimed = claim_trial(store, study, "doomed", settings(), SPACE)
        assert claimed is not None
        with store.heartbeats(trial_id(claimed.trial)):
            ready.set()
            time.sleep(60)


def killed_in_a_trial(address: str | None, folder: Path, name: str) -> None:
    ready = CONTEXT.Event()
    process = CONTEXT.Process(target=_claim_and_hang, args=(address, folder, name, ready))
    process.start()
    assert ready.wait(60)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def wait_until_lost(store: Store, study: optuna.Study) -> None:
    """A server knows only by the heartbeats that do not come, so it is asked twice."""
    if not isinstance(store, JournalStore):
        time.sleep(4.5)
        assert store.lost_trials(study, {0: "doomed"}) == []  # not at the first query
        time.sleep(2.2)


def test_a_lost_trial_is_started_again_in_its_place(
    address: str | None, tmp_path: Path, name: str, store: Store
) -> None:
    killed_in_a_trial(address, tmp_path, name)
    study = join(store, name)
    drawn = study.get_trials()[0].params
    assert study.get_trials()[0].state == TrialState.RUNNING
    wait_until_lost(store, study)
    claimed = claim_trial(store, study, "heir", settings(), SPACE)
    assert claimed is not None
    assert (claimed.trial.number, claimed.attempt, claimed.values) == (0, 2, drawn)
    finish_trial(store, study, claimed, "heir", TrialState.COMPLETE, [1.0], {})
    run_all(store, study, "heir", settings())
    assert [t.number for t in study.get_trials()] == [0, 1, 2, 3, 4]
    assert all(t.state == TrialState.COMPLETE for t in study.get_trials())


def _die_after_claiming(address: str | None, folder: Path, name: str) -> None:
    store = open_store(address, folder, name, heartbeat=1)
    with store.worker_alive("doomed"):
        claim_trial(store, join(store, name), "doomed", settings(), SPACE)
        os.kill(os.getpid(), signal.SIGKILL)  # before any heartbeat of its own


def test_a_trial_whose_worker_died_at_once_is_lost_too(
    address: str | None, tmp_path: Path, name: str, store: Store
) -> None:
    process = CONTEXT.Process(target=_die_after_claiming, args=(address, tmp_path, name))
    process.start()
    process.join()
    study = join(store, name)
    wait_until_lost(store, study)
    claimed = claim_trial(store, study, "heir", settings(), SPACE)
    assert claimed is not None
    assert (claimed.trial.number, claimed.attempt) == (0, 2)
    if address is not None:  # the heir has not beaten yet, and the dead one's beats are old
        assert claim_trial(store, study, "third", settings(), SPACE).trial.number == 1  # type: ignore[union-attr]


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
    together = CONTEXT.Barrier(3)
    address = postgres.replace("/postgres?", "/fresh?")
    processes = [
        CONTEXT.Process(target=_make_store, args=(address, tmp_path, f"study {i}", together))
        for i in range(3)
    ]
    run_together(processes)


def test_a_trial_that_kills_its_workers_is_given_up(store: Store, name: str) -> None:
    study, sweep = join(store, name), settings(n_trials=1, retries=1)
    for worker in "ab":
        assert claim_trial(store, study, worker, sweep, SPACE) is not None
        store.lost_trials = lambda study, running: list(running)  # type: ignore[method-assign]
    assert claim_trial(store, study, "c", sweep, SPACE) is None
    (trial,) = study.get_trials()
    assert trial.state == TrialState.FAIL
    assert trial.user_attrs["kind"] == "lost"
    assert "died 2 times" in trial.user_attrs["error"]


def test_a_running_trial_is_not_claimed_from_a_living_worker(store: Store, name: str) -> None:
    study, sweep = join(store, name), settings(n_trials=2)
    with store.worker_alive("alive"):
        first = claim_trial(store, study, "alive", sweep, SPACE)
        assert first is not None
        with store.heartbeats(trial_id(first.trial)):
            time.sleep(4)  # four heartbeats of a second; three missed ones would be the end
            second = claim_trial(store, study, "other", sweep, SPACE)
    assert second is not None
    assert second.trial.number == 1


def test_a_worker_that_was_given_up_cannot_finish_twice(store: Store, name: str) -> None:
    study, sweep = join(store, name), settings(n_trials=1)
    slow = claim_trial(store, study, "slow", sweep, SPACE)
    assert slow is not None
    store.lost_trials = lambda study, running: list(running)  # type: ignore[method-assign]
    heir = claim_trial(store, study, "heir", sweep, SPACE)
    assert heir is not None
    assert heir.trial.number == slow.trial.number
    late = finish_trial(store, study, slow, "slow", TrialState.COMPLETE, [5.0], {})
    assert not late
    assert finish_trial(store, study, heir, "heir", TrialState.COMPLETE, [3.0], {})
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


def test_a_grid_is_gone_through_once_and_then_over(tmp_path: Path) -> None:
    space = parse_space({"k": {"choices": ["a", "b"]}, "i": {"type": "int", "low": 1, "high": 3}})
    store, sweep = open_store(None, tmp_path, "s", 1), settings(n_trials=50, sampler="grid")
    baseline = {"k": "b", "i": 2}
    study = join_study(store, "s", IDENTITY, sweep, baseline)
    run_all(store, study, "w", sweep, space)
    params = [t.params for t in study.get_trials()]
    assert params[0] == baseline
    assert sorted(map(str, params)) == sorted(map(str, grid(space)))
    assert trial_limit(sweep, space) == 6


def test_a_study_of_something_else_is_left_alone(store: Store, name: str) -> None:
    study = join(store, name)
    run_all(store, study, "w", settings(n_trials=1))
    for identity, words in (
        ({**IDENTITY, "search_space": {"x": "float 0 to 2"}}, "`search_space.x`: it has float 0"),
        ({**IDENTITY, "search_space": {}}, "float 0 to 1, this command nothing"),
        ({**IDENTITY, "config": {"horizon": 9}}, "`config.horizon`: it has 7, this command 9"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            join_study(store, name, identity, settings(), None)
    assert len(study.get_trials()) == 1


def test_somebody_elses_study_is_refused(store: Store, name: str) -> None:
    theirs = optuna.create_study(study_name=name, storage=store.storage)
    theirs.add_trial(optuna.trial.create_trial(value=1.0))
    with pytest.raises(ConfigError, match="was not made by tsconv"):
        join(store, name)
