"""What each kind of covariate is worth: `experiment=load` with all of them and with some left out.

    python scripts/benchmarks/covariates.py [--seeds 0 1] [--only FORM ...]

Prints the mean absolute error in MW over all test origins, over those whose horizon meets a holiday
of its area, and over the hours of holidays and bridge days alone. Some minutes a seed.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings

import numpy as np
import torch
from torch import Tensor

from tsconv.config.compose import train_config
from tsconv.data.batches.chunks import gather
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import read_table
from tsconv.training.panel_cache import PanelCache
from tsconv.training.run import train

NO_PAST = ("data.past_covariates=null",)
NO_FUTURE = ("data.future_covariates=null", "data.categories=[kind]")
NO_STATIC = ("data.static_covariates=null", "data.categories=[holiday]")
NONE = (*NO_PAST, *NO_FUTURE, "data.static_covariates=null", "data.categories=null")
FORMS = {
    "all": (),
    "no past": NO_PAST,
    "no static": NO_STATIC,
    "no temperature": ("data.future_covariates=[holiday]",),
    "no holidays": ("data.future_covariates=[temperature]", "data.categories=[kind]"),
    "no future": NO_FUTURE,
    "calendar alone": NONE,
    "none": (*NONE, "features.calendar=null"),
}


def errors(seed: int, overrides: tuple[str, ...], holiday: Tensor) -> tuple[list[float], float]:
    """Three mean absolute errors and the seconds of training.

    holiday: (S, steps) whether a step is a holiday, or a bridge day, of its series.
    """
    with tempfile.TemporaryDirectory() as folder:
        keys = (f"seed={seed}", f"run_dir={folder}", "plots=false",
                "callbacks.progress=false", "callbacks.checkpoints=false")  # fmt: skip
        config = train_config(["experiment=load", *keys, *overrides])
        result = train(config)
    # The panel of the training, encoded; its test part in one dense pass a series.
    prepared = PanelCache().prepare(config)
    net, panel, origins = result.bundle.net, prepared.panel, prepared.split.test
    assert origins is not None
    sums, counts = np.zeros(3), np.zeros(3)
    for s in range(len(panel)):
        series, first = torch.tensor([s]), origins.first[s : s + 1]
        count, horizon = int(origins.counts[s]), net.spec.horizon
        batch = gather(panel, origins, series, first, count, net.history, horizon)
        with torch.inference_mode():
            out = net(batch.x, batch.mask, count, covariates=batch.covariates).values()[0, 0, 0]
        middle = out[..., net.quantiles.index(0.5)]  # (O, horizon)
        miss = (middle - batch.y[0, 0, 0].unfold(-1, horizon, 1)).abs()
        ahead = holiday[s, int(first) + 1 :].unfold(0, horizon, 1)[:count]
        for i, which in enumerate((torch.ones_like(ahead), ahead.any(1, keepdim=True), ahead)):
            which = which.expand_as(ahead)
            sums[i] += float(miss[which].double().sum())
            counts[i] += int(which.sum())
    assert abs(sums[0] / counts[0] - result.metrics["test"]["mae"]) < 1e-3
    return list(sums / counts), result.metrics["train_seconds"]


def holidays() -> Tensor:
    """(S, steps) whether the file has a holiday or a bridge day there."""
    config = train_config(["experiment=load"])
    covariates = build_panel(read_table(config.data)).covariates
    assert covariates is not None
    empty = covariates.categories["holiday"].index("")
    values = covariates.values[:, covariates.names.index("holiday"), 0]
    return (values != empty).view(len(covariates.lengths), -1)  # the areas are equally long


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", choices=[*FORMS], default=[*FORMS])
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    holiday = holidays()
    print(f"{'covariates':<18}{'seed':>5}{'all':>8}{'meets':>8}{'holiday':>9}{'train s':>9}")
    for name in options.only:
        for seed in options.seeds:
            found, seconds = errors(seed, FORMS[name], holiday)
            print(f"{name:<18}{seed:>5}{found[0]:>8.2f}{found[1]:>8.2f}{found[2]:>9.2f}"
                  f"{seconds:>9.1f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
