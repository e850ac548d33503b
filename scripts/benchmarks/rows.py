"""Training steps of grouped networks: what separate rows and row mixing cost.

    python scripts/benchmarks/rows.py [--repeats 15] [--compile] [--bfloat16] [--threads 2]

Two families as the experiments train them: 12 rows of 3 targets and 8 past covariates, hourly
(beijing_air), and 76 rows of one target in 4 series, monthly (tourism). Every form takes the same
steps in turn, so that a slow minute of the machine slows all of them; medians, and the ratio to
`shared`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from tsconv.config.schema import HeadConfig
from tsconv.data.batches.chunks import Batch
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec
from tsconv.training.step.dense_loss import dense_loss

DECILES = tuple(q / 10 for q in range(1, 10))
FAMILIES = {
    "12 rows": (
        {"horizon": 24, "context_length": 168, "seasonal_lags": (24,), "levels": 6, "n_rows": 12,
         "channels": "mixed", "n_targets": 3, "n_past": 8, "hidden": 32, "quantiles": DECILES},
        (1, 256),
    ),
    "76 rows": (
        {"horizon": 12, "context_length": 72, "seasonal_lags": (12,), "levels": 5, "n_rows": 76,
         "hidden": 32, "quantiles": DECILES},
        (1, 128),
    ),
}  # fmt: skip
FORMS = (
    ("shared", "none"), ("separate", "none"), ("pooled", "none"),
    ("shared", "mean"), ("shared", "dense"), ("pooled", "dense"),
)  # fmt: skip


def stepper(
    spec: NetSpec, chunks: int, n_origins: int, compiled: bool, bfloat16: bool
) -> Callable[[], float]:
    """A function that trains one step on made-up values and returns the seconds it took."""
    torch.manual_seed(0)
    net = ForecastNet(spec)
    optimizer = torch.optim.AdamW(net.parameters(), fused=True)
    targets, rows = spec.n_targets or 1, spec.n_rows or 1
    x = torch.randn(chunks, targets + spec.n_past, rows, net.history + n_origins)
    y = torch.randn(chunks, targets, rows, n_origins - 1 + spec.horizon)
    valid = torch.ones(chunks, n_origins, dtype=torch.bool)
    series = torch.arange(chunks)
    batch = Batch(x, torch.ones_like(x), y, torch.ones_like(y), valid, series, series * 0)
    inv_scale, head = (
        torch.ones(chunks, targets, rows),
        HeadConfig("quantile", None, "mae", "series"),
    )
    loss_function = torch.compile(dense_loss, dynamic=False) if compiled else dense_loss

    def step() -> float:
        begun = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            loss, _ = loss_function(net, batch, inv_scale, head)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return time.perf_counter() - begun

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for family, (settings, (chunks, n_origins)) in FAMILIES.items():
        torch.compiler.reset()
        steps = {
            (rows, cross): stepper(
                NetSpec(rows=rows, cross_row=cross, **settings),  # type: ignore[arg-type]
                chunks,
                n_origins,
                options.compile,
                options.bfloat16,
            )
            for rows, cross in FORMS
        }
        for step in steps.values():
            for _ in range(3):  # compile, and fill the allocator's pools
                step()
        seconds: dict[tuple[str, str], list[float]] = {form: [] for form in FORMS}
        for _ in range(options.repeats):
            for form, step in steps.items():
                seconds[form].append(step())
        medians = {form: statistics.median(values) for form, values in seconds.items()}
        print(f"{family:<32}{'ms a step':>10}{'of shared':>12}")
        for (rows, cross), value in medians.items():
            ratio = value / medians["shared", "none"]
            print(f"  rows={rows:<10}cross_row={cross:<8}{1000 * value:>10.1f}{ratio:>12.2f}")


if __name__ == "__main__":
    main()
