"""Choices of compilation and precision, remembered between trainings of one shape."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tsconv.model.spec import NetSpec
from tsconv.training import precision as speed
from tsconv.training.precision import CompileCache, choose


class Net(torch.nn.Module):
    """Something with a spec and a weight; its loss is counted."""

    def __init__(self, **spec: Any) -> None:
        super().__init__()
        self.spec = NetSpec(**{"horizon": 2, "context_length": 4, **spec})
        self.weight = torch.nn.Parameter(torch.ones(()))


class Loss:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, net: Net, *rest: Any) -> tuple[torch.Tensor, torch.Tensor]:
        self.calls += 1
        return net.weight * 2, net.weight


def arguments(steps: int = 16, **spec: Any) -> tuple[Any, ...]:
    x = torch.zeros(2, 1, 1, steps)
    valid = torch.ones(2, 8, dtype=torch.bool)
    return (Net(**spec), x, x, x, x, valid, torch.ones(2, 1, 1), "mae", "series")


@pytest.fixture
def slow_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eager steps of 20 ms, a compiler, and no bfloat16: what is chosen depends on counts alone."""
    monkeypatch.setattr(speed, "_step_seconds", lambda *_: 0.02)
    monkeypatch.setattr(speed, "_has_bfloat16", lambda _: False)
    monkeypatch.setattr(speed.shutil, "which", lambda name: "/usr/bin/" + name)


@pytest.mark.usefixtures("slow_steps")
def test_trainings_of_one_shape_repay_compilation_together() -> None:
    shapes = CompileCache()
    # 25 s are repaid by 25 / (.45 * .02) = 2,778 steps.
    chosen = [choose("auto", "auto", Loss(), arguments(), 1000, shapes).compiled for _ in range(4)]
    assert chosen == [False, False, True, True]
    assert not choose("auto", "auto", Loss(), arguments(24), 1000, shapes).compiled
    assert not choose("auto", "auto", Loss(), arguments(), 1000).compiled  # without a memory


@pytest.mark.usefixtures("slow_steps")
def test_the_rate_of_dropout_is_not_part_of_a_shape_and_its_absence_is() -> None:
    for spec, compiled in (
        ({"dropout": 0.4}, True),
        ({"dropout": 0.0}, False),
        ({"hidden": 8}, False),
    ):
        shapes = CompileCache()
        choose("auto", "auto", Loss(), arguments(dropout=0.1), 2000, shapes)
        again = choose("auto", "auto", Loss(), arguments(**spec), 2000, shapes)
        assert again.compiled == compiled, spec


def test_a_known_shape_is_not_measured_again() -> None:
    shapes, loss = CompileCache(), Loss()
    first = choose("auto", "auto", loss, arguments(), 10, shapes)
    measured = loss.calls
    assert measured > 0
    second = choose("auto", "auto", loss, arguments(), 10, shapes)
    assert loss.calls == measured
    assert second.precision == first.precision
    choose("auto", "float32", loss, arguments(), 10, shapes)  # asked for something else
    assert loss.calls > measured


def test_too_many_compiled_shapes_are_forgotten_together(monkeypatch: pytest.MonkeyPatch) -> None:
    resets = []
    monkeypatch.setattr(torch.compiler, "reset", lambda: resets.append(1))
    monkeypatch.setattr(speed, "_MOST_COMPILED", 3)
    shapes = CompileCache()
    for steps in (10, 11, 12, 12, 10):
        choose("true", "float32", Loss(), arguments(steps), 10, shapes)
    assert not resets
    choose("true", "float32", Loss(), arguments(13), 10, shapes)
    assert len(resets) == 1


def test_one_compiled_step_serves_every_training_of_its_shape() -> None:
    """Another learning rate, seed or rate of dropout compiles nothing; another width does."""
    from torch._dynamo.testing import CompileCounter

    from tests.helpers.frames import daily_frame
    from tsconv.config.compose import train_config
    from tsconv.data.reading.read import table_from_frame
    from tsconv.training.lightning_module import dense_loss
    from tsconv.training.prepare import PanelCache

    counter = CompileCounter()
    torch._dynamo.reset()
    loss = torch.compile(dense_loss, dynamic=False, backend=counter)
    table = table_from_frame(daily_frame(), train_config(["horizon=7"]).data)
    seen = []
    for extra in ([], ["model.dropout=0.4", "seed=3"], ["optimizer.lr=1"], ["model.hidden=8"]):
        prepared = PanelCache().prepare(train_config(["horizon=7", "data.path=x", *extra]), table)
        module, data = prepared.module(), prepared.data()
        batch = next(iter(data.train_dataloader()))
        loss(*module.arguments(batch))
        seen.append(counter.frame_count)
    assert seen[0] == seen[1] == seen[2]
    assert seen[3] == seen[0] + 1
    torch._dynamo.reset()
