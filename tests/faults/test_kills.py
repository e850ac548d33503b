"""A few of the kills of `python -m tests.faults`: the next start ends as a run without any."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.faults.kill import Reference, kill_and_compare, reference
from tests.helpers.faults.scenarios import SCENARIOS


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """A training that is never killed."""
    return reference(SCENARIOS["train"], tmp_path_factory.mktemp("train"))


@pytest.mark.parametrize(
    ("kill", "phase"),
    [
        ("replace:1:before", "a new folder"),
        ("step:3", "solving, compiling, first steps"),
        ("step:17", "training, validating, scoring"),
        ("write:13", "training, validating, scoring"),  # half of a checkpoint
        ("step:33", "refit, or writing"),
    ],
)
def test_a_training_killed_at_any_moment_ends_equal(
    trained: Reference, tmp_path: Path, kill: str, phase: str
) -> None:
    killed = kill_and_compare(SCENARIOS["train"], trained, tmp_path / "run", kill)
    assert (killed.phase, killed.fault) == (phase, "")


@pytest.mark.parametrize("kill", ["write:1", "replace:1:before", "replace:1:after"])
def test_a_forecast_is_there_whole_or_not_at_all(
    trained: Reference, tmp_path: Path, kill: str
) -> None:
    bundle = trained.folder / "run" / "bundle"
    whole = reference(SCENARIOS["forecast"], tmp_path / "whole", bundle)
    killed = kill_and_compare(SCENARIOS["forecast"], whole, tmp_path / "killed", kill, bundle)
    assert killed.fault == ""
    assert (killed.phase == "it had ended") is False


@pytest.mark.slow  # two sweeps, with workers of their own; `python -m tests.faults` kills more
def test_a_killed_sweep_ends_with_the_same_trials(tmp_path: Path) -> None:
    whole = reference(SCENARIOS["sweep"], tmp_path / "whole")
    kill = f"time:{whole.seconds / 2:.2f}:group"
    killed = kill_and_compare(SCENARIOS["sweep"], whole, tmp_path / "killed", kill)
    assert killed.fault == ""
