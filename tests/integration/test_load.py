"""The load data: made again as committed, trained on, and forecast with a filled-in template."""

import dataclasses
import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.forked import run_forked
from tests.helpers.paths import ROOT
from tsconv.config.compose import train_config
from tsconv.data.reading.future_file import read_future
from tsconv.data.reading.read import read_table
from tsconv.forecasting.bundles.bundle import load_bundle
from tsconv.forecasting.forecast import forecast_panel
from tsconv.forecasting.match import prepare_forecast
from tsconv.output.plots import draw_forecast, figure_grid

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FILE, FUTURE = ROOT / "data" / "load.csv.gz", ROOT / "data" / "load_future.csv"


def test_the_generator_makes_the_committed_files(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "scripts" / "make_load.py"))["main"](tmp_path)
    for path in (FILE, FUTURE):
        made, ours = pd.read_csv(tmp_path / path.name), pd.read_csv(path)
        # Another processor may round the last digit of an exponential the other way.
        pd.testing.assert_frame_equal(made, ours, rtol=0, atol=1.01)
        share = (made.fillna("") == ours.fillna("")).to_numpy().mean()
        assert share > 0.999
    assert FILE.stat().st_size < 400_000


def test_holidays_are_in_every_part() -> None:
    split = train_config(["experiment=load"]).split
    frame = pd.read_csv(FILE, keep_default_na=False)
    assert split.val_size is not None
    assert split.test_size is not None
    for _, area in frame.groupby("area"):
        test = area[-split.test_size :]
        val = area[-split.test_size - split.val_size : -split.test_size]
        for part in (test, val, area[: -split.test_size - split.val_size]):
            assert {"national", "regional"} <= set(part["holiday"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps; shared by the tests below."""
    folder = tmp_path_factory.mktemp("load")
    command = ["train", "experiment=load", f"data.path={FILE}"]
    small = ["trainer.max_steps=3", "data.chunks_per_batch=4", "model.hidden=8", "plots=false"]
    done = run_forked(*command, *small, "callbacks.progress=false", "run_dir=run", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def forecast(tsconv: Run, folder: Path, *keys: str) -> "subprocess.CompletedProcess[str]":
    return tsconv("forecast", "bundle=run/bundle", f"data.path={FILE}", *keys, cwd=folder)


@pytest.fixture(scope="module")
def template(trained: Path) -> pd.DataFrame:
    """What `template=` writes, as pandas reads it."""
    keys = ["forecast", "bundle=run/bundle", f"data.path={FILE}", "template=future.csv"]
    done = run_forked(*keys, cwd=trained)
    assert (done.returncode, done.stdout) == (0, "future.csv\n"), done.stderr
    return pd.read_csv(trained / "future.csv")


def filled(template: pd.DataFrame) -> pd.DataFrame:
    """The template with what data/load_future.csv says of each area and hour."""
    known = pd.read_csv(FUTURE, keep_default_na=False)
    clock = template["time"].str.slice(0, 16)
    assert clock.tolist() == known["time"].tolist()
    assert template["area"].tolist() == known["area"].tolist()
    return template.assign(temperature=known["temperature"], holiday=known["holiday"])


def test_a_filled_template_gives_a_forecast(
    trained: Path, template: pd.DataFrame, tsconv: Run
) -> None:
    assert template[["temperature", "holiday"]].isna().all().all()
    filled(template).to_csv(trained / "future.csv", index=False)
    keys = ("data.future_path=future.csv", "output=f.csv", "plot=f.png")
    done = forecast(tsconv, trained, *keys)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["f.png", "f.csv"]
    out = pd.read_csv(trained / "f.csv")
    assert out.groupby("area").size().tolist() == [48] * 4
    of_one = out[out["area"] == "works"]["time"].tolist()
    # The clocks go forward at two in the morning of the first day.
    assert of_one[1:3] == ["2024-03-31 01:00", "2024-03-31 03:00"]
    assert of_one[-1] == "2024-04-02 00:00"
    assert out["tsconv"].between(50, 1500).all()  # from 206 to 1,011 in the file


@pytest.mark.parametrize("how", ["line left out", "cell left empty"])
def test_a_missing_hour_is_named(
    trained: Path, template: pd.DataFrame, tsconv_here: Run, how: str
) -> None:
    lines = filled(template)
    odd = (lines["area"] == "works") & (lines["time"] == "2024-04-01 10:00:00+02:00")
    assert odd.sum() == 1
    if how == "line left out":
        lines = lines[~odd]
    else:
        lines.loc[odd, "temperature"] = None
    lines.to_csv(trained / "short.csv", index=False)
    done = forecast(tsconv_here, trained, "data.future_path=short.csv", "output=none.csv")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "of series `works` at 2024-04-01 10:00" in done.stderr
    assert not (trained / "none.csv").exists()


def test_the_picture_marks_holidays_and_tells_local_hours(trained: Path) -> None:
    bundle = load_bundle(trained / "run" / "bundle")
    data = dataclasses.replace(bundle.data, path=str(FILE), future_path=str(FUTURE))
    panel, _ = prepare_forecast(bundle, read_table(data), read_future(data))
    figure, axes = figure_grid(1, 1, 7, 3)
    made = forecast_panel(bundle.net, panel)
    ax = axes[0][0]
    draw_forecast(ax, panel, made, bundle.net.quantiles, (0, 0, 0), bundle.encodings)
    figure.canvas.draw()
    # The name of the column, then Good Friday and Easter Monday.
    assert [text.get_text() for text in ax.texts] == ["holiday", "national", "national"]
    days = pd.DatetimeIndex(pd.to_datetime(ax.get_xticks(), unit="D", utc=True)).round("s")
    assert (days.tz_convert("Europe/Berlin").hour == 0).all()
