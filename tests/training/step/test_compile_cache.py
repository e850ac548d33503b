"""Choices of compilation and precision, remembered between trainings of one shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.helpers.networks import random_batch, random_net
from tsconv.config.schema import HeadConfig
from tsconv.distributed.threads import torch_threads
from tsconv.model.network import ForecastNet
from tsconv.training.step import compile_cache, precision
from tsconv.training.step.compile_cache import CompileCache, choose_step
from tsconv.training.step.training_step import TrainingStep


class Loss:
    """A loss that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, net: ForecastNet, *_: Any) -> tuple[torch.Tensor, torch.Tensor]:
        self.calls += 1
        value = next(net.parameters()).sum()
        return value, value.detach()


def step(n_origins: int = 8, loss: Loss | None = None, **spec: Any) -> TrainingStep:
    """A step of a small network, with `n_origins` origins a chunk."""
    net = random_net(**spec).float()
    batch = random_batch(net, 2, n_origins)
    head = HeadConfig("point", None, "mae", "series")
    return TrainingStep(loss or Loss(), net, batch, torch.ones(2, 1, 1), head)


@pytest.fixture(autouse=True)
def no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has trained nothing yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def slow_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eager steps of 20 ms, a compiler, and no bfloat16: what is chosen depends on counts alone."""
    monkeypatch.setattr(TrainingStep, "seconds", lambda *_: {"float32": 0.02})
    monkeypatch.setattr(precision, "has_bfloat16", lambda _: False)
    monkeypatch.setattr(compile_cache.shutil, "which", lambda name: "/usr/bin/" + name)


@pytest.mark.usefixtures("slow_steps")
def test_trainings_of_one_shape_repay_compilation_together() -> None:
    cache = CompileCache()
    # 25 s are repaid by 25 / (.45 * .02) = 2,778 steps.
    chosen = [choose_step("auto", "auto", step(), 1000, cache).compiled for _ in range(4)]
    assert chosen == [False, False, True, True]
    assert not choose_step("auto", "auto", step(16), 1000, cache).compiled
    assert not choose_step("auto", "auto", step(), 1000).compiled  # without a memory


@pytest.mark.usefixtures("slow_steps")
def test_the_rate_of_dropout_is_not_part_of_a_shape_and_its_absence_is() -> None:
    for spec, compiled in (
        ({"dropout": 0.4}, True),
        ({"dropout": 0.0}, False),
        ({"hidden": 16}, False),
    ):
        cache = CompileCache()
        choose_step("auto", "auto", step(dropout=0.1), 2000, cache)
        again = choose_step("auto", "auto", step(**spec), 2000, cache)
        assert again.compiled == compiled, spec


def test_a_known_shape_is_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # A machine without bfloat16 has nothing to measure for another precision.
    monkeypatch.setattr(precision, "has_bfloat16", lambda _: True)
    cache, loss = CompileCache(), Loss()
    first = choose_step("auto", "auto", step(loss=loss), 10, cache)
    measured = loss.calls
    assert measured > 0
    second = choose_step("auto", "auto", step(loss=loss), 10, cache)
    assert loss.calls == measured
    assert second.precision == first.precision
    choose_step("auto", "float32", step(loss=loss), 10, cache)  # asked for something else
    assert loss.calls > measured


def timed(monkeypatch: pytest.MonkeyPatch, brief: float, full: float) -> None:
    """Let a step take so long in bfloat16 and in float32, and let the machine have both."""
    monkeypatch.setattr(TrainingStep, "seconds", lambda *_: {"float32": full, "bfloat16": brief})
    monkeypatch.setattr(precision, "has_bfloat16", lambda _: True)
    monkeypatch.setattr(compile_cache.shutil, "which", lambda name: "/usr/bin/" + name)


def test_another_training_of_a_shape_chooses_the_same_whatever_it_would_measure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timed(monkeypatch, brief=0.02, full=0.04)
    first = choose_step("auto", "auto", step(), 10)
    assert (first.precision, first.compiled) == ("bfloat16", False)
    assert "remembered" not in first.precision_reason
    timed(monkeypatch, brief=0.9, full=0.8)  # a busy moment: nothing is measured in it
    again = choose_step("auto", "auto", step(), 10)
    assert (again.precision, again.compiled) == ("bfloat16", False)
    assert again.precision_reason == (
        "a step took 20.0 ms in bfloat16, 40.0 in float32, "
        "remembered from an earlier timing on this machine"
    )
    assert again.compile_reason.endswith("remembered from an earlier timing on this machine")
    other = choose_step("auto", "auto", step(n_origins=16), 10)
    assert (other.precision, other.compiled) == ("float32", False)
    with torch_threads(torch.get_num_threads() + 1):  # another machine, as it were
        assert choose_step("auto", "auto", step(), 10).precision == "float32"


@pytest.mark.parametrize("brief", [0.9, 1.0, 1.1])
def test_a_small_lead_is_noise(monkeypatch: pytest.MonkeyPatch, brief: float) -> None:
    timed(monkeypatch, brief=brief, full=1.0)
    assert choose_step("false", "auto", step(), 10).precision == "float32"


def test_what_is_pinned_is_not_timed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(TrainingStep, "seconds")
    for compiled in ("true", "false"):
        choose_step(compiled, "float32", step(), 10)
    assert not list(tmp_path.iterdir())


def test_a_home_that_cannot_be_written_to_gives_a_note(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "tsconv").write_text("a file where the folder should be")
    timed(monkeypatch, brief=0.02, full=0.04)
    choice = choose_step("auto", "auto", step(), 10)
    assert choice.precision == "bfloat16"
    assert "cannot be kept in" in choice.note
    assert "step_choices.json" in choice.note


def test_too_many_compiled_shapes_are_forgotten_together(monkeypatch: pytest.MonkeyPatch) -> None:
    resets = []
    monkeypatch.setattr(torch.compiler, "reset", lambda: resets.append(1))
    monkeypatch.setattr(compile_cache, "_MOST_COMPILED", 3)
    cache = CompileCache()
    for n_origins in (10, 11, 12, 12, 10):
        choose_step("true", "float32", step(n_origins), 10, cache)
    assert not resets
    choose_step("true", "float32", step(13), 10, cache)
    assert len(resets) == 1


def test_one_compiled_step_serves_every_training_of_its_shape() -> None:
    """Another learning rate, seed or rate of dropout compiles nothing; another width does."""
    from torch._dynamo.testing import CompileCounter

    from tests.helpers.frames import daily_frame
    from tsconv.config.compose import train_config
    from tsconv.data.reading.read import table_from_frame
    from tsconv.training.panel_cache import PanelCache
    from tsconv.training.step.dense_loss import dense_loss

    counter = CompileCounter()
    torch._dynamo.reset()
    loss = torch.compile(dense_loss, dynamic=False, backend=counter)
    table = table_from_frame(daily_frame(), train_config(["horizon=7"]).data)
    seen = []
    for extra in ([], ["model.dropout=0.4", "seed=3"], ["optimizer.lr=1"], ["model.hidden=8"]):
        prepared = PanelCache().prepare(train_config(["horizon=7", "data.path=x", *extra]), table)
        module, data = prepared.module(), prepared.data()
        batch = next(iter(data.train_dataloader()))
        loss(module.net, batch, module.inv_scale[batch.series], module.head)
        seen.append(counter.frame_count)
    assert seen[0] == seen[1] == seen[2]
    assert seen[3] == seen[0] + 1
    torch._dynamo.reset()
