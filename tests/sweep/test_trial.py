"""One trial: what it leaves, what it may not see, and that its config gives its figures again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
import torch

from tests.helpers.frames import daily_frame
from tsconv.config.compose import train_config
from tsconv.config.schema import TrainConfig
from tsconv.errors import ConfigError, TrainingError
from tsconv.sweep.machine_faults import is_out_of_memory
from tsconv.sweep.trial import (
    Outcome,
    Pruned,
    objective_values,
    require_validation,
    run_trial,
)
from tsconv.training.panel_cache import PanelCache
from tsconv.training.run import train

QUICK = ("horizon=7", "trainer.max_steps=30", "compile=false", "precision=float32", "plots=false")


def config(folder: Path, frame: pd.DataFrame | None = None, *overrides: str) -> TrainConfig:
    path = folder / "sales.csv"
    if frame is not None or not path.exists():
        (daily_frame() if frame is None else frame).to_csv(path, index=False)
    return train_config([*QUICK, f"data.path={path}", *overrides])


def never(step: int, steps: int, error: float) -> bool:
    return False


def trained(folder: Path, *overrides: str, report: Callable[..., bool] = never) -> Outcome:
    return run_trial(config(folder, None, *overrides), PanelCache(), folder / "trial", report)


def test_the_test_part_is_never_looked_at(tmp_path: Path) -> None:
    """What stands in the test part changes nothing of a trial, to the last bit."""
    frame = daily_frame(2, 160)
    other = frame.copy()
    last = other.groupby("unique_id").cumcount(ascending=False) < 16  # the test part
    other.loc[last, "y"] = np.random.default_rng(0).normal(1e4, 1e3, int(last.sum()))
    figures = []
    for name, values in (("a", frame), ("b", other)):
        folder = tmp_path / name
        folder.mkdir()
        panel_cache = PanelCache()
        asked = config(folder, values, "split.test_size=16", "split.val_size=16")
        outcome = run_trial(asked, panel_cache, folder / "trial", never)
        figures.append((outcome.metrics["val"], outcome.metrics["val_error_by_percent"]))
        assert "test" not in outcome.metrics
        written = json.loads((folder / "trial" / "metrics.json").read_text())
        assert "test" not in written
    assert figures[0] == figures[1]


def test_the_validation_part_is_looked_at(tmp_path: Path) -> None:
    """The test above could fail: the part before it does change the figures."""
    frame = daily_frame(2, 160)
    other = frame.copy()
    at = other.groupby("unique_id").cumcount(ascending=False).between(16, 31)
    other.loc[at, "y"] += 1.0
    figures = []
    for values in (frame, other):
        asked = config(tmp_path, values, "split.test_size=16", "split.val_size=16")
        figures.append(run_trial(asked, PanelCache(), tmp_path / "t", never).metrics["val"]["mae"])
    assert figures[0] != figures[1]


@pytest.mark.parametrize(
    "extra", [(), ("head=point", "head.loss=mse"), ("head.loss_scale=origin",)]
)
def test_its_config_trained_again_gives_its_figures_exactly(
    tmp_path: Path, extra: tuple[str, ...]
) -> None:
    outcome = trained(tmp_path, *extra, "precision=auto", "seed=5")
    again = train(dataclasses.replace(outcome.config, run_dir=str(tmp_path / "again")))
    assert again.metrics["val"] == outcome.metrics["val"]
    assert again.metrics["test"] is not None  # which the trial had left out


def test_what_is_reported_is_the_objective(tmp_path: Path) -> None:
    """The error after the last validation is val.scaled_mae, whatever the loss is."""
    for extra in (("head=point", "head.loss=huber"), ("head.loss_scale=origin",)):
        seen: list[tuple[int, int, float]] = []

        def report(*what: Any, into: list[tuple[int, int, float]] = seen) -> bool:
            into.append(what)
            return False

        outcome = trained(tmp_path, *extra, "callbacks.weights=last", report=report)
        assert [step for step, _, _ in seen] == [3 * i for i in range(1, 11)]
        assert seen[-1][2] == pytest.approx(outcome.metrics["val"]["scaled_mae"], rel=1e-5)
        assert list(outcome.metrics["val_error_by_percent"]) == [10 * i for i in range(1, 11)]


def test_a_pruned_trial_stops_and_says_what_it_cost(tmp_path: Path) -> None:
    with pytest.raises(Pruned) as caught:
        trained(tmp_path, report=lambda step, steps, error: step >= 12)
    assert caught.value.figures["train_steps"] == 12
    assert caught.value.figures["train_seconds"] > 0
    assert isinstance(caught.value, optuna.TrialPruned)


def test_a_panel_cache_reads_a_file_once_for_each_way_of_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tsconv.training.panel_cache

    reads = []
    read = tsconv.training.panel_cache.open_panel
    monkeypatch.setattr(
        tsconv.training.panel_cache, "open_panel", lambda *given: reads.append(1) or read(*given)
    )
    panel_cache = PanelCache()
    panel_cache.prepare(config(tmp_path))
    panel_cache.prepare(config(tmp_path, None, "context_length=20", "data.origins_per_chunk=16"))
    panel_cache.prepare(config(tmp_path, None, "model.hidden=8", "split.val_size=20"))
    assert len(reads) == 1
    panel_cache.prepare(config(tmp_path, None, "data.na_values=[x]"))
    assert len(reads) == 2
    first = panel_cache.prepare(config(tmp_path, None, "split.val_size=30"))
    fresh = PanelCache().prepare(config(tmp_path, None, "split.val_size=30"))
    assert torch.equal(first.scale.std, fresh.scale.std)  # of its own split, not of another's


def test_a_sweep_needs_a_validation_part(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`split.val_size` \(=0\) leaves no forecast"):
        require_validation(PanelCache().prepare(config(tmp_path, None, "split.val_size=0")))


def test_objectives_are_looked_up_and_must_be_numbers() -> None:
    metrics = {"val": {"mae": 1.5, "wql": None, "mse": float("nan")}, "train_seconds": 3}
    assert objective_values(metrics, ["val.mae", "train_seconds"]) == [1.5, 3.0]
    for name in ("val.wql", "val.mse"):
        with pytest.raises(TrainingError, match=f"`{name}` is"):
            objective_values(metrics, [name])


def test_want_of_memory_is_told_from_other_errors() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(MemoryError())
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
    assert not is_out_of_memory(ValueError("out of memory"))
