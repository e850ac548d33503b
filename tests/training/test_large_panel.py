"""A panel of five times the memory that a training may take trains through a cache."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.helpers.paths import ROOT

SERIES, STEPS, CHANNELS = 400, 4000, 8  # 102 MB of values
# Memory that is no file's: the process warms up on a few lines, and may then take a fifth of the
# panel. What the warm-up has freed is given back first.
SCRIPT = """
import ctypes, gc, resource, sys
from tsconv.config.compose import train_config
from tsconv.data.reading.read import read_table
from tsconv.training.run import train

def run(path, folder):
    return train(train_config([
        f"data.path={path}", f"run_dir={folder}", "data.cache=true", "horizon=7",
        "data.target=[" + ",".join(f"c{i}" for i in range(8)) + "]", "context_length=14",
        "split.val_size=0", "split.test_size=0", "trainer.max_steps=8", "model.hidden=8",
        "model.levels=2", "model.linear_start=seasonal", "data.chunks_per_batch=4",
        "data.origins_per_chunk=32", "compile=false", "precision=float32", "plots=false",
        "threads=1",
    ]))

def taken():
    return next(int(l.split()[1]) * 1024 for l in open("/proc/self/status") if "VmData" in l)

small, large, folder, panel_bytes = sys.argv[1:]
run(small, folder + "/small")
gc.collect(); ctypes.CDLL(None).malloc_trim(0)
limit = taken() + int(panel_bytes) // 5
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
metrics = run(large, folder + "/large").metrics
print("steps", metrics["train_steps"])
try:
    read_table(train_config([f"data.path={large}", "data.target=[c0,c1,c2,c3,c4,c5,c6,c7]"]).data)
except Exception as error:
    print("in memory:", type(error).__name__, error)
else:
    print("in memory: fits")
"""


def write(path: Path, series: int, steps: int) -> None:
    rng = np.random.default_rng(0)
    days = np.datetime64("2010-01-01") + np.arange(steps).astype("timedelta64[D]")
    ids = np.repeat([f"s{i}" for i in range(series)], steps)
    columns = {"unique_id": ids, "ds": np.tile(days, series).astype("datetime64[us]")}
    for c in range(CHANNELS):
        columns[f"c{c}"] = rng.integers(0, 99, series * steps).astype("float32")
    pq.write_table(pa.table(columns), path, compression="none")


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_a_panel_of_five_times_the_memory_trains(tmp_path: Path) -> None:
    write(tmp_path / "small.parquet", 2, 100)
    write(tmp_path / "large.parquet", SERIES, STEPS)
    n_bytes = 8 * SERIES * STEPS * CHANNELS
    from tsconv.config.schema import DataConfig
    from tsconv.data.cache.open_panel import open_panel

    names = [f"c{i}" for i in range(CHANNELS)]
    open_panel(DataConfig(path=str(tmp_path / "large.parquet"), target=names, cache="true"))
    paths = (str(tmp_path / name) for name in ("small.parquet", "large.parquet", "runs"))
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, *paths, str(n_bytes)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "steps 8" in found.stdout, found.stderr[-2000:]
    assert "in memory: fits" not in found.stdout
