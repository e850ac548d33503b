"""`tsconv forecast`: the file's own columns back, chosen origins and series, and no file lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsconv import cli

QUICK = (
    "trainer.max_steps=2", "compile=false", "precision=float32", "plots=false",
    "callbacks.progress=false", "model.hidden=4", "model.levels=1", "logger=none",
)  # fmt: skip
KEYS = ("data.id=[shop,item]", "data.time=day", "data.target=sold", "data.time_format=%d.%m.%Y")


def sales(days: int = 60) -> pd.DataFrame:
    """Three series of two id columns; prices known ahead; the last has empty ends."""
    rng = np.random.default_rng(0)
    parts = []
    for shop, item in (("007", "ale"), ("007", "rum"), ("8", "ale")):
        sold = np.round(20 + 5 * np.sin(np.arange(days) * 2 * np.pi / 7) + rng.normal(size=days), 1)
        times = pd.date_range("2024-01-01", periods=days).strftime("%d.%m.%Y")
        price = np.round(rng.normal(3, 0.2, days), 2)
        part = {"shop": shop, "item": item, "day": times, "sold": sold, "price": price}
        parts.append(pd.DataFrame(part))
    parts[2].loc[40:, "sold"] = np.nan
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A trained bundle of `sales`, in the folder that the tests work in."""
    path = tmp_path_factory.mktemp("sales")
    sales().to_csv(path / "sales.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        train = ["train", "data.path=sales.csv", "horizon=5", "run_dir=run", *KEYS, *QUICK]
        assert cli.main(train) == 0
        yield path


def forecast(*arguments: str, output: str = "f.csv", data: str = "sales.csv") -> pd.DataFrame:
    use = ["forecast", "bundle=run", f"data.path={data}", f"output={output}", *arguments]
    assert cli.main(use) == 0
    if output.endswith(".parquet"):
        return pd.read_parquet(output)
    return pd.read_csv(output, dtype={"shop": str, "unique_id": str})


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["forecast", "bundle=run", "data.path=sales.csv", *arguments]) == 1
    return capsys.readouterr().err


def test_columns_come_back_as_the_file_has_them(folder: Path) -> None:
    out = forecast()
    assert list(out.columns[:4]) == ["shop", "item", "day", "tsconv"]
    assert out[["shop", "item"]].drop_duplicates().to_numpy().tolist() == [
        ["007", "ale"], ["007", "rum"], ["8", "ale"],
    ]  # fmt: skip
    assert out["day"].tolist()[:2] == ["01.03.2024", "02.03.2024"]
    assert out["day"].tolist()[10] == "10.02.2024"  # from its own last observed step
    assert (out["tsconv"].round(2) == out["tsconv"]).all()  # the file has one decimal
    plain = forecast("columns=nixtla", output="n.csv")
    assert list(plain.columns[:3]) == ["unique_id", "ds", "tsconv"]
    assert plain["unique_id"].unique().tolist() == ["007/ale", "007/rum", "8/ale"]
    assert plain["ds"][0] == "2024-03-01"
    typed = forecast(output="f.parquet")
    assert typed["day"].tolist()[0] in ("01.03.2024", pd.Timestamp("2024-03-01"))


def test_left_out_ends_and_counts_come_last(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forecast()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "f.csv"
    assert lines[-2] == "forecast 3 series, 5 steps each"
    assert lines[-3] == (
        "left out: 1 of 3 series ends with empty targets: 20 steps at the end are trimmed (`8/ale`)"
    )


def test_a_series_that_ended_long_ago_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forecast()
    assert (
        "1 series ends more than one horizon before the last time, 2024-02-29, and is forecast "
        "from its own end: `8/ale` at 2024-02-09"
    ) in capsys.readouterr().err


@pytest.mark.parametrize(("key", "value"), [("start", "2024-02-10"), ("last", "09.02.2024")])
def test_an_earlier_origin_is_a_file_that_ends_there(folder: Path, key: str, value: str) -> None:
    frame = sales()
    day = pd.to_datetime(frame["day"], format="%d.%m.%Y")
    frame[day < "2024-02-10"].to_csv("cut.csv", index=False)
    pd.testing.assert_frame_equal(forecast(f"{key}={value}"), forecast(data="cut.csv"))


def test_origins_outside_the_file_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no value is observed before it; the first one in sales.csv is at 2024-01-01" in refusal(
        capsys, "start=2023-01-01"
    )
    assert "the latest start is 2024-03-01" in refusal(capsys, "start=2024-04-01")
    assert "sales.csv ends at 2024-02-29" in refusal(capsys, "last=2024-04-01")
    assert "must be the time of the first step to forecast, such as 2024-02-29" in refusal(
        capsys, "start=soon"
    )
    assert "`last` (=7) must be the time of the last step to use" in refusal(capsys, "last=7")
    assert "exclude each other" in refusal(capsys, "start=2024-02-01", "last=2024-02-01")


def test_some_series_and_a_shorter_horizon(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = forecast()
    some = forecast("series=[007/rum,8/ale]", "horizon=2")
    assert some[["shop", "item"]].drop_duplicates().to_numpy().tolist() == [
        ["007", "rum"], ["8", "ale"],
    ]  # fmt: skip
    same = whole[whole["item"].eq("rum")].head(2)
    np.testing.assert_allclose(some["tsconv"][:2], same["tsconv"], atol=0.011)
    assert "has no series `007/run` (did you mean `007/rum`?)" in refusal(
        capsys, "series=[007/run]"
    )
    assert "has no series `x`; it has 007/ale, 007/rum, 8/ale" in refusal(capsys, "series=x")
    assert "`horizon` (=9) is longer than the bundle forecasts (5 steps): train with" in refusal(
        capsys, "horizon=9"
    )


def test_no_file_of_the_user_is_replaced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("sales.csv").read_bytes()
    assert "is a file that the forecast reads" in refusal(capsys, "output=sales.csv")
    Path("link.csv").symlink_to("sales.csv")
    told = refusal(capsys, "output=link.csv", "overwrite=true")
    assert "is a file that the forecast reads" in told
    assert Path("sales.csv").read_bytes() == before
    Path("notes.csv").write_text("shop,tsconv,mine\na,1,2\n")
    assert "set `overwrite=true`" in refusal(capsys, "output=notes.csv")
    forecast("overwrite=true", output="notes.csv")
    forecast(output="notes.csv")  # now one of ours


def test_a_picture_of_the_user_is_not_replaced(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("thesis.png").write_bytes(b"my own")
    assert "`plot` (=thesis.png) exists" in refusal(capsys, "plot=thesis.png")
    for suffix in ("png", "svg", "pdf"):
        for _ in range(2):  # the second takes the place of the first
            forecast(f"plot=p.{suffix}", "plot_series=1")


TIMES = {
    "iso with a T": ("%Y-%m-%dT%H:%M", "h", []),
    "months": ("%Y-%m", "MS", []),
    "slashes": ("%m/%d/%Y", "D", ["data.time_format=%m/%d/%Y"]),
    "seconds since 1970": (None, "h", ["data.time_unit=s"]),
    "an offset": ("%Y-%m-%dT%H:%M:%S+01:00", "h", []),
    "a zone": ("%Y-%m-%d %H:%M:%S", "h", ["data.timezone=Europe/Berlin"]),
}


@pytest.mark.parametrize("name", TIMES)
def test_times_are_spelt_as_in_the_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pattern, freq, arguments = TIMES[name]
    monkeypatch.chdir(tmp_path)
    times = pd.date_range("2024-01-01", periods=42, freq=freq)
    text = times.strftime(pattern) if pattern else times.astype("datetime64[s]").astype("int64")
    pd.DataFrame({"when": text[:40], "y": np.arange(40) % 7}).to_csv("a.csv", index=False)
    keys = ["data.time=when", "data.id=null", *arguments]
    assert cli.main(["train", "data.path=a.csv", "horizon=2", "run_dir=run", *keys, *QUICK]) == 0
    assert cli.main(["forecast", "bundle=run", "data.path=a.csv", "output=f.csv"]) == 0
    out = pd.read_csv("f.csv")
    assert list(out.columns[:2]) == ["when", "tsconv"]  # no id: the file has none
    assert out["when"].astype(str).tolist() == [str(t) for t in text[40:]]


def test_parts_of_a_time_and_typed_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    times = pd.date_range("2024-01-01", periods=40)
    parts = {"year": times.year, "month": times.month, "day": times.day}
    frame = pd.DataFrame({"store": np.int32(7), **parts, "y": np.arange(40.0) % 7})
    frame.to_parquet("a.parquet")
    keys = ["data.time=[year,month,day]", "data.id=store"]
    train = ["train", "data.path=a.parquet", "horizon=2", "run_dir=run", *keys, *QUICK]
    assert cli.main(train) == 0
    use = ["forecast", "bundle=run", "data.path=a.parquet", "output=f.parquet"]
    assert cli.main(use) == 0
    out = pd.read_parquet("f.parquet")
    assert out["store"].dtype == np.int32
    assert out[["year", "month", "day"]].to_numpy().tolist() == [[2024, 2, 10], [2024, 2, 11]]


def test_covariates_changed_since_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`TRUE` is the category `True`; Fahrenheit for Celsius stops, and goes on where asked to."""
    monkeypatch.chdir(tmp_path)
    day = np.arange(400)
    celsius = np.round(10 - 11 * np.cos(2 * np.pi * day / 365), 1)
    frame = pd.DataFrame({"ds": day, "y": np.round(20 + celsius, 1), "temp": celsius})
    frame["open"] = np.where(day % 7 < 5, "True", "False")
    frame.loc[395:, "y"] = np.nan
    frame.to_csv("a.csv", index=False)
    keys = ["data.id=null", "data.future_covariates=[temp,open]", "data.categories=[open]"]
    assert cli.main(["train", "data.path=a.csv", "horizon=5", "run_dir=run", *keys, *QUICK]) == 0
    assert cli.main(["forecast", "bundle=run", "data.path=a.csv", "output=a_f.csv"]) == 0
    frame.assign(open=frame["open"].str.upper()).to_csv("b.csv", index=False)
    frame.assign(open=frame["open"].eq("True")).to_parquet("c.parquet")
    for name in ("b.csv", "c.parquet"):
        capsys.readouterr()
        assert cli.main(["forecast", "bundle=run", f"data.path={name}", "output=b_f.csv"]) == 0
        assert "did not occur in training" not in capsys.readouterr().err
        assert Path("b_f.csv").read_bytes() == Path("a_f.csv").read_bytes()
    frame.assign(temp=(celsius * 1.8 + 32).round(1)).to_csv("f.csv", index=False)
    use = ["forecast", "bundle=run", "data.path=f.csv", "output=f_f.csv"]
    assert cli.main(use) == 1
    told = capsys.readouterr().err
    assert "column `temp`: the median is" in told
    assert "in training it was" in told
    assert "data.allow_shift=true" in told
    assert not Path("f_f.csv").exists()
    assert cli.main([*use, "data.allow_shift=true"]) == 0
