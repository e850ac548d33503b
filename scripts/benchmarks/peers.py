"""Training speed beside the TCNs of NeuralForecast and Darts, each in a process of its own.

    python scripts/benchmarks/peers.py --data FOLDER --python /path/to/peers/bin/python
    python scripts/benchmarks/peers.py --file FILE.parquet --id id --time date --target sold \\
        --python /path/to/peers/bin/python

The first prints forecast origins trained on per second for five data sets, point and quantile
heads; FOLDER has ett/, beijing_air/ and tourism/, the fifth is made up. The second prints seconds
and peak memory from the start of the process to the end of its 100th training step. --python is an
interpreter with `neuralforecast` and `darts`; a library that it lacks is skipped with a line, and
one that takes longer than --limit seconds is stopped and reported so. --checkout LABEL=FOLDER,
which may be given several times, measures tsconv as it is there. On a busy machine, --cpu-time with
OMP_NUM_THREADS=1 counts seconds of the processor.

The peers get the same horizon and context, as many channels, and dilations that reach as far. An
origin of theirs is a window. Batches are those of their defaults: 128 windows and 32. Medians of
the steps' seconds count, without data loading before the first step. Nothing is compiled.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

STEPS_TO_FIRST = 100
PLAIN = ("compile=false", "callbacks.progress=false", "trainer.max_steps=1000")
QUANTILES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
# name -> overrides of tsconv; horizon, context, channels and blocks of the peers; steps of ours.
CASES: dict[str, tuple[list[str], dict[str, int]]] = {
    "etth1": (
        ["experiment=etth1", "data.path={data}/ett/ETTh1.csv"],
        {"horizon": 96, "context": 336, "hidden": 64, "levels": 7},
    ),
    "ettm1": (
        ["experiment=ettm1", "data.path={data}/ett/ETTm1.csv"],
        {"horizon": 96, "context": 336, "hidden": 64, "levels": 7},
    ),
    "beijing_air": (
        ["experiment=beijing_air", "data.path={data}/beijing_air/*.csv"],
        {"horizon": 24, "context": 168, "hidden": 64, "levels": 6},
    ),
    "tourism": (
        ["experiment=tourism", "data.path={data}/tourism/tourism.csv"],
        {"horizon": 12, "context": 36, "hidden": 32, "levels": 4},
    ),
    "10,000 daily": (
        ["data.path={made_up}", "horizon=28"],
        {"horizon": 28, "context": 112, "hidden": 64, "levels": 5},
    ),
}


def frame_of(path: str, columns: dict[str, str]) -> Any:
    """A long frame of unique_id, ds and y for the peers; gaps are filled from the step before."""
    import glob

    import pandas as pd

    first = sorted(glob.glob(path))
    if "ETT" in path:
        frame = pd.read_csv(path, parse_dates=["date"]).rename(columns={"date": "ds"})
        frame = frame.melt("ds", var_name="unique_id", value_name="y")
    elif "beijing" in path:
        frame = pd.concat(pd.read_csv(p, na_values="NA") for p in first)
        frame["ds"] = pd.to_datetime(frame[["year", "month", "day", "hour"]])
        frame = frame.melt(["ds", "station"], ["PM2.5", "TEMP", "O3"], value_name="y")
        frame["unique_id"] = frame["station"] + " " + frame["variable"]
    elif path.endswith("tourism.csv"):
        frame = pd.read_csv(path)
        frame["ds"] = pd.PeriodIndex(frame["ds"].astype(str), freq="M").to_timestamp()
        frame["unique_id"] = frame["region"] + " " + frame["purpose"]
        frame = frame.rename(columns={"nights": "y"})
    else:
        frame = pd.read_parquet(path).rename(columns={v: k for k, v in columns.items()})
        frame["ds"] = pd.to_datetime(frame["ds"])
    frame = frame[["unique_id", "ds", "y"]].sort_values(["unique_id", "ds"], ignore_index=True)
    frame["y"] = pd.to_numeric(frame["y"]).astype("float32")
    frame["y"] = (
        frame.groupby("unique_id")["y"].transform(lambda y: y.ffill().fillna(0.0))
        if (frame["y"].isna().any())
        else frame["y"]
    )
    return frame


class Clock:
    """The end of each training step; ends the process at the last."""

    def __init__(self, steps: int, seconds: float, windows: int) -> None:
        self.steps, self.windows, self.seconds = steps, windows, seconds
        self.ends: list[float] = []

    def tick(self) -> None:
        """A step has ended."""
        self.ends.append(time.perf_counter())
        in_time = self.ends[-1] - self.ends[0] < self.seconds or len(self.ends) < 4
        if len(self.ends) < self.steps and in_time:
            return
        taken = [b - a for a, b in zip(self.ends, self.ends[1:], strict=False)]
        result = {
            "rate": self.windows / statistics.median(taken) if taken else None,
            "steps": len(self.ends),
            "step": statistics.median(taken) if taken else None,
            "since_start": since_start(),
            "peak": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        }
        print(json.dumps(result), flush=True)
        os._exit(0)

    def callback(self, base: type) -> Any:
        """A Lightning callback; base: the class of the library's Lightning."""
        tick = self.tick

        class Ticks(base):  # type: ignore[misc]
            def on_train_batch_end(self, *args: object) -> None:
                tick()

        return Ticks()


def since_start() -> float:
    """Seconds since this process began (Linux), or those of the processor."""
    if time.perf_counter is time.process_time:
        return time.process_time()
    fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    up = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    return up - int(fields[19]) / os.sysconf("SC_CLK_TCK")


def run_neuralforecast(spec: dict[str, Any]) -> None:
    """Train NeuralForecast's TCN until the clock ends the process."""
    import pytorch_lightning as pl
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MAE, MQLoss
    from neuralforecast.models import TCN

    frame, size = frame_of(spec["path"], spec["columns"]), spec["size"]
    clock = Clock(spec["steps"], spec["seconds"], 128)
    model = TCN(
        h=size["horizon"],
        input_size=size["context"],
        kernel_size=3,
        dilations=[2**i for i in range(size["levels"])],
        encoder_hidden_size=size["hidden"],
        decoder_hidden_size=size["hidden"],
        loss=MQLoss(quantiles=QUANTILES) if spec["quantile"] else MAE(),
        max_steps=spec["steps"] + 1,
        val_check_steps=spec["steps"] + 1,
        windows_batch_size=128,
        start_padding_enabled=True,
        enable_checkpointing=False,
        logger=False,
        enable_progress_bar=False,
        callbacks=[clock.callback(pl.Callback)],
    )
    freq = frame["ds"].drop_duplicates().sort_values().head(3)
    NeuralForecast([model], freq=spec["freq"] or freq.diff().iloc[-1]).fit(frame)


def run_darts(spec: dict[str, Any]) -> None:
    """Train Darts' TCNModel until the clock ends the process."""
    import pytorch_lightning as pl
    import torch
    from darts import TimeSeries
    from darts.models import TCNModel
    from darts.utils.likelihood_models.torch import QuantileRegression

    frame, size = frame_of(spec["path"], spec["columns"]), spec["size"]
    series = TimeSeries.from_group_dataframe(
        frame, group_cols="unique_id", time_col="ds", value_cols="y", freq=spec["freq"]
    )
    clock = Clock(spec["steps"], spec["seconds"], 32)
    model = TCNModel(
        input_chunk_length=size["context"] + size["horizon"],
        output_chunk_length=size["horizon"],
        kernel_size=3,
        num_filters=size["hidden"],
        num_layers=size["levels"],
        dilation_base=2,
        dropout=0.2,
        batch_size=32,
        likelihood=QuantileRegression(QUANTILES) if spec["quantile"] else None,
        loss_fn=None if spec["quantile"] else torch.nn.L1Loss(),
        pl_trainer_kwargs={
            "callbacks": [clock.callback(pl.Callback)],
            "enable_progress_bar": False,
            "logger": False,
            "accelerator": "cpu",
        },
    )
    model.fit(series, epochs=1000)


def run_tsconv(spec: dict[str, Any]) -> None:
    """Train as `tsconv train` does, until the clock ends the process."""
    from tsconv.config.compose import train_config
    from tsconv.training.lightning.throughput import Throughput
    from tsconv.training.run import train

    clock = Clock(spec["steps"], spec["seconds"], 1)
    before = Throughput.on_train_batch_end

    def after(
        self: Throughput, trainer: Any, module: Any, outputs: Any, batch: Any, n: int
    ) -> None:
        before(self, trainer, module, outputs, batch, n)
        clock.windows = int(self.mean.origins)
        clock.tick()

    Throughput.on_train_batch_end = after  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        train(train_config([*spec["overrides"], f"run_dir={folder}/run"]))


RUNS = {"tsconv": run_tsconv, "neuralforecast": run_neuralforecast, "darts": run_darts}


def measured(
    library: str, spec: dict[str, Any], python: str, limit: float, folder: str = ""
) -> dict[str, Any] | str:
    """What a library took, in a process of its own; or why there is nothing."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    if folder:
        environment["PYTHONPATH"] = folder
    elif library != "tsconv":
        environment.pop("PYTHONPATH", None)
    command = [python, __file__, "--child", library, json.dumps(spec)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return f"stopped after {limit:.0f} s"
    if "No module named" in done.stderr and done.returncode:
        return "not installed"
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return f"failed: {(done.stderr.strip().splitlines() or ['?'])[-1][:120]}"
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def rate(found: dict[str, Any] | str) -> str:
    """Origins per second, as a cell."""
    return found if isinstance(found, str) else f"{found['rate']:,.0f}"


def compare_rates(given: argparse.Namespace, ours: list[tuple[str, str]]) -> None:
    """Print a table of origins per second."""
    peers = [] if given.python is None else ["neuralforecast", "darts"]
    heads = [*(label for label, _ in ours), *peers]
    print(f"| data | head | {' | '.join(heads)} |\n|---|---|{'--:|' * len(heads)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        made_up = Path(folder) / "daily.parquet"
        for name, (keys, size) in CASES.items():
            if given.only and name not in given.only:
                continue
            if "made_up" in str(keys) and not made_up.exists():
                from timed_training import make_daily

                make_daily(made_up, 10_000, 400)
            keys = [key.format(data=given.data, made_up=made_up) for key in keys]
            path = next(k.partition("=")[2] for k in keys if k.startswith("data.path="))
            for head in given.heads:
                spec = {
                    "path": path, "columns": {}, "size": size, "quantile": head == "quantile",
                    "steps": given.steps, "seconds": given.seconds, "freq": FREQ.get(name),
                    "overrides": [*keys, f"head={head}", *PLAIN],
                    "cpu_time": given.cpu_time,
                }  # fmt: skip
                cells = [
                    rate(measured("tsconv", spec, sys.executable, given.limit, where))
                    for _, where in ours
                ]
                cells += [rate(measured(p, spec, given.python, given.limit)) for p in peers]
                print(f"| {name} | {head} | {' | '.join(cells)} |", flush=True)


FREQ = {
    "etth1": "h", "ettm1": "15min", "beijing_air": "h", "tourism": "MS", "10,000 daily": "D",
}  # fmt: skip


def compare_first_steps(given: argparse.Namespace, ours: list[tuple[str, str]]) -> None:
    """Print seconds and memory up to the 100th training step on one file."""
    columns = {"unique_id": given.id, "ds": given.time, "y": given.target}
    _, size = CASES["10,000 daily"]
    overrides = [
        f"data.path={given.file}", f"data.id={given.id}", f"data.time={given.time}",
        f"data.target={given.target}", "horizon=28", *PLAIN,
    ]  # fmt: skip
    spec = {
        "path": str(given.file), "columns": columns, "size": size, "quantile": True,
        "steps": STEPS_TO_FIRST, "seconds": 1e9, "freq": "D", "overrides": overrides,
        "cpu_time": given.cpu_time,
    }  # fmt: skip
    print("| | seconds to the 100th step | peak, MiB | a step, ms |\n|---|--:|--:|--:|", flush=True)
    runs = [(label, "tsconv", sys.executable, where) for label, where in ours]
    if given.python is not None:
        runs += [(name, name, given.python, "") for name in ("neuralforecast", "darts")]
    for label, library, python, where in runs:
        if given.only and label not in given.only:
            continue
        found = measured(library, spec, python, given.limit, where)
        if isinstance(found, str):
            print(f"| {label} | {found} | | |", flush=True)
            continue
        cells = (found["since_start"], found["peak"] / 2**20, 1000 * found["step"])
        print(f"| {label} | {' | '.join(f'{cell:,.0f}' for cell in cells)} |", flush=True)


def main() -> None:
    """Compare."""
    if sys.argv[1:2] == ["--child"]:
        if json.loads(sys.argv[3])["cpu_time"]:
            time.perf_counter = time.process_time
        RUNS[sys.argv[2]](json.loads(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--python", help="an interpreter with neuralforecast and darts")
    parser.add_argument("--file", type=Path, help="a Parquet file in long form")
    parser.add_argument("--id", default="unique_id")
    parser.add_argument("--time", default="ds")
    parser.add_argument("--target", default="y")
    parser.add_argument("--only", nargs="*", default=[], help="cases, or libraries with --file")
    parser.add_argument("--heads", nargs="*", default=["point", "quantile"])
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=20.0, help="of training steps, at most")
    parser.add_argument("--limit", type=float, default=180.0, help="seconds of a process")
    parser.add_argument("--checkout", action="append", default=[], help="LABEL=FOLDER")
    parser.add_argument("--cpu-time", action="store_true")
    given = parser.parse_args()
    pairs = [checkout.partition("=") for checkout in given.checkout]
    ours = [(label, folder) for label, _, folder in pairs] or [("tsconv", "")]
    (compare_rates if given.file is None else compare_first_steps)(given, ours)


if __name__ == "__main__":
    main()
