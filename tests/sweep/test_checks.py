"""What a sweep refuses before its first trial: without the data, and with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.frames import daily_frame
from tsconv.errors import ConfigError, TsconvError
from tsconv.sweep.run import Sweep
from tsconv.sweep.worker import Job, Worker

QUICK = ("horizon=7", "compile=false", "precision=float32", "trainer.max_steps=10")


def nothing(**message: Any) -> None:
    """A worker's messages, unread."""


def worker(folder: Path, *overrides: str) -> Worker:
    path = folder / "sales.csv"
    if not path.exists():
        daily_frame(2, 150).to_csv(path, index=False)
    given = [*QUICK, f"data.path={path}", *overrides]
    return Worker(Job(given, None, str(folder / "out"), "s", "w", 1, None), nothing)


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
        (["~search_space.model", "~search_space.optimizer"], "`search_space` is empty"),
    ],
)
def test_faults_that_need_no_data(overrides: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Sweep([*QUICK, "data.path=x.csv", f"run_dir={tmp_path / 'out'}", *overrides]).store()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["search_space.model.norm.choices=[layr]"], "(did you mean `layer`?)"),
        (["search_space.model.dropout.high=1.5"], "(float 0.1 to 1.5): 1.5 does not do: `d"),
        (["search_space.optimizer.lr.choices=[a]", "~search_space.optimizer.lr.type",
          "~search_space.optimizer.lr.low", "~search_space.optimizer.lr.high"], "a does not do"),
        (["search_space.trainer.gradient_clip.choices=[1]"], "`trainer.gradient_clip`"),
        (["search_space.split.val_size.choices=[30,0]"], "0 does not do: `split.val_size` (=0)"),
        (["search_space.data.target.choices=[y,z]"], "z does not do"),
        (["search_space.head.choices=[point,quntile]"], "quntile does not do"),
        (["data.target=z"], "no column `z`"),
        (["split.val_size=0"], "leaves no forecast to validate on"),
    ],
)  # fmt: skip
def test_faults_that_the_data_show(tmp_path: Path, overrides: list[str], words: str) -> None:
    with pytest.raises(TsconvError) as caught:
        worker(tmp_path, *overrides).prepare()
    assert words in str(caught.value)


def test_any_key_can_be_searched(tmp_path: Path) -> None:
    """Groups, lists, keys of the data and of the Trainer, and conditions on them."""
    told = worker(
        tmp_path,
        "~search_space.model",
        "search_space.context_length.choices=[14,28]",
        "search_space.head.choices=[quantile,point]",
        "search_space.head_loss={}",
        "search_space.features.seasonal_lags.choices=[[7],[7,14]]",
        "search_space.data.na_values.choices=[[],[x]]",
        "search_space.trainer.gradient_clip_val={type: log_float, low: 0.1, high: 10}",
        "+search_space={head.loss: {choices: [mae, mse], when: {head: point}}}",
    ).prepare()
    # optimizer.* and the rest as they stand; head.loss is not active with quantiles
    assert told["baseline"] is None  # context_length stands at 42, which is not a choice
    ready = worker(
        tmp_path,
        "~search_space.model",
        "search_space.head.choices=[quantile,point]",
        "+search_space={head.loss: {choices: [mae, mse], when: {head: point}}}",
    ).prepare()
    assert ready["baseline"] == {
        "optimizer.lr": 0.002,
        "optimizer.weight_decay": 0.01,
        "head": "quantile",
    }


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
