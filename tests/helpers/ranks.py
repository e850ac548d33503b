"""Data, commands and comparisons for tests of several ranks."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file

from tests.helpers.paths import ROOT

# Rows, a covariate, missing values, validation, averaged weights and an early end.
TRAIN = (
    "data.path=sales.csv", "data.row=place", "data.future_covariates=[promo]", "horizon=5",
    "split.val_size=20", "split.test_size=20", "context_length=14", "model.rows=pooled",
    "model.cross_row=mean", "model.hidden=8", "model.levels=2", "trainer.max_steps=80",
    "trainer.val_check_interval=5", "trainer.log_every_n_steps=1", "callbacks.patience=4",
    "optimizer.lr=0.01", "data.origins_per_chunk=16", "data.chunks_per_batch=6", "compile=false",
    "precision=float32", "threads=1", "callbacks.progress=false", "plots=false",
    "trainer.accelerator=cpu",
)  # fmt: skip


def family_frame(n_series: int = 3, steps: int = 130) -> pd.DataFrame:
    """Series of several lengths, each of two places, with a promotion and missing values.

    The promotion is known for five days after the last value.
    """
    generator = np.random.default_rng(0)
    parts = []
    for s in range(n_series):
        n = steps + 11 * s
        days = pd.date_range("2024-01-01", periods=n + 5).astype(str)
        promo = generator.integers(0, 2, n + 5)
        for place in ("east", "west"):
            y = 10 + 5 * s + 3 * np.sin(np.arange(n + 5) / 7 * 2 * np.pi) + 4 * promo
            y += generator.normal(size=n + 5)
            y[generator.random(n + 5) < 0.1] = np.nan
            y[n:] = np.nan
            parts.append(
                pd.DataFrame(
                    {"unique_id": f"s{s}", "place": place, "ds": days, "promo": promo, "y": y}
                )
            )
    return pd.concat(parts)


def environment() -> dict[str, str]:
    """That of this process, with one thread, and a package that is found from any folder."""
    own = {k: v for k, v in os.environ.items() if k != "TSCONV_DEBUG"}
    return {**own, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def start(
    folder: Path,
    *arguments: str,
    launcher: tuple[str, ...] = (),
    variables: dict[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Start `tsconv ...` in a folder, under a launcher or with variables where they are given."""
    program = launcher or (sys.executable,)
    return subprocess.Popen(
        [*program, "-m", "tsconv.cli", *arguments],
        cwd=folder,
        env={**environment(), **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(
    folder: Path, *arguments: str, launcher: tuple[str, ...] = (), seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run `tsconv ...` to its end."""
    process = start(folder, *arguments, launcher=launcher)
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def torchrun(ranks: int) -> tuple[str, ...]:
    """The command that starts as many ranks on this machine, at a free port."""
    return (
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node",
        str(ranks),
    )  # fmt: skip


def losses(run_dir: Path, name: str) -> dict[int, float]:
    """step -> the train or validation loss that the logger wrote."""
    (path,) = run_dir.rglob("metrics.csv")
    with path.open(encoding="utf-8") as file:
        return {int(r["step"]): float(r[name]) for r in csv.DictReader(file) if r.get(name)}


def largest_difference(a: Path, b: Path) -> float:
    """Between the weights of two run folders' bundles."""
    ours, theirs = (load_file(run_dir / "bundle" / "model.safetensors") for run_dir in (a, b))
    assert ours.keys() == theirs.keys()
    return max(float((ours[k] - theirs[k]).abs().max()) for k in ours if ours[k].numel())


def ranks_of(pid: int) -> list[int]:
    """The processes that a command started as further ranks."""
    found = subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return [int(line) for line in found.split()]


def same_tensors(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Whether two state dicts are the same to the last bit."""
    return a.keys() == b.keys() and all(torch.equal(v, b[k]) for k, v in a.items())
