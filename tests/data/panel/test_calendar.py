"""Calendar features: right places on the circle, one table for all series, choices by frequency."""

import numpy as np
import pandas as pd
import pytest
import torch

from tsconv.config.schema import DataConfig
from tsconv.data.covariates.encode import with_calendar
from tsconv.data.panel.calendar import NAMES, build_calendar, calendar_features, choose_calendar
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.data.timestamps.frequency import parse_frequency
from tsconv.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "moment", "turn"),
    [
        ("minute", "2024-05-01T10:15", 1 / 4),
        ("hour", "2024-05-01T18:00", 3 / 4),
        ("weekday", "2024-05-01", 2 / 7),  # a Wednesday
        ("weekday", "1969-12-31", 2 / 7),
        ("dayofmonth", "2024-02-29", 28 / 29),
        ("dayofyear", "2023-12-31", 364 / 366),
        ("month", "1999-10-15", 9 / 12),
    ],
)
def test_a_feature_is_a_place_on_a_circle(name: str, moment: str, turn: float) -> None:
    found = calendar_features(np.array([moment], dtype="datetime64[us]"), (name,))
    expected = [np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn)]
    np.testing.assert_allclose(found, [expected], atol=1e-6)


@pytest.mark.parametrize("alias", ["h", "D", "MS", "B", "W", "15min", "ME", "QS"])
def test_one_table_serves_all_series(alias: str) -> None:
    """Each series finds its own features at its phase, whatever grid it lies on."""
    rng = np.random.default_rng(0)
    frequency, count = parse_frequency(alias), 40
    base = np.datetime64("2020-01-31" if alias == "ME" else "2020-01-01", "us")
    start = frequency.advance(np.full(count, base), rng.integers(0, 500, count))
    if alias in ("h", "W"):
        start = start + rng.integers(0, 3, count) * np.timedelta64(420_000_000, "us")
    lengths = torch.from_numpy(rng.integers(1, 50, count))
    names = ("hour", "weekday", "dayofyear")
    calendar = build_calendar(start, lengths, frequency, names, 7)
    for s in range(count):
        n, phase = int(lengths[s]) + 7, int(calendar.phase[s])
        times = frequency.advance(np.full(n, start[s]), np.arange(n))
        found = calendar.values[phase : phase + n].numpy()
        np.testing.assert_array_equal(found, calendar_features(times, names))
    assert len(calendar.values) <= int(lengths.sum()) + 7 * count


def test_hours_are_those_of_the_wall_clock() -> None:
    """At 9 in Berlin it is 8 in Greenwich in winter, 7 in summer."""
    ds = pd.date_range("2024-03-30", periods=72, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"ds": ds, "y": np.arange(72.0)})
    panel = build_panel(table_from_frame(frame, DataConfig(id=None)))
    calendar = with_calendar(panel, ("hour",), 5).calendar
    assert calendar is not None
    turns = torch.atan2(calendar.values[:72, 0], calendar.values[:72, 1]) / (2 * np.pi) * 24
    np.testing.assert_allclose(turns.round().numpy() % 24, ds.hour.to_numpy())


@pytest.mark.parametrize(
    ("asked", "alias", "typical", "expected"),
    [
        (None, "h", 9999, ()),
        ("auto", "h", 24 * 30, ("hour", "weekday")),
        ("auto", "h", 24 * 800, ("hour", "weekday", "dayofyear")),
        ("auto", "15min", 200, ("minute", "hour")),
        ("auto", "D", 20, ("weekday",)),
        ("auto", "B", 900, ("weekday", "dayofyear")),
        ("auto", "W", 200, ("dayofyear",)),
        ("auto", "MS", 30, ("month",)),
        ("auto", "MS", 20, ()),
        ("auto", "YS", 90, ()),
        ("auto", "1", 9999, ()),
        (["month"], "D", 5, ("month",)),
        ("hour", "h", 5, ("hour",)),
    ],
)
def test_auto_takes_the_cycles_that_the_data_hold_twice(
    asked: object, alias: str, typical: int, expected: tuple[str, ...]
) -> None:
    assert choose_calendar(asked, parse_frequency(alias), typical) == expected


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"weekdays.*weekday"):
        choose_calendar(["weekdays"], parse_frequency("D"), 100)
    with pytest.raises(ConfigError, match="needs timestamps"):
        choose_calendar([NAMES[0]], parse_frequency("1"), 100)
