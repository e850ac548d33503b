"""`model=linear` as a user has it: solved in a command, scored, drawn, and forecast from."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tsconv.forecaster import Forecaster

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def frame() -> pd.DataFrame:
    """A wave of a month, which the shorter contexts do not hold, with noise."""
    rng = np.random.default_rng(0)
    t = np.arange(500)
    y = 100 + 10 * np.sin(2 * np.pi * t / 30.4) + rng.normal(size=500)
    return pd.DataFrame({"ds": pd.date_range("2023-01-01", periods=500), "y": y})


def test_a_linear_model_from_file_to_forecast(
    tmp_path: Path, tsconv_here: Command, frame: pd.DataFrame
) -> None:
    frame.to_csv(tmp_path / "a.csv", index=False)
    keys = ("data.path=a.csv", "data.id=null", "horizon=7")
    done = tsconv_here("train", *keys, "model=linear", "run_dir=r")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^solved in \d+\.\d s$", done.stdout, re.MULTILINE)
    assert "origins/s" not in done.stdout + done.stderr
    metrics = json.loads((tmp_path / "r" / "metrics.json").read_text())
    assert metrics["train_steps"] == 0
    assert metrics["test"]["scaled_mae"] < 0.2
    assert 0.6 < metrics["test"]["coverage_80"] < 0.95
    assert (tmp_path / "r" / "plots" / "test_forecasts.png").is_file()
    text = (tmp_path / "r" / "config.yaml").read_text()
    assert "the lowest validation MSE of the solved branch" in text
    reason = re.search(r"solved branch \((.*)\)", text)
    assert reason is not None
    losses = {int(k): float(v) for k, v in (p.split(": ") for p in reason[1].split(", "))}
    assert len(losses) >= 4
    assert yaml.safe_load(text)["context_length"] == min(losses, key=lambda n: losses[n])
    done = tsconv_here("forecast", "bundle=r/bundle", "data.path=a.csv", "output=f.csv")
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(tmp_path / "f.csv")
    expected = 100 + 10 * np.sin(2 * np.pi * np.arange(500, 507) / 30.4)
    assert np.abs(found["tsconv"] - expected).max() < 2


def test_a_given_context_is_kept(tmp_path: Path, tsconv_here: Command, frame: pd.DataFrame) -> None:
    frame.to_csv(tmp_path / "a.csv", index=False)
    keys = ("data.path=a.csv", "data.id=null", "horizon=7", "context_length=20", "plots=false")
    done = tsconv_here("train", *keys, "model=linear", "run_dir=r")
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load((tmp_path / "r" / "config.yaml").read_text())["context_length"] == 20


def test_a_forecaster_is_solved(frame: pd.DataFrame, tmp_path: Path) -> None:
    forecaster = Forecaster(
        horizon=7, model="linear", plots=False, run_dir=str(tmp_path / "r"), data={"id": None}
    )
    found = forecaster.fit(frame).forecast(frame)
    assert len(found) == 7
    assert found["tsconv"].between(80, 120).all()
