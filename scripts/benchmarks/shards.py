"""Forecasts in shards of many series: series per second, where the time goes, and peak memory.

    python scripts/benchmarks/shards.py [--series 100000 300000 1000000] [--csv] [--keep]

Made-up daily series with two decimals, series after series, in one Parquet file (with --csv a CSV
file) for each size; a small bundle, trained for a moment; all files lie in --folder. Each forecast
is a process of its own. Its peak memory is the largest resident size less that after the imports;
it is shown after a quarter of the shards and after all of them. A last process makes one shard of
the largest file alone.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

_GROUP = 5000  # series that are written at once


def write(path: Path, series: int, steps: int) -> None:
    """Weekly cycles and noise around levels of their own."""
    days = np.datetime64("2024-01-01") + np.arange(steps)
    cycle = 10 * np.sin(2 * np.pi * np.arange(steps) / 7)
    schema = pa.schema(
        [("unique_id", pa.string()), ("ds", pa.timestamp("us")), ("y", pa.float64())]
    )
    if path.suffix == ".csv":
        schema = schema.set(1, pa.field("ds", pa.date32()))
        writer = pyarrow.csv.CSVWriter(path, schema)
    else:
        writer = pyarrow.parquet.ParquetWriter(path, schema)
    with writer:
        for first in range(0, series, _GROUP):
            numbers = np.arange(first, min(first + _GROUP, series))
            rng = np.random.default_rng(first)
            level = rng.uniform(50, 500, len(numbers))[:, None]
            values = level + cycle + rng.normal(0, 5, (len(numbers), steps))
            names = pa.array([f"series_{n:07d}" for n in numbers])
            table = pa.table(
                {
                    "unique_id": names.take(pa.array(np.repeat(np.arange(len(numbers)), steps))),
                    "ds": pa.array(np.tile(days, len(numbers))),
                    "y": values.round(2).ravel(),
                }
            )
            writer.write_table(table.cast(schema))


def train(folder: Path, horizon: int) -> Path:
    """A small bundle."""
    write(folder / "train.parquet", 200, 200)
    run_dir = folder / "run"
    shutil.rmtree(run_dir, ignore_errors=True)
    keys = [
        f"data.path={folder}/train.parquet", f"horizon={horizon}", f"run_dir={run_dir}",
        "model.hidden=16", "context_length=56", "trainer.max_steps=50", "plots=false",
        "callbacks.progress=false", "compile=false", "logger=none",
    ]  # fmt: skip
    subprocess.run(
        [sys.executable, "-m", "tsconv.cli", "train", *keys],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return run_dir


def resident(key: str) -> float:
    """MB of this process: `VmRSS` now, `VmHWM` at most so far (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in status if line.startswith(key)) / 1e3


def measure(overrides: list[str]) -> None:
    """Forecast in this process, and print what was measured as JSON."""
    from tsconv.config.compose import forecast_config
    from tsconv.forecasting.shards.job import PartResult
    from tsconv.forecasting.shards.run import run_shards

    before, begun = resident("VmRSS"), time.perf_counter()
    peaks: list[float] = []

    def report(part: PartResult, done: int, count: int) -> None:
        peaks.append(resident("VmHWM") - before)

    result = run_shards(forecast_config(overrides), report)
    print(
        json.dumps(
            {
                "total": time.perf_counter() - begun,
                "series": sum(part.series for part in result.parts),
                "peaks": [peaks[(len(peaks) - 1) // 4], peaks[-1], resident("VmHWM") - before],
                **result.seconds,
            }
        )
    )


def main() -> None:
    """Write the files, forecast them, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--horizon", type=int, default=14)
    parser.add_argument("--series-per-shard", type=int, default=15_625)
    parser.add_argument("--folder", type=Path, default=Path("shards_data"))
    parser.add_argument("--csv", action="store_true", help="CSV in place of Parquet")
    parser.add_argument("--output", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--keep", action="store_true", help="keep the data at the end")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    bundle = train(folder, options.horizon)
    suffix = "csv" if options.csv else "parquet"
    names = ("reading", "table", "network", "writing", "merging", "total")
    print(
        f"{'series':>10}{'shards':>8}{'file MB':>9}{'series/s':>10}"
        + "".join(f"{name + ' s':>12}" for name in names)
        + f"{'peak MB: 1/4':>14}{'all':>7}{'merged':>8}"
    )
    for number, series in enumerate(options.series):
        path = folder / f"series_{series}.{suffix}"
        write(path, series, options.steps)
        shards = math.ceil(series / options.series_per_shard)
        output = folder / f"forecast_{series}.{options.output}"
        keys = [f"bundle={bundle}", f"data.path={path}", f"output={output}", f"shards={shards}"]
        last = number == len(options.series) - 1
        for more in ([], ["shard=0"]) if last else ([],):
            for part in folder.glob(f"{output.stem}-*"):
                part.unlink()
            command = [sys.executable, __file__, "--measure", *keys, *more]
            environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
            done = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, text=True, env=environment
            )
            found = json.loads(done.stdout.splitlines()[-1])
            print(
                f"{series:>10,}{f'1/{shards}' if more else shards:>8}"
                f"{path.stat().st_size / 1e6:>9,.0f}{found['series'] / found['total']:>10,.0f}"
                + "".join(f"{found[name]:>12.1f}" for name in names)
                + "".join(
                    f"{peak:>{w},.0f}" for peak, w in zip(found["peaks"], (14, 7, 8), strict=True)
                ),
                flush=True,
            )
        if not options.keep:
            path.unlink()
    if not options.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
