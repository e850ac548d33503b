"""Time zones: what is read, how the grid lies across clock changes, what is written back."""

import numpy as np
import pandas as pd
import pytest

from tests.helpers.panels import panel_of
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.read import table_from_frame
from tsconv.data.timestamps.zones import find_zone, offset_name, to_local, zone_name, zoned
from tsconv.errors import ConfigError, DataError

BERLIN = "Europe/Berlin"


def frame(ds: object, names: object = "a") -> pd.DataFrame:
    return pd.DataFrame({"unique_id": names, "ds": ds}).assign(y=1.0)


def written(panel: Panel, steps: list[int]) -> list[str]:
    """The times of some steps of the first series, as they are written."""
    return [t.isoformat() for t in zoned(panel.times(0, np.array(steps)), panel)]


@pytest.mark.parametrize(
    ("ds", "zone", "first"),
    [
        (["2024-01-01T00:00Z", "2024-01-01T01:00Z"], "UTC", "2024-01-01T00"),
        (["2024-01-01T00:00+02:00", "2024-01-01T01:00+02:00"], "+02:00", "2023-12-31T22"),
        (["2024-01-01 00:00-0330", "2024-01-01 01:00-0330"], "-03:30", "2024-01-01T03:30"),
        (["2024-01-01T00:00Z", "2024-01-01T01:00+00:00"], "UTC", "2024-01-01T00"),
        (pd.date_range("2024-07-01", periods=2, tz=BERLIN), BERLIN, "2024-06-30T22"),
        (pd.date_range("2024-07-01", periods=2, tz="+02:00"), "+02:00", "2024-06-30T22"),
    ],
)
def test_zones_are_kept(ds: object, zone: str, first: str) -> None:
    table = table_from_frame(frame(ds), DataConfig())
    assert table.time_zone == zone
    assert table.time[0] == np.datetime64(first)


def test_times_with_and_without_offset_in_a_named_zone() -> None:
    ds = ["2024-07-01 00:00", "2024-06-30T23:00Z", "2024-07-01T00:00-05:00"]
    table = table_from_frame(frame(ds), DataConfig(timezone=BERLIN))
    assert table.time_zone == BERLIN
    assert table.time.astype("datetime64[h]").astype(str).tolist() == [
        "2024-06-30T22", "2024-06-30T23", "2024-07-01T05",
    ]  # fmt: skip


def test_an_hour_that_comes_twice_goes_by_the_order_of_the_file() -> None:
    ds = ["2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 02:00", "2024-10-27 03:00"]
    both = pd.concat([frame(ds, "a"), frame(ds, "b")])  # two series: each has both hours
    panel = panel_of(both, timezone=BERLIN)
    assert panel.lengths.tolist() == [4, 4]
    assert not panel.wall_clock
    assert written(panel, [0, 1, 2, 3, 4]) == [
        "2024-10-27T01:00:00+02:00", "2024-10-27T02:00:00+02:00", "2024-10-27T02:00:00+01:00",
        "2024-10-27T03:00:00+01:00", "2024-10-27T04:00:00+01:00",
    ]  # fmt: skip
    local = to_local(panel.times(0, np.arange(3)), panel)
    assert local.astype("datetime64[h]").astype(str).tolist() == [
        "2024-10-27T01", "2024-10-27T02", "2024-10-27T02",
    ]  # fmt: skip


def test_newest_first_the_later_of_two_hours_comes_first() -> None:
    hours = pd.date_range("2024-10-26 22:00", periods=6, freq="h", tz="UTC").tz_convert(BERLIN)
    up = frame(hours.tz_localize(None), "a").assign(y=np.arange(6.0))
    down = up.iloc[::-1].assign(unique_id="b")
    panel = panel_of(pd.concat([up, down]), timezone=BERLIN)
    assert panel.values[:, 0, 0].tolist() == [*range(6), *range(6)]


def test_messages_tell_the_time_of_the_zone() -> None:
    hours = pd.date_range("2024-07-01", periods=40, freq="h", tz=BERLIN)
    panel = panel_of(frame(hours.delete(7)))
    assert any("at 2024-07-01 07:00:00+02:00: masked" in str(note) for note in panel.notes)
    days = pd.date_range("2024-07-01", periods=40, freq="D", tz=BERLIN)
    assert any("at 2024-07-08: masked" in str(n) for n in panel_of(frame(days.delete(7))).notes)
    off = hours.delete(7).insert(7, hours[7] + pd.Timedelta("10min"))
    with pytest.raises(DataError, match=r"07:10:00\+02:00 \(2024-07-01 05:10:00 in UTC, on which"):
        panel_of(frame(off))


def test_three_lines_of_an_hour_are_one_too_many() -> None:
    ds = ["2024-10-27 02:00"] * 3 + ["2024-10-27 03:00"]
    with pytest.raises(DataError, match=r"lines 3 and 4 are both .* 02:00:00\+01:00"):
        panel_of(frame(ds), timezone=BERLIN)


def test_an_hour_that_a_clock_change_takes_names_its_row() -> None:
    ds = ["2024-03-31 01:30", "2024-03-31 02:30", "2024-03-31 03:30"]
    with pytest.raises(DataError, match=r"line 3, column `ds`: 2024-03-31 02:30:00 does not exist"):
        panel_of(frame(ds), timezone=BERLIN)


@pytest.mark.parametrize("zone", [BERLIN, "America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo"])
@pytest.mark.parametrize("freq", ["D", "B", "W-SUN", "MS"])
def test_days_stay_on_their_grid(zone: str, freq: str) -> None:
    """In some of these zones clocks change at midnight, so that a day begins at one o'clock."""
    days = pd.date_range("2015-01-01", "2019-12-31", freq=freq)
    panel = panel_of(frame(days), timezone=zone)
    assert panel.wall_clock
    assert len(panel.values) == len(days)
    assert (panel.times(0, np.arange(len(days))) == days.to_numpy()).all()
    again = zoned(panel.times(0, np.arange(len(days))), panel)
    assert panel_of(frame(again)).lengths.tolist() == [len(days)], "what is written can be read"


def test_hours_of_a_zone_are_counted_in_utc() -> None:
    hours = pd.date_range("2024-03-30", periods=96, freq="h", tz=BERLIN)
    panel = panel_of(frame(hours))
    assert not panel.wall_clock
    assert panel.lengths.tolist() == [96]
    assert written(panel, [95, 96]) == [hours[-1].isoformat(), "2024-04-03T01:00:00+02:00"]


def test_without_a_zone_times_stay_as_they_are() -> None:
    panel = panel_of(frame(pd.date_range("2024-01-01", periods=3)))
    assert panel.time_zone is None
    time = panel.times(0, np.array([3]))
    assert zoned(time, panel) is time
    assert to_local(time, panel) is time


@pytest.mark.parametrize("name", ["UTC", "+02:00", "-09:30", "+05:45", BERLIN, "Etc/GMT-3"])
def test_the_name_of_a_zone_finds_it_again(name: str) -> None:
    assert zone_name(find_zone(name)) == name


@pytest.mark.parametrize("name", ["", "Mars", "Europe", "../etc/passwd", "+25:00", "/etc", "a\0b"])
def test_what_is_no_zone(name: str) -> None:
    with pytest.raises(ConfigError, match="is not a time zone"):
        find_zone(name)


def test_offsets_are_written_in_hours_and_minutes() -> None:
    assert [offset_name(s) for s in (0, 7200, -12600, 3208)] == [
        "UTC", "+02:00", "-03:30", "+00:53:28",
    ]  # fmt: skip
