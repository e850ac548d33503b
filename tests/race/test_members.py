"""Which networks are averaged: beside a loop over every average, and what the limits do."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.helpers.frames import daily_frame
from tests.helpers.races import beginning_of
from tsconv.config.compose import train_config
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.reading.read import table_from_frame
from tsconv.model.ensemble import EnsembleNet
from tsconv.race import members
from tsconv.race.candidate import Candidate, validation_loss
from tsconv.race.members import MOST_MEMBERS, choose_members


@pytest.fixture
def solved(tmp_path: Path) -> tuple[list[Candidate], OriginRange]:
    """Solved candidates of several contexts, and the validation origins that compare them."""
    config = train_config(["horizon=7", "model=linear", f"run_dir={tmp_path / 'run'}"])
    at = beginning_of(config, table_from_frame(daily_frame(3, 150), config.data))
    factory = at.factory()
    found = [
        factory.make(str(n), dataclasses.replace(at.config, context_length=n))
        for n in (7, 14, 21, 28, 35, 42)
    ]
    return [c for c in found if c is not None], at.part


def joint(some: list[Candidate], part: OriginRange) -> float:
    net = EnsembleNet([c.prepared.net for c in some])
    return validation_loss(net, some[0].prepared, part)


def test_each_member_lowers_the_loss_of_the_average_the_most(
    solved: tuple[list[Candidate], OriginRange], monkeypatch: pytest.MonkeyPatch
) -> None:
    candidates, part = solved
    monkeypatch.setattr(members, "_WORSE", 10.0)
    monkeypatch.setattr(members, "_ALIKE", 0.1)
    chosen = choose_members(candidates, part)
    wanted = [min(candidates, key=lambda c: c.loss)]
    lowest = wanted[0].loss
    while len(wanted) < MOST_MEMBERS:
        rest = [c for c in candidates if c not in wanted]
        best = min(rest, key=lambda c: joint([*wanted, c], part))
        if joint([*wanted, best], part) > lowest * 1.1:
            break
        wanted.append(best)
        lowest = min(lowest, joint(wanted, part))
    assert [c.name for c in chosen] == [c.name for c in wanted]
    assert len(chosen) > 1  # else it would show nothing


def test_what_is_far_behind_alone_is_no_member(
    solved: tuple[list[Candidate], OriginRange], monkeypatch: pytest.MonkeyPatch
) -> None:
    candidates, part = solved
    monkeypatch.setattr(members, "_WORSE", 0.0)
    best = min(candidates, key=lambda c: c.loss)
    assert choose_members(candidates, part) == [best]
    assert len(choose_members(candidates, part, at_least=2)) == 2
