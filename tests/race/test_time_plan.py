"""How the seconds of a budget are shared out, by a clock that the test sets."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.helpers.frames import daily_frame
from tests.helpers.races import beginning_of
from tsconv.config.compose import train_config
from tsconv.data.reading.read import table_from_frame
from tsconv.race.budget import Budget, Clock
from tsconv.race.members import MOST_MEMBERS
from tsconv.race.time_plan import TimePlan


class FixedClock(Clock):
    """A clock that stands where it is set."""

    now = 20.0

    @property
    def spent(self) -> float:
        return self.now


def plan_of(tmp_path: Path, budget: Budget, *more: str) -> TimePlan:
    config = train_config(["horizon=7", f"run_dir={tmp_path / 'run'}", *more])
    at = beginning_of(config, table_from_frame(daily_frame(2, 120), config.data))
    return TimePlan(FixedClock(budget), at.base, at.part)


def test_shares_are_of_the_time_after_solving(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, Budget(seconds=60.0))
    assert plan.until(0.25) == pytest.approx(10)
    plan.clock.now = 28.0  # type: ignore[attr-defined]
    assert plan.until(0.25) == pytest.approx(2)
    assert plan.until(0.0) == pytest.approx(-8)


@pytest.mark.parametrize("refit", ["true", "false"])
def test_time_is_kept_for_scoring_and_for_a_refit(tmp_path: Path, refit: str) -> None:
    plan = plan_of(tmp_path, Budget(seconds=60.0), f"refit={refit}")
    kept = 40 - plan.left_for_training(val_seconds=1.0)
    assert 4.0 < kept - 4.8 * (refit == "true") < 5.0  # four passes of a second, and a little
    kept = 40 - plan.left_for_training(val_seconds=100.0)  # however long a pass takes, at most 35%
    assert kept == pytest.approx(21 + 4.8 * (refit == "true"))


def test_members_are_as_many_as_there_is_time_to_score_but_three_at_least(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, Budget(seconds=60.0), "refit=false")
    assert plan.most_members(val_seconds=1.0) == MOST_MEMBERS
    assert plan.most_members(val_seconds=100.0) == 3


def test_a_budget_in_candidates_is_endless(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, Budget(candidates=3))
    assert math.isinf(plan.until(0.1))
    assert math.isinf(plan.left_for_training(val_seconds=1.0))
    assert plan.most_members(val_seconds=1.0) == MOST_MEMBERS
