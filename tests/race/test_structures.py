"""Which contexts and ways of sharing a race solves, how it compares them, and which it trains."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.frames import daily_frame, stations
from tests.helpers.races import beginning_of
from tsconv.config.compose import train_config
from tsconv.data.reading.read import table_from_frame
from tsconv.race.budget import Budget, Clock
from tsconv.race.structures import (
    Structure,
    _lies_beyond,
    solved_structures,
    to_train,
)

Like = Callable[..., Structure]


ROWS = ("data.id=null", "data.row=place", "data.target=no2")


def structures_of(tmp_path: Path, frame: pd.DataFrame, *keys: str) -> list[Structure]:
    small = ("horizon=7", "model.hidden=4", "model.levels=2", f"run_dir={tmp_path / 'run'}")
    config = train_config([*small, *keys])
    at = beginning_of(config, table_from_frame(frame, config.data))
    return solved_structures(at.config, at.factory(), Clock(Budget(candidates=3)))


@pytest.fixture
def like(tmp_path: Path) -> Like:
    """Makes structures of a context, a loss and a way of sharing, the loss being both of them."""
    best = structures_of(tmp_path, daily_frame(2, 120))[0]

    def make(
        context_length: int, loss: float, maps: str = "shared", cross_row: str = "none"
    ) -> Structure:
        one = best.candidate
        model = dataclasses.replace(one.prepared.config.model, maps=maps, cross_row=cross_row)
        config = dataclasses.replace(
            one.prepared.config, context_length=context_length, model=model
        )
        prepared = dataclasses.replace(one.prepared, config=config)
        assert one.choice is not None
        choice = dataclasses.replace(one.choice, loss=loss**2)
        one = dataclasses.replace(one, prepared=prepared, loss=loss, choice=choice)
        return Structure(one, config, maps)

    return make


def test_structures_are_solved_without_a_stack_and_the_best_comes_first(tmp_path: Path) -> None:
    found = structures_of(tmp_path, daily_frame(2, 120))
    losses = [s.loss for s in found]
    assert losses == sorted(losses)
    assert {s.sharing for s in found} == {"shared", "own_maps"}
    assert not any(s.candidate.prepared.net.spec.stack for s in found)
    assert all(s.config.model.stack for s in found)  # what is trained has one


def test_rows_are_shared_or_mixed(tmp_path: Path) -> None:
    found = structures_of(tmp_path, stations(), *ROWS)
    assert {s.sharing for s in found} == {"shared", "dense_rows"}
    assert {s.mixes_rows for s in found if s.sharing == "dense_rows"} == {True}


def test_structures_are_compared_by_pinball_loss_and_squared_error(like: Like) -> None:
    one = like(28, 0.5)
    assert one.loss == pytest.approx(0.5)
    assert one.candidate.choice is not None
    choice = dataclasses.replace(one.candidate.choice, loss=0.04)
    better = one._replace(candidate=dataclasses.replace(one.candidate, choice=choice))
    assert better.loss == pytest.approx(math.sqrt(0.5 * 0.2))
    without = one._replace(candidate=dataclasses.replace(one.candidate, choice=None))
    assert without.loss == 0.5


def test_contexts_beyond_one_that_is_behind_are_left_out(like: Like) -> None:
    alike = [like(28, 1.0), like(42, 1.005), like(56, 1.02), like(14, 1.02)]
    beyond = [_lies_beyond(alike, n) for n in (7, 21, 35, 49, 70)]
    assert beyond == [True, False, False, False, True]
    assert not _lies_beyond([], 28)


def test_the_best_and_the_best_that_shares_otherwise_are_trained(like: Like) -> None:
    own, near, far = like(14, 1.0, "pooled"), like(28, 1.05), like(28, 1.2)
    next_best = like(21, 1.01, "pooled")
    assert to_train([own, next_best, near]) == [own, near]
    assert to_train([own, next_best, far]) == [own, next_best]
    assert to_train([own]) == [own]


def test_many_series_train_one_structure_the_simpler_where_it_is_near(like: Like) -> None:
    own = like(14, 1.0, "pooled")
    near, far = like(28, 1.04), like(28, 1.06)
    assert to_train([own, near], many_series=True) == [near]
    assert to_train([own, far], many_series=True) == [own]


def test_rows_that_mix_lead_where_they_are_hardly_behind(like: Like) -> None:
    shared, mixed = like(28, 1.0), like(28, 1.005, "pooled", "dense")
    assert to_train([shared, mixed]) == [mixed, shared]
    behind = like(28, 1.02, "pooled", "dense")
    assert to_train([shared, behind]) == [shared, behind]
