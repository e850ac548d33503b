"""What a sweep command asks for: faults that need no data, and the folder of its results."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsconv.errors import ConfigError
from tsconv.sweep.run import Sweep

QUICK = ("horizon=7", "compile=false", "precision=float32", "trainer.max_steps=10")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["search_space.optimizer.lr.low=1"], "`low` (=1) is above `high` (=0.01)"),
        (["search_space.modle.hidden.choices=[8]"], "(did you mean `model.hidden`?)"),
        (
            ["search_space.seed.choices=[1]", "search_space.run_dir.choices=[a]"],
            "has its own `run_",
        ),
        (["search_space=nosuch"], "Could not find 'search_space/nosuch'; available: rows, tcn"),
        (["sweep.storage=mysql://h/x"], "must be postgresql://"),
        (["sweep.n_trails=3"], "(did you mean `sweep.n_trials`?)"),
        (["sweep.n_trials=many"], "`sweep.n_trials`"),
        (["sweep.timeout=soon"], "must be a time such as"),
        (["budget=60s"], "a trial of a sweep is one training: leave `budget` (=60s) out"),
        (["search_space.budget.choices=[20s]"], "`search_space.budget`: each trial has its own"),
        (["~search_space.model", "~search_space.optimizer"], "`search_space` is empty"),
    ],
)
def test_faults_that_need_no_data(overrides: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Sweep([*QUICK, "data.path=x.csv", f"run_dir={tmp_path / 'out'}", *overrides]).open_store()
    assert words in str(caught.value)


def test_the_same_command_has_the_same_folder_and_another_question_another() -> None:
    def folder(*overrides: str) -> Path:
        return Sweep([*QUICK, "data.path=a/sales.csv", *overrides]).folder

    here = folder()
    assert here.name.startswith("sweep_sales_tcn_")
    same = ("sweep.n_trials=7", "sweep.workers=2", "sweep.timeout=1h", "sweep.sampler=random")
    assert folder(*same, "threads=1", "callbacks.progress=false") == here
    for other in (
        "horizon=8", "sweep.seed=1", "search_space.optimizer.lr.high=0.02", "model.levels=3",
        "sweep.objectives=[val.mae]",
    ):  # fmt: skip
        assert folder(other) != here, other
