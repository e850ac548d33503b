"""`tsconv backtest` as a command: what it writes, what it refuses, what a kill leaves."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.forked import ForkedProcess, run_forked
from tests.helpers.frames import daily_frame
from tsconv import Forecaster
from tsconv.cli import main
from tsconv.errors import ConfigError

Run = Callable[..., "subprocess.CompletedProcess[str]"]
QUICK = ("trainer.max_steps=10", "compile=false", "precision=float32", "callbacks.progress=false")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a test part and a refit, and its file; shared by the tests below."""
    folder = tmp_path_factory.mktemp("trained")
    frame = daily_frame(3, 200).rename(columns={"unique_id": "shop", "ds": "day", "y": "sold"})
    frame.loc[30:34, "sold"] = None
    frame.to_csv(folder / "sales.csv", index=False)
    done = _tsconv(
        folder, "train", "data.path=sales.csv", "data.time=day", "data.id=shop", "data.target=sold",
        "horizon=7", "run_dir=run", "refit=true", "plots=false", *QUICK,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def _tsconv(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run_forked(*arguments, cwd=folder)


def test_the_folder_holds_what_is_promised_and_the_test_part_is_that_of_the_training(
    trained: Path,
) -> None:
    done = _tsconv(
        trained, "backtest", "bundle=run", "data.path=sales.csv", "run_dir=out",
        "forecasts=all.parquet",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("results: out")
    assert "network before the refit" in done.stderr
    names = {p.name for p in (trained / "out").rglob("*")}
    assert names >= {
        "metrics.json", "metrics_by_horizon.csv", "metrics_by_series.csv", "metrics_over_time.csv",
        "error_by_horizon.png", "error_over_time.png", "coverage.png",
    }  # fmt: skip
    found = json.loads((trained / "out" / "metrics.json").read_text())
    test = json.loads((trained / "run" / "metrics.json").read_text())["test"]
    for name in ("mae", "mse", "mase", "rmsse", "scaled_mae", "wql", "n_origins", "width_80"):
        assert found["held_out"][name] == pytest.approx(test[name], rel=1e-6), name
    lines = pd.read_parquet(trained / "all.parquet")
    assert list(lines.columns[:5]) == ["unique_id", "ds", "cutoff", "y", "tsconv"]
    assert len(lines) == 7 * found["overall"]["n_origins"] or lines["y"].isna().any()
    ahead = (lines["ds"] - lines["cutoff"]).dt.days
    assert ahead.min() == 1
    assert ahead.max() == 7
    assert lines.dropna().eval("abs(y - tsconv)").mean() == pytest.approx(found["overall"]["mae"])


def test_forecasts_go_into_utilsforecast_as_they_are(trained: Path, tmp_path: Path) -> None:
    evaluation = pytest.importorskip("utilsforecast.evaluation")
    losses = pytest.importorskip("utilsforecast.losses")
    forecaster = Forecaster.load(trained / "run")
    path = tmp_path / "all.parquet"
    result = forecaster.backtest(trained / "sales.csv", forecasts=path, start="2023-06-01")
    lines = pd.read_parquet(path).dropna()
    found = evaluation.evaluate(lines, metrics=[losses.mae], models=["tsconv"])
    by_series = found.groupby("unique_id")["tsconv"].mean()
    ours = result.by_series.set_index("unique_id")["mae"]
    for name, value in ours.items():
        assert by_series[name] == pytest.approx(value, rel=1e-6)


def test_a_backtest_of_one_origin_is_that_forecast(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    done = _tsconv(
        trained, "backtest", "bundle=run/bundle_before_refit", "data.path=sales.csv",
        "start=2023-07-01", "last=2023-06-30", f"forecasts={path}", f"run_dir={tmp_path / 'out'}",
        "plots=false",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    one = tmp_path / "one.csv"
    done = _tsconv(
        trained, "forecast", "bundle=run/bundle_before_refit", "data.path=sales.csv",
        "start=2023-07-01", f"output={one}", "columns=nixtla",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ours, theirs = pd.read_parquet(path), pd.read_csv(one)
    assert ours["tsconv"].to_numpy() == pytest.approx(theirs["tsconv"].to_numpy(), rel=1e-3)
    assert set(ours["cutoff"]) == {pd.Timestamp("2023-06-30")}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["start=2023-01-04"], r"`start` (=2023-01-04) lies before the first forecast"),
        (["horizon=8"], "`horizon` (=8) is longer than the bundle forecasts (7 steps)"),
        (["start=2023-07-19"], "no origin is left for `start` (=2023-07-19)"),
        (["last=2023-01-03"], "no origin is left for `last` (=2023-01-03)"),
        (["start=soon"], "`start` (=soon) must be the time of"),
        (["stride=0"], "`stride` (=0) must be"),
        (["series=[shop 9]"], "shop 9"),
        (["forecasts=all.csv"], "`forecasts` (=all.csv) must end in .parquet"),
        (["report=page.pdf"], "`report` (=page.pdf) must end in .html"),
        (["report=sales.html/page.html"], "the folder sales.html does not exist"),
        (["run_dir=run"], "`run_dir` (=run) exists and does not hold a backtest"),
        (["strid=2"], "unknown config key `strid` (did you mean `stride`?)"),
        (["bundle=nowhere"], "`bundle` (=nowhere) is not a folder"),
    ],
)
def test_faults_are_one_line(
    trained: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(trained)
    assert main(["backtest", "bundle=run", "data.path=sales.csv", *arguments]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line
    assert line.startswith("tsconv: ")


@pytest.mark.parametrize(
    ("kept", "more", "message"),
    [
        ("mondays", [], "its steps are W"),
        ("spring", ["start=2023-06-15", "last=2023-06-20"], "nothing is observed within 7 steps"),
    ],
)
def test_another_frequency_and_no_target_in_the_range_are_one_line(
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kept: str,
    more: list[str],
    message: str,
) -> None:
    frame = pd.read_csv(trained / "sales.csv", parse_dates=["day"])
    if kept == "mondays":
        frame = frame[frame["day"].dt.weekday == 0]
    else:
        frame.loc[frame["day"].between("2023-05-02", "2023-07-19"), "sold"] = None
    frame.to_csv(tmp_path / "file.csv", index=False)
    monkeypatch.chdir(trained)
    assert main(["backtest", "bundle=run", f"data.path={tmp_path / 'file.csv'}", *more]) == 1
    assert message in capsys.readouterr().err.strip().splitlines()[-1]


def test_a_kill_in_the_middle_leaves_no_half_file(trained: Path, tmp_path: Path) -> None:
    slow = ["python", "-m", "tests.helpers.slow_backtest", "backtest"]
    out, path = tmp_path / "out", tmp_path / "all.parquet"
    given = ["bundle=run", "data.path=sales.csv", f"run_dir={out}", f"forecasts={path}"]
    process = ForkedProcess([*slow, *given], cwd=trained, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert list(tmp_path.iterdir()) == []
    process = ForkedProcess([*slow, *given], cwd=trained, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    process.kill()
    process.wait(timeout=60)
    time.sleep(0.1)
    assert not out.exists()
    assert not path.exists()  # at most a hidden file that the next command does not read


def test_a_forecaster_backtests_the_network_before_its_refit() -> None:
    frame = daily_frame(2, 150)
    forecaster = Forecaster(
        horizon=5, refit=True, trainer__max_steps=5, compile=False, callbacks__progress=False
    ).fit(frame)
    result = forecaster.backtest(frame)
    test = forecaster.metrics["test"]
    assert result.metrics["held_out"]["mae"] == pytest.approx(test["mae"], rel=1e-6)
    assert result.metrics["held_out"]["n_origins"] == test["n_origins"]
    assert list(result.by_horizon["step"]) == [1, 2, 3, 4, 5]
    assert any("before the refit" in note for note in forecaster.notes)
    with pytest.raises(ConfigError, match="no origin is left"):
        forecaster.backtest(frame, start="2024-01-01")
