# ruff: noqa: E501
"""Files that are odd but can be used: the real command says what it did, and goes on."""

from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.files import GOOD, HEAD, QUICK, epoch, lines, put, wall
from tsconv.cli import main

ACCEPTED = {
    "ids that look like something else": (HEAD + "".join(map(lines, ("NA", "null", "007", "7", "True"))), [], ""),
    "near-equal ids": (GOOD + lines("A") + lines(" a "), [], "ids 'a' and 'A' differ only in case or spaces (2 such pairs): they are read as different names"),
    "sentinels": (GOOD.replace("01-05,2\n", "01-05,-9999\n"), [], "data.csv: line 6, column `y`: 1 cell is -9999, far from all other values: if it means a missing value, set `data.na_values='[-9999]'`"),
    "sentinels named": (GOOD.replace("01-05,2\n", "01-05,-9999.0\n"), ["data.na_values=[-9999]"], ""),
    "latin-1": ((GOOD + lines("é")).encode("latin-1"), ["data.encoding=latin-1"], ""),
    "utf-16": (GOOD.encode("utf-16"), ["data.encoding=utf-16"], ""),
    "semicolons and decimal commas": (GOOD.replace(",", ";").replace("0\n", "0,5\n"), ["data.sep=;", "data.decimal=,"], ""),
    "tabs": (GOOD.replace(",", "\t"), [r"data.sep=\t"], ""),
    "a line break in an id": (HEAD + lines('"a\nb"'), [], ""),
    "epoch seconds": (epoch(1), ["data.time_unit=s"], ""),
    "steps that look like seconds": (epoch(1), ["data.time_unit=step"], ""),
    "compact dates": (GOOD.replace("-", ""), ["data.time_format=%Y%m%d"], ""),
    "offsets that change": (wall("Europe/Berlin", "2024-10-26", 60, offset=True), ["data.timezone=Europe/Berlin"], ""),
    "a clock change": (wall("Europe/Berlin", "2024-10-26", 60), ["data.timezone=Europe/Berlin"], ""),
    "the hole of a clock change": (wall("Europe/Berlin", "2024-03-30", 60), [], "1 of 61 steps of h (1.6%) are not in the file, first series `a` at 2024-03-31 02:00:00: masked, not filled; they look like clock changes: set `data.timezone=`"),
    "duplicates": (GOOD + "a,2024-01-05,9\n", ["data.duplicates=mean"], "data.csv: lines 6 and 42 are both series `a` at 2024-01-05 (1 repeated line): their mean is taken"),
    "unsorted": (HEAD + lines("a", 9) + "a,2024-01-12,5\na,2024-01-11,5\na,2024-01-10,5\n", ["data.gaps=error"], "data.csv: line 12 is earlier than line 11 before it (2 such lines): the lines of each series were sorted by time"),
    "gaps": (GOOD.replace("a,2024-01-05,2\n", ""), [], "1 of 40 steps of D (2.5%) are not in the file, first series `a` at 2024-01-05: masked, not filled"),
    "gaps as zeros": (GOOD.replace("a,2024-01-05,2\n", ""), ["data.gaps=zero"], "filled with 0 (`data.gaps=zero`)"),
    "a series of one point": (GOOD + lines("b", 1), [], "1 series has a single line (`b`): such a series is forecast but not trained on"),
    "a constant series": (GOOD + lines("b", value="5"), [], "1 series has the same value throughout (`b`)"),
    "a series without a value": (GOOD + lines("b", value=""), [], "1 series has no values (`b`): such a series is left out"),
    "a short series": (GOOD + lines("b", 5), [], "1 series has fewer than `context_length` (=14) steps to train on (`b`): they are used as they are"),
    "mixed frequencies as asked": (GOOD + lines("b", 10, "7D"), ["data.freq=D"], "54 of 104 steps of D (51.9%) are not in the file, first series `b` at 2024-01-02"),
    "an old spelling": (HEAD + lines(freq="ME"), ["data.freq=M"], "`data.freq` (=M) is an old spelling, read as ME"),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_trains_and_says_what_happened(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content, arguments, message = ACCEPTED[name]
    monkeypatch.chdir(tmp_path)
    put(tmp_path, content)
    code = main(["train", "data.path=data.csv", "run_dir=run", *QUICK, *arguments])
    said = capsys.readouterr().err
    assert code == 0, said
    assert message in said
    if not message:
        assert said == "run folder: run\n"
    assert Path("run/bundle/model.safetensors").is_file()


def forecasts(content: str, *arguments: str) -> pd.DataFrame:
    """Train on the content in the current folder and forecast two steps of every series."""
    Path("data.csv").write_text(content, encoding="utf-8")
    assert main(["train", "data.path=data.csv", "run_dir=run", *QUICK, *arguments]) == 0
    assert main(["forecast", "bundle=run/bundle", "data.path=data.csv", "output=f.csv"]) == 0
    return pd.read_csv("f.csv")


@pytest.mark.parametrize(
    ("content", "arguments", "expected"),
    [
        # The last line is at 02:00 summer time; then 02:00 again, in winter time, which only an offset tells.
        (wall("Europe/Berlin", "2024-10-25", 49), ["data.timezone=Europe/Berlin"], ["2024-10-27 02:00:00+01:00", "2024-10-27 03:00:00+01:00"]),
        # 01:00, and the hour after it is 03:00.
        (wall("Europe/Berlin", "2024-03-29", 48), ["data.timezone=Europe/Berlin"], ["2024-03-31 01:00:00", "2024-03-31 03:00:00"]),
        (wall("Europe/Berlin", "2024-01-01", 40, offset=True), [], ["2024-01-02 17:00:00+01:00", "2024-01-02 18:00:00+01:00"]),
        (wall("UTC", "2024-01-01", 40, offset=True), [], ["2024-01-02 16:00:00+00:00", "2024-01-02 17:00:00+00:00"]),
        # 31 March has 23 hours in Berlin: days go on at midnight of the wall clock.
        (HEAD + "".join(f"a,{d.date()},{d.day}\n" for d in pd.date_range("2024-02-20", "2024-03-30")), ["data.timezone=Europe/Berlin"], ["2024-03-31", "2024-04-01"]),
        # In Beirut clocks went forward at midnight, so that 31 March begins at one o'clock.
        (HEAD + "".join(f"a,{d.date()},{d.day}\n" for d in pd.date_range("2024-02-20", "2024-04-02")), ["data.timezone=Asia/Beirut"], ["2024-04-03", "2024-04-04"]),
        (HEAD + lines(freq="W-WED"), [], ["2024-10-09", "2024-10-16"]),
        (HEAD + lines(freq="BME"), [], ["2027-05-31", "2027-06-30"]),
    ],
)  # fmt: skip
def test_times_go_on_across_clock_changes(
    content: str,
    arguments: list[str],
    expected: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert forecasts(content, *arguments)["ds"].tolist() == expected


def test_a_zone_is_kept_in_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ds = pd.date_range("2024-10-25", periods=49, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"unique_id": "a", "ds": ds, "y": [float(k % 5) for k in range(49)]})
    frame.to_parquet("data.parquet")
    assert main(["train", "data.path=data.parquet", "run_dir=run", *QUICK]) == 0
    use = ["forecast", "bundle=run/bundle", "data.path=data.parquet", "output=f.parquet"]
    assert main(use) == 0
    found = pd.read_parquet("f.parquet")["ds"]
    assert str(found.dt.tz) == "Europe/Berlin"
    assert found.tolist() == list(ds[-1] + pd.to_timedelta([1, 2], "h"))


def test_names_that_a_spreadsheet_would_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["=cmd|' /C calc'!A0", "@a", "+1", "-1", "a=b"]
    content = HEAD + "".join(map(lines, names))
    assert forecasts(content)["unique_id"].unique().tolist() == names
    use = ["forecast", "bundle=run/bundle", "data.path=data.csv", "escape_formulas=true"]
    assert main([*use, "output=g.csv"]) == 0
    escaped = [f"'{name}" for name in names[:4]] + ["a=b"]
    assert pd.read_csv("g.csv")["unique_id"].unique().tolist() == escaped
