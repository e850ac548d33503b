"""How the cost of a training grows with its data and settings: a Markdown table.

    python scripts/benchmarks/growth.py [--series 500] [--length 500] [--steps 30] [--cpu-time]

Made-up daily series of a base size are trained on for a fixed number of steps, then with 2, 4 and 8
times the series or the length, and with twice the horizon, context or quantiles. The network and
the batches stay those of the base, so that the table shows what the code does, not what the
defaults choose. Each training is a process of its own. Steps are not compiled. On a busy machine,
--cpu-time with OMP_NUM_THREADS=1 counts seconds of the processor.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from timed_training import make_daily, train

BASE: dict[str, Any] = {
    "horizon": 28,
    "context_length": 112,
    "compile": "false",
    "model.hidden": 64,
    "data.origins_per_chunk": 64,
    "data.chunks_per_batch": 32,
    "refit": "false",
    "plots": "false",
    "split.val_size": 56,
    "split.test_size": 56,
    "callbacks.progress": "false",
}
QUANTILES = [round(0.05 * k, 2) for k in range(1, 20)]  # 19 in place of 9
COLUMNS = ("reading", "preparing", "solving", "step", "validating", "scoring", "writing")


def cases(series: int, length: int) -> Iterator[tuple[str, int, int, dict[str, Any]]]:
    """A label, series, length and settings of each training."""
    yield "base", series, length, {}
    for times in (2, 4, 8):
        yield f"series x{times}", times * series, length, {}
    for times in (2, 4, 8):
        yield f"length x{times}", series, times * length, {}
    yield "horizon x2", series, length, {"horizon": 56}
    yield "context x2", series, length, {"context_length": 224}
    yield "quantiles x2", series, length, {"head.quantiles": str(QUANTILES).replace(" ", "")}


def measured(path: Path, steps: int, settings: dict[str, Any], cpu: bool) -> dict[str, Any]:
    """Train in a process of its own."""
    keys = {**BASE, "trainer.max_steps": steps, "trainer.val_check_interval": steps, **settings}
    overrides = [f"{key}={value}" for key, value in keys.items()]
    command = [
        sys.executable,
        __file__,
        "--train-cpu" if cpu else "--train",
        f"data.path={path}",
        *overrides,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def line(label: str, values: int, found: dict[str, Any]) -> str:
    """A line of the table."""
    seconds = {**found["seconds"], "step": found["seconds"]["training"] / found["steps"]}
    cells = [
        f"{1000 * seconds[name]:.0f}" if name == "step" else f"{seconds.get(name, 0.0):.2f}"
        for name in COLUMNS
    ]
    cells += [f"{found['origins_per_second']:,.0f}", f"{found['peak'] / 2**20:,.0f}"]
    return f"| {label} | {values:,} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] in (["--train"], ["--train-cpu"]):
        if sys.argv[1] == "--train-cpu":
            time.perf_counter = time.process_time
        print(json.dumps(train(sys.argv[2:])))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=500)
    parser.add_argument("--length", type=int, default=500)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--only", nargs="*", help="labels of the table, such as base 'series x2'")
    parser.add_argument("--cpu-time", action="store_true")
    given = parser.parse_args()
    print(
        "| | values | reading, s | preparing, s | solving, s | step, ms | validation, s "
        "| scoring, s | writing, s | origins/s | peak, MiB |"
    )
    print("|---|" + "--:|" * 10)
    with tempfile.TemporaryDirectory() as folder:
        for label, series, length, settings in cases(given.series, given.length):
            if given.only and label not in given.only:
                continue
            path = Path(folder) / f"{series}x{length}.parquet"
            if not path.exists():
                make_daily(path, series, length)
            found = measured(path, given.steps, settings, given.cpu_time)
            print(line(label, series * length, found), flush=True)


if __name__ == "__main__":
    main()
