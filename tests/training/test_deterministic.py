"""`deterministic=true`: a second run has the same bits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.helpers.runs import run, same_weights
from tsconv.config.compose import train_config
from tsconv.errors import ConfigError
from tsconv.race.run import check_budget
from tsconv.training.step.process_settings import deterministic_algorithms


def test_two_runs_are_equal_and_no_timing_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed(*_: object) -> float:
        raise AssertionError("a step was timed")

    monkeypatch.setattr("tsconv.training.step.training_step.TrainingStep.run", timed)
    keys = {"deterministic": "true", "compile": "auto", "precision": "auto", "refit": "true"}
    one = run(tmp_path, run_dir=tmp_path / "one", **keys)
    torch.manual_seed(99)
    other = run(tmp_path, run_dir=tmp_path / "other", **keys)
    assert same_weights(one, other)
    assert one.metrics["test"] == other.metrics["test"]
    assert (one.metrics["precision"], one.metrics["compiled"]) == ("float32", False)
    text = (tmp_path / "one" / "config.yaml").read_text()
    assert "precision: float32  # auto: deterministic=true lets no timing decide" in text
    assert not torch.are_deterministic_algorithms_enabled()


def test_another_seed_gives_other_bits(tmp_path: Path) -> None:
    one = run(tmp_path, run_dir=tmp_path / "one", deterministic="true")
    other = run(tmp_path, run_dir=tmp_path / "other", deterministic="true", seed=1)
    assert not same_weights(one, other)


def test_the_setting_ends_with_the_block() -> None:
    with deterministic_algorithms(True):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_budget_in_seconds_is_refused() -> None:
    keys = ["horizon=7", "deterministic=true"]
    with pytest.raises(ConfigError, match="give a number of candidates"):
        check_budget(train_config([*keys, "budget=60s"]))
    assert check_budget(train_config([*keys, "budget=4candidates"])).candidates == 4
