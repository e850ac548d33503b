"""Integer times: counts since 1970, dates written as numbers, steps."""

import numpy as np
import pandas as pd
import pytest

from tsconv.config.schema import DataConfig
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import DataError


@pytest.mark.parametrize(
    ("unit", "value", "time"),
    [
        ("s", 1704067200, "2024-01-01"), ("ms", 1704067200123, "2024-01-01T00:00:00.123"),
        ("us", 1704067200000001, "2024-01-01T00:00:00.000001"), ("D", 19723, "2024-01-01"),
        ("ns", 1704067200000001000, "2024-01-01T00:00:00.000001"), ("s", -86400, "1969-12-31"),
        ("s", 0.5, "1970-01-01T00:00:00.5"),
    ],
)  # fmt: skip
def test_counts_since_1970(unit: str, value: float, time: str) -> None:
    frame = pd.DataFrame({"unique_id": "a", "ds": [value], "y": 1.0})
    table = table_from_frame(frame, DataConfig(time_unit=unit))
    assert table.time[0] == np.datetime64(time)
    assert table.time_zone is None
    with_zone = table_from_frame(frame, DataConfig(time_unit=unit, timezone="+01:00"))
    assert with_zone.time_zone == "+01:00"
    hour = np.timedelta64(1, "h") if unit == "D" else np.timedelta64(0, "h")  # days are days there
    assert with_zone.time[0] == np.datetime64(time) - hour


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        ([1704067200, 1704067201], "`data.time_unit=s`"),
        ([1704067200000, 1704067200001], "`data.time_unit=ms`"),
        ([20240131, 20240201], r"`data.time_format='%Y%m%d'`"),
        ([2024013123, 2024020100], r"`data.time_format='%Y%m%d%H'`"),
        ([202312, 202401, 202402], r"`data.time_format='%Y%m'`"),
        ([20240131, 20240232], None),  # no dates: steps
        ([199901, 199902], None),  # two are too few to tell
        ([2023, 2024, 2025], None),
        ([1, 10**12], None),
    ],
)
def test_integers_that_look_like_dates(values: list[int], advice: str | None) -> None:
    frame = pd.DataFrame({"unique_id": "a", "ds": values, "y": 1.0})
    assert table_from_frame(frame, DataConfig(time_unit="step")).time.tolist() == values
    if advice is None:
        assert table_from_frame(frame, DataConfig()).time.tolist() == values
        return
    with pytest.raises(DataError, match=rf"line 2, column `ds`: {values[0]} looks like .*{advice}"):
        table_from_frame(frame, DataConfig())
