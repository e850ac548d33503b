"""Writing a table of forecasts."""

from pathlib import Path

import pandas as pd
import pytest

from tsconv.data.write import CsvStyle, spell_times, text_table, write_table


def test_times_are_written_with_their_offset(tmp_path: Path) -> None:
    ds = pd.date_range("2024-03-31", periods=3, freq="90min", tz="Europe/Berlin")
    write_table(
        pd.DataFrame({"unique_id": "-a", "ds": ds, "tsconv": 1.5}), tmp_path / "a.csv", True
    )
    assert (tmp_path / "a.csv").read_text().splitlines()[1:] == [
        "'-a,2024-03-31 00:00:00+01:00,1.5",
        "'-a,2024-03-31 01:30:00+01:00,1.5",
        "'-a,2024-03-31 04:00:00+02:00,1.5",
    ]


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_times_in_finer_units_are_those_of_a_file_that_needs_them(zone: str | None) -> None:
    day = pd.Series(pd.date_range("2024-03-30", periods=3, tz=zone))
    shifts = {"D": "0s", "s": "6h", "us": "250ms"}
    for before, first in shifts.items():
        for after, second in shifts.items():
            if list(shifts).index(after) < list(shifts).index(before):
                continue
            times = day + pd.Timedelta(first)
            whole, style = text_table(
                pd.DataFrame({"ds": pd.concat([times, day + pd.Timedelta(second)])})
            )
            own, own_style = text_table(pd.DataFrame({"ds": times}))
            spelt = spell_times(own, own_style, style)
            assert spelt["ds"].to_pylist() == whole["ds"].to_pylist()[:3]


def test_the_style_of_two_files_holds_both() -> None:
    plain, quoted = CsvStyle(False, {"ds": "us"}), CsvStyle(True, {"ds": "D"})
    assert plain.with_style(quoted) == quoted.with_style(plain) == CsvStyle(True, {"ds": "us"})
