"""A large Parquet file: seconds and memory of `tsconv train` and `tsconv forecast`, by phase.

    python scripts/benchmarks/large_file.py /tmp/large [--series 30490] [--steps 1941]
        [--order id|time] [--only train|forecast|read] [--max-steps 300] [overrides of train ...]

The file has the size of M5's: daily counts of made-up items, the same in each run. It is written to
the folder unless it is there. Train and forecast are processes of their own; seconds of the whole
command are measured from outside, its peak memory is its largest resident size. A phase's memory is
the largest resident size up to its end.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FIRST_DAY = np.datetime64("2011-01-29")
LINES_AT_ONCE = 2_000_000
DEPARTMENTS = (("HOBBIES", 2), ("HOUSEHOLD", 2), ("FOODS", 3))
STORES = ("CA_1", "CA_2", "CA_3", "CA_4", "TX_1", "TX_2", "TX_3", "WI_1", "WI_2", "WI_3")
# (module, function) of what a phase is; inner ones are shown below the outer one.
PHASES = (
    ("tsconv.data.reading.read", "read_table"),
    ("tsconv.data.panel.panel", "build_panel"),
    ("tsconv.training.prepare", "prepare"),
    ("tsconv.training.run", "data_notes"),
    ("tsconv.training.solved_start", "solve_linear_branch"),
    ("tsconv.training.lightning.loop", "run_trainer"),
    ("tsconv.training.lightning.loop", "_fit"),
    ("tsconv.training.run", "calibrated_scores"),
    ("tsconv.evaluation.scoring", "evaluate"),
    ("tsconv.calibration.conformal", "fit_calibration"),
    ("tsconv.training.run", "write_run"),
    ("tsconv.data.fingerprint", "fingerprint"),
    ("tsconv.forecasting.bundles.bundle", "save_bundle"),
    ("tsconv.training.refit", "refit_bundle"),
    ("tsconv.output.run_plots", "plot_run"),
    ("tsconv.forecasting.bundles.bundle", "load_bundle"),
    ("tsconv.forecasting.match", "prepare_forecast"),
    ("tsconv.forecasting.forecast", "forecast_panel"),
    ("tsconv.forecasting.frame", "forecast_frame"),
    ("tsconv.data.write", "write_table"),
)


def names_of(series: int) -> list[str]:
    """Ids like M5's: `HOBBIES_1_001_CA_1`.

    >>> names_of(11)[0], names_of(11)[-1]
    ('HOBBIES_1_001_CA_1', 'HOBBIES_1_002_CA_1')
    """
    kinds = [f"{name}_{part + 1}" for name, parts in DEPARTMENTS for part in range(parts)]
    items = -(-series // len(STORES))
    each = -(-items // len(kinds))
    found = [f"{kinds[i // each]}_{i % each + 1:03d}" for i in range(items)]
    return [f"{item}_{store}" for item in found for store in STORES][:series]


def counts(series: int, steps: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    """(series, steps) daily counts: a rate of its own, a week, a year, and days without demand."""
    rng = np.random.default_rng(0)
    day = np.arange(steps)
    week = np.array([1.0, 0.8, 0.8, 0.85, 1.0, 1.3, 1.4])[day % 7]
    out = np.empty((series, steps), dtype="int16")
    for begin in range(0, series, 1000):
        rows = min(1000, series - begin)
        rate = rng.gamma(0.6, 2.0, (rows, 1)) + 0.05
        year = 1 + 0.3 * rng.random((rows, 1)) * np.sin(2 * np.pi * (day / 365.25 - 0.3))
        idle = rng.random((rows, steps)) < 0.3
        out[begin : begin + rows] = np.where(idle, 0, rng.poisson(rate * week * year / 0.7))
    return out


def write(path: Path, series: int, steps: int, order: str) -> None:
    """Write the file, some lines at once: `id` and `date` are text and date, `sold` is int64."""
    values = counts(series, steps)
    names = pa.array(names_of(series))
    days = pa.array(FIRST_DAY + np.arange(steps))
    schema = pa.schema([("id", pa.string()), ("date", pa.date32()), ("sold", pa.int64())])
    across = values if order == "id" else values.T
    with pq.ParquetWriter(path, schema) as file:
        at_once = max(1, LINES_AT_ONCE // across.shape[1])
        for begin in range(0, len(across), at_once):
            part = across[begin : begin + at_once]
            outer = np.repeat(np.arange(begin, begin + len(part)), part.shape[1])
            inner = np.tile(np.arange(part.shape[1]), len(part))
            s, t = (outer, inner) if order == "id" else (inner, outer)
            sold = pa.array(part.ravel().astype("int64"))
            columns = [names.take(pa.array(s)), days.take(pa.array(t)), sold]
            file.write_table(pa.Table.from_arrays(columns, schema=schema))


def resident(key: str) -> float:
    """MB of this process: `VmRSS` now, `VmHWM` at most so far (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in status if line.startswith(key)) / 1e3


class Phases:
    """Seconds and memory of each call of some functions."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []
        self.depth = 0

    def replace_all(self) -> None:
        """Put timed ones in the place of the functions of PHASES."""
        for module_name, name in PHASES:
            if module_name not in sys.modules:  # what the command does not use takes no time
                continue
            plain = getattr(sys.modules[module_name], name)
            timed = self.timed(name, plain)
            for module in list(sys.modules.values()):  # also where it was imported by name
                if getattr(module, "__name__", "").startswith("tsconv"):
                    for key, value in list(vars(module).items()):
                        if value is plain:
                            setattr(module, key, timed)

    def timed(self, name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which notes what each call took."""

        @functools.wraps(plain)
        def call(*args: Any, **keywords: Any) -> Any:
            row: dict[str, Any] = {"name": "  " * self.depth + name.strip("_")}
            self.found.append(row)
            self.depth += 1
            begun, cpu = time.perf_counter(), time.process_time()
            try:
                return plain(*args, **keywords)
            finally:
                self.depth -= 1
                row |= {
                    "seconds": time.perf_counter() - begun,
                    "cpu": time.process_time() - cpu,
                    "resident": resident("VmRSS"),
                    "peak": resident("VmHWM"),
                }
                print(f"  {line_of(row)}", file=sys.stderr, flush=True)

        return call


def measure(what: str, arguments: list[str]) -> None:
    """Run a command in this process, and print its phases as JSON in the last line."""
    begun = time.perf_counter()
    if what == "read":
        from tsconv.config.schema import DataConfig
        from tsconv.data.panel.panel import build_panel
        from tsconv.data.reading.read import read_table

        phases, base = Phases(), resident("VmRSS")
        read = phases.timed("read_table", read_table)
        build = phases.timed("build_panel", build_panel)
        build(read(DataConfig(path=arguments[0], id="id", time="date", target="sold")))
        print(json.dumps({"phases": phases.found, "imports": base}))
        return
    from tsconv.cli import main as tsconv

    importlib.import_module("tsconv.commands.run_commands")
    run = {"train": "tsconv.training.run", "forecast": "tsconv.forecasting.run"}[what]
    importlib.import_module(run)
    phases = Phases()
    phases.replace_all()
    imports, cpu, base = time.perf_counter() - begun, time.process_time(), resident("VmRSS")
    code = tsconv([what, *arguments])
    first = {"name": "imports", "seconds": imports, "cpu": cpu, "resident": base, "peak": base}
    print(json.dumps({"code": code, "phases": [first, *phases.found]}))
    sys.exit(code)


def show(what: str, arguments: list[str]) -> None:
    """Run a command in a process of its own, and print a table of its phases."""
    command = [sys.executable, __file__, "--measure", what, *arguments]
    begun = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode:
        sys.exit(done.stdout[-2000:])
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"\n{what}: {seconds:.1f} s, peak {max(r['peak'] for r in found['phases']):,.0f} MB")
    print(f"  {'phase':<32}{'seconds':>9}{'CPU s':>9}{'MB then':>10}{'peak MB':>10}")
    for row in found["phases"]:
        print(f"  {line_of(row)}")


def line_of(row: dict[str, Any]) -> str:
    """A phase's line of the table."""
    figures = f"{row['seconds']:>9.2f}{row['cpu']:>9.2f}{row['resident']:>10,.0f}"
    return f"{row['name']:<32}{figures}{row['peak']:>10,.0f}"


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--series", type=int, default=30_490)
    parser.add_argument("--steps", type=int, default=1_941)
    parser.add_argument("--order", choices=("id", "time"), default="id")
    parser.add_argument("--only", choices=("train", "forecast", "read"))
    parser.add_argument("--max-steps", type=int, default=300)
    options, overrides = parser.parse_known_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    size = f"{options.series}x{options.steps}_{options.order}"
    path = options.folder / f"{size}.parquet"
    if not path.exists():
        write(path, options.series, options.steps, options.order)
    print(f"{path}: {options.series * options.steps:,} lines, {path.stat().st_size / 1e6:.0f} MB")
    run = options.folder / f"run_{size}"
    if options.only in (None, "read"):
        show("read", [str(path)])
    columns = [f"data.path={path}", "data.id=id", "data.time=date", "data.target=sold"]
    if options.only in (None, "train"):
        shutil.rmtree(run, ignore_errors=True)
        further = ["horizon=28", f"trainer.max_steps={options.max_steps}", f"run_dir={run}"]
        show("train", [*columns, *further, *overrides])
    if options.only in (None, "forecast"):
        output = options.folder / f"forecast_{size}.csv"
        output.unlink(missing_ok=True)
        show("forecast", [f"bundle={run}/bundle", f"data.path={path}", f"output={output}"])


if __name__ == "__main__":
    main()
