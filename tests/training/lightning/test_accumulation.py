"""Gradient accumulation: k batches of b chunks are one of k times b, through the whole training."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.helpers.frames import daily_frame
from tests.helpers.runs import Stop, run, same_weights, stop_after, weights
from tsconv.errors import ConfigError
from tsconv.training.run import TrainResult

SETTINGS = {
    "model__dropout": 0,
    "data__origins_per_chunk": 64,
    "trainer__max_steps": 12,
    "trainer__val_check_interval": 4,
    "trainer__log_every_n_steps": 1,
    "logger": "csv",
}


def ragged_frame() -> pd.DataFrame:
    """A series with many holes, and a short one: batches differ in their number of terms."""
    frame = daily_frame()
    frame.loc[20:120, "y"] = np.nan
    return frame.drop(index=range(400, 520))


def accumulated(folder: Path, chunks: int, batches: int, **settings: Any) -> TrainResult:
    keys = {"data__chunks_per_batch": chunks, "trainer__accumulate_grad_batches": batches}
    return run(folder, ragged_frame(), **{**SETTINGS, **keys, **settings})


def logged(result: TrainResult) -> pd.DataFrame:
    """The losses of each step, whatever the epoch."""
    log = pd.read_csv(result.run_dir / "log" / "metrics.csv")
    return log.groupby("step")[["train_loss", "val_loss"]].max()


def test_batches_of_one_step_equal_a_large_batch(tmp_path: Path) -> None:
    many = accumulated(tmp_path / "many", chunks=2, batches=3)
    one = accumulated(tmp_path / "one", chunks=6, batches=1)
    losses, expected = logged(many), logged(one)
    assert losses.index.tolist() == expected.index.tolist()  # optimizer steps, also of validations
    assert expected.val_loss.count() == 3
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-6, equal_nan=True)
    for name, value in weights(one).items():
        torch.testing.assert_close(weights(many)[name], value, rtol=0, atol=1e-6)
    assert many.metrics["train_steps"] == one.metrics["train_steps"] == 12
    rates = [r.metrics["train_origins_per_second"] for r in (many, one)]
    seconds = [r.metrics["train_seconds"] for r in (many, one)]
    assert all(rate > 0 for rate in rates + seconds)


def test_a_mean_of_means_would_be_another_training(tmp_path: Path) -> None:
    """So that the test above cannot pass by batches that are alike."""
    from tsconv.training.step.weighted_mean import WeightedMean

    one = accumulated(tmp_path / "one", chunks=6, batches=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WeightedMean, "add", lambda self, loss, *rest: loss)
        plain = accumulated(tmp_path / "plain", chunks=2, batches=3)
    gaps = [(weights(plain)[name] - v).abs().max() for name, v in weights(one).items()]
    assert max(gaps) > 1e-4


@pytest.mark.parametrize("stop", [6, 8])
def test_an_accumulated_training_is_resumed_exactly(tmp_path: Path, stop: int) -> None:
    settings = {"model__dropout": 0.3, "chunks": 2, "batches": 2}
    whole = accumulated(tmp_path / "whole", **settings)
    cut = tmp_path / "cut"
    with pytest.MonkeyPatch.context() as patch:
        stop_after(stop, patch)
        with pytest.raises(Stop):
            accumulated(tmp_path, run_dir=cut, **settings)
    assert same_weights(accumulated(tmp_path, run_dir=cut, resume=cut, **settings), whole)


def test_a_resumed_training_may_divide_its_steps_anew(tmp_path: Path) -> None:
    """Other batches of a step, as another machine may need: the same chunks, the same result."""
    whole = accumulated(tmp_path / "whole", chunks=6, batches=1)
    cut = tmp_path / "cut"
    with pytest.MonkeyPatch.context() as patch:
        stop_after(6, patch)
        with pytest.raises(Stop):
            accumulated(tmp_path, run_dir=cut, chunks=2, batches=3)
    resumed = accumulated(tmp_path, run_dir=cut, resume=cut, chunks=3, batches=2)
    assert resumed.metrics["train_steps"] == 12
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(resumed)[name], value, rtol=0, atol=1e-6)


@pytest.mark.parametrize("value", ["0", "1.5", "two", "null"])
def test_bad_numbers_of_batches_are_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match=r"`trainer.accumulate_grad_batches` .* whole number"):
        run(tmp_path, trainer__accumulate_grad_batches=value)
