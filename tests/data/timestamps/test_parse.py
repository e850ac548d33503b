# ruff: noqa: E501
"""Columns of time: every way of writing them, and what is said of the cell that is none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tsconv.config.schema import DataConfig
from tsconv.data.reading.read import read_table, table_from_frame
from tsconv.data.reading.table import Table
from tsconv.errors import DataError

DAYS = pd.date_range("2024-01-01", periods=59)


def table_of(ds: Sequence[object] | pd.Index, **keys: Any) -> Table:
    frame = pd.DataFrame({"unique_id": "a", "ds": ds})
    return table_from_frame(frame.assign(y=1.0), DataConfig(**keys))


def written(folder: Path, texts: Sequence[object], **keys: Any) -> Table:
    """The same through a CSV file."""
    path = folder / "data.csv"
    path.write_text("unique_id,ds,y\n" + "".join(f"a,{t},1\n" for t in texts), encoding="utf-8")
    return read_table(DataConfig(path=str(path), **keys))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_timestamps_of_every_unit(unit: str, zone: str | None, tmp_path: Path) -> None:
    days = pd.date_range("2024-01-01", periods=3, tz=zone).as_unit(unit)  # type: ignore[arg-type]
    frame = pd.DataFrame({"unique_id": "a", "ds": days, "y": 1.0})
    frame.to_parquet(tmp_path / "data.parquet")
    for table in (
        table_from_frame(frame, DataConfig()),
        read_table(DataConfig(path=str(tmp_path / "data.parquet"))),
    ):
        expected = days if zone is None else days.tz_convert("UTC").tz_localize(None)
        assert table.time.dtype == np.dtype("datetime64[us]")
        assert (table.time == expected.to_numpy()).all()
        assert table.time_zone == zone


@pytest.mark.parametrize(
    ("ds", "keys", "message"),
    [
        (np.array([1000, 1500], "datetime64[ns]"), {}, "line 3, column `ds`: 1970-01-01T00:00:00.000001500 is not a whole number of microseconds \\(1 such time\\): "),
        ([10**18, 10**18 + 1], {"time_unit": "ns"}, "line 3, column `ds`: 1000000000000000001 ns is not a whole number of microseconds"),
        (["2024-01-01 00:00:00.1234560", "2024-01-01 00:00:00.1234561"], {}, "line 3, .*1234561' is finer than a micro"),
        (np.array([70_000_000_000, 300_000_000_000], "datetime64[s]"), {}, "line 3, column `ds`: 11476-.* is outside the years"),
        (np.array([2**63 + 5, 2**63 + 9], "uint64"), {}, "looks like a count of ns since 1970|is too large"),
        (np.array([2**64 - 5, 2**64 - 9], "uint64"), {}, "line 2, column `ds`: 18446744073709551611 is too large"),
        (np.array([5, 2**64 - 9], "uint64"), {"time_unit": "ns"}, "line 3, .* is not a valid time|ns is not a whole"),
    ],
)  # fmt: skip
def test_times_beyond_what_can_be_kept(ds: Any, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        table_of(ds, **keys)


SECONDS = [1704067200 + 3600 * k for k in range(59)]


@pytest.mark.parametrize(
    ("ds", "message"),
    [
        ([*DAYS.strftime("%Y%m%d"), 20240230], "line 61, column `ds`: 20240230 does not look like a date, as most others do, such as 20240101: fix it and set `data.time_format='%Y%m%d'`, or `data.time_unit=step`"),
        ([20240230, *DAYS.strftime("%Y%m%d")], "line 2, column `ds`: 20240230 does not look like a date"),
        ([20240228, 20240229, 20240230], "line 4, column `ds`: 20240230 does not look like a date"),
        ([202311, 202312, 202313, *range(202401, 202413)], "line 4, column `ds`: 202313 does not look like a date"),
        ([*SECONDS, 0], "line 61, column `ds`: 0 does not look like a count of s since 1970, as most others do, such as 1704067200: fix it and set `data.time_unit=s`"),
        ([*SECONDS, SECONDS[0] * 1000], "line 61, column `ds`: 1704067200000 does not look like a count of s"),
        ([*DAYS.strftime("%d/%m/%Y"), "30/02/2024"], "line 61, column `ds`: '30/02/2024' is not a date that exists, read as %d/%m/%Y like the others"),
        ([*DAYS.strftime("%d.%m.%Y"), "30.02.2024"], "line 61, column `ds`: '30.02.2024' is not a time like most of the others: fix it and set `data.time_format=`, such as '%d.%m.%Y'"),
        ([*DAYS.strftime("%d.%m.%Y"), "2024-02-29"], "line 2, column `ds`: '01.01.2024' is not a time as ISO 8601 writes it"),
        (DAYS.strftime("%d %b %Y"), "line 2, column `ds`: '01 Jan 2024' is not a time as ISO 8601 writes it (2024-01-31); set `data.time_format=`, such as '%d %b %Y'"),
        ([*DAYS.strftime("%Y-%m-%d"), "29.02.2024"], "line 61, column `ds`: '29.02.2024' is not a time as ISO 8601 writes it, as most others are"),
    ],
)  # fmt: skip
def test_one_cell_among_many_is_named(ds: list[object], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        written(tmp_path, ds)
    assert message in str(caught.value)


def test_steps_are_steps(tmp_path: Path) -> None:
    for first in (1, 20240101, 180001, 1704067200):
        keys = {} if first == 1 else {"time_unit": "step"}
        assert written(tmp_path, range(first, first + 40), **keys).time.tolist()[0] == first
    assert written(tmp_path, range(200_000, 200_900)).time.dtype == np.int64


@pytest.mark.parametrize(
    ("text", "time_format", "zone"),
    [
        ("20240101T0000+0200", None, "+02:00"),
        ("20240101T000000Z", None, "UTC"),
        ("20240101 00Z", None, "UTC"),
        ("2024-01-01T00+02", None, "+02:00"),
        ("2024-01-01T00Z", None, "UTC"),
        ("2024-01-01 0000-0330", "%Y-%m-%d %H%M%z", "-03:30"),
        ("01-02-2024 00h +02:00", "%d-%m-%Y %Hh %z", "+02:00"),
        ("+0200 01-02-2024 00", "%z %d-%m-%Y %H", "+02:00"),
        ("2024-01-01 00:00 UTC", "%Y-%m-%d %H:%M %Z", "UTC"),
        ("2024-01-01 00:00 Europe/Berlin", "%Y-%m-%d %H:%M %Z", "Europe/Berlin"),
        ("20240101T000000Z", "%Y%m%dT%H%M%SZ", "UTC"),
        ("2024-01-01 00-30", "%Y-%m-%d %H-%M", None),
    ],
)
def test_offsets_are_kept(
    text: str, time_format: str | None, zone: str | None, tmp_path: Path
) -> None:
    table = written(tmp_path, [text], time_format=time_format)
    assert table.time_zone == zone
    moved = written(tmp_path, [text], time_format=time_format, timezone="Asia/Tokyo")
    nine = np.timedelta64(9, "h")
    assert moved.time[0] == (table.time[0] if zone else table.time[0] - nine)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "form"), [("2024211", "%Y%m%d"), ("20240101T1", "%Y%m%dT%H"), ("202413", "%Y%m")]
)
def test_digits_side_by_side_are_all_there(text: str, form: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"line 2, column `ds`: '{text}' is not `data.time_format`"):
        written(tmp_path, [text], time_format=form)


def test_digits_apart_may_be_fewer(tmp_path: Path) -> None:
    assert written(tmp_path, ["2024 1"], time_format="%Y %m").time[0] == np.datetime64("2024-01-01")


def test_the_part_that_is_no_number_is_named(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    lines = [f"{d.year},{d.month},{d.day},0,1" for d in DAYS]
    lines[30] = lines[30].replace(",1,31", ",Feb,31")
    path.write_text("y,m,d,h,v\n" + "\n".join(lines) + "\n", encoding="utf-8")
    data = DataConfig(path=str(path), time=["y", "m", "d", "h"], id=None, target="v")
    with pytest.raises(DataError, match="line 32, column `m`: 'Feb' is not an integer"):
        read_table(data)
