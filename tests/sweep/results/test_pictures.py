"""Which pictures of a sweep are drawn, and that no study breaks them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import optuna

from tests.helpers.trials import CONDITIONAL, MAE, SMALL, SPEED, WIDE, study_of, sweep
from tsconv.sweep.results.pictures import draw_all
from tsconv.sweep.search_space.ranges import Space


def files(study: optuna.Study, folder: Path, space: Space = SMALL, *objectives: str) -> set[str]:
    """What draw_all leaves: nothing but pictures."""
    draw_all(study, sweep(*objectives), space, folder / "a" / "plots")
    found = list((folder / "a" / "plots").iterdir())
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in found)
    return {path.name for path in found}


def test_one_completed_trial_leaves_all_but_importances_and_a_front(tmp_path: Path) -> None:
    found = files(study_of(["failed", 0.5], CONDITIONAL), tmp_path, CONDITIONAL)
    assert found == {"history.png", "slices.png", "parallel.png"}


def test_nothing_is_drawn_where_no_trial_was_completed(tmp_path: Path) -> None:
    draw_all(study_of([("pruned", 1.0), "failed"]), sweep(), SMALL, tmp_path / "plots")
    assert not (tmp_path / "plots").exists()


def test_many_trials_over_many_keys_of_every_kind(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = [v if i % 3 else ("pruned", 2 * v) for i, v in enumerate(10 ** rng.normal(size=200))]
    found = files(study_of(values, WIDE), tmp_path, WIDE)
    assert found == {"history.png", "importances.png", "slices.png", "parallel.png"}


def test_two_objectives_have_a_front(tmp_path: Path) -> None:
    values = [[i + 1.0, 10.0 ** (i % 5)] for i in range(12)]
    found = files(study_of(values, CONDITIONAL, MAE, SPEED), tmp_path, CONDITIONAL, MAE, SPEED)
    names = ("history", "importances", "slices", "parallel", "pareto")
    assert found == {f"{name}.png" for name in names}
