"""Reading: time and memory from a CSV file to a panel, beside pandas reading the same file.

    python scripts/benchmarks/read.py [--series 10000] [--steps 500] [--repeats 3]

Made-up files: many series of some steps; a million ids of three lines; one long series among many
short ones. Each measurement is a process of its own; its peak memory is the largest resident size
less that after the imports. The best of the repeats is shown, as other work on the machine only
adds to it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd


def write(path: Path, names: list[str], lengths: list[int]) -> int:
    """Hourly series of these lengths, long form; returns the number of lines."""
    rng = np.random.default_rng(0)
    hours = pd.date_range("2000-01-01", periods=max(lengths), freq="h").strftime("%F %T").to_numpy()
    with path.open("w", encoding="utf-8") as file:
        file.write("unique_id,ds,y\n")
        for name, length in zip(names, lengths, strict=True):
            values = rng.normal(100, 20, length).round(3)
            lines = (f"{name},{d},{v}\n" for d, v in zip(hours, values, strict=False))
            file.write("".join(lines))
    return sum(lengths)


def resident(key: str) -> float:
    """MB of this process: `VmRSS` now, `VmHWM` at most so far (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in status if line.startswith(key)) / 1e3


def measure(what: str, path: str) -> dict[str, float]:
    """Read the file by pandas or to a panel, in this process."""
    if what == "pandas":
        import pyarrow.csv  # noqa: F401 - the import is not measured

        before, begun = resident("VmRSS"), time.perf_counter()
        frame = pd.read_csv(path, engine="pyarrow", parse_dates=["ds"])
        seconds = time.perf_counter() - begun
        return {
            "seconds": seconds,
            "peak": resident("VmHWM") - before,
            "size": frame.memory_usage(deep=True).sum() / 1e6,
        }
    from tsconv.config.schema import DataConfig
    from tsconv.data.panel.panel import build_panel
    from tsconv.data.reading.read import read_table

    before, begun = resident("VmRSS"), time.perf_counter()
    table = read_table(DataConfig(path=path))
    read = time.perf_counter() - begun
    panel = build_panel(table)
    del table
    seconds = time.perf_counter() - begun
    size = panel.values.nbytes / 1e6
    return {"seconds": seconds, "read": read, "peak": resident("VmHWM") - before, "size": size}


def best(what: str, path: Path, repeats: int) -> dict[str, float]:
    """The least of each figure over fresh processes."""
    runs = []
    for _ in range(repeats):
        command = [sys.executable, __file__, "--measure", what, "--path", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    return {key: min(run[key] for run in runs) for key in runs[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--ids", type=int, default=1_000_000)
    parser.add_argument("--long", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", choices=("pandas", "panel"), help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.path)))
        return
    series = [f"series_{s:05d}" for s in range(options.series)]
    files = {
        f"{options.series:,} series of {options.steps}": (series, [options.steps] * len(series)),
        f"{options.ids:,} ids of 3": ([f"id{s}" for s in range(options.ids)], [3] * options.ids),
        f"one of {options.long:,} among {options.series:,} of 50": (
            ["long", *series],
            [options.long] + [50] * len(series),
        ),
    }
    print(f"{'':<40}{'lines':>12}{'seconds':>10}{'peak MB':>10}{'frame or panel MB':>20}")
    with tempfile.TemporaryDirectory() as folder:
        for what, (names, lengths) in files.items():
            path = Path(folder) / "data.csv"
            count = write(path, names, lengths)
            frame, panel = (best(w, path, options.repeats) for w in ("pandas", "panel"))
            print(what)
            for label, found in (("pandas, to a frame", frame), ("tsconv, to a panel", panel)):
                print(
                    f"  {label:<38}{count:>12,}{found['seconds']:>10.2f}{found['peak']:>10.0f}"
                    f"{found['size']:>20.0f}"
                )
            print(
                f"  twice pandas' seconds and 1: {2 * frame['seconds'] + 1:.2f}; "
                f"2.5 times its frame's MB: {2.5 * frame['size']:.0f}"
            )


if __name__ == "__main__":
    main()
