"""Every kind of grid as a property: counting steps undoes walking on; what is inferred is right."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.counting import count_calls
from tests.helpers.panels import panel_of
from tsconv.config.schema import DataConfig
from tsconv.data.panel import grid as grid_module
from tsconv.data.panel.grid import lay_lines
from tsconv.data.reading.read import table_from_frame
from tsconv.data.timestamps.frequency import Frequency, parse_frequency
from tsconv.data.timestamps.infer import infer_frequency
from tsconv.data.timestamps.zones import to_utc, to_wall
from tsconv.errors import ConfigError, DataError

# An alias, and how pandas spells the same rule, or None where it has none.
ALIASES = {
    "us": "us", "5ms": "5ms", "s": "s", "90s": "90s", "15min": "15min", "1h30min": "90min",
    "h": "h", "4h": "4h", "D": "D", "2D": "2D", "W": "7D", "W-SUN": "W-SUN", "2W-WED": "2W-WED",
    "B": "B", "MS": "MS", "ME": "ME", "BMS": "BMS", "BME": "BME", "QS": "QS", "QE": "QE",
    "QS-FEB": "QS-FEB", "QE-NOV": "QE-NOV", "BQE": "BQE", "YS": "YS", "YE-JUN": "YE-JUN",
    "YS-APR": "YS-APR", "2MS": "2MS", "M-30": None, "2M-29": None, "M-31": None,
}  # fmt: skip


@pytest.mark.parametrize("alias", [a for a, rule in ALIASES.items() if rule])
def test_the_calendar_goes_on_as_that_of_pandas(alias: str) -> None:
    time = pd.date_range("2019-01-15", periods=60, freq=ALIASES[alias]).to_numpy()
    time = time.astype("datetime64[us]")
    frequency = parse_frequency(alias)
    start = np.repeat(time[:1], 60)
    assert (frequency.advance(start, np.arange(60)) == time).all()
    assert frequency.steps(start, time).tolist() == list(range(60))
    assert frequency.fits(time).all()


@settings(max_examples=400)
@given(
    st.sampled_from(list(ALIASES)),
    st.datetimes(pd.Timestamp("1900-01-01").to_pydatetime(), pd.Timestamp("2200").to_pydatetime()),
    st.lists(st.integers(0, 3000), min_size=1, max_size=20),
)
def test_counting_steps_undoes_walking_on(alias: str, moment: object, count: list[int]) -> None:
    frequency = parse_frequency(alias)
    steps = np.array(count)
    start = np.repeat(np.array([moment], dtype="datetime64[us]"), len(steps))
    if frequency.kind in ("month", "business"):  # begin on the grid: clocks and short months apart
        start = frequency.advance(start, np.zeros(len(steps), dtype="int64"))
    ahead = frequency.advance(start, steps)
    assert frequency.steps(start, ahead).tolist() == steps.tolist()
    assert (frequency.advance(start, steps + 1) > ahead).all()
    off = ahead + np.timedelta64(1, "us")
    if frequency.size > 1 or frequency.kind != "fixed":
        assert (frequency.steps(start, off) == -1).all()


@settings(max_examples=200)
@given(
    st.sampled_from(["D", "B", "W", "MS", "ME", "M-30", "YE-JUN"]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "+05:30", "UTC"]),
    st.integers(0, 4000),
    st.lists(st.integers(0, 700), min_size=1, max_size=20),
)
def test_days_keep_the_wall_clock_across_clock_changes(
    alias: str, zone: str, day: int, count: list[int]
) -> None:
    frequency = parse_frequency(alias)
    steps = np.array(count)
    noon = np.datetime64("2015-01-01T12:00", "us") + np.timedelta64(day, "D")
    start = frequency.advance(np.repeat(noon, len(steps)), np.zeros(len(steps), dtype="int64"))
    there = to_utc(frequency.advance(start, steps), zone)
    assert frequency.steps(start, to_wall(there, zone)).tolist() == steps.tolist()


@pytest.mark.parametrize(
    ("freq", "alias"),
    [
        ("s", "s"), ("90s", "90s"), ("4h", "4h"), ("2W", "2W"), ("BME", "BME"), ("BMS", "BMS"),
        ("QS-FEB", "QS"), ("YE-JUN", "YE"), ("250ms", "250ms"), ("7us", "7us"), ("28D", "4W"),
        ("2MS", "2MS"), ("BQE", "BQE"),
    ],
)  # fmt: skip
def test_inferred_and_continued(freq: str, alias: str) -> None:
    time = pd.date_range("2020-01-01", periods=80, freq=freq).to_numpy().astype("datetime64[us]")
    known = np.delete(time[:60], [7, 8, 31])
    found = infer_frequency(known, np.zeros(len(known), dtype="int64"))
    assert found.alias == alias
    assert parse_frequency(found.alias) == found, "a bundle keeps the alias alone"
    assert (found.advance(np.repeat(known[:1], 80), np.arange(80)) == time).all()


@pytest.mark.parametrize("day", [15, 28, 29, 30])
@pytest.mark.parametrize("first", [1, 2])
def test_a_month_always_on_one_day(day: int, first: int) -> None:
    months = np.arange(f"2019-{first:02}", "2024-01", dtype="datetime64[M]")
    last = (months + 1).astype("datetime64[D]") - 1
    time = np.minimum(months.astype("datetime64[D]") + (day - 1), last).astype("datetime64[us]")
    found = infer_frequency(time, np.zeros(len(time), dtype="int64"))
    again = parse_frequency(found.alias)
    start = np.repeat(time[:1], len(time))
    assert again.steps(start, time).tolist() == list(range(len(time)))
    assert (again.advance(start, np.arange(len(time))) == time).all()


@pytest.mark.parametrize(
    "alias",
    ["", "0", "0D", "-1D", "hh", "W-MONDAY", "MS-JAN", "QE-FOO", "D-MON", "M-32", "9999999W", "ns",
     "1.5h", "²", "h ", "B-MON"],
)  # fmt: skip
def test_what_is_no_frequency(alias: str) -> None:
    with pytest.raises(ConfigError, match=r"`data\.freq` \(="):
        parse_frequency(alias)


@pytest.mark.parametrize(
    ("freq", "start", "message"),
    [
        ("W-SUN", "2024-01-01", "line 2, series `a`: 2024-01-01 is a Monday in January"),
        ("QS-FEB", "2024-01-01", "line 2, series `a`: 2024-01-01 is a Monday in January"),
        ("ME", "2024-01-30", "line 2, series `a`: 2024-01-30 is not a whole number of steps of ME"),
        ("B", "2024-01-06", "line 2, series `a`: 2024-01-06 is not a whole number of steps of B"),
    ],
)
def test_a_frequency_that_was_given_must_fit(freq: str, start: str, message: str) -> None:
    days = pd.date_range(start, periods=3, freq="364D")
    with pytest.raises(DataError, match=message):
        panel_of(pd.DataFrame({"unique_id": "a", "ds": days, "y": 1.0}), freq)


def test_plain_weeks_may_begin_on_any_day() -> None:
    days = [
        *pd.date_range("2024-01-02", periods=5, freq="7D"),
        *pd.date_range("2024-01-06", periods=4, freq="7D"),
    ]
    panel = panel_of(pd.DataFrame({"unique_id": list("aaaaabbbb"), "ds": days, "y": 1.0}), "W")
    assert panel.lengths.tolist() == [5, 4]


def test_the_frequency_of_many_series_is_found_in_one_pass() -> None:
    def finding(n: int) -> Callable[[], Frequency]:
        hours = np.tile(np.arange(500) * 3_600_000_000, n).view("datetime64[us]")
        series = np.repeat(np.arange(n), 500)
        return lambda: infer_frequency(hours, series)

    assert finding(1000)().alias == "h"
    # The lines are gone through in blocks, of which 500,000 lines have one more.
    assert count_calls(finding(1000)) <= count_calls(finding(10)) + 30


def test_a_small_m_may_be_two_units() -> None:
    with pytest.raises(ConfigError, match="did you mean `ME`, months, or `min`"):
        parse_frequency("15m")


@given(
    days=st.lists(st.sets(st.integers(0, 12), min_size=1), min_size=1, max_size=4),
    block=st.integers(1, 9),
)
def test_the_step_of_each_line_by_blocks(days: list[set[int]], block: int) -> None:
    """They are stored only from the first block on in which a line is missing."""
    steps = [sorted(some) for some in days]
    frame = pd.DataFrame(
        [(f"s{k}", day, 1.0) for k, some in enumerate(steps) for day in some],
        columns=["unique_id", "ds", "y"],
    )
    table = table_from_frame(frame, DataConfig(time_unit="step"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid_module, "_BLOCK", block)
        grid = lay_lines(table, parse_frequency("1"))
    assert grid.steps.tolist() == [day - some[0] for some in steps for day in some]
    assert grid.spans.tolist() == [some[-1] - some[0] + 1 for some in steps]
    whole = all(some[-1] - some[0] + 1 == len(some) for some in steps)
    assert grid.is_full == whole == (grid.line_steps is None)
