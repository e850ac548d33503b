"""Files that cannot be read as configured are read under suggested keys."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.checks import read_attempt, shop_frame
from tests.helpers.frames import daily_frame


def test_numbers_beside_words_are_numbers_whatever_their_decimal_mark(tmp_path: Path) -> None:
    frame = shop_frame().iloc[:60].assign(shop="a")
    spelt = (
        frame["sold"].map("{:.2f}".format).str.replace(".", ",").where(frame.index != 40, "k.A.")
    )
    frame = frame.assign(sold=spelt, promo=np.arange(60) % 3, event=["fair", ""] * 30)
    attempt = read_attempt(tmp_path, frame, sep=";")
    assert attempt.suggestion.keys["data.target"] == "sold"
    assert attempt.panel is not None
    assert attempt.raw_table is not None
    assert not attempt.raw_table["event"].constant  # an empty cell is a category of its own


def test_separator_decimal_and_format(tmp_path: Path) -> None:
    frame = shop_frame().assign(when=lambda f: f["when"].dt.strftime("%d.%m.%Y"), shop="Köln")
    frame = frame.iloc[:60]
    attempt = read_attempt(tmp_path, frame, sep=";", decimal=",", encoding="cp1252")
    assert attempt.suggestion.keys == {
        "data.encoding": "cp1252", "data.sep": ";", "data.decimal": ",", "data.time": "when",
        "data.id": None, "data.target": "sold", "data.time_format": "%d.%m.%Y",
    }  # fmt: skip
    assert attempt.panel is not None
    assert attempt.panel.frequency.alias == "D"


def test_an_ambiguous_format_is_not_guessed(tmp_path: Path) -> None:
    frame = daily_frame(1, 8).assign(ds=[f"0{d}/02/2024" for d in range(1, 9)])
    attempt = read_attempt(tmp_path, frame)
    assert "may begin with the day or the month" in str(attempt.error)
    assert "data.time_format" not in attempt.suggestion.keys
    assert attempt.raw_table is not None


@pytest.mark.parametrize(
    ("cell", "keys"),
    [("-", {"data.na_values": ["-"]}), ("12x4", {"data.bad_values": "missing"})],
)
def test_cells_that_are_no_numbers(tmp_path: Path, cell: str, keys: dict[str, object]) -> None:
    frame = daily_frame(2, 30).astype({"y": object})
    frame.loc[7, "y"] = cell
    attempt = read_attempt(tmp_path, frame)
    assert repr(cell) in str(attempt.error)
    assert attempt.suggestion.keys == keys
    assert attempt.panel is not None


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
    attempt = read_attempt(tmp_path, frame)
    assert attempt.sorted_table is not None
    assert attempt.sorted_table.has_timestamps == (key is not None)
    assert attempt.suggestion.keys == ({} if key is None else {f"data.{key}": value})
    assert (attempt.error is None) == (key is None)
    assert (key or "time_unit") in str(attempt.error or "time_unit")


def test_the_order_of_day_and_month_that_puts_times_on_a_grid(tmp_path: Path) -> None:
    frame = daily_frame(1, 30)
    frame["ds"] = pd.date_range("2020-01-01", periods=30, freq="MS").strftime("%d/%m/%Y")
    attempt = read_attempt(tmp_path, frame)
    assert attempt.suggestion.keys == {"data.time_format": "%d/%m/%Y"}
    assert "only in this order" in attempt.suggestion.reasons["data.time_format"]
