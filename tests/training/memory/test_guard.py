"""What is estimated before a training, and what is refused or told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.helpers.frames import daily_frame, stations
from tests.helpers.paths import ROOT
from tests.helpers.runs import QUICK, ROLES, run
from tsconv import cli
from tsconv.available_memory import Available
from tsconv.config.compose import train_config
from tsconv.data.reading.read import table_from_frame
from tsconv.distributed.ranks import Ranks
from tsconv.errors import TrainingError
from tsconv.training.memory import guard
from tsconv.training.memory.estimate import estimate_memory
from tsconv.training.memory.step_memory import kept_bytes, most_kept, step_memory
from tsconv.training.panel_cache import PanelCache
from tsconv.training.prepare import Prepared, check_config
from tsconv.training.step.dense_loss import dense_loss


def prepared_of(frame: pd.DataFrame | None = None, **keys: Any) -> Prepared:
    given = {**QUICK, **{k.replace("__", "."): v for k, v in keys.items()}}
    config = check_config(train_config([f"{k}={v}" for k, v in given.items()]))
    frame = daily_frame(4, 300) if frame is None else frame
    return PanelCache().prepare(config, table_from_frame(frame, config.data))


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"head": "point", "model__gated": True, "model__expansion": 2, "model__skip": True},
        {"head": "negative_binomial", "data__origins_per_chunk": 50},
        {"features__smooth": "[5]", "model__maps": "pooled", "features__calendar": "[weekday]"},
        {**ROLES, "model__rows": "pooled", "model__cross_row": "dense"},
        {"model__linear": False, "model__linear_start": "seasonal", "model__norm": "rms"},
    ],
    ids=["default", "point", "counts", "features", "rows", "no linear branch"],
)
def test_a_few_origins_tell_what_a_batch_keeps(keys: dict[str, Any]) -> None:
    frame = stations() if "data__row" in keys else daily_frame(4, 300).round({"y": 0})
    prepared = prepared_of(frame, **keys)
    before, grown = torch.get_rng_state(), step_memory(prepared)
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(p.grad is not None for p in prepared.net.parameters())
    batch = prepared.data().training_batch(0)
    inv_scale = prepared.module().inv_scale[batch.series]
    net = prepared.net.train()
    whole = kept_bytes(dense_loss, net, batch, inv_scale, prepared.config.head)
    assert grown.kept == pytest.approx(whole, rel=0.1)
    assert most_kept(prepared) > grown.total


def test_several_ranks_share_a_batch() -> None:
    prepared = prepared_of(data__chunks_per_batch=8)
    assert step_memory(prepared, 4).kept < 0.4 * step_memory(prepared).kept


def has(patch: pytest.MonkeyPatch, n_bytes: int) -> None:
    found = Available(n_bytes, "on this machine")
    patch.setattr(guard, "available_memory", lambda _: found)


def test_a_batch_that_cannot_fit_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has(monkeypatch, 3_000_000)
    with pytest.raises(TrainingError) as caught:
        run(tmp_path, data__chunks_per_batch=60)
    words = str(caught.value)
    assert "a training batch needs about " in words
    assert "3.0 MB are available on this machine: set data.chunks_per_batch (=60), " in words
    assert "head.quantiles (9 of them) lower" in words
    assert list(tmp_path.iterdir()) == []


def test_the_least_that_suffices_is_told_and_more_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepared_of()
    step = step_memory(prepared).total
    has(monkeypatch, step)
    note = guard.check_memory(prepared, Ranks.alone())
    assert note is not None
    assert note.startswith("memory: this training will take about ")
    for key in ("data.origins_per_chunk", "context_length", "model.hidden"):
        assert f"{key} (=" in note
    has(monkeypatch, step - 1)
    with pytest.raises(TrainingError):
        guard.check_memory(prepared, Ranks.alone())
    has(monkeypatch, 4_000_000_000)
    assert guard.check_memory(prepared, Ranks.alone()) is None
    monkeypatch.setattr(guard, "available_memory", lambda _: None)
    assert guard.check_memory(prepared, Ranks.alone()) is None


def test_a_small_training_is_not_looked_at_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, 20_000_000_000)
    monkeypatch.setattr(guard, "step_memory", pytest.fail)
    assert guard.check_memory(prepared_of(), Ranks.alone()) is None


def test_the_largest_phase_makes_the_peak() -> None:
    memory = estimate_memory(prepared_of(plots=True))
    phases = (memory.solving, memory.training, memory.scoring, memory.pictures)
    assert min(phases) > 0
    assert memory.peak == memory.libraries + memory.panel + max(phases)


def wide_panel(folder: Path) -> list[str]:
    """2,000 daily series of two years."""
    rng = np.random.default_rng(0)
    days = np.tile(pd.date_range("2022-01-01", periods=730), 2000)
    names = np.repeat([f"s{i:04d}" for i in range(2000)], 730)
    y = 10 + rng.normal(size=len(days)).round(3)
    frame = pd.DataFrame({"unique_id": names, "ds": days, "y": y})
    frame.to_parquet(folder / "data.parquet")
    return ["data.path=data.parquet", "horizon=24"]


def long_series(folder: Path) -> list[str]:
    """200,000 hours of one series."""
    hours, rng = np.arange(200_000), np.random.default_rng(0)
    frame = pd.DataFrame(
        {"unique_id": "a", "ds": pd.Timestamp("2000") + pd.to_timedelta(hours, "h")}
    )
    frame["y"] = (10 + 3 * np.sin(hours / 24 * 2 * np.pi) + rng.normal(size=len(hours))).round(3)
    frame.to_parquet(folder / "data.parquet")
    return ["data.path=data.parquet", "horizon=336"]


def weather(folder: Path) -> list[str]:
    return ["experiment=quickstart", f"data.path={ROOT / 'data' / 'seattle_weather.csv'}"]


@pytest.mark.slow
@pytest.mark.parametrize("data", [weather, wide_panel, long_series])
@pytest.mark.parametrize("head", ["quantile", "point"])
def test_the_estimate_of_check_is_within_a_quarter_of_what_a_process_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Any, head: str
) -> None:
    """Of a process of its own: what it has at its peak, as the kernel says it."""
    keys = [*data(tmp_path), f"head={head}", "trainer.max_steps=10", "compile=false"]
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check", *keys, "output=r.json"]) == 0
    estimated = json.loads(Path("r.json").read_text())["estimate"]["peak_bytes"]
    quiet = ["callbacks.progress=false", "run_dir=run"]
    process = subprocess.Popen([sys.executable, "-m", "tsconv.cli", "train", *keys, *quiet])
    _, code, used = os.wait4(process.pid, 0)
    assert code == 0
    assert estimated == pytest.approx(1024 * used.ru_maxrss, rel=0.25)
