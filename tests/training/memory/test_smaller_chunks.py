"""A device that runs out of memory: batches get smaller once, steps stay the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tests.helpers.frames import daily_frame
from tests.helpers.runs import QUICK, same_weights
from tsconv.config.compose import train_config
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import TrainingError
from tsconv.training.lightning.throughput import Throughput
from tsconv.training.memory.smaller_chunks import with_smaller_chunks
from tsconv.training.run import TrainResult, train

STEPS = {"trainer.max_steps": 8, "trainer.val_check_interval": 4, "model.dropout": 0.2}


def trained(folder: Path, said: list[str], **keys: Any) -> TrainResult:
    given = {**QUICK, **STEPS, **{k.replace("__", "."): v for k, v in keys.items()}}
    config = train_config([f"{k}={v}" for k, v in given.items()] + [f"run_dir={folder}"])
    return train(config, table_from_frame(daily_frame(), config.data), said.append)


def runs_out(patch: pytest.MonkeyPatch, times: int) -> None:
    """Let the device have no memory left in the third step of so many trainings."""
    original, left = Throughput.on_train_batch_end, [times]

    def full(self: Throughput, trainer: Any, *args: Any) -> None:
        if left[0] and trainer.global_step == 3:
            left[0] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nmore")
        original(self, trainer, *args)

    patch.setattr(Throughput, "on_train_batch_end", full)


def test_it_ends_with_the_weights_of_a_training_that_was_started_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    with monkeypatch.context() as patch:
        runs_out(patch, times=1)
        ours = trained(tmp_path / "ours", said, data__chunks_per_batch=6)
    assert [line for line in said if line.startswith("memory: ")] == [
        "memory: the device had none left for data.chunks_per_batch=6: the training begins again "
        "with 3, and trainer.accumulate_grad_batches=2; its steps stay the same"
    ]
    small = {"data__chunks_per_batch": 3, "trainer__accumulate_grad_batches": 2}
    assert same_weights(ours, trained(tmp_path / "small", said, **small))
    text = (tmp_path / "ours" / "config.yaml").read_text()
    config = yaml.safe_load(text)
    assert config["data"]["chunks_per_batch"] == 3
    assert config["trainer"]["accumulate_grad_batches"] == 2
    assert text.count("  # auto: the device had no memory left for larger batches") == 2


def test_the_second_time_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_out(monkeypatch, times=2)
    with pytest.raises(TrainingError) as caught:
        trained(tmp_path / "run", [], data__chunks_per_batch=6)
    assert str(caught.value) == (
        "the device has no memory left with data.chunks_per_batch=3 and "
        "trainer.accumulate_grad_batches=2: set the former, data.origins_per_chunk or "
        "context_length lower (CUDA out of memory. Tried to allocate 2 GiB.)"
    )


@pytest.mark.parametrize(
    ("chunks", "found"), [(60, (30, 4)), (15, (5, 6)), (7, (1, 14)), (1, None)]
)
def test_a_step_keeps_its_chunks(chunks: int, found: tuple[int, int] | None) -> None:
    keys = [f"data.chunks_per_batch={chunks}", "trainer.accumulate_grad_batches=2", "horizon=3"]
    smaller = with_smaller_chunks(train_config(keys))
    if found is None or smaller is None:
        assert smaller is found is None
        return
    assert (smaller.data.chunks_per_batch, smaller.trainer["accumulate_grad_batches"]) == found
