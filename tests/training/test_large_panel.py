"""A panel of five times the memory that a training may take trains through a cache."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tests.helpers.paths import ROOT
from tsconv.config.compose import train_config
from tsconv.config.schema import DataConfig
from tsconv.data.cache import open_panel
from tsconv.data.cache.plan import Plan
from tsconv.training.run import train

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


def shop_frame(series: int, days: int) -> pd.DataFrame:
    """Sales with a price that is known ahead and a sky that is not."""
    rng = np.random.default_rng(3)
    n = series * days
    return pd.DataFrame({
        "unique_id": np.repeat([f"s{i}" for i in range(series)], days),
        "ds": np.tile(pd.date_range("2024-01-01", periods=days), series),
        "y": np.round(rng.normal(size=n) + np.tile(np.arange(days) % 7, series), 3),
        "price": np.round(rng.random(n), 2),
        "sky": rng.choice(["fair", "rain", "snow"], n),
    })  # fmt: skip


def write(path: Path, series: int, steps: int) -> None:
    rng = np.random.default_rng(0)
    days = np.datetime64("2010-01-01") + np.arange(steps).astype("timedelta64[D]")
    ids = np.repeat([f"s{i}" for i in range(series)], steps)
    columns = {"unique_id": ids, "ds": np.tile(days, series).astype("datetime64[us]")}
    for c in range(CHANNELS):
        columns[f"c{c}"] = rng.integers(0, 99, series * steps).astype("float32")
    pq.write_table(pa.table(columns), path, compression="none")


def test_weights_and_figures_are_those_of_the_panel_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with covariates, which are encoded when they are fetched; built in three parts."""
    path = tmp_path / "shops.csv"
    shop_frame(4, 90).to_csv(path, index=False)
    plan = Plan(360, 10**9, 10**8, 3, True)
    monkeypatch.setattr(open_panel, "make_plan", lambda data, files: plan)
    found = []
    for cache in ("false", "true"):
        config = train_config([
            f"data.path={path}", f"data.cache={cache}", f"run_dir={tmp_path / cache}", "horizon=5",
            "data.past_covariates=[sky]", "data.future_covariates=[price]",
            "data.categories=[sky]", "trainer.max_steps=6", "model.hidden=8", "model.levels=2",
            "compile=false", "precision=float32", "plots=false",
        ])  # fmt: skip
        lines: list[str] = []
        result = train(config, notify=lines.append)
        assert any("panel cache" in line for line in lines) is (cache == "true")
        found.append(result)
    memory, mapped = found
    weights = memory.bundle.net.state_dict()
    for name, value in mapped.bundle.net.state_dict().items():
        assert torch.equal(value, weights[name]), name
    assert mapped.metrics["test"] == memory.metrics["test"]
    assert mapped.bundle.encodings == memory.bundle.encodings
    hashes = [result.bundle.training.data_hash for result in found if result.bundle.training]
    assert hashes[0] == hashes[1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_a_panel_of_five_times_the_memory_trains(tmp_path: Path) -> None:
    write(tmp_path / "small.parquet", 2, 100)
    write(tmp_path / "large.parquet", SERIES, STEPS)
    n_bytes = 8 * SERIES * STEPS * CHANNELS
    names = [f"c{i}" for i in range(CHANNELS)]
    open_panel.open_panel(
        DataConfig(path=str(tmp_path / "large.parquet"), target=names, cache="true")
    )
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
