"""float16: a scaled loss, steps that are skipped, its state in the checkpoint, on a CPU too."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.helpers.runs import run, weights
from tsconv.errors import TrainingError
from tsconv.training.lightning import lightning_module
from tsconv.training.lightning.checkpoints.resume import checkpoint_path
from tsconv.training.step.training_step import autocast


def spoil(patch: pytest.MonkeyPatch, first: int, last: int) -> list[dict[str, Tensor]]:
    """Let the losses of some steps be NaN; returns the weights that each step begins with."""
    original, seen = lightning_module.dense_loss, []

    def spoiled(net: Any, *args: Any) -> Any:
        seen.append({k: v.detach().clone() for k, v in net.named_parameters()})
        loss, count = original(net, *args)
        return (loss * torch.nan if first <= len(seen) - 1 <= last else loss), count

    patch.setattr(lightning_module, "dense_loss", spoiled)
    return seen


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, b[name]) for name, value in a.items())


def test_float16_is_what_float32_is_within_its_precision(tmp_path: Path) -> None:
    half = run(tmp_path / "half", precision="float16", callbacks__ema_decay=0)
    full = run(tmp_path / "full", precision="float32", callbacks__ema_decay=0)
    assert half.metrics["precision"] == "float16"
    assert not same(weights(half), weights(full))  # Lightning would take bfloat16 on a CPU
    assert half.metrics["test"]["mae"] == pytest.approx(full.metrics["test"]["mae"], rel=0.02)


def test_a_step_with_a_gradient_that_is_not_finite_is_skipped(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = spoil(patch, 0, 2)
        run(tmp_path, precision="float16", trainer__max_steps=6)
    assert all(same(seen[step], seen[0]) for step in (1, 2, 3))
    assert not same(seen[4], seen[3])
    state = torch.load(checkpoint_path(tmp_path / "run"), weights_only=True)["MixedPrecision"]
    assert state["scale"] == 2.0 ** (16 - 3)  # halved at each skipped step


def test_a_loss_that_stays_nan_ends_the_training(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        seen = spoil(patch, 5, 1000)
        with pytest.raises(TrainingError, match=r"in 20 steps in a row, the last being step 24"):
            run(tmp_path, precision="float16")
    assert same(seen[-1], seen[5])
    assert not (tmp_path / "run" / "bundle").exists()


@pytest.mark.parametrize(("before", "after"), [("float32", "float16"), ("float16", "float32")])
def test_another_precision_may_go_on(tmp_path: Path, before: str, after: str) -> None:
    folder = tmp_path / "run"
    run(tmp_path, precision=before, trainer__max_steps=4)
    (folder / "bundle").rename(folder / "first")
    more = run(tmp_path, precision=after, trainer__max_steps=8, resume=folder)
    assert more.metrics["train_steps"] == 8
    assert more.metrics["precision"] == after


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_steps_that_are_timed_run_as_lightning_runs_them(name: str) -> None:
    """Compiled code is bound to the flags of the context."""
    from pytorch_lightning.plugins.precision import MixedPrecision

    plugin = MixedPrecision("16-mixed" if name == "float16" else "bf16-mixed", "cpu")

    def flags() -> tuple[object, ...]:
        on, dtype = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")
        return on, dtype, torch.is_autocast_cache_enabled()

    with autocast(name, torch.device("cpu")):
        ours = flags()
    with plugin.forward_context():
        assert flags() == ours
    assert ours == (True, getattr(torch, name), False)
