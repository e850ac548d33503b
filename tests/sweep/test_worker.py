"""What a worker refuses once it has read the data, and which keys it can search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.frames import daily_frame
from tsconv.errors import TsconvError
from tsconv.sweep.worker import Worker
from tsconv.sweep.worker_job import WorkerJob

QUICK = ("horizon=7", "compile=false", "precision=float32", "trainer.max_steps=10")


def nothing(**message: Any) -> None:
    """A worker's messages, unread."""


def worker(folder: Path, *overrides: str) -> Worker:
    path = folder / "sales.csv"
    if not path.exists():
        daily_frame(2, 150).to_csv(path, index=False)
    given = [*QUICK, f"data.path={path}", *overrides]
    return Worker(WorkerJob(given, None, str(folder / "out"), "s", "w", 1, None), nothing)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["search_space.model.norm.choices=[layr]"], "(did you mean `layer`?)"),
        (["search_space.model.dropout.high=1.5"], "(float 0.1 to 1.5): 1.5 cannot be used: `d"),
        (["search_space.optimizer.lr.choices=[a]", "~search_space.optimizer.lr.type",
          "~search_space.optimizer.lr.low", "~search_space.optimizer.lr.high"], "a cannot be used"),
        (["search_space.trainer.gradient_clip.choices=[1]"], "`trainer.gradient_clip`"),
        (["search_space.split.val_size.choices=[30,0]"], "0 cannot be used: `split.val_size` (=0)"),
        (["search_space.data.target.choices=[y,z]"], "z cannot be used"),
        (["search_space.head.choices=[point,quntile]"], "quntile cannot be used"),
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
    lists = worker(
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
    # optimizer.* and the rest as given; head.loss is not active with quantiles
    assert lists["baseline"] is None
    assert lists["outside"] == "context_length=42"  # which is not a choice
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
