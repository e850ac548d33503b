"""Plans of `tsconv train dry_run=true` beside what the trainings then take.

    python scripts/benchmarks/plan.py --data FOLDER            # all cases that have their data
    python scripts/benchmarks/plan.py --data FOLDER etth1 daily --turns 3

FOLDER has ett/ETTh1.csv, beijing_air/*.csv and tourism/tourism.csv; the other cases need nothing.
A plan and a training take turns in processes of their own; the table has the medians, --json FILE
every run. On a busy machine, --cpu-time with OMP_NUM_THREADS=1 compares seconds of the processor.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from timed_training import make_daily, now, train

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


def plan(overrides: list[str]) -> dict[str, Any]:
    """The plan, as the command makes it."""
    from tsconv.config.compose import train_config
    from tsconv.training.plan.run import plan_training

    config, started = train_config([*overrides, "dry_run=true"]), now()
    found = plan_training(config)
    seconds = {part.name: part.seconds for part in found.parts} | {"starting": started}
    taken, total = now() - started, sum(seconds.values())
    return {"seconds": seconds, "total": total, "peak": found.peak_bytes, "taken": taken}


def in_process(mode: str, overrides: list[str], options: list[str]) -> dict[str, Any]:
    """Run a mode of this script in a process of its own."""
    keys = [*overrides, "callbacks.progress=false"]
    command = [sys.executable, __file__, "--mode", mode, *options, *keys]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{mode} {' '.join(overrides)}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compared(name: str, overrides: list[str], turns: int, options: list[str]) -> dict[str, Any]:
    """The medians of plans and trainings that take turns, and every run."""
    runs = [
        {mode: in_process(mode, overrides, options) for mode in ("plan", "train")}
        for _ in range(turns)
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
    print(
        f"| peak, MiB | {peaks[0]:.0f} | {peaks[1]:.0f} | {peaks[0] / peaks[1]:.2f} |", flush=True
    )
    return {"case": name, "runs": runs}


def main() -> None:
    """Compare plans and trainings of the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--mode", choices=("plan", "train"))
    parser.add_argument("--cpu-time", action="store_true")
    given = parser.parse_args()
    options = ["--cpu-time"] if given.cpu_time else []
    if given.mode:
        if given.cpu_time:
            time.perf_counter = time.process_time
        print(json.dumps({"plan": plan, "train": train}[given.mode](given.cases)))
        return
    with tempfile.TemporaryDirectory() as folder:
        made_up = Path(folder) / "daily.parquet"
        found = []
        for name in given.cases or CASES:
            keys = [key.format(data=given.data, made_up=made_up) for key in CASES[name]]
            path = next((k.partition("=")[2] for k in keys if k.startswith("data.path=")), None)
            if path == str(made_up) and not made_up.exists():
                make_daily(made_up, SERIES, LENGTH)
            if path and not list(Path(path).parent.glob(Path(path).name)):
                print(f"\n{name}: no {path}")
                continue
            found.append(compared(name, keys, given.turns, options))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
