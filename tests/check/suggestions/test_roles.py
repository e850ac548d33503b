"""What is suggested for files whose columns were not named, or that cannot be read as asked."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.frames import daily_frame
from tsconv.check.read_attempt import ReadAttempt, read_patient
from tsconv.check.suggestions.horizon import horizon_for, lags_for
from tsconv.check.suggestions.seasons import Season
from tsconv.check.tables.time_formats import time_format_of
from tsconv.config.schema import DataConfig
from tsconv.data.timestamps.frequency import parse_frequency
from tsconv.data.timestamps.text import fitting


def patient(
    folder: Path, frame: pd.DataFrame, data: dict | None = None, **csv: object
) -> ReadAttempt:
    path = folder / "file.csv"
    frame.to_csv(path, index=False, **csv)  # type: ignore[call-overload]
    return read_patient(DataConfig(path=str(path), **(data or {})))


def sales(n: int = 3, length: int = 60) -> pd.DataFrame:
    return daily_frame(n, length).rename(columns={"unique_id": "shop", "ds": "when", "y": "sold"})


def test_a_file_that_needs_nothing(tmp_path: Path) -> None:
    got = patient(tmp_path, daily_frame(2, 30))
    assert got.error is None
    assert got.keys == {}
    assert got.panel is not None


def test_renamed_columns(tmp_path: Path) -> None:
    frame = sales().assign(price=1.0 + np.arange(180) % 7, note="")
    got = patient(tmp_path, frame)
    assert "no column `ds`" in str(got.error)
    assert got.keys == {"data.time": "when", "data.id": "shop", "data.target": "sold"}
    assert got.panel is not None
    assert len(got.panel) == 3


def test_given_roles_are_kept(tmp_path: Path) -> None:
    frame = sales().assign(price=1.0 + np.arange(180) % 7)
    got = patient(tmp_path, frame, {"target": "price", "time": "when"})
    assert got.keys == {"data.id": "shop"}
    assert got.panel is not None
    assert got.panel.channels == ("price",)


def test_two_columns_tell_lines_apart(tmp_path: Path) -> None:
    parts = [sales(5).assign(kind=k) for k in ("new", "used")]
    got = patient(tmp_path, pd.concat(parts))
    assert got.keys["data.id"] == "shop"
    assert got.keys["data.row"] == "kind"
    again = patient(tmp_path, pd.concat(parts), {"id": "shop", "time": "when", "target": "sold"})
    assert "are both series" in str(again.error)
    assert again.keys == {"data.row": "kind"}
    assert again.panel is not None
    assert again.panel.rows == ("new", "used")


def test_wide_and_single_series(tmp_path: Path) -> None:
    wide = sales().pivot_table(index="when", columns="shop", values="sold").reset_index()
    got = patient(tmp_path, wide)
    assert got.keys == {"data.time": "when", "data.wide_columns_are": "series"}
    assert got.panel is not None
    assert len(got.panel) == 3
    one = patient(tmp_path, sales(1).drop(columns="shop"))
    assert one.keys == {"data.time": "when", "data.id": None, "data.target": "sold"}


def test_time_in_several_columns(tmp_path: Path) -> None:
    frame = sales()
    for part in ("day", "month", "year"):
        frame.insert(0, part, getattr(frame["when"].dt, part))
    frame.insert(0, "No", np.arange(1, len(frame) + 1))
    got = patient(tmp_path, frame.drop(columns="when"))
    assert got.keys["data.time"] == ["year", "month", "day"]
    assert got.keys["data.target"] == "sold"


def test_a_bad_cell_beside_time_in_several_columns(tmp_path: Path) -> None:
    frame = sales().astype({"sold": object})
    for part in ("day", "month", "year"):
        frame.insert(0, part, getattr(frame["when"].dt, part))
    frame.loc[5, "sold"] = " "
    data = {"time": ["year", "month", "day"], "id": "shop", "target": "sold"}
    got = patient(tmp_path, frame.drop(columns="when"), {**data, "bad_values": "missing"})
    assert got.error is None
    assert got.panel is not None
    assert got.panel.frequency.alias == "D"


def test_numbers_beside_words_are_numbers_whatever_their_decimal_mark(tmp_path: Path) -> None:
    frame = sales().iloc[:60].assign(shop="a")
    spelt = (
        frame["sold"].map("{:.2f}".format).str.replace(".", ",").where(frame.index != 40, "k.A.")
    )
    frame = frame.assign(sold=spelt, promo=np.arange(60) % 3, event=["fair", ""] * 30)
    got = patient(tmp_path, frame, sep=";")
    assert got.keys["data.target"] == "sold"
    assert got.panel is not None
    assert got.raw is not None
    assert not got.raw["event"].constant  # an empty cell is a category of its own


def test_separator_decimal_and_format(tmp_path: Path) -> None:
    frame = sales().assign(when=lambda f: f["when"].dt.strftime("%d.%m.%Y"), shop="Köln")
    frame = frame.iloc[:60]
    got = patient(tmp_path, frame, sep=";", decimal=",", encoding="cp1252")
    assert got.keys == {
        "data.encoding": "cp1252", "data.sep": ";", "data.decimal": ",", "data.time": "when",
        "data.id": None, "data.target": "sold", "data.time_format": "%d.%m.%Y",
    }  # fmt: skip
    assert got.panel is not None
    assert got.panel.frequency.alias == "D"


def test_an_ambiguous_format_is_not_guessed(tmp_path: Path) -> None:
    frame = daily_frame(1, 8).assign(ds=[f"0{d}/02/2024" for d in range(1, 9)])
    got = patient(tmp_path, frame)
    assert "may begin with the day or the month" in str(got.error)
    assert "data.time_format" not in got.keys
    assert got.raw is not None


@pytest.mark.parametrize(
    ("cell", "keys"),
    [("-", {"data.na_values": ["-"]}), ("12x4", {"data.bad_values": "missing"})],
)
def test_cells_that_are_no_numbers(tmp_path: Path, cell: str, keys: dict[str, object]) -> None:
    frame = daily_frame(2, 30).astype({"y": object})
    frame.loc[7, "y"] = cell
    got = patient(tmp_path, frame)
    assert repr(cell) in str(got.error)
    assert got.keys == keys
    assert got.panel is not None


def test_a_finer_step_where_lines_are_off_the_grid(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"unique_id": "a", "ds": pd.date_range("2024", periods=60, freq="h"), "y": 1.0}
    )
    frame.loc[40:, "ds"] += pd.Timedelta("30min")
    got = patient(tmp_path, frame)
    assert "is not a whole number of steps" in str(got.error)
    assert got.keys == {"data.freq": "30min"}
    assert got.panel is not None


def test_nothing_but_a_data_error_for_bytes_that_are_no_table(tmp_path: Path) -> None:
    path = tmp_path / "noise.csv"
    for content in (
        b"",
        b"\n\n",
        b"a",
        b"a,a\n1,2\n",
        bytes(range(256)) * 4,
        b"PAR1xxxx",
        b"a,b\n1\n",
    ):
        path.write_bytes(content)
        got = read_patient(DataConfig(path=str(path)))
        assert got.error is not None
        assert got.panel is None
    parquet = tmp_path / "noise.parquet"
    parquet.write_bytes(b"PAR1 and no more")
    assert read_patient(DataConfig(path=str(parquet))).error is not None


@pytest.mark.parametrize(
    ("alias", "typical", "steps"),
    [("h", 5000, 24), ("15min", 5000, 96), ("min", 5000, 60), ("D", 500, 14), ("W", 200, 8),
     ("MS", 200, 12), ("QE", 100, 4), ("YS", 40, 3), ("B", 500, 10), ("1", 500, 10), ("h", 40, 5)],
)  # fmt: skip
def test_a_horizon_for_each_frequency(alias: str, typical: int, steps: int) -> None:
    assert horizon_for(parse_frequency(alias), typical, [])[0] == steps


def test_lags_come_from_the_data_only_where_the_frequency_has_none() -> None:
    seasons = [Season(24, 0.9, 0.8, 1.0), Season(168, 0.9, 0.1, 1.0)]
    assert lags_for(parse_frequency("1"), seasons, 1000) == [24]
    assert lags_for(parse_frequency("1"), seasons, 40) == []
    assert lags_for(parse_frequency("h"), seasons, 1000) == []
    assert horizon_for(parse_frequency("1"), 1000, seasons)[0] == 24


@pytest.mark.parametrize(
    ("first", "key", "value"),
    [
        (150_000_000, "time_unit", "s"), (1_700_000_000, "time_unit", "s"),
        (1_700_000_000_000, "time_unit", "ms"), (1_700_000_000_000_000, "time_unit", "us"),
        (1_700_000_000_000_000_000, "time_unit", "ns"), (20_240_101, "time_format", "%Y%m%d"),
        (2_024_010_100, "time_format", "%Y%m%d%H"), (100, None, None), (99_000_000, None, None),
    ],
)  # fmt: skip
def test_whole_numbers_that_are_times_are_never_read_as_steps(
    tmp_path: Path, first: int, key: str | None, value: str | None
) -> None:
    """What reading takes for bare steps is none, and what it refuses has a key that reads it."""
    step = max(1, 3600 * first // 1_700_000_000) if key == "time_unit" else 1
    frame = daily_frame(1, 20).assign(ds=first + step * np.arange(20))
    got = patient(tmp_path, frame)
    assert got.lines is not None
    assert got.lines.dated == (key is not None)
    assert got.keys == ({} if key is None else {f"data.{key}": value})
    assert (got.error is None) == (key is None)
    assert (key or "time_unit") in str(got.error or "time_unit")


@pytest.mark.parametrize("mark", list("./-"))
@pytest.mark.parametrize("date", ["%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%Y{0}%m{0}%d"])
@pytest.mark.parametrize("clock", ["", " %H:%M", " %H:%M:%S", " %I:%M %p"])
def test_the_format_that_reading_advises_is_found(mark: str, date: str, clock: str) -> None:
    form = date.format(mark) + clock
    whole = pd.Series(pd.date_range("2024-01-10 23:30", periods=9, freq="D").strftime(form))
    assert fitting(whole)[0] == repr(form)
    assert time_format_of(whole) == ("" if date[:2] == "%Y" and "%p" not in clock else form)
    early = whole.iloc[:2]  # the 10th and the 11th: days that could be months
    both = time_format_of(early)
    first = both if isinstance(both, str) else (both or [""])[0]
    assert first in ("", *(f.strip("'") for f in fitting(early)[0].split(" or ")))
