"""What compiling cost is kept, and damage to the file costs a guess, nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.runs import run
from tsconv.training.plan.compile_costs import CompileCost, CompileCosts, CompiledShape
from tsconv.training.step.compiled_loss import CompiledStep

NOTHING = CompileCost(None, None, None)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"format": 9}', '{"format": 1, "costs": {"a": 1}}', "\x00"]
)
def test_a_damaged_file_is_one_without_costs(tmp_path: Path, content: str) -> None:
    path = tmp_path / "costs.json"
    path.write_text(content)
    costs = CompileCosts(path)
    assert costs.recall("here", 1) == NOTHING
    costs.keep("here", 1, CompileCost(20.0, None, 0.1))
    assert costs.recall("here", 1).first == 20.0


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    costs = CompileCosts(tmp_path / "file" / "costs.json")
    costs.keep("here", 1, CompileCost(20.0, None, 0.1))
    assert costs.recall("here", 1) == NOTHING


def test_what_is_typical_counts_the_shapes_of_one_machine(tmp_path: Path) -> None:
    costs = CompileCosts(tmp_path / "costs.json")
    for shape, (first, step) in enumerate([(10.0, 0.5), (30.0, 0.6), (20.0, 0.7)]):
        costs.keep("here", shape, CompileCost(first, None, step, eager=1.0))
    costs.keep("there", 1, CompileCost(500.0, 2.0, 9.0, eager=1.0))
    assert costs.typical("here") == CompileCost(20.0, None, 0.6)
    assert costs.typical("elsewhere") == NOTHING


def test_a_later_training_of_a_process_says_nothing_of_compiling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finds the compiler loaded; and a few steps say nothing of a mean one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shape = CompiledShape("here", 1, was_compiled=False, is_first=False, eager=0.2)
    shape.keep(3.0, train_seconds=10.0, steps=100)
    assert CompileCosts().recall("here", 1) == CompileCost(None, None, 0.1, 0.2)
    first = CompiledShape("here", 2, was_compiled=True, is_first=True, eager=None)
    first.keep(4.0, train_seconds=10.0, steps=5)
    assert CompileCosts().recall("here", 2) == CompileCost(None, 4.0, None)


def test_a_training_keeps_what_compiling_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is compiled here: the eager loss takes the place of the compiled one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tsconv.training.plan.compile_costs._COMPILER", "no.such.module")
    monkeypatch.setattr(
        "tsconv.training.lightning.loop.compile_step",
        lambda step, *_: CompiledStep(step.loss, seconds=12.5),
    )
    kept: list[CompileCost] = []
    monkeypatch.setattr(CompileCosts, "keep", lambda self, machine, shape, cost: kept.append(cost))
    run(tmp_path, compile="true", trainer__max_steps=21)
    (cost,) = kept
    assert cost.first == 12.5
    assert cost.later is None
    assert cost.step is not None
    assert 0 < cost.step < 1
