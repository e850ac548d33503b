"""`data.times_are=utc`: times without an offset are UTC, and shown on a wall clock."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.helpers.panels import panel_of
from tsconv.config.schema import DataConfig
from tsconv.data.covariates.template import template_frame
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.future_file import with_future
from tsconv.data.reading.read import table_from_frame
from tsconv.data.timestamps.zones import to_local, zoned
from tsconv.errors import ConfigError, DataError

UTC = DataConfig(id=None, times_are="utc", timezone="America/New_York")


def frame(ds: Any, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"ds": ds, "y": np.arange(len(ds)) % 7.0, **columns})


def test_hours_of_utc_show_the_wall_clock_across_its_changes() -> None:
    ds = pd.date_range("2024-03-10 05:00", periods=4, freq="h")  # clocks go forward at 07:00 UTC
    panel = panel_of(frame(ds), **_keys(UTC))
    assert (panel.time_zone, panel.frequency.alias, panel.wall_clock) == (
        "America/New_York",
        "h",
        False,
    )
    shown = [t.isoformat() for t in zoned(panel.times(0, np.arange(6)), panel)]
    assert shown[1:4] == [
        "2024-03-10T01:00:00-05:00", "2024-03-10T03:00:00-04:00", "2024-03-10T04:00:00-04:00",
    ]  # fmt: skip
    local = to_local(panel.times(0, np.arange(3)), panel).astype("datetime64[h]")
    assert local.astype(str).tolist() == ["2024-03-10T00", "2024-03-10T01", "2024-03-10T03"]


def _keys(data: DataConfig) -> dict[str, Any]:
    default = dataclasses.asdict(DataConfig())
    return {k: v for k, v in dataclasses.asdict(data).items() if v != default[k]}


def test_without_a_zone_they_are_shown_in_utc() -> None:
    panel = panel_of(
        frame(["2024-03-10 05:00", "2024-03-10 06:00", "2024-03-10 07:00"]),
        id=None,
        times_are="utc",
    )
    assert panel.time_zone == "UTC"


def test_days_that_end_at_local_midnight_are_local_days() -> None:
    ds = pd.date_range("2024-03-01", periods=20, freq="D", tz="America/New_York")
    panel = panel_of(frame(ds.tz_convert("UTC").tz_localize(None)), **_keys(UTC))
    assert (panel.frequency.alias, panel.wall_clock) == ("D", True)
    assert panel.start[0] == np.datetime64("2024-03-01")


def test_dates_alone_stay_the_dates_that_they_are() -> None:
    ds = pd.date_range("2024-03-01", periods=20, freq="D")
    panel = panel_of(frame(ds), **_keys(UTC))
    assert (panel.frequency.alias, panel.start[0]) == ("D", np.datetime64("2024-03-01"))


@pytest.mark.parametrize(
    ("start", "freq", "pattern", "ahead"),
    [
        ("2024-03-09 22:00", "h", "%d.%m.%Y %H:%M", ["10.03.2024 02:00", "10.03.2024 03:00"]),
        ("2024-03-06", "D", "%d.%m.%Y", ["10.03.2024", "11.03.2024"]),
        ("2024-03-06", "D", "%d.%m.%Y %H:%M", ["10.03.2024 00:00", "11.03.2024 00:00"]),
        ("2024-03-06", "D", None, None),
        ("2024-03-09 22:00", "h", None, None),
    ],
)  # fmt: skip
def test_a_template_is_read_back_as_the_steps_that_follow(
    start: str, freq: str, pattern: str | None, ahead: list[str] | None
) -> None:
    ds = pd.date_range(start, periods=4, freq=freq)
    roles = dataclasses.replace(UTC, future_covariates="promo", time_format=pattern)
    written = ds if pattern is None else ds.strftime(pattern)
    table = table_from_frame(frame(written, promo=0.0), roles)
    template = template_frame(build_panel(table), roles, 2, False, table.utc_dates)
    if ahead is not None:
        assert template["ds"].tolist() == ahead
    extra = table_from_frame(template.assign(promo=1.0), roles, future_only=True)
    panel = build_panel(with_future(table, extra))
    assert panel.covariates is not None
    assert panel.covariates.values.ravel().tolist() == [0, 0, 0, 0, 1, 1]


def test_a_time_that_the_clock_leaves_out_names_the_ways_out() -> None:
    ds = ["2024-03-10 01:30", "2024-03-10 02:30"]
    local = dataclasses.replace(UTC, times_are="local")
    words = (
        r"line 3, column `ds`: 2024-03-10 02:30:00 does not exist in America/New_York, .* are UTC, "
        r"set `data.times_are=utc`; .* leave `data.timezone` out, or .*`data.timezone=-05:00`"
    )
    with pytest.raises(DataError, match=words):
        table_from_frame(frame(ds), local)
    assert table_from_frame(frame(ds), UTC).time_zone == "America/New_York"


def test_what_the_key_does_not_take_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"`data.times_are` \(=UTC\) must be one of local, utc"):
        table_from_frame(frame([1, 2]), dataclasses.replace(UTC, times_are="UTC"))
    with pytest.raises(DataError, match=r"1 counts steps, .* leave out `data.times_are=utc`"):
        table_from_frame(frame([1, 2]), UTC)
