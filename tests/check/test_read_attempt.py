"""A file is read as configured, or as far as it can be."""

from pathlib import Path

import pandas as pd

from tests.helpers.checks import read_attempt, shop_frame
from tests.helpers.frames import daily_frame
from tsconv.check.panel_attempt import attempt_reading
from tsconv.config.schema import DataConfig


def test_a_file_that_needs_nothing(tmp_path: Path) -> None:
    attempt = read_attempt(tmp_path, daily_frame(2, 30))
    assert attempt.error is None
    assert attempt.suggestion.keys == {}
    assert attempt.panel is not None


def test_a_bad_cell_beside_time_in_several_columns(tmp_path: Path) -> None:
    frame = shop_frame().astype({"sold": object})
    for part in ("day", "month", "year"):
        frame.insert(0, part, getattr(frame["when"].dt, part))
    frame.loc[5, "sold"] = " "
    data = {"time": ["year", "month", "day"], "id": "shop", "target": "sold"}
    attempt = read_attempt(tmp_path, frame.drop(columns="when"), {**data, "bad_values": "missing"})
    assert attempt.error is None
    assert attempt.panel is not None
    assert attempt.panel.frequency.alias == "D"


def test_a_finer_step_where_lines_are_off_the_grid(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"unique_id": "a", "ds": pd.date_range("2024", periods=60, freq="h"), "y": 1.0}
    )
    frame.loc[40:, "ds"] += pd.Timedelta("30min")
    attempt = read_attempt(tmp_path, frame)
    assert "is not a whole number of steps" in str(attempt.error)
    assert attempt.suggestion.keys == {"data.freq": "30min"}
    assert attempt.panel is not None


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
        attempt = attempt_reading(DataConfig(path=str(path)))
        assert attempt.error is not None
        assert attempt.panel is None
    parquet = tmp_path / "noise.parquet"
    parquet.write_bytes(b"PAR1 and no more")
    assert attempt_reading(DataConfig(path=str(parquet))).error is not None
