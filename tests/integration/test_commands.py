# ruff: noqa: E501
"""The real commands, in processes of their own: what they write, print and refuse."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.frames import daily_frame, stations
from tests.helpers.paths import ROOT
from tsconv.evaluation.metrics import METRIC_NAMES

Run = Callable[..., "subprocess.CompletedProcess[str]"]
QUICK = ("trainer.max_steps=20", "compile=false", "precision=float32", "callbacks.progress=false")
COLUMNS = ("data.time=day", "data.id=shop", "data.target=sold")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a CSV with renamed columns, holes and a short series; shared by the tests below."""
    import os
    import sys

    folder = tmp_path_factory.mktemp("trained")
    frame = daily_frame(4, 160)
    frame = frame.rename(columns={"unique_id": "shop", "ds": "day", "y": "sold"})
    frame.loc[20:25, "sold"] = None
    frame = frame.drop(index=range(200, 205))
    frame = frame[(frame["shop"] != "shop 3") | (frame["day"] < "2023-02-01")]
    frame.sample(frac=1, random_state=0).to_csv(folder / "sales.csv", index=False)
    command = ["train", "data.path=sales.csv", *COLUMNS]
    done = subprocess.run(
        [sys.executable, "-m", "tsconv.cli", *command, "horizon=7", "run_dir=run", *QUICK],
        cwd=folder,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("bundle: run/bundle")
    assert "seasonal naive" in done.stdout
    return folder


def test_the_run_folder_holds_what_is_promised(trained: Path) -> None:
    run = trained / "run"
    for name in (
        "bundle/config.json",
        "bundle/model.safetensors",
        "metrics.json",
        "config.yaml",
        "plots/training.png",
        "plots/test_forecasts.png",
        "checkpoints/last.ckpt",
        ".hydra/config.yaml",
        ".hydra/overrides.yaml",
    ):
        assert (run / name).stat().st_size > 0, name


def test_metrics_have_their_keys(trained: Path) -> None:
    metrics = json.loads((trained / "run" / "metrics.json").read_text())
    assert metrics["train_origins_per_second"] > 0
    assert metrics["train_seconds"] > 0
    for part in ("val", "test"):
        for scores in (metrics[part], metrics[part]["baselines"]["seasonal_naive"]):
            assert set(METRIC_NAMES) <= set(scores)
    # 160 steps: 16 of test, 10 origins for each long series; 30 steps for the short one.
    assert metrics["test"]["n_origins"] == 3 * 10 + 10
    assert 0 < metrics["test"]["coverage_80"] <= 1


def test_the_resolved_config_gives_reasons(trained: Path) -> None:
    text = (trained / "run" / "config.yaml").read_text()
    assert "context_length: 42  # auto: six of the shortest season (7)" in text
    assert "seasonal_lags:  # auto: the seasons of a step of D" in text


def test_forecast_of_new_and_short_series(trained: Path, tsconv_as_installed: Run) -> None:
    rows = [("never seen", f"2024-03-{d:02d}", d % 7) for d in range(1, 25)]
    rows += [("007", "2024-05-01", 3.0), ("007", "2024-05-02", 4.0), ("NA", "2024-01-01", 1.0)]
    rows += [("gone", "2024-01-01", None), ("gone", "2024-03-30", None)]
    pd.DataFrame(rows, columns=["shop", "day", "sold"]).to_csv(trained / "new.csv", index=False)
    done = tsconv_as_installed(
        "forecast",
        "bundle=run/bundle",
        "data.path=new.csv",
        "output=f.csv",
        "plot=f.png",
        cwd=trained,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-3:] == [
        "forecast 3 series, 7 steps each; 1 series left out", "f.png", "f.csv",
    ]  # fmt: skip
    assert (
        "left out: 1 series not forecast, with no observed value in the last 42 steps: gone"
        in done.stdout
    )
    out = pd.read_csv(trained / "f.csv", dtype={"shop": str}, keep_default_na=False)
    assert list(out.columns[:5]) == ["shop", "day", "tsconv", "tsconv-lo-80", "tsconv-hi-80"]
    assert out["shop"].unique().tolist() == ["never seen", "007", "NA"]
    assert out["day"].tolist()[:2] == ["2024-03-25", "2024-03-26"]
    assert out["day"].tolist()[7] == "2024-05-03"
    assert (out["tsconv-lo-80"] <= out["tsconv"]).all()
    assert (out["tsconv"] <= out["tsconv-hi-80"]).all()
    assert out["tsconv"].notna().all()
    assert (trained / "f.png").stat().st_size > 5000


def test_columns_can_be_renamed_at_forecast_time(trained: Path, tsconv_here: Run) -> None:
    daily_frame(2, 40).to_parquet(trained / "other.parquet")
    columns = ("data.time=ds", "data.id=unique_id", "data.target=y")
    done = tsconv_here(
        "forecast", "bundle=run/bundle", "data.path=other.parquet", *columns, "output=f.parquet",
        "batch_size=1", cwd=trained,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(pd.read_parquet(trained / "f.parquet")) == 14


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data.path=missing.csv"], "`data.path` (=missing.csv) does not exist"),
        (["data.path=sales.csv", "data.target=solt"], "no column `solt` (set by `data.target`) (did you mean `sold`?)"),
        (["data.path=text.csv"], "text.csv: line 3, column `sold`: 'many' is not a number"),
        (["data.path=twice.csv"], "lines 2 and 4 are both series `a` at 2024-01-01"),
        (["data.path=sales.csv", "model.hiden=3"], "unknown config key `model.hiden` (did you mean `model.hidden`?)"),
        (["data.path=sales.csv", "hidden=3"], "unknown config key `hidden` (did you mean `model.hidden`?)"),
        (["data.path=sales.csv", "trainer.max_step=3"], "unknown config key `trainer.max_step` (did you mean `trainer.max_steps`?)"),
        (["data.path=sales.csv", "model.hidden=many"], "`model.hidden`: Value 'many' of type 'str' could not be converted to Integer"),
        (["data.path=sales.csv", "model=tnc"], "tcn"),
        (["data.path=sales.csv", "horizon=0"], "`horizon` (=0) must be at least 1"),
        (["data.path=sales.csv", "precision=half"], "`precision` (=half) must be one of"),
        (["data.path=sales.csv", "compile=maybe"], "`compile` (=maybe) must be auto, true or false"),
        (["data.path=sales.csv", "split.test_size=3"], "`split.test_size` (=3) must be 0 or at least `horizon` (=7)"),
        (["data.path=sales.csv", "model.dropout=2"], "`dropout` (=2.0)"),
        (["data.path=sales.csv", "head.quantiles=[0.9,0.5]"], "`quantiles` (=[0.9, 0.5]) must rise"),
        (["data.path=sales.csv", "optimizer.name=adam"], "`optimizer.name` (=adam) must be one of adamw"),
        (["data.path=sales.csv", "seed=1,2"], "several values for one key"),
        (["data.path=sales.csv", "seed=-1"], "`seed` (=-1) must be between 0"),
        (["data.path=sales.csv", "trainer.strategy=dp"], "`trainer.strategy` (=dp) must be auto or"),
        (["data.path=sales.csv", "horizon"], "horizon"),
        ([], "`data.path` must be given"),
    ],
)  # fmt: skip
def test_train_refuses_in_one_line(
    trained: Path, tsconv_here: Run, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "sales.csv").write_bytes((trained / "sales.csv").read_bytes())
    (tmp_path / "text.csv").write_text("shop,day,sold\na,2024-01-01,1\na,2024-01-02,many\n")
    (tmp_path / "twice.csv").write_text(
        "shop,day,sold\na,2024-01-01,1\na,2024-01-02,1\na,2024-01-01,2\n"
    )
    before = sorted(p.name for p in tmp_path.iterdir())
    done = tsconv_here("train", *COLUMNS, "horizon=7", *QUICK, *arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.startswith("tsconv: ")
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert message in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == before, "something was written"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bundle=nowhere", "data.path=sales.csv"], "`bundle` (=nowhere) is not a folder"),
        (["bundle=.", "data.path=sales.csv"], "`bundle` (=.) has no config.json"),
        (["bundle=run/bundle", "data.path=none.csv"], "does not exist"),
        (["bundle=run/bundle"], "`data.path` must be given"),
        (["data.path=sales.csv"], "`bundle` must be given"),
        (["bundle=run/bundle", "data.path=sales.csv", "output=no/f.csv"], "the folder no does not exist"),
        (["bundle=run/bundle", "data.path=sales.csv", "output=f.xls"], "must end in .csv or .parquet"),
        (["bundle=run/bundle", "data.path=sales.csv", "data.tiem=x"], "did you mean `data.time`?"),
        (["bundle=run/bundle", "data.path=sales.csv", "batch_size=0"], "`batch_size` (=0)"),
        (["bundle=run/bundle", "data.path=sales.csv", "device=foo"], "`device` (=foo)"),
        (["bundle=run/bundle", "data.path=sales.csv", "plot=no/f.png"], "`plot` (=no/f.png)"),
        (["bundle=run/bundle", "data.path=empty.csv"], "no series has an observed value"),
        (["bundle=run/bundle", "data.path=weekly.csv"], "its steps are W, but the bundle forecasts"),
        (["bundle=run/bundle", "data.path=hourly.csv"], "is not a whole number of steps of D"),
    ],
)  # fmt: skip
def test_forecast_refuses_in_one_line(
    trained: Path, tsconv_here: Run, arguments: list[str], message: str
) -> None:
    hours = pd.DataFrame(
        {"day": pd.date_range("2024", periods=9, freq="h"), "shop": "a", "sold": 1.0}
    )
    hours.to_csv(trained / "hourly.csv", index=False)
    weeks = hours.assign(day=pd.date_range("2024-01-01", periods=9, freq="7D"))
    weeks.to_csv(trained / "weekly.csv", index=False)
    days = hours.assign(day=pd.date_range("2024-01-01", periods=9, freq="D"), sold=None)
    days.to_csv(trained / "empty.csv", index=False)
    before = sorted(p.name for p in trained.iterdir())
    done = tsconv_here("forecast", *arguments, cwd=trained)
    assert done.returncode == 1, done.stdout
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert message in done.stderr
    assert sorted(p.name for p in trained.iterdir()) == before


def test_a_refusal_in_a_process_of_its_own(trained: Path, tsconv_as_installed: Run) -> None:
    done = tsconv_as_installed("forecast", "bundle=nowhere", "data.path=sales.csv", cwd=trained)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.startswith("tsconv: ")
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "`bundle` (=nowhere) is not" in done.stderr


def test_a_refused_training_in_a_process_of_its_own(trained: Path, tsconv: Run) -> None:
    done = tsconv("train", "data.path=sales.csv", *COLUMNS, "horizon=0", cwd=trained)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.startswith("tsconv: ")
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "`horizon` (=0) must be" in done.stderr


def test_file_names_need_no_care(trained: Path, tsconv_here: Run) -> None:
    name = "it's my file (1), a=b.csv"
    (trained / name).write_bytes((trained / "sales.csv").read_bytes())
    done = tsconv_here(
        "forecast", "bundle=run/bundle", f"data.path={name}", "output=o u t.csv", cwd=trained
    )
    assert done.returncode == 0, done.stderr
    assert (trained / "o u t.csv").is_file()


def test_a_key_that_must_be_given(trained: Path, tsconv_here: Run) -> None:
    done = tsconv_here("train", "data.path=sales.csv", cwd=trained)
    assert done.returncode == 1
    assert "`horizon` must be given" in done.stderr


def test_usage_errors_exit_with_2(tsconv: Run) -> None:
    assert tsconv().returncode == 2
    wrong = tsconv("trian", "horizon=3")
    assert wrong.returncode == 2
    assert "did you mean `train`?" in wrong.stderr
    assert tsconv("train", "--fast").returncode == 2


def test_help_and_version(tsconv_as_installed: Run) -> None:
    assert "usage: tsconv" in tsconv_as_installed("--help").stdout
    assert "horizon=" in tsconv_as_installed("train", "--help").stdout
    assert tsconv_as_installed("--version").stdout.startswith("tsconv ")


def test_scripts_are_the_commands() -> None:
    for name in ("train", "forecast"):
        assert f'run_script("{name}")' in (ROOT / "scripts" / f"{name}.py").read_text()


def test_grouped_data_from_several_files_to_a_file_of_forecasts(
    tmp_path: Path, tsconv: Run
) -> None:
    """A file a station, time in columns, a cell that is no number: train, forecast, new station."""
    frame = stations()
    for place, part in frame.groupby("place"):
        part = part.assign(
            year=part["ds"].dt.year, month=part["ds"].dt.month, day=part["ds"].dt.day
        )
        part = part.drop(columns=["ds", "place"]).astype({"no2": object})
        if place == "south":
            part.iloc[3, part.columns.get_loc("no2")] = "offline"
        part.to_csv(tmp_path / f"air_{place}.csv", index=False)
    done = tsconv(
        "train", "data.path=air_*.csv", r"data.row_from_file=^air_([a-z]\w*)\.csv$", "horizon=7",
        "data.time=[year,month,day]", "data.target=[no2,o3]", "data.past_covariates=[wind]",
        "data.bad_values=missing", "model.rows=separate", "model.cross_row=mean",
        "trainer.max_steps=10", "compile=false", "run_dir=run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "note: 1 cell that is not a number counts as missing" in done.stderr
    assert "air_south.csv: line 5, column `no2`: 'offline'" in done.stderr
    assert "mase by row" in done.stdout
    assert sorted(p.name for p in (tmp_path / "run" / "plots").iterdir()) == [
        "errors_by_row.png", "test_forecasts.png", "training.png",
    ]  # fmt: skip
    (tmp_path / "air_west.csv").unlink()
    use = ("forecast", "bundle=run/bundle", "data.path=air_*.csv", "output=f.csv", "plot=f.png")
    done = tsconv(*use)
    assert done.returncode == 0, done.stderr
    assert "left out: rows of the training that the file does not have: west" in done.stdout
    out = pd.read_csv(tmp_path / "f.csv")
    assert list(out.columns[:6]) == ["row", "channel", "year", "month", "day", "tsconv"]
    assert out.groupby(["row", "channel"]).size().to_dict() == {
        (row, channel): 7 for row in ("north", "south") for channel in ("no2", "o3")
    }
    (tmp_path / "air_north.csv").rename(tmp_path / "air_east.csv")
    done = tsconv(*use)
    assert done.returncode == 1
    assert "row `east` was not in the training data" in done.stderr
    assert "train with `model.rows=pooled`" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_grouped_data_set_of_the_repository(tmp_path: Path, tsconv: Run) -> None:
    done = tsconv(
        "train", "experiment=nyc_weather", f"data.path={ROOT / 'data' / 'nyc_weather.csv'}",
        "trainer.max_steps=60", "compile=false", "precision=float32", "run_dir=run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    test = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    assert set(test["by_row"]) == {"EWR", "JFK", "LGA"}
    naive = test["baselines"]["seasonal_naive"]
    assert test["mase"] < 0.9 * naive["mase"]
    assert all(
        test["by_channel"][c]["mase"] < naive["by_channel"][c]["mase"]
        for c in ("temp", "humid", "wind_speed")
    )
