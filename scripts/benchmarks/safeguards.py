"""What the safeguards of a training cost, measured within one run: its time, and their share of it.

    python scripts/benchmarks/safeguards.py experiment=etth1 data.path=ETTh1.csv

The overrides are those of `tsconv train`. Timed are checkpoints (state, checksum, writing, flush),
the check of each step's loss and gradient beside what clipping takes anyway, writing the bundle
with its checksums, and `status.json`.
"""

from __future__ import annotations

import collections
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from tsconv.cli import run_main
from tsconv.config.compose import train_config
from tsconv.runs import record
from tsconv.training import run as training_run
from tsconv.training.lightning import lightning_module
from tsconv.training.lightning.checkpoints.last import LastCheckpoint

SPENT: dict[str, float] = collections.defaultdict(float)
CALLS: dict[str, int] = collections.defaultdict(int)


def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose time is added to what was spent on `name`."""

    def call(*arguments: Any, **keys: Any) -> Any:
        begun = time.perf_counter()
        try:
            return function(*arguments, **keys)
        finally:
            SPENT[name] += time.perf_counter() - begun
            CALLS[name] += 1

    return call


def guard_seconds(steps: int) -> float:
    """The time of the check of all steps alone: the norm is what clipping computes anyway."""
    norm, loss = torch.zeros(()), torch.zeros(())
    begun = time.perf_counter()
    for _ in range(steps):
        bool(torch.isfinite(norm + loss.to(norm)))
    return time.perf_counter() - begun


def main(overrides: Sequence[str]) -> None:
    """Train once and print the shares."""
    LastCheckpoint._save = timed("checkpoints", LastCheckpoint._save)  # type: ignore[method-assign]
    record.write_status = timed("status.json", record.write_status)
    training_run.save_bundle = timed("bundle, all of it", training_run.save_bundle)
    whole = lightning_module.guard_and_clip_gradients
    lightning_module.guard_and_clip_gradients = timed("guard and clipping", whole)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        run_dir = Path(folder) / "run"
        result = training_run.train(train_config([*overrides, f"run_dir={run_dir}", "plots=false"]))
        seconds = time.perf_counter() - begun
    steps = CALLS["guard and clipping"]
    SPENT["guard alone"] = guard_seconds(steps)
    training = result.metrics["train_seconds"]
    print(f"{seconds:.1f} s in all, {training:.1f} s of training, {steps} steps")
    for name, spent in sorted(SPENT.items(), key=lambda item: -item[1]):
        print(f"{name:20} {spent:8.3f} s  {100 * spent / training:6.2f}% of the training")
    own = sum(v for k, v in SPENT.items() if k != "guard and clipping")
    print(f"{'safeguards':20} {own:8.3f} s  {100 * own / training:6.2f}% of the training")


if __name__ == "__main__":
    run_main(main)
