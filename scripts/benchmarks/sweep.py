"""Measures what pruning saves and what a second worker gains, on the same sweep.

    python scripts/benchmarks/sweep.py pruning|workers [n_trials] [tsconv sweep overrides ...]

Pruning by default on data/seattle_weather.csv; workers on eight short monthly series, made here,
whose steps are too small for a second thread to help. Every sweep is the real command in a process
of its own, with the same seeds; times are those of the command, its start included.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from tsconv.output.tables import Column, format_line

ROOT = Path(__file__).resolve().parents[2]
SEATTLE = (
    f"data.path={ROOT / 'data' / 'seattle_weather.csv'}", "data.time=date",
    "data.wide_columns_are=series", "horizon=14", "trainer.max_steps=300", "compile=false",
    "split.val_size=140", "split.test_size=140",
)  # fmt: skip
MONTHLY = ("data.path={folder}/monthly.csv", "horizon=12", "trainer.max_steps=600")
FORMS = {
    "pruning": [(f"pruner={p}", (f"sweep.pruner={p}",)) for p in ("none", "median", "hyperband")],
    "workers": [(f"workers={n}", (f"sweep.workers={n}", "sweep.pruner=none")) for n in (1, 2)],
}


def write_monthly(path: Path) -> None:
    """Eight series of 120 months: a level, a season, noise."""
    rng = np.random.default_rng(0)
    months = pd.date_range("2010-01-01", periods=120, freq="MS")
    season = np.sin(2 * np.pi * np.arange(120) / 12)
    frames = [
        pd.DataFrame(
            {"unique_id": f"s{i}", "ds": months, "y": 9 + i * season + rng.normal(size=120)}
        )
        for i in range(8)
    ]
    pd.concat(frames).to_csv(path, index=False)


def sweep(folder: Path, overrides: tuple[str, ...]) -> tuple[float, list[dict[str, str]]]:
    """Run one sweep; (seconds, the lines of its trials.csv)."""
    command = [sys.executable, "-m", "tsconv.cli", "sweep", *overrides, f"run_dir={folder}"]
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    seconds = time.perf_counter() - begun
    with (folder / "trials.csv").open(newline="", encoding="utf-8") as file:
        return seconds, list(csv.DictReader(file))


def main() -> None:
    what, *arguments = sys.argv[1:] or ["pruning"]
    n_trials = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else 20
    given = any(a.startswith(("data.path", "experiment")) for a in arguments)
    with tempfile.TemporaryDirectory() as folder:
        write_monthly(Path(folder) / "monthly.csv")
        own = SEATTLE if what == "pruning" else MONTHLY
        data = () if given else tuple(a.format(folder=folder) for a in own)
        common = (*data, f"sweep.n_trials={n_trials}", "callbacks.progress=false", *arguments)
        columns = [Column(20, "<"), *[Column(12)] * 6]
        head = ["command s", "of first", "training s", "of first", "pruned", "best"]
        print(format_line(columns, [f"{n_trials:>3} trials", *head]))
        first = None
        for at, (name, overrides) in enumerate(FORMS[what]):
            seconds, trials = sweep(Path(folder) / str(at), (*common, *overrides))
            training = sum(float(t["train_seconds"] or 0) for t in trials)
            first = first or (seconds, training)
            pruned = sum(t["state"] == "pruned" for t in trials)
            best = min(float(t["val.scaled_mae"]) for t in trials if t["state"] == "complete")
            shares = f"{seconds / first[0]:.2f}", f"{training / first[1]:.2f}"
            cells = [f"{seconds:.1f}", shares[0], f"{training:.1f}", shares[1], str(pruned)]
            print(format_line(columns, [name, *cells, f"{best:.4f}"]), flush=True)


if __name__ == "__main__":
    main()
