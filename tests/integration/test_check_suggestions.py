"""The real `tsconv check` on files with traps: its line trains, or it names what is in the way."""

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsconv import cli

_QUICK = ["trainer.max_steps=1", "plots=false", "compile=false", "callbacks.progress=false"]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _checked(
    capsys: pytest.CaptureFixture[str], frame: pd.DataFrame, sep: str = ","
) -> tuple[int, str, list[str]]:
    """Exit code, the report, and the words of its last line."""
    frame.to_csv("data.csv", index=False, sep=sep)
    code = cli.main(["check", "data.path=data.csv"])
    out = capsys.readouterr().out
    return code, out, shlex.split(out.splitlines()[-1])


def _trains(words: list[str]) -> bool:
    assert words[:2] == ["tsconv", "train"]
    return cli.main([*words[1:], *_QUICK, "run_dir=run", "precision=float32"]) == 0


def _power(n: int = 48 * 12) -> pd.DataFrame:
    times = pd.date_range("2024-01-01", periods=n, freq="30min")
    load = 900 + 200 * np.sin(np.arange(n) * 2 * np.pi / 48)
    noise = np.random.default_rng(0).normal(0, 30, n)
    return pd.DataFrame({"Time": times, "Date": times.date, "load": (load + noise).round(1)})


def _keyed() -> pd.DataFrame:
    days = pd.date_range("2023-01-01", periods=90)
    keys = [(a, b, c) for a in "xy" for b in ("p", "q") for c in (1, 2)]
    rng = np.random.default_rng(1)
    parts = [
        pd.DataFrame({"day": days, "town": a, "kind": b, "size": c, "sold": rng.poisson(20, 90)})
        for a, b, c in keys
    ]
    return pd.concat(parts).sort_values("day")


def test_the_column_that_orders_the_lines_is_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, words = _checked(capsys, _power(), sep="\t")
    assert code == 0
    assert {"data.sep=tab", "data.time=Time", "data.id=null", "data.target=load"} <= set(words)
    assert not any(word.startswith("data.duplicates") for word in words)
    assert "another time" in out
    assert _trains(words)


def test_three_columns_are_the_key(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, words = _checked(capsys, _keyed())
    assert code == 0
    assert {"data.time=day", "data.id=[town,kind,size]", "data.target=sold"} <= set(words)
    assert "8 series" in out
    assert _trains(words)


def test_without_an_id_nothing_is_averaged(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, words = _checked(capsys, _keyed().drop(columns=["kind", "size"]))
    assert code == 1
    assert "an id is missing" in out
    assert words[:2] != ["tsconv", "train"]
    assert "data.duplicates=mean" not in out


def test_unlike_columns_are_targets_and_parts_of_the_time_are_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    frame = _power().drop(columns="Date").rename(columns={"load": "pressure"})
    frame["temp"] = np.round(10 + frame["pressure"] % 7, 1)
    frame["hour"], frame["record_id"] = frame["Time"].dt.hour, frame.index * 3 + 7
    _, out, words = _checked(capsys, frame)
    assert "data.target=[pressure,temp]" in words
    assert "named as different quantities" in out
    assert _trains(words)


def test_what_times_stand_for_is_told_and_nothing_is_shifted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    frame = _power().drop(columns="Date").iloc[2::2].rename(columns={"Time": "time_utc"})
    frame = pd.concat([frame, frame.tail(1).assign(time_utc=frame["time_utc"].max().ceil("D"))])
    _, out, words = _checked(capsys, frame)
    assert "the file begins at 01:00 and ends at 00:00" in out
    assert "`time_utc` holds times in UTC by its name" in out
    assert not any(word.startswith(("data.times_are", "data.timezone")) for word in words)


@pytest.mark.parametrize("value", [5.0, 0.0])
def test_a_constant_series_is_told_once(capsys: pytest.CaptureFixture[str], value: float) -> None:
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=120), "y": value})
    code, out, words = _checked(capsys, frame.assign(unique_id="a"))
    findings = out.partition("\nfindings\n")[2].partition("\n\n")[0].splitlines()
    assert findings == [
        "  ! the series never changes: there is nothing to learn from it; first: series `a`"
    ]
    assert (code, words[:2]) == (0, ["tsconv", "train"])


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            {"day": pd.date_range("2024-01-01", periods=60).date, "sold": "same"},
            "no column besides the time and the id holds numbers",
        ),
        (
            {"year": 1960 + np.arange(60) // 4, "quarter": np.arange(60) % 4 + 1, "gdp": 1.5},
            "`year` and `quarter` hold the time together",
        ),
        (
            {"day": pd.date_range("2024-01-01", periods=60).date, "sold": 9.5},
            "`sold` holds the same number on every line",
        ),
    ],
)
def test_what_cannot_be_read_is_named_without_a_line(
    capsys: pytest.CaptureFixture[str], frame: dict[str, object], message: str
) -> None:
    code, out, _ = _checked(capsys, pd.DataFrame(frame))
    assert code == 1
    assert message in out.splitlines()[-1]
    assert "tsconv train" not in out


def test_a_comma_before_three_digits_may_be_either(capsys: pytest.CaptureFixture[str]) -> None:
    sold = [f"{18 + k % 7},{100 + k}" for k in range(90)]
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=90).date, "sold": sold})
    code, out, _ = _checked(capsys, frame, sep=";")
    assert code == 1
    assert "may group thousands or be a decimal mark" in out.splitlines()[-1]
