"""The real `tsconv check` on files made for it: exit code, report, JSON, and a line that trains."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.frames import daily_frame
from tests.helpers.paths import ROOT
from tsconv import cli

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def sales() -> pd.DataFrame:
    return daily_frame(4, 120).rename(columns={"unique_id": "shop", "ds": "day", "y": "sold"})


def messy() -> pd.DataFrame:
    """Sales with -9999, duplicates, holes, near-equal names, a column that reveals the future."""
    frame = sales()
    frame["shop"] = frame["shop"].replace({"shop 3": "Shop  2"})
    frame["tomorrow"] = frame.groupby("shop")["sold"].shift(-1)
    frame.loc[[10, 50, 51], "sold"] = -9999
    frame.loc[60, "sold"] = np.nan
    frame = frame.drop(index=[200, 201, 333])
    frame = pd.concat([frame, frame.iloc[[7, 8]]])
    return pd.concat([frame.iloc[240:], frame.iloc[:240]])


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["check", *arguments])
    done = capsys.readouterr()
    return code, done.out, done.err


def trains(line: str) -> int:
    """Run the last line of a report as a shell would."""
    words = shlex.split(line)
    assert words[:2] == ["tsconv", "train"]
    quick = ["trainer.max_steps=2", "plots=false", "compile=false", "callbacks.progress=false"]
    return cli.main([*words[1:], *quick, "run_dir=run", "precision=float32"])


def test_a_sound_file(tmp_path: Path, tsconv: Run) -> None:
    sales().to_csv(tmp_path / "sales.csv", index=False)
    columns = ("data.time=day", "data.id=shop", "data.target=sold")
    done = tsconv("check", "data.path=sales.csv", *columns, "output=report.json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines[:-1])) <= 108
    assert lines[-1].startswith("tsconv train data.path=sales.csv data.time=day")
    assert lines[-1].endswith(" horizon=14")
    for word in ("4 series", "120 steps each", "frequency  D", "7 steps", "receptive field"):
        assert word in done.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.json", "sales.csv"]
    report = json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)
    assert report["refused"] is None
    assert report["train"] == lines[-1]
    assert report["series"]["ids"] == 4
    assert [s["period"] for s in report["seasons"]] == [7]
    assert report["training"]["horizon"] == 14
    assert report["estimate"]["train_seconds"] > 0


def test_a_messy_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    messy().to_csv("my sales.csv", index=False)
    columns = ("data.time=day", "data.id=shop", "data.target=sold", "horizon=7")
    code, out, err = checked(capsys, "data.path=my sales.csv", *columns, "output=r.json")
    assert (code, err) == (0, "")
    assert "training would refuse this file as configured: my sales.csv: " in out
    assert len(out.splitlines()) <= 60
    report = json.loads(Path("r.json").read_text())
    counts = {f["kind"]: f["count"] for f in report["findings"]}
    assert counts["duplicates"] == 2
    assert counts["sentinel values"] == 3
    assert counts["missing values"] == 1
    assert counts["missing steps"] == 3
    assert counts["near-equal names"] == 1
    assert counts["leak"] == 1
    assert "`tomorrow` is `sold` 1 step ahead" in out
    line = out.splitlines()[-1]
    assert "data.na_values=[-9999]" in line
    assert "data.duplicates=first" in line
    assert trains(line) == 0


def test_roles_are_suggested_and_the_line_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    frame = sales().assign(day=lambda f: f["day"].dt.strftime("%d.%m.%Y"))
    frame.to_csv("sales.csv", index=False, sep=";", decimal=",")
    code, out, err = checked(capsys, "data.path=sales.csv")
    assert (code, err) == (0, "")
    assert "to train on this file:" in out
    assert "suggestions: the rest of this report reads the file with these keys" in out
    line = out.splitlines()[-1]
    for key in ("data.sep", "data.decimal", "data.time=day", "data.id=shop", "data.target=sold"):
        assert key in line
    assert trains(line) == 0


@pytest.mark.parametrize("kind", ["local", "epoch", "duplicates", "dates", "holes"])
def test_what_training_would_refuse_is_fixed_by_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    utc = pd.date_range("2024-03-20", "2024-11-05", freq="h", tz="UTC")
    frame = pd.DataFrame({"unique_id": "a", "ds": utc, "y": np.sin(np.arange(len(utc)) / 24)})
    arguments: list[str] = []
    if kind == "epoch":
        frame["ds"] = (utc - pd.Timestamp(0, tz="UTC")) // pd.Timedelta("1s")
        key = "data.time_unit=s"
    elif kind == "local":
        frame["ds"] = utc.tz_convert("Europe/Berlin").tz_localize(None)
        key = "data.timezone=Europe/Berlin"
    elif kind == "dates":
        frame["ds"] = utc.strftime("%Y%m%d%H")
        key = "data.time_format=%Y%m%d%H"
    elif kind == "holes":
        frame = frame.drop(index=[30, 31])
        arguments, key = ["data.gaps=error"], "data.gaps=mask"
    else:
        frame["ds"] = utc.tz_localize(None)
        frame = pd.concat([frame, frame.iloc[[3]].assign(y=1.0)])
        key = "data.duplicates=mean"
    frame.to_csv("times.csv", index=False)
    code, out, err = checked(capsys, "data.path=times.csv", *arguments)
    assert (code, err) == (0, "")
    assert ("this command fits it" in out) == bool(arguments)
    line = out.splitlines()[-1]
    assert key in line.replace("'", "").replace('"', "")
    assert trains(line) == 0


def test_an_experiment_and_a_family_of_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = f"data.path={ROOT / 'data' / 'nyc_weather.csv'}"
    code, out, _ = checked(capsys, "experiment=nyc_weather", path)
    assert code == 0
    assert "1 series of 3 rows: EWR, JFK, LGA" in " ".join(out.split())
    assert "24  (given)" in out
    line = out.splitlines()[-1]
    assert line == f"tsconv train experiment=nyc_weather {path}"
    assert trains(line) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data.path=null"], "`data.path` must be given"),
        (["data.path=none.csv"], "does not exist"),
        (["data.path=sales.csv", "output=report.txt"], "`output` (=report.txt) must end in .json"),
        (["data.path=sales.csv", "output=no/r.json"], "the folder no does not exist"),
        (["data.path=sales.csv", "data.tiem=x"], "did you mean `data.time`?"),
        (["data.path=sales.csv", "horizon=soon"], "`horizon`"),
        (["data.path=sales.csv", "horizon=0"], "`horizon` (=0) must be at least 1"),
        (["data.path=sales.csv", "split.test_size=90"], "no series has a step to train on"),
        (["data.path=sales.csv", "model.rows=separate"], "`model.rows` (=separate) needs rows"),
        (["data.path=empty.csv"], "the file is empty"),
        (["data.path=letters.csv"], "is not"),
    ],
)
def test_refused_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    daily_frame(2, 40).to_csv("sales.csv", index=False)
    Path("empty.csv").write_text("")
    Path("letters.csv").write_text("unique_id,ds,y\na,x,y\n")
    code, _, err = checked(capsys, *arguments)
    assert code == 1
    assert err.startswith("tsconv: ")
    assert len(err.strip().splitlines()) == 1
    assert message in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty.csv", "letters.csv", "sales.csv"]


def test_usage(tsconv: Run) -> None:
    assert "tsconv check data.path=" in tsconv("--help").stdout
    shown = tsconv("check", "--help").stdout
    assert "output=null" in shown
    assert 'run_script("check")' in (ROOT / "scripts" / "check.py").read_text()


@pytest.mark.parametrize("role", ["future", "past", "static"])
def test_covariates_of_words_are_categories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], role: str
) -> None:
    monkeypatch.chdir(tmp_path)
    frame = daily_frame(4, 120)
    frame["holiday"] = np.where(frame.index % 9 == 0, "Easter", "no")
    frame["open"] = frame.index % 2 == 0
    if role == "static":
        frame["holiday"] = "in " + frame["unique_id"]
        frame["open"] = frame["unique_id"] == "shop 0"
    frame["price"] = 1.0 + frame.index % 5
    frame.to_csv("sales.csv", index=False)
    named = f"data.{role}_covariates=[holiday,open{'' if role == 'static' else ',price'}]"
    code, out, err = checked(capsys, "data.path=sales.csv", named, "horizon=7")
    assert (code, err) == (0, "")
    assert "`data.categories=`" in out
    assert "this command fits it" in out
    line = out.splitlines()[-1]
    assert "data.categories=[holiday,open]" in line
    assert trains(line) == 0


def test_a_note_about_another_column_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is found in one column says nothing of the next, and all of it ends in the line."""
    monkeypatch.chdir(tmp_path)
    frame = daily_frame(2, 60).assign(p=lambda f: 5.0 + f.index % 7, q=lambda f: f.index % 5)
    frame.loc[[3, 4, 5], "y"] = -999
    frame.loc[9, "q"] = -9999
    frame["p"] = frame["p"].where(frame.index % 40 == 3, np.nan)  # too few for a finding
    frame.loc[8, "p"] = 32767
    frame.to_csv("sales.csv", index=False)
    named = "data.past_covariates=[p,q]"
    code, out, _ = checked(capsys, "data.path=sales.csv", named, "horizon=7", "output=r.json")
    assert code == 0
    found = json.loads(Path("r.json").read_text())["findings"]
    values = [f["text"] for f in found if f["kind"] == "sentinel values"]
    assert len(values) == 2
    notes = [f["text"] for f in found if f["kind"] == "note" and "far from" in f["text"]]
    assert len(notes) == 1
    assert "column `p`: 1 cell is 32767" in notes[0]
    assert "data.na_values=[-999,-9999]" in out.splitlines()[-1].replace("'", "")


def test_a_file_that_no_key_reads_must_be_fixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    seconds = np.random.default_rng(0).integers(0, 86_000, 60)
    frame = daily_frame(1, 60)
    frame["ds"] += pd.to_timedelta(seconds, unit="s")
    frame.to_csv("sales.csv", index=False)
    code, out, err = checked(capsys, "data.path=sales.csv")
    assert code == 1
    assert "the times lie on no regular grid" in err
    assert ".resample('1D').mean()" in err
    assert "no command trains on this file yet:" in out
    assert "tsconv train" not in out


def test_span_and_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Times are shown in their zone, and a panel's memory counts all that it holds."""
    monkeypatch.chdir(tmp_path)
    ds = pd.date_range("2024-03-25", periods=400, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"unique_id": "a", "ds": ds, "y": np.arange(400) % 24.0})
    frame.assign(t=np.sin(frame.index)).to_csv("load.csv", index=False)
    common = ("data.path=load.csv", "data.timezone=Europe/Berlin", "horizon=24", "output=r.json")
    sizes = []
    for more in ([], ["data.future_covariates=[t]"], ["features.calendar=[hour]"]):
        code, out, err = checked(capsys, *common, *more)
        assert code == 0, err
        assert "2024-03-25 00:00:00+01:00 to 2024-04-10 16:00:00+02:00" in out
        sizes.append(json.loads(Path("r.json").read_text())["estimate"]["panel_bytes"])
    assert sizes[1] >= sizes[0] + 4 * 400
    assert sizes[2] > sizes[0]


def test_steps_taken_as_zero_are_not_called_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    daily_frame(1, 80).drop(index=[5, 6]).to_csv("sales.csv", index=False)
    _, out, _ = checked(capsys, "data.path=sales.csv", "data.gaps=zero", "horizon=7")
    assert "the longest of 2; taken as 0" in " ".join(out.split())
    assert "masked" not in out


def test_suggested_lags_are_not_called_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    steps = np.arange(200)
    frame = pd.DataFrame({"unique_id": "a", "ds": steps, "y": steps % 5.0})
    frame.to_csv("steps.csv", index=False)
    _, out, _ = checked(capsys, "data.path=steps.csv", "horizon=3")
    assert "[5]  (from the data)" in out
    _, out, _ = checked(capsys, "data.path=steps.csv", "features.seasonal_lags=[10]")
    assert "[10]  (given)" in out


@pytest.mark.parametrize("command", ["check", "train"])
def test_a_horizon_that_no_series_holds_is_refused_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    daily_frame(3, 200).to_csv("sales.csv", index=False)
    code = cli.main([command, "data.path=sales.csv", "horizon=5000"])
    error = capsys.readouterr().err.splitlines()[-1]
    assert code == 1
    assert error == (
        "tsconv: `horizon` (=5000) does not fit the data: the longest series has 200 steps; "
        "the most that training accepts is 199"
    )
    assert not list(tmp_path.rglob("bundle"))


def test_a_check_loads_lightning_after_the_lines_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning takes as much memory as some millions of lines."""
    monkeypatch.chdir(tmp_path)
    daily_frame(2, 60).to_csv("sales.csv", index=False)
    code = (
        "import gc, sys\n"
        "from tsconv.check.check_file import check_file\n"
        "from tsconv.check.tables.sorted_table import SortedTable\n"
        "from tsconv.check.tables.raw_table import RawTable\n"
        "from tsconv.config.compose import check_plan\n"
        "class Watch:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'pytorch_lightning':\n"
        "            kinds = SortedTable, RawTable\n"
        "            print([type(o).__name__ for o in gc.get_objects() if isinstance(o, kinds)])\n"
        "sys.meta_path.insert(0, Watch())\n"
        "check_file(check_plan(['data.path=sales.csv', 'horizon=7']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.splitlines()[0] == "[]"
