"""Plans: their parts add up, grow with the steps, and are made of whatever trains."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.helpers.frames import daily_frame, stations
from tests.helpers.runs import QUICK, ROLES
from tsconv.config.compose import train_config
from tsconv.config.schema import TrainConfig
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import ConfigError, TrainingError
from tsconv.race.run import train_or_race
from tsconv.training.panel_cache import PanelCache
from tsconv.training.plan import steps as plan_steps
from tsconv.training.plan.compile_costs import CompileCost, CompileCosts
from tsconv.training.plan.plan import Plan
from tsconv.training.plan.run import plan_prepared, plan_training
from tsconv.training.step.compile_cache import StepChoice

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def config_of(**settings: Any) -> TrainConfig:
    keys = {**QUICK, **{k.replace("__", "."): v for k, v in settings.items()}}
    return train_config([f"{key}={value}" for key, value in keys.items()])


def plan_of(frame: Any = None, **settings: Any) -> Plan:
    config = config_of(**settings)
    return plan_training(
        config, table_from_frame(daily_frame() if frame is None else frame, config.data)
    )


def seconds(plan: Plan, name: str) -> float:
    part = plan.part(name)
    assert part is not None
    return part.seconds


def guessed(plan: Plan) -> list[str]:
    return [part.name for part in plan.parts if part.is_guess]


def names(plan: Plan) -> list[str]:
    return [part.name for part in plan.parts]


def test_the_parts_are_those_of_the_training_and_add_up() -> None:
    plan = plan_of(trainer__val_check_interval=10)
    assert names(plan)[-7:] == [
        "preparing", "solving", "setting up", "training", "validating", "scoring", "writing",
    ]  # fmt: skip
    assert plan.seconds == pytest.approx(sum(part.seconds for part in plan.parts))
    assert all(part.seconds >= 0 for part in plan.parts)
    assert (plan.steps, plan.validations) == (40, 4)
    assert seconds(plan, "training") == pytest.approx(40 * plan.step_seconds)
    memory = plan.memory
    assert memory.peak == memory.libraries + memory.panel + memory.largest_phase
    assert 0 < memory.batch < memory.step.total


def test_training_validating_and_a_refit_grow_with_the_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same measured step for both, since timings differ."""
    config = config_of(refit="true", trainer__val_check_interval=10)
    prepared = PanelCache().prepare(config, table_from_frame(daily_frame(), config.data))
    cost = plan_steps.measure_steps(prepared, enough=0.1)
    monkeypatch.setattr("tsconv.training.plan.run.measure_steps", lambda *_: cost)
    plans = []
    for steps in (40, 400):
        longer = {**prepared.config.trainer, "max_steps": steps}
        given = dataclasses.replace(
            prepared, config=dataclasses.replace(prepared.config, trainer=longer)
        )
        plans.append(plan_prepared(given))
    few, many = plans
    for name in ("training", "validating"):
        assert seconds(many, name) == pytest.approx(10 * seconds(few, name))
    more = seconds(many, "refit") - seconds(few, "refit")
    assert more == pytest.approx(0.2 * 360 * cost.step)


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "linear"},
        {"head": "point", "split__val_size": 0, "split__test_size": 0, "refit": "true"},
        {"head": "negative_binomial", "data__lower": 0, "trainer__accumulate_grad_batches": 2},
        {"deterministic": "true", "model__series": "separate", "callbacks__patience": 1},
        {"frame": stations(), **ROLES, "trainer__max_steps": 1, "plots": "true"},
    ],
    ids=["linear", "nothing held out", "counts", "by series", "rows"],
)
def test_what_trains_is_planned(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = dict(settings)
    frame = settings.pop("frame", None)
    if "head" in settings:
        frame = daily_frame().round({"y": 0})
    before = torch.get_rng_state()
    plan = plan_of(frame, **settings)
    assert torch.equal(torch.get_rng_state(), before)
    assert plan.seconds > 0
    assert plan.parameters > 0
    assert ("training" in names(plan)) == (settings.get("model") != "linear")
    assert not list(tmp_path.iterdir())


def test_planning_leaves_the_network_as_it_was_drawn() -> None:
    config = config_of()
    prepared = PanelCache().prepare(config, table_from_frame(daily_frame(), config.data))
    before = {name: value.clone() for name, value in prepared.net.state_dict().items()}
    plan_prepared(prepared)
    after = prepared.net.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_compiled_steps_are_remembered_or_said_to_be_a_guess(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    choice = StepChoice("float32", True, "as set", "as set")
    monkeypatch.setattr(plan_steps, "choose_step", lambda *_, **__: choice)
    guess = plan_of()
    assert guessed(guess) == ["compiling", "training"]
    monkeypatch.setattr(
        CompileCosts, "recall", lambda *_: CompileCost(first=12.0, later=3.0, step=0.5)
    )
    known = plan_of()
    assert (seconds(known, "compiling"), seconds(known, "training")) == (12.0, 40 * 0.5)
    assert guessed(known) == []
    assert known.memory.compiler > 0


def test_a_dry_run_prints_and_writes_nothing(
    tsconv_here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, cache = tmp_path / "work", tmp_path / "cache"
    work.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    daily_frame().to_csv(work / "sales.csv", index=False)
    keys = ["data.path=sales.csv", "horizon=7", "trainer.max_steps=5", "dry_run=true"]
    done = tsconv_here("train", *keys, "compile=auto", cwd=work)
    assert done.returncode == 0, done.stderr
    for words in ("receptive field", "parameters", "training ", "scoring", "writing", "total"):
        assert words in done.stdout
    raced = tsconv_here("train", *keys, "budget=60s", cwd=work)
    assert raced.returncode == 0, raced.stderr
    assert "budget: 60 s cover everything but starting and writing" in raced.stdout
    assert os.listdir(work) == ["sales.csv"]
    assert not cache.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "-m", "seed=0,1"], "`dry_run` (=true) goes with `tsconv train` of one training"),
        (["check"], "`dry_run` (=true) goes with `tsconv train` of one training"),
        (["train", "budget=soon"], "`budget` (=soon) must be a time"),
    ],
)
def test_where_a_dry_run_makes_no_sense_it_is_refused(
    tsconv_here: Run, tmp_path: Path, arguments: list[str], words: str
) -> None:
    daily_frame().to_csv(tmp_path / "sales.csv", index=False)
    done = tsconv_here(*arguments, "data.path=sales.csv", "horizon=7", "dry_run=true")
    assert done.returncode == 1
    assert words in done.stderr
    assert os.listdir(tmp_path) == ["sales.csv"]


def test_from_python_a_dry_run_is_no_training(tmp_path: Path) -> None:
    config = config_of(dry_run="true", run_dir=tmp_path / "run")
    with pytest.raises(ConfigError, match="says what the training would take; leave it out"):
        train_or_race(config, table_from_frame(daily_frame(), config.data))
    with pytest.raises(ConfigError, match="leave `resume`"):
        plan_training(dataclasses.replace(config, resume=str(tmp_path)))


def test_a_plan_refuses_what_training_would(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise TrainingError("a training batch needs more than there is")

    monkeypatch.setattr("tsconv.training.plan.run.check_memory", refuse)
    with pytest.raises(TrainingError, match="needs more"):
        plan_of()
