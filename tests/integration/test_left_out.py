"""What training leaves out of a file is said at the end; timings of steps are remembered."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tsconv.cli import main
from tsconv.training.step.compile_cache import can_compile
from tsconv.training.step.precision import has_bfloat16

QUICK = (
    "trainer.max_steps=2", "plots=false", "callbacks.progress=false", "model.hidden=4",
    "model.levels=1", "logger=none", "horizon=5",
)  # fmt: skip
PLAIN = ("compile=false", "precision=float32")
LAST = "left out: 4 of 6 series end with empty targets: 48 steps at the end are trimmed (`s2`, `s3`"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file of six series, of which four end with a dozen empty targets."""
    monkeypatch.chdir(tmp_path)
    days = pd.date_range("2024-01-01", periods=60)
    wave = np.round(20 + 5 * np.sin(np.arange(60) * 2 * np.pi / 7), 1)
    parts = [pd.DataFrame({"unique_id": f"s{k}", "ds": days, "y": wave + k}) for k in range(6)]
    for part in parts[2:]:
        part.loc[48:, "y"] = np.nan
    pd.concat(parts).to_csv("data.csv", index=False)
    return tmp_path


def test_a_training_scores_and_forecasts_series_whose_ends_are_empty(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "data.path=data.csv", "run_dir=run", *QUICK, *PLAIN]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "bundle: run/bundle"
    assert lines[-2].startswith(LAST)
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert metrics["n_scored"] == 6
    assert main(["forecast", "bundle=run", "data.path=data.csv", "output=f.csv"]) == 0
    assert pd.read_csv("f.csv")["unique_id"].nunique() == 6


def test_a_multirun_says_it_once(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = ("data.path=data.csv", "run_dir=many", "seed=0,1", *QUICK, *PLAIN)
    assert main(["train", "-m", *keys]) == 0
    said = capsys.readouterr()
    assert sum(line.startswith(LAST) for line in said.out.splitlines()) == 1
    assert said.out.splitlines()[-1] == "results: many"


def test_a_second_training_chooses_by_the_timings_of_the_first(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu = torch.device("cpu")
    if torch.cuda.is_available() or not (can_compile(cpu) or has_bfloat16(cpu)):
        pytest.skip("this machine leaves nothing to choose, or trains on a GPU")
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    for name in ("first", "second"):
        assert main(["train", "data.path=data.csv", f"run_dir={name}", *QUICK]) == 0
    first, second = (Path(name, "config.yaml").read_text() for name in ("first", "second"))
    timed = [line for line in first.splitlines() if " ms" in line and "# auto" in line]
    assert timed
    for line in timed:
        assert f"{line}, remembered from an earlier timing on this machine\n" in second
