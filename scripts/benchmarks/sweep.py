"""What pruning saves, and what a second worker gains: the same sweep in several forms.

    python scripts/benchmarks/sweep.py [n_trials] [tsconv sweep overrides ...]

By default on data/seattle_weather.csv. Every sweep is the real command in a process of its own, with
the same seeds; times are those of the command, its start included.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = (
    f"data.path={ROOT / 'data' / 'seattle_weather.csv'}", "data.time=date",
    "data.wide_columns_are=series", "horizon=14",
)  # fmt: skip
FORMS = (
    ("pruner=none", ("sweep.pruner=none",)),
    ("pruner=median", ("sweep.pruner=median",)),
    ("pruner=hyperband", ("sweep.pruner=hyperband",)),
    ("pruner=none, 2 workers", ("sweep.pruner=none", "sweep.workers=2")),
    ("pruner=median, 2 workers", ("sweep.pruner=median", "sweep.workers=2")),
)


def sweep(folder: Path, overrides: tuple[str, ...]) -> tuple[float, list[dict[str, str]]]:
    """Run one sweep; (seconds, the lines of its trials.csv)."""
    command = [sys.executable, "-m", "tsconv.cli", "sweep", *overrides, f"run_dir={folder}"]
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    seconds = time.perf_counter() - begun
    with (folder / "trials.csv").open(newline="", encoding="utf-8") as file:
        return seconds, list(csv.DictReader(file))


def main() -> None:
    arguments = sys.argv[1:]
    n_trials = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else 20
    data = () if any(a.startswith(("data.path", "experiment")) for a in arguments) else DATA
    common = (*data, f"sweep.n_trials={n_trials}", "callbacks.progress=false", *arguments)
    head = ("command s", "training s", "of none", "pruned", "best")
    print(f"{n_trials} trials{'':<18}" + "".join(f"{h:>12}" for h in head))
    whole = None
    with tempfile.TemporaryDirectory() as folder:
        for at, (name, overrides) in enumerate(FORMS):
            seconds, trials = sweep(Path(folder) / str(at), (*common, *overrides))
            training = sum(float(t["train_seconds"] or 0) for t in trials)
            whole = whole or training
            pruned = sum(t["state"] == "pruned" for t in trials)
            best = min(float(t["val.scaled_mae"]) for t in trials if t["state"] == "complete")
            print(
                f"{name:<27}{seconds:>12.1f}{training:>12.1f}{training / whole:>12.2f}"
                f"{pruned:>12}{best:>12.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
