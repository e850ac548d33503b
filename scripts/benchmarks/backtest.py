"""How long a backtest takes and how much memory: ETTh1, ETTm1, many series, and how it grows.

    python scripts/benchmarks/backtest.py [--ett FOLDER] [--only etth1,ettm1,series,growth]

Each case runs in a process of its own, so that its peak of memory is its own. The networks are
trained for a few steps only: what they say does not matter for the time. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

STEPS = 30
QUICK = {"compile": False, "trainer__max_steps": STEPS, "callbacks__progress": False}


def daily_series(n_series: int, length: int) -> pd.DataFrame:
    """Daily series with a week, a year, noise and a slow level of their own."""
    rng = np.random.default_rng(0)
    step = np.arange(length)
    level = np.exp(rng.normal(3, 1, n_series))[:, None]
    week = rng.normal(0, 0.15, (n_series, 7))[:, step % 7]
    walk = 0.01 * rng.normal(size=(n_series, length)).cumsum(1)
    noise = 0.1 * rng.normal(size=(n_series, length))
    y = level * (1 + week + 0.1 * np.sin(2 * np.pi * step / 365) + walk + noise)
    return pd.DataFrame(
        {
            "unique_id": np.repeat([f"item {i:05d}" for i in range(n_series)], length),
            "ds": np.tile(pd.date_range("2024-01-01", periods=length).to_numpy(), n_series),
            "y": y.ravel().round(2),
        }
    )


def case(name: str, ett: Path) -> dict[str, Any]:
    """Run one case in this process: origins, values forecast, seconds and peak memory."""
    from tsconv import Forecaster

    kind, *sizes = name.split("-")
    report = None
    more: dict[str, Any] = {}
    if kind in ("etth1", "ettm1"):
        data: Any = str(ett / f"ETT{kind[3:]}.csv")
        settings = {"experiment": kind, "data__path": data, "refit": False}
        # 4,286 origins of ETTh1, as the other frameworks were timed; all of ETTm1.
        more = {"start": "2017-12-30"} if kind == "etth1" else {}
        if sizes == ["quantiles"]:
            settings["head"] = "quantile"
        forecaster = Forecaster(**settings, **QUICK).fit(data)
        if kind == "etth1":
            more["last"] = _last_of(data, 4286)
    else:
        n_series, length, n_quantiles = map(int, sizes)
        data = daily_series(n_series, length)
        few = data[data["unique_id"] < "item 00200"]
        quantiles = np.linspace(0, 1, n_quantiles + 2)[1:-1].round(4).tolist()
        settings = {"horizon": 28, "head.quantiles": quantiles, "refit": False}
        forecaster = Forecaster(**settings, **QUICK).fit(few)
        if kind == "page":
            report = Path(tempfile.mkdtemp()) / "report.html"
    forecaster.backtest(few if kind not in ("etth1", "ettm1") else data, **more)  # warms up
    begun = time.perf_counter()
    result = forecaster.backtest(data, report=report, **more)
    seconds = time.perf_counter() - begun
    metrics = result.metrics
    n_origins = metrics["overall"]["n_origins"]
    horizon, levels = result.backtest.horizon, len(result.backtest.bundle.net.quantiles)
    return {
        "case": name,
        "origins": n_origins,
        "values": n_origins * horizon * levels,
        "scoring": metrics["backtest_seconds"],
        "seconds": seconds,
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "page": None if report is None else report.stat().st_size,
    }


def _last_of(path: str, n_origins: int) -> str:
    """The time of the last origin where the first forecast is for 2017-12-30."""
    times = pd.read_csv(path, usecols=["date"])["date"]
    first = int((times >= "2017-12-30").argmax()) - 1
    return str(times.iloc[first + n_origins - 1])


def main() -> None:
    """Run the cases and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ett", type=Path, default=Path("ett"), help="the folder of ETTh1.csv")
    parser.add_argument("--only", default="etth1,ettm1,series,growth")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        warnings.simplefilter("ignore")
        print(json.dumps(case(given.case, given.ett)))
        return
    growth = [
        *(f"series-{n}-400-9" for n in (100, 1000, 10000)),
        *(f"series-100-{n}-9" for n in (1600, 6400)),
        *(f"series-1000-400-{n}" for n in (1, 3, 19)),
    ]
    groups = {
        "etth1": ["etth1", "etth1-quantiles"],
        "ettm1": ["ettm1-quantiles"],
        "series": ["page-1000-400-9", "page-10000-400-9"],
        "growth": growth,
    }
    print("| case | origins | values | scoring, s | whole, s | peak, GiB | page, MB |")
    print("|---|---|---|---|---|---|---|")
    for group in given.only.split(","):
        for name in groups[group]:
            if name.startswith("ett") and not (given.ett / "ETTh1.csv").is_file():
                print(f"| {name} | no {given.ett / 'ETTh1.csv'}: give --ett | | | | | |")
                continue
            command = [sys.executable, __file__, "--case", name, "--ett", str(given.ett)]
            out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found = json.loads(out.strip().splitlines()[-1])
            page = "" if found["page"] is None else f"{found['page'] / 1e6:.2f}"
            print(
                f"| {name} | {found['origins']:,} | {found['values']:,} | {found['scoring']:.2f} "
                f"| {found['seconds']:.2f} | {found['gib']:.2f} | {page} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
