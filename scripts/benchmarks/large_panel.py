"""Training speed on a panel of five times the allowed memory, through a cache and in memory.

    python scripts/benchmarks/large_panel.py [--series 50000] [--steps 4000] [--share 5] [--runs 3]

Writes the files of a cached panel of made-up daily series and trains on them in processes of their
own, by turns in memory without a limit, and mapped with a limit: once its imports are done and it
has trained on a few lines, the process may take a fifth of the panel's size, the pages of the
mapped file included. The limit is a control group where one can be made (as root), else it is
`ulimit -d`, which does not count those pages. The file's pages are dropped from memory before.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from tsconv.config.compose import train_config
from tsconv.config.schema import TrainConfig
from tsconv.data.cache.panel_files import VALUES, read_panel, write_panel
from tsconv.data.mapped import MappedFile
from tsconv.data.panel.panel import Panel
from tsconv.data.timestamps.frequency import parse_frequency
from tsconv.training.lightning.loop import run_trainer
from tsconv.training.prepare import prepare

GROUPS = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")  # of version 1 and 2
AT_ONCE = 500  # series that are written at once


def write(folder: Path, series: int, steps: int) -> None:
    """The files of a panel of series with a week and noise."""
    rng, step = np.random.default_rng(0), np.arange(steps)
    with (folder / VALUES).open("wb") as file:
        for begin in range(0, series, AT_ONCE):
            count = min(AT_ONCE, series - begin)
            week = rng.normal(size=(count, 7))[:, step % 7]
            (10 + 3 * week + rng.normal(size=(count, steps))).tofile(file)
    first = MappedFile(str(folder / VALUES), (series, steps)).map()[:, :1, None]
    panel = Panel(
        values=torch.empty(0, 1, 1, dtype=torch.float64),
        indptr=torch.arange(series + 1) * steps,
        offset=first.clone(),
        ids=tuple(f"s{i}" for i in range(series)),
        channels=("y",),
        start=np.full(series, np.datetime64("2010-01-01", "us")),
        frequency=parse_frequency("D"),
        present=torch.ones(series, 1, dtype=torch.bool),
    )
    write_panel(panel, folder, "key")


def config(steps: int) -> TrainConfig:
    """A small network on small batches: the smaller the step, the more the reading weighs."""
    return train_config([
        "horizon=14", "context_length=56", "split.val_size=0", "split.test_size=0",
        f"trainer.max_steps={steps}", "model.hidden=32", "model.levels=3", "model.series=shared",
        "model.maps=shared", "model.linear_start=seasonal", "data.chunks_per_batch=32",
        "data.origins_per_chunk=64", "compile=false", "precision=float32", "plots=false",
        "callbacks.progress=false", "callbacks.checkpoints=false",
    ])  # fmt: skip


def train(panel: Panel, steps: int) -> dict[str, float]:
    """Origins per second of the training, and seconds before its first step."""
    begun = time.perf_counter()
    prepared = prepare(config(steps), panel)
    prepared.seed_process()
    spent = time.perf_counter() - begun
    result = run_trainer(prepared.module(), prepared.data(), prepared.config, None)
    return {"rate": result.figures["train_origins_per_second"], "prepared": spent}


def limit_memory(n_bytes: int) -> str:
    """Let this process take so much more; says by what."""
    for base, key in zip(GROUPS, ("memory.limit_in_bytes", "memory.max"), strict=True):
        group = base / f"tsconv-{os.getpid()}"
        try:
            group.mkdir()
            (group / key).write_text(str(n_bytes))
            (group / "cgroup.procs").write_text(str(os.getpid()))
            return "a control group"
        except OSError:
            if group.is_dir():
                group.rmdir()
    fields = Path("/proc/self/status").read_text().split("VmData:")[1].split()
    most = 1024 * int(fields[0]) + n_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    return "ulimit -d"


def child(folder: Path, small: Path, n_bytes: int, steps: int) -> None:
    """Train on a panel; n_bytes: the limit, 0 for none and the panel in memory."""
    train(read_panel(small, "key"), 3)
    panel = read_panel(folder, "key")
    by = "no limit"
    if n_bytes:
        by = limit_memory(n_bytes)
    else:
        panel = dataclasses.replace(panel, values=panel.values.clone())
    print(json.dumps({**train(panel, steps), "by": by}))


def forget(path: Path) -> None:
    """Have a file on the disk alone."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def run(command: list[str]) -> dict[str, float]:
    """What a child process finds; its control group goes with it."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        out, fault = process.communicate()
    for base in GROUPS:
        if (group := base / f"tsconv-{process.pid}").is_dir():
            group.rmdir()
    if process.returncode:
        sys.exit(fault[-2000:] or f"a process ended with {process.returncode}")
    found: dict[str, float] = json.loads(out.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=50_000)
    parser.add_argument("--steps", type=int, default=4_000)
    parser.add_argument("--share", type=float, default=5.0, help="size of the panel over the limit")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--train-steps", type=int, default=300)
    parser.add_argument(
        "--folder", help="on the disk to measure; by default that of temporary files"
    )
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        folder, small, n_bytes, steps = given.child
        child(Path(folder), Path(small), int(n_bytes), int(steps))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as root:
        large, small = Path(root) / "large", Path(root) / "small"
        large.mkdir(), small.mkdir()
        write(small, 4, 400)
        write(large, given.series, given.steps)
        size = (large / VALUES).stat().st_size
        found: dict[str, list[dict[str, float]]] = {"in memory": [], "through the cache": []}
        for _ in range(given.runs):
            for name, limit in (("in memory", 0), ("through the cache", int(size / given.share))):
                forget(large / VALUES)
                command = [sys.executable, __file__, "--child", str(large), str(small), str(limit)]
                found[name].append(run([*command, str(given.train_steps)]))
        print(f"panel: {size / 1e6:,.0f} MB; limit: {size / given.share / 1e6:,.0f} MB more, by "
              f"{found['through the cache'][0]['by']}")  # fmt: skip
        rates = {}
        for name, runs in found.items():
            rates[name] = statistics.median(run["rate"] for run in runs)
            spent = statistics.median(run["prepared"] for run in runs)
            print(f"{name}: {rates[name]:,.0f} origins/s, first step after {spent:.1f} s")
        print(f"ratio: {rates['through the cache'] / rates['in memory']:.2f}")


if __name__ == "__main__":
    main()
