"""The real command on integer time: the season is found, and all that follows from it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.helpers.checks import waves
from tsconv.cli import main

QUICK = (
    "trainer.max_steps=2", "compile=false", "precision=float32", "callbacks.progress=false",
    "plots=false", "logger=none", "run_dir=run",
)  # fmt: skip


def test_training_finds_the_season_and_is_compared_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    loads = [waves(300, {12: 2.0}, 0.3, seed) for seed in range(4)]
    cycle = np.arange(1, 301)
    parts = [pd.DataFrame({"machine": m, "cycle": cycle, "load": y}) for m, y in enumerate(loads)]
    pd.concat(parts).to_csv("loads.csv", index=False)
    columns = ("data.time=cycle", "data.id=machine", "data.target=load")
    assert main(["train", "data.path=loads.csv", *columns, "horizon=12", *QUICK]) == 0
    text = Path("run/config.yaml").read_text()
    assert "seasonal_lags:  # auto: the seasons found in 4 series of the training part: 12" in text
    config = yaml.safe_load(text)
    assert config["features"]["seasonal_lags"] == [12]
    assert config["context_length"] == 72
    metrics = json.loads(Path("run/metrics.json").read_text())
    test = metrics["test"]
    assert metrics["baseline_steps"]["seasonal_naive"] == 12
    assert 0.5 < test["baselines"]["seasonal_naive"]["mase"] < 1.5, "MASE has the season too"
    assert test["baselines"]["naive"]["mase"] > 2
    config = json.loads(Path("run/bundle/config.json").read_text())
    assert config["contract"]["season"] == 12
