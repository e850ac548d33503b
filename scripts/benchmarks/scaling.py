"""A model of what trainings cost: fitted on two sizes, checked on the next one up.

    python scripts/benchmarks/scaling.py read      # memory and seconds by lines of a CSV file
    python scripts/benchmarks/scaling.py step      # memory and seconds by chunks of a batch
    python scripts/benchmarks/scaling.py ranks     # two processes against one, one thread each

Each figure is that of a process of its own, the best of some turns. A line through the two smaller
sizes predicts the largest, which is then measured. `ranks` takes turns between one process and two.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = {"read": (500_000, 1_000_000, 4_000_000), "step": (8, 16, 64)}
UNITS = {"read": "lines", "step": "chunks of 256 origins"}
TURNS = 3


def write_lines(path: Path, lines: int) -> None:
    """Daily series of 500 steps."""
    import numpy as np
    import pandas as pd

    series = lines // 500
    days = pd.date_range("2020-01-01", periods=500).astype(str)
    values = np.random.default_rng(0).normal(100, 10, lines).round(2)
    ids = np.repeat([f"store_{i}" for i in range(series)], 500)
    frame = pd.DataFrame({"unique_id": ids, "ds": np.tile(days, series), "y": values})
    frame.to_csv(path, index=False)


def read(size: int, folder: Path) -> dict[str, float]:
    """Read a file and lay it on the grid of its series."""
    from tsconv.config.schema import DataConfig
    from tsconv.data.panel.panel import build_panel
    from tsconv.data.reading.read import read_table

    path = folder / f"{size}.csv"
    if not path.exists():
        subprocess.run([sys.executable, __file__, "write", str(size), str(folder)], check=True)
    before, begun = peak(), time.perf_counter()
    panel = build_panel(read_table(DataConfig(path=str(path))))
    seconds = time.perf_counter() - begun
    held = panel.values.numel() * panel.values.element_size()
    return {"seconds": seconds, "peak_mb": peak() - before, "panel_mb": held / 2**20}


def step(size: int, folder: Path) -> dict[str, float]:
    """Run eager training steps of the default network, horizon 28, context 84."""
    import pandas as pd

    from tsconv.config.compose import train_config
    from tsconv.data.panel.panel import build_panel
    from tsconv.data.reading.read import table_from_frame
    from tsconv.training.prepare import prepare
    from tsconv.training.step.dense_loss import dense_loss
    from tsconv.training.step.training_step import TrainingStep

    keys = ["horizon=28", "context_length=84", f"data.chunks_per_batch={size}"]
    config = train_config([*keys, "data.origins_per_chunk=256", "threads=1", "model.hidden=64"])
    days = pd.date_range("2015-01-01", periods=2000)
    y = [float((7 * t) % 13) for t in range(2000)]
    frame = pd.DataFrame({"unique_id": "a", "ds": days, "y": y})
    prepared = prepare(config, build_panel(table_from_frame(frame, config.data)))
    module, data = prepared.module(), prepared.data()
    batch = data.training_batch(step=0)
    one = TrainingStep(dense_loss, module.net, batch, module.inv_scale[batch.series], module.head)
    before = peak()
    seconds = min(one.run("float32") for _ in range(4))
    return {"seconds": seconds, "peak_mb": peak() - before}


def peak() -> float:
    """The largest resident size of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fit_and_check(what: str) -> None:
    """Measure three sizes, and predict the largest from the other two."""
    small, middle, large = SIZES[what]
    with tempfile.TemporaryDirectory() as folder:
        found = {size: best_of(what, size, folder) for size in SIZES[what]}
    for name in found[small]:
        slope = (found[middle][name] - found[small][name]) / (middle - small)
        start = found[small][name] - slope * small
        predicted, measured = start + slope * large, found[large][name]
        print(
            f"{what} {name}: {found[small][name]:.3g} at {small:,} {UNITS[what]}, "
            f"{found[middle][name]:.3g} at {middle:,}: predicts {predicted:.3g} at {large:,}, "
            f"measured {measured:.3g} ({100 * (predicted / measured - 1):+.0f}%)"
        )


def best_of(what: str, size: int, folder: str) -> dict[str, float]:
    """The lowest of each figure over some processes."""
    runs = [
        json.loads(
            subprocess.run(
                [sys.executable, __file__, what, str(size), folder],
                capture_output=True, text=True, check=True, env=environment(),
            ).stdout
        )
        for _ in range(TURNS)
    ]  # fmt: skip
    return {name: min(run[name] for run in runs) for name in runs[0]}


def environment() -> dict[str, str]:
    """One thread a process."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def ranks(data: str, steps: int) -> None:
    """Origins per second of one process and of two, in turns, on `experiment=etth1_fast`."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(TURNS):
        for count in rates:
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run(
                    [
                        sys.executable, "-m", "tsconv.cli", "train", "experiment=etth1_fast",
                        f"data.path={data}", f"trainer.max_steps={steps}",
                        "trainer.val_check_interval=100000", "precision=float32", "compile=false",
                        "threads=1", f"trainer.devices={count}", f"run_dir={folder}/run",
                        "callbacks.progress=false", "callbacks.checkpoints=false", "plots=false",
                        "logger=none", "trainer.accelerator=cpu",
                    ],
                    check=True, env=environment(), capture_output=True,
                )  # fmt: skip
                metrics = json.loads((Path(folder) / "run" / "metrics.json").read_text())
            rates[count].append(metrics["train_origins_per_second"])
    for one, two in zip(*rates.values(), strict=True):
        print(f"one process {one:,.0f} origins/s, two {two:,.0f}: {two / one:.2f} times")
    print(f"best of each: {max(rates[2]) / max(rates[1]):.2f} times")


def main() -> None:
    """Measure what is asked for; with a size, one process' part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["read", "step", "ranks", "write"])
    parser.add_argument("size", nargs="?", type=int)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--data", default="data/ETTh1.csv", help="for ranks: the path of ETTh1.csv")
    parser.add_argument("--steps", type=int, default=200, help="for ranks: of each training")
    given = parser.parse_args()
    if given.what == "ranks":
        ranks(given.data, given.steps)
    elif given.size is None:
        fit_and_check(given.what)
    elif given.what == "write":
        write_lines(Path(given.folder) / f"{given.size}.csv", given.size)
    else:
        work = {"read": read, "step": step}[given.what]
        print(json.dumps(work(given.size, Path(given.folder))))


if __name__ == "__main__":
    main()
