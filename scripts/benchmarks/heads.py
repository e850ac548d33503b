"""Heads on made-up intermittent demand: accuracy beside Croston's methods, and training speed.

    python scripts/benchmarks/heads.py [--series 5000] [--steps 300] [--speed 40]

5,000 daily series of 140 days with 30% to 95% zeros, a weekly season, a level of their own and
negative binomial sizes; two weeks ahead from one origin. Each head is trained with the same network
and steps, with `point=mean`, since RMSSE is lowest for a mean. Croston-SBA and TSB are those of
statsforecast (extra `baselines`), a point for each step: their weighted quantile loss is that of
the point at all nine levels. Then the training steps of all heads are timed in turns.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings

import numpy as np
import pandas as pd
import torch

from tsconv.config.compose import train_config
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.evaluation.metrics import MetricSums
from tsconv.evaluation.observations import Observations
from tsconv.evaluation.scoring import training_scale
from tsconv.training.prepare import prepare
from tsconv.training.run import train

HEADS = (
    "quantile", "negative_binomial", "zero_inflated_negative_binomial", "poisson",
    "zero_inflated_poisson", "normal", "student_t", "point",
)  # fmt: skip
HORIZON, DAYS, SEASON = 14, 140, 7
DECILES = tuple(q / 10 for q in range(1, 10))


def demand(n_series: int, seed: int = 0) -> pd.DataFrame:
    """Made-up demand in long form."""
    rng = np.random.default_rng(seed)
    day = np.arange(DAYS)
    zeros = rng.uniform(0.3, 0.95, (n_series, 1))
    level = rng.gamma(2.0, 2.0, (n_series, 1)) + 0.5
    phase = rng.uniform(0, 2 * np.pi, (n_series, 1))
    season = 1 + 0.6 * np.sin(2 * np.pi * day / SEASON + phase)
    sizes = 1 + rng.negative_binomial(1.5, 1.5 / (1.5 + level * season))
    values = sizes * (rng.random((n_series, DAYS)) > zeros)
    ids = np.repeat([f"item {i:05d}" for i in range(n_series)], DAYS)
    days = np.tile(pd.date_range("2024-01-01", periods=DAYS), n_series)
    return pd.DataFrame({"unique_id": ids, "ds": days, "y": values.ravel().astype(float)})


def accuracy(frame: pd.DataFrame, steps: int) -> None:
    """Print WQL, RMSSE and coverage of each head and of Croston's methods."""
    print(f"{'forecaster':34s} {'wql':>7s} {'rmsse':>7s} {'80% holds':>10s} {'seconds':>8s}")
    for head in HEADS[:5]:
        with tempfile.TemporaryDirectory() as folder:
            config = train_config(
                [
                    f"horizon={HORIZON}", f"head={head}", "point=mean", f"run_dir={folder}/run",
                    "split.val_size=14", "split.test_size=14", "plots=false", "compile=false",
                    "refit=false", "logger=none", "callbacks.progress=false", "model.hidden=32",
                    f"trainer.max_steps={steps}", "precision=float32",
                ]
            )  # fmt: skip
            table = table_from_frame(frame, config.data)
            metrics = train(config, table).metrics
        test = metrics["test"]
        print(
            f"{head:34s} {test['wql']:7.4f} {test['rmsse']:7.4f} {100 * test['coverage_80']:9.1f}%"
            f" {metrics['train_seconds']:8.1f}",
            flush=True,
        )
    _croston(frame)


def _croston(frame: pd.DataFrame) -> None:
    from statsforecast.models import TSB, CrostonSBA

    config = train_config([f"horizon={HORIZON}"])
    panel = build_panel(table_from_frame(frame, config.data))
    scale = training_scale(panel, panel.lengths - 2 * HORIZON, SEASON)
    values = torch.from_numpy(frame["y"].to_numpy().reshape(-1, DAYS))
    series = torch.arange(len(values))
    later = values[:, None, None, None, -HORIZON:]
    seen = Observations(later, torch.ones_like(later), series)
    for model in (CrostonSBA(), TSB(alpha_d=0.2, alpha_p=0.2)):
        begun = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = [model.forecast(y=row[:-HORIZON].numpy(), h=HORIZON)["mean"] for row in values]
        point = torch.from_numpy(np.stack(found)).double()[:, None, None, None]
        sums = MetricSums(scale, DECILES)
        sums.add([point] * len(DECILES), seen)
        figures = sums.result()
        print(
            f"{type(model).__name__:34s} {figures['wql']:7.4f} {figures['rmsse']:7.4f} {'':>10s}"
            f" {time.perf_counter() - begun:8.1f}",
            flush=True,
        )


def speed(frame: pd.DataFrame, rounds: int) -> None:
    """Print origins per second of the training steps of all heads, timed in turns."""
    steps = {}
    for head in HEADS:
        config = train_config(
            [f"horizon={HORIZON}", f"head={head}", "model.hidden=32", "split.test_size=14"]
        )
        prepared = prepare(config, build_panel(table_from_frame(frame, config.data)))
        data = prepared.data()
        data.setup("fit")
        steps[head] = (prepared.module(), next(iter(data.train_dataloader())))
    seconds: dict[str, list[float]] = {head: [] for head in HEADS}
    for _ in range(rounds):
        for head, (module, batch) in steps.items():
            begun = time.perf_counter()
            module.zero_grad()
            inv_scale = module.inv_scale[batch.series]
            loss, _ = module.loss_function(module.net, batch, inv_scale, module.head)
            loss.backward()
            seconds[head].append(time.perf_counter() - begun)
    base = statistics.median(seconds["quantile"])
    for head, (_, batch) in steps.items():
        one = statistics.median(seconds[head])
        print(f"{head:34s} {int(batch.valid.sum()) / one:9,.0f} origins/s, {one / base:.2f} steps")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--speed", type=int, default=0, help="rounds of timing")
    given = parser.parse_args()
    if given.speed:
        speed(demand(500), given.speed)
    else:
        accuracy(demand(given.series), given.steps)
