"""Speed as ratios to a yardstick measured in the same run; exit code 1 where one is beyond its bar.

    python scripts/benchmarks/regressions.py [--repeats 7] [--threads 2] [--only reading]

Seconds differ between machines and between hours; the ratio of two jobs that take turns hardly
does. Each line names ours and its yardstick, which is another library doing the same work, or our
own code doing the same work in the plain way. A bar is the ratio of a good run with room for a busy
machine, 1.5 to 2.5 times as much.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from tsconv.check.findings.covariates import find_leaks
from tsconv.check.panel_attempt import attempt_reading
from tsconv.check.suggestions.column_roles.undeclared_columns import candidate_roles
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import read_table
from tsconv.data.timestamps.infer import infer_frequency
from tsconv.model.network import ForecastNet
from tsconv.model.spec import NetSpec
from tsconv.nn import DepthwiseConv1d, RowwiseConv1d, SeparableConv1d

Job = Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """Two jobs, and the most that the first may take as a multiple of the second."""

    ours: str
    yardstick: str
    bar: float
    run_ours: Job
    run_yardstick: Job


def write_series(path: Path, n_series: int, length: int) -> str:
    """A CSV file of hourly series, long form."""
    hours = pd.date_range("2000-01-01", periods=length, freq="h").strftime("%F %T")
    values = np.random.default_rng(0).normal(100, 20, length).round(3)
    with path.open("w", encoding="utf-8") as file:
        file.write("unique_id,ds,y\n")
        for s in range(n_series):
            pairs = zip(hours, values, strict=True)
            file.write("".join(f"id{s},{d},{v}\n" for d, v in pairs))
    return str(path)


def reading(folder: Path) -> Iterator[Comparison]:
    """From a file to a panel: no work of Python's for each line, little for each series."""
    short = write_series(folder / "short.csv", 100_000, 3)
    long = write_series(folder / "long.csv", 600, 500)

    def to_panel(path: str) -> Job:
        return lambda: build_panel(read_table(DataConfig(path=path)))

    def to_frame() -> pd.DataFrame:
        return pd.read_csv(short, engine="pyarrow", parse_dates=["ds"])

    yield Comparison(
        "panel of 100,000 series of 3", "pandas' frame of them", 12.0,
        to_panel(short), to_frame,
    )  # fmt: skip
    yield Comparison(
        "panel of 100,000 series of 3", "panel of 600 series of 500", 6.0,
        to_panel(short), to_panel(long),
    )  # fmt: skip


def checking(folder: Path) -> Iterator[Comparison]:
    """A check looks at every column, and compares those without a role with the target."""
    path = folder / "columns.csv"
    long = pd.read_csv(write_series(folder / "values.csv", 1000, 1000))
    price, shelf = np.random.default_rng(1).integers(1, 100, (2, len(long)))
    long.assign(price=price / 4, shelf=shelf).to_csv(path, index=False)
    data = DataConfig(path=str(path))

    def check() -> None:
        attempt = attempt_reading(data)
        raw_table, table = attempt.raw_table, attempt.sorted_table
        assert raw_table is not None
        assert table is not None
        candidate_roles(raw_table, ["price", "shelf"], table)
        find_leaks(raw_table, table, {})

    yield Comparison(
        "check of 1,000,000 lines", "panel of them", 6.0,
        check, lambda: build_panel(read_table(data)),
    )  # fmt: skip


def timestamps(folder: Path) -> Iterator[Comparison]:
    """The frequency of many series is found in a few passes over their times."""
    hours = np.tile(np.arange(500) * 3_600_000_000, 10_000).view("datetime64[us]")
    series = np.repeat(np.arange(10_000), 500)
    yield Comparison(
        "frequency of 5,000,000 times", "one sort of their steps", 0.8,
        lambda: infer_frequency(hours, series), lambda: np.sort(np.diff(hours)),
    )  # fmt: skip


class RowByRow(torch.nn.Module):
    """A layer of its own for each row, one after the other."""

    def __init__(self, rows: list[torch.nn.Module]) -> None:
        super().__init__()
        self.rows = torch.nn.ModuleList(rows)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([row(x[:, :, h]) for h, row in enumerate(self.rows)], dim=2)


def layers(folder: Path) -> Iterator[Comparison]:
    """Forward and backward of layers beside torch's own layers that compute the same."""
    flat, rows = torch.randn(32, 64, 512), torch.randn(32, 16, 64, 168)
    depthwise = torch.nn.Conv1d(64, 64, 3, padding=1, groups=64)
    pair = torch.nn.Sequential(depthwise, torch.nn.Conv1d(64, 64, 1))
    loop = RowByRow([torch.nn.Conv1d(16, 16, 3, padding=1) for _ in range(64)])
    for ours, plain, name, x, bar in (
        (DepthwiseConv1d(64, 3, padding="same"), depthwise, "Conv1d(groups=64)", flat, 1.6),
        (SeparableConv1d(64, 64, 3, padding="same"), pair, "two Conv1d", flat, 1.6),
        (RowwiseConv1d(16, 16, 3, padding="same", n_rows=64), loop, "64 Conv1d", rows, 0.5),
    ):
        yield Comparison(
            type(ours).__name__, f"torch's {name}", bar,
            training_pass(ours, x), training_pass(plain, x),
        )  # fmt: skip


def training_pass(layer: torch.nn.Module, x: torch.Tensor) -> Job:
    """Forward and backward, also to the input."""
    x = x.clone().requires_grad_()
    grad = torch.ones_like(layer(x))
    return lambda: layer(x).backward(grad)


def network(folder: Path) -> Iterator[Comparison]:
    """One dense forward for many origins beside the same origins cut into windows."""
    net = ForecastNet(NetSpec(24, 168, (24,), hidden=16, levels=6)).eval()
    n_origins = 128
    x = torch.randn(1, 1, 1, net.history + n_origins)
    windows = x.unfold(-1, net.history + 1, 1).movedim(-2, 0)[:, 0].contiguous()

    def forward(x: torch.Tensor, n_origins: int) -> Job:
        def run() -> object:
            with torch.inference_mode():
                return net(x, torch.ones_like(x), n_origins)

        return run

    yield Comparison(
        "128 origins in one forward", "128 windows in one batch", 0.3,
        forward(x, n_origins), forward(windows, 1),
    )  # fmt: skip


GROUPS = {
    "reading": reading,
    "checking": checking,
    "timestamps": timestamps,
    "layers": layers,
    "network": network,
}


def ratio(comparison: Comparison, repeats: int) -> tuple[float, float, float]:
    """Milliseconds of ours and of the yardstick, and the median of the ratios of pairs."""
    pairs = []
    for repeat in range(repeats + 1):  # one to warm up
        seconds = []
        for job in (comparison.run_ours, comparison.run_yardstick):
            begun = time.perf_counter()
            job()
            seconds.append(time.perf_counter() - begun)
        if repeat:
            pairs.append(seconds)
    ours, yardstick = (1e3 * statistics.median(column) for column in zip(*pairs, strict=True))
    return ours, yardstick, statistics.median(a / b for a, b in pairs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=GROUPS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    beyond = 0
    print(f"{'ours':<32}{'yardstick':<30}{'ms':>10}{'ms':>10}{'ratio':>8}{'bar':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for name, group in GROUPS.items():
            for comparison in group(Path(folder)) if options.only in (None, name) else ():
                ours, yardstick, found = ratio(comparison, options.repeats)
                slow = found > comparison.bar
                beyond += slow
                print(
                    f"{comparison.ours:<32}{comparison.yardstick:<30}{ours:>10.1f}"
                    f"{yardstick:>10.1f}{found:>8.2f}{comparison.bar:>8.2f}"
                    f"{'  beyond its bar' if slow else ''}",
                    flush=True,
                )
    return 1 if beyond else 0


if __name__ == "__main__":
    sys.exit(main())
