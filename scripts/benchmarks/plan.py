"""Plans of `tsconv train dry_run=true` beside what the trainings then take.

    python scripts/benchmarks/plan.py --data FOLDER            # all cases that have their data
    python scripts/benchmarks/plan.py --data FOLDER etth1 daily --turns 3

FOLDER has ett/ETTh1.csv, beijing_air/*.csv and tourism/tourism.csv; the other cases need nothing.
A plan and a training take turns in processes of their own; the table has the medians. It is
written for people; --json FILE has every run.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SHORT = "trainer.max_steps=60"  # where the whole training takes minutes
CASES: dict[str, list[str]] = {
    "etth1": ["experiment=etth1", "data.path={data}/ett/ETTh1.csv"],
    "etth1_eager": [
        "experiment=etth1", "data.path={data}/ett/ETTh1.csv", "compile=false", SHORT,
    ],
    "etth1_quantile": [
        "experiment=etth1", "data.path={data}/ett/ETTh1.csv", "head=quantile", "compile=false",
        SHORT,
    ],
    "beijing_air": ["experiment=beijing_air", "data.path={data}/beijing_air/*.csv", SHORT],
    "tourism": ["experiment=tourism", "data.path={data}/tourism/tourism.csv"],
    "quickstart": ["experiment=quickstart"],
    "nyc_weather": ["experiment=nyc_weather"],
    "daily": ["data.path={made_up}", "horizon=28", "compile=false", SHORT],
}  # fmt: skip
SERIES, LENGTH = 10_000, 400  # of the made-up daily panel


def make_daily(path: Path, series: int = SERIES, length: int = LENGTH) -> None:
    """Write daily series with a week and a level of their own, as Parquet."""
    import numpy as np
    import pandas as pd

    rng, t = np.random.default_rng(0), np.arange(length)
    phase = rng.integers(0, 7, (series, 1))
    week = 1 + 0.3 * np.sin(2 * np.pi * (t + phase) / 7)
    y = rng.gamma(3, 20, (series, 1)) * week + rng.normal(0, 5, (series, length))
    ids = np.repeat([f"s{i:06}" for i in range(series)], length)
    days = np.tile(pd.date_range("2023-01-01", periods=length), series)
    pd.DataFrame({"unique_id": ids, "ds": days, "y": y.ravel().round(2)}).to_parquet(path)


def plan(overrides: list[str]) -> dict[str, Any]:
    """The plan, as the command makes it."""
    from tsconv.config.compose import train_config
    from tsconv.training.plan.run import plan_training

    config, begun = train_config([*overrides, "dry_run=true"]), time.perf_counter()
    found = plan_training(config)
    seconds = {part.name: part.seconds for part in found.parts}
    taken = time.perf_counter() - begun
    return {"seconds": seconds, "total": found.seconds, "peak": found.memory.peak, "taken": taken}


def train(overrides: list[str]) -> dict[str, Any]:
    """The training, with the seconds of the same parts."""
    import tsconv.training.panel_cache as panel_cache
    import tsconv.training.run as run
    from tsconv.config.compose import train_config
    from tsconv.race.run import train_or_race
    from tsconv.training.lightning.throughput import Throughput
    from tsconv.training.plan.run import process_seconds

    taken: dict[str, float] = {}
    validations: list[float] = []

    def timed(owner: Any, name: str, key: str) -> None:
        function: Callable[..., Any] = getattr(owner, name)

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                taken[key] = taken.get(key, 0.0) + time.perf_counter() - begun

        setattr(owner, name, wrapper)

    def ended(self: Throughput, *args: Any) -> None:
        validations.append(self.validation_seconds)
        before(self, *args)

    before = Throughput.on_train_end
    Throughput.on_train_end = ended  # type: ignore[method-assign]
    timed(panel_cache.PanelCache, "panel", "reading")
    timed(panel_cache.PanelCache, "prepare", "preparing")
    timed(run, "solve_linear_branch", "solving")
    timed(run, "run_trainer", "trainer")
    timed(run, "calibrated_scores", "scoring")
    timed(run, "write_run", "writing")
    timed(run, "refit_bundle", "refit")
    config = train_config(overrides)
    taken["starting"] = process_seconds() or 0.0
    with tempfile.TemporaryDirectory() as folder:
        config = dataclasses.replace(config, run_dir=f"{folder}/run")
        figures = train_or_race(config).metrics
    taken["preparing"] -= taken["reading"]
    steps = figures["train_seconds"] - figures.get("solve_seconds", 0.0)
    trainer = taken.pop("trainer", 0.0)
    if figures["train_steps"]:
        taken["compiling"] = figures["compile_seconds"]
        taken["validating"] = validations[0]
        taken["training"] = steps - validations[0]
        taken["setting up"] = trainer - steps - figures["compile_seconds"]
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": taken, "total": process_seconds(), "peak": peak}


def in_process(mode: str, overrides: list[str]) -> dict[str, Any]:
    """Run a mode of this script in a process of its own."""
    command = [sys.executable, __file__, "--mode", mode, *overrides, "callbacks.progress=false"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{mode} {' '.join(overrides)}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compared(name: str, overrides: list[str], turns: int) -> dict[str, Any]:
    """The medians of plans and trainings that take turns, and every run."""
    runs = [
        {mode: in_process(mode, overrides) for mode in ("plan", "train")} for _ in range(turns)
    ]
    names = [*runs[0]["plan"]["seconds"]]
    rows = {}
    for part in [*names, "total"]:
        planned, measured = (
            statistics.median(
                r[mode]["total"] if part == "total" else r[mode]["seconds"].get(part, 0.0)
                for r in runs
            )
            for mode in ("plan", "train")
        )
        rows[part] = (planned, measured)
    peaks = [statistics.median(r[mode]["peak"] for r in runs) / 2**20 for mode in ("plan", "train")]
    taken = statistics.median(r["plan"]["taken"] for r in runs)
    print(f"\n{name}: planned in {taken:.1f} s\n\n| part | planned | measured | ratio |")
    print("|---|--:|--:|--:|")
    for part, (planned, measured) in rows.items():
        ratio = f"{planned / measured:.2f}" if measured else ""
        print(f"| {part} | {planned:.2f} | {measured:.2f} | {ratio} |")
    print(f"| peak, MiB | {peaks[0]:.0f} | {peaks[1]:.0f} | {peaks[0] / peaks[1]:.2f} |", flush=True)
    return {"case": name, "runs": runs}


def main() -> None:
    """Compare plans and trainings of the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--mode", choices=("plan", "train"))
    given = parser.parse_args()
    if given.mode:
        print(json.dumps({"plan": plan, "train": train}[given.mode](given.cases)))
        return
    with tempfile.TemporaryDirectory() as folder:
        made_up = Path(folder) / "daily.parquet"
        found = []
        for name in given.cases or CASES:
            keys = [key.format(data=given.data, made_up=made_up) for key in CASES[name]]
            path = next((k.partition("=")[2] for k in keys if k.startswith("data.path=")), None)
            if path == str(made_up) and not made_up.exists():
                make_daily(made_up)
            if path and not list(Path(path).parent.glob(Path(path).name)):
                print(f"\n{name}: no {path}")
                continue
            found.append(compared(name, keys, given.turns))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
