"""The experiments on data that are not in the repository: slow, and skipped where they are absent.

TSCONV_DATA=<folder with ett/, beijing_air/, tourism/> pytest -m slow
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.paths import REAL_DATA

pytestmark = pytest.mark.slow
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def metrics(tsconv: Run, folder: Path, experiment: str, data: str) -> dict[str, Any]:
    """metrics.json of the experiment as a user runs it."""
    if not list(REAL_DATA.glob(data)):
        pytest.skip(f"{REAL_DATA / data} is not here; set TSCONV_DATA")
    done = tsconv("train", f"experiment={experiment}", f"data.path={REAL_DATA / data}", "run_dir=r")
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "r" / "metrics.json").read_text())


def test_etth1_fast(tmp_path: Path, tsconv: Run) -> None:
    run = metrics(tsconv, tmp_path, "etth1_fast", "ett/ETTh1.csv")
    test = run["test"]
    assert test["n_origins"] == 7 * 2785
    assert test["scaled_mse"] < 0.372
    assert test["scaled_mae"] < 0.392
    assert run["train_seconds"] < 3  # .8 s where nothing else runs


def test_tourism(tmp_path: Path, tsconv: Run) -> None:
    run = metrics(tsconv, tmp_path, "tourism", "tourism/tourism.csv")
    naive = run["test"]["baselines"]["seasonal_naive"]
    assert run["test"]["n_origins"] == 304 * 13
    assert run["test"]["mase"] < 0.76 * naive["mase"]
    assert set(run["test"]["by_row"]) == {"Bus", "Hol", "Oth", "Vis"}


def test_beijing_air(tmp_path: Path, tsconv: Run) -> None:
    """Better than 36 networks of one station and one target each: .3616 (scripts/benchmarks)."""
    run = metrics(tsconv, tmp_path, "beijing_air", "beijing_air/*.csv")
    assert run["test"]["scaled_mae"] < 0.353
    assert set(run["test"]["by_channel"]) == {"PM2.5", "TEMP", "O3"}
    assert len(run["test"]["by_row"]) == 12
