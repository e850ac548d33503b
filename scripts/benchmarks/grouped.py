"""A family of rows trained together, in every form, beside one network for each row and target.

    python scripts/benchmarks/grouped.py '.../beijing_air/*.csv' [--seeds 0 1 2] [--only FORM ...]

Trains `experiment=beijing_air` with each `model.rows` and `model.cross_row`, then the 12 x 3
networks of single stations and targets, each on its own file with the same past covariates and the
defaults for its size. Prints errors on standardised values, averaged over all stations, targets and
test origins, and the seconds of training (reading, compiling and scoring apart). An hour and more
for three seeds; `--only pooled/dense alone` picks some.
"""

from __future__ import annotations

import argparse
import glob
import tempfile
import time
import warnings
from typing import Any

import numpy as np
import torch

from tsconv.config.compose import train_config
from tsconv.training.run import train

FORMS = [f"{rows}/{cross}" for rows in ("shared", "separate", "pooled")
         for cross in ("none", "mean", "dense")]  # fmt: skip
TARGETS = ("PM2.5", "TEMP", "O3")
# What a user with one station and one variable would get: no family, sizes chosen from the data.
SINGLE = ("data.row=null", "model.rows=shared", "model.cross_row=none", "model.hidden=null",
          "optimizer.lr=0.002", "trainer.max_steps=null", "compile=auto")  # fmt: skip


def run(path: str, seed: int, *overrides: str) -> dict[str, Any]:
    """Train in a folder that is thrown away; returns metrics.json as it would be written."""
    torch.compiler.reset()
    with tempfile.TemporaryDirectory() as folder:
        keys = (f"data.path={path}", f"seed={seed}", f"run_dir={folder}", "plots=false",
                "callbacks.progress=false", "callbacks.checkpoints=false")  # fmt: skip
        return train(train_config(["experiment=beijing_air", *keys, *overrides])).metrics


def report(name: str, seed: int, runs: list[dict[str, Any]], begun: float) -> None:
    """One line: errors weighted by scored origins, MASE by series, seconds."""
    tests = [r["test"] for r in runs]
    weight = [t["n_origins"] for t in tests]
    mse, mae = (
        np.average([t[k] for t in tests], weights=weight) for k in ("scaled_mse", "scaled_mae")
    )
    mase = np.mean([t["mase"] for t in tests])
    seconds = sum(r["train_seconds"] for r in runs)
    print(
        f"{name:<18}{seed:>5}{mse:>12.4f}{mae:>12.4f}{mase:>9.4f}{seconds:>10.1f}"
        f"{time.perf_counter() - begun:>10.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="the pattern of the twelve files")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", default=[*FORMS, "alone"])
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    print(f"{'form':<18}{'seed':>5}{'scaled mse':>12}{'scaled mae':>12}{'mase':>9}"
          f"{'train s':>10}{'all s':>10}")  # fmt: skip
    for name in options.only:
        for seed in options.seeds:
            begun = time.perf_counter()
            if name == "alone":
                runs = [
                    run(path, seed, f"data.target={target}", *SINGLE)
                    for path in sorted(glob.glob(options.path))
                    for target in TARGETS
                ]
            else:
                rows, _, cross = name.partition("/")
                runs = [run(options.path, seed, f"model.rows={rows}", f"model.cross_row={cross}")]
            report(name, seed, runs, begun)


if __name__ == "__main__":
    main()
