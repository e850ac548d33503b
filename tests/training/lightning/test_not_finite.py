"""A loss or a gradient that is not finite: which series and times it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from tests.helpers.networks import random_batch, random_net
from tests.helpers.runs import run
from tsconv.data.batches.chunks import Batch
from tsconv.errors import TrainingError
from tsconv.training.lightning import lightning_module, loop
from tsconv.training.lightning.gradients import guard_and_clip_gradients
from tsconv.training.lightning.not_finite import NotFinite, faulty_chunks


def spoiled_frame() -> pd.DataFrame:
    """Four series of 200 days; `s2` has its peak at the hundredth."""
    draw = np.random.default_rng(0)
    time = pd.date_range("2024-01-01", periods=200)
    frames = [
        pd.DataFrame({"unique_id": f"s{i}", "ds": time, "y": draw.normal(10, 1, 200)})
        for i in range(4)
    ]
    frames[2].loc[100, "y"] = 5000.0
    return pd.concat(frames, ignore_index=True)


def spoil(patch: pytest.MonkeyPatch, gradient: bool = False) -> None:
    """Let the loss, or its gradient alone, be not finite where a chunk holds the peak."""
    original = lightning_module.dense_loss

    def spoiled(net: Any, batch: Batch, *args: Any) -> tuple[Tensor, Tensor]:
        loss, count = original(net, batch, *args)
        if bool((batch.x > 4000).any() | (batch.y > 4000).any()):
            loss = loss + (loss - loss.detach()).sqrt() if gradient else loss * float("inf")
        return loss, count

    patch.setattr(lightning_module, "dense_loss", spoiled)
    patch.setattr(loop, "dense_loss", spoiled)


@pytest.mark.parametrize("gradient", [False, True])
def test_the_message_names_step_rate_series_and_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gradient: bool
) -> None:
    spoil(monkeypatch, gradient)
    with pytest.raises(TrainingError) as caught:
        run(tmp_path, spoiled_frame(), data__origins_per_chunk=16, model__levels=2)
    message = str(caught.value)
    assert f"the {'gradient' if gradient else 'loss'} is not finite at step " in message
    assert "(learning rate " in message
    assert "the cause is series `s2` from 2024-0" in message
    assert "(values up to 5e+03)" in message
    assert "s0" not in message
    assert "\n" not in message
    assert not (tmp_path / "run" / "bundle").exists()


def test_in_validation_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = lightning_module.validation_sums

    def spoiled(net: Any, batch: Batch, *args: Any) -> Any:
        sums = original(net, batch, *args)
        return [s * float("nan") for s in sums]

    monkeypatch.setattr(lightning_module, "validation_sums", spoiled)
    with pytest.raises(TrainingError, match="the validation loss is not finite after step 10 "):
        run(tmp_path, spoiled_frame(), trainer__val_check_interval=10)


def test_a_loss_that_is_not_finite_counts_where_the_gradient_is() -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.ones(2)
    with pytest.raises(NotFinite, match="the loss is not finite at step 3"):
        guard_and_clip_gradients([weight], step=3, loss=torch.tensor(float("inf")))
    assert guard_and_clip_gradients([weight], step=3, loss=torch.tensor(1.0))


def test_chunks_that_are_faulty_together_alone_are_none() -> None:
    net = random_net().float()
    batch = random_batch(net, 3, 4)
    parameters = list(net.parameters())

    def loss(part: Batch) -> Tensor:
        bad = float("nan") if len(part.series) == 3 else 1.0
        return parameters[0].sum() * bad

    assert len(faulty_chunks(loss, batch, parameters).series) == 0
