"""Writing a table of forecasts."""

from pathlib import Path

import pandas as pd

from tsconv.data.write import write_table


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
