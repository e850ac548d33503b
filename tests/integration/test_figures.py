"""The figures that `tsconv train` prints and writes: honest beside the best simple forecast."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tsconv.cli import main

QUICK = (
    "trainer.max_steps=2", "compile=false", "precision=float32", "callbacks.progress=false",
    "plots=false", "logger=none", "model.hidden=8", "data.chunks_per_batch=2",
)  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(here: Path, frame: pd.DataFrame, *overrides: str) -> dict[str, Any]:
    """metrics.json of a short training on the frame as a CSV file."""
    frame.to_csv(here / "data.csv", index=False)
    assert main(["train", "data.path=data.csv", "run_dir=run", *QUICK, *overrides]) == 0
    metrics: dict[str, Any] = json.loads((here / "run" / "metrics.json").read_text())
    return metrics


def test_half_hourly_power_is_compared_with_last_week(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step = np.arange(7 * 336)
    rng = np.random.default_rng(0)
    weekly = rng.normal(size=336)[step % 336]  # far from what was half a day or a day ago
    times = pd.date_range("2024-01-01", periods=len(step), freq="30min")
    frame = pd.DataFrame({"ds": times, "y": 50 + 9 * weekly + rng.normal(size=len(step))})
    metrics = train(here, frame, "data.id=null", "horizon=24")
    assert (metrics["rival"], metrics["rival_season"]) == ("seasonal_naive_336", 336)
    assert [*metrics["test"]["baselines"]] == [
        "naive", "seasonal_naive", "seasonal_naive_336", "drift", "window_average",
    ]  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].rstrip().endswith("tsconv  seasonal naive, 336 steps")
    heading = next(at for at, line in enumerate(lines) if line.startswith("all, best scaled_mae"))
    assert lines[heading + 1].startswith("seasonal naive, 336 steps")
    assert any(line.startswith("seasonal naive, 336 steps is better than tsconv") for line in lines)


def test_of_exchange_rates_the_last_value_wins_and_the_table_says_so(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    days = pd.bdate_range("2020-01-01", periods=600)
    walks = np.exp(0.005 * rng.normal(size=(3, 600)).cumsum(1))
    frame = pd.concat(
        [
            pd.DataFrame({"unique_id": name, "ds": days, "y": walk})
            for name, walk in zip(("usd", "gbp", "chf"), walks, strict=True)
        ]
    )
    # A start that has learned nothing: the solved one is as good as the last value.
    metrics = train(here, frame, "horizon=5", "model.linear_start=seasonal")
    assert metrics["rival"] in ("naive", "drift")  # over a few days the two hardly differ
    text = capsys.readouterr().out
    assert "last value" in text
    assert "is better than tsconv here by" in text


def test_series_of_unlike_units_are_marked_and_constant_ones_left_out(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(2)
    days = pd.date_range("2024-01-01", periods=150)
    wide = pd.DataFrame({"ds": days, "grams": 1e4 * rng.normal(size=150), "rate": rng.random(150)})
    wide["constant"] = np.where(np.arange(150) == 140, 8.0, 7.0)  # in the test part
    metrics = train(here, wide, "data.wide_columns_are=series", "horizon=7")
    assert metrics["test"]["mase_left_out"] == 1
    assert metrics["spread_ratio"] > 1000
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("scaled_mae")
    marked = lines.index("(mean over 3 series of unlike size:)")
    assert [line.split()[0] for line in lines[marked + 1 : marked + 4]] == ["mae", "mse", "rmse"]
    assert "mase leaves out 1 series that hardly changes in the training part" in lines


def test_check_and_config_tell_the_share_of_the_test_part(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = pd.date_range("2018-01-01", periods=1500)
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"ds": days, "y": rng.normal(size=1500).cumsum()})
    metrics = train(here, frame, "data.id=null", "horizon=7", "features.seasonal_lags=[7]")
    reason = "365 of 1,500 steps of a typical series (24%): a year"
    assert f"test_size: 365  # auto: {reason}" in (here / "run" / "config.yaml").read_text()
    assert metrics["test"]["n_origins"] == 365 - 6
    assert metrics["test"]["origin_stride"] == 1
    assert main(["check", "data.path=data.csv", "data.id=null", "horizon=7"]) == 0
    assert reason in capsys.readouterr().out


def test_a_stride_samples_the_origins_and_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = pd.date_range("2024-01-01", periods=200)
    frame = pd.DataFrame({"ds": days, "y": np.arange(200.0) % 7})
    sizes = ("split.val_size=20", "split.test_size=40", "split.test_stride=5")
    metrics = train(here, frame, "data.id=null", "horizon=7", *sizes)
    assert (metrics["test"]["origin_stride"], metrics["test"]["n_origins"]) == (5, 7)
    assert metrics["val"]["origin_stride"] == 1
    assert "scored: every 5th step of the test part as an origin" in capsys.readouterr().out
    assert main(["train", "data.path=data.csv", "data.id=null", "horizon=7", "split.test_stride=0"])


def test_the_finished_network_is_scored_and_calibrated_at_every_kth_validation_origin(
    here: Path,
) -> None:
    days = pd.date_range("2024-01-01", periods=200)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"ds": days, "y": rng.normal(size=200)})
    sizes = ("split.val_size=60", "split.test_size=40", "split.val_stride=2")
    metrics = train(here, frame, "data.id=null", "horizon=7", "conformal=split", *sizes)
    assert (metrics["val"]["origin_stride"], metrics["val"]["n_origins"]) == (2, 27)
    assert metrics["test"]["n_origins"] == 34
    assert metrics["conformal"]["kind"] == "split"
