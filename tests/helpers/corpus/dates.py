"""Spellings of dates: orders, months, quarters, weeks, numbers, and steps that only count."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from tests.helpers.corpus.case import EITHER, Cases, Series
from tests.helpers.corpus.making import members, moments, save, seasonal, span, texts, wide_frame

CASES = Cases()
Rng = np.random.Generator
Also = Callable[[np.ndarray], tuple[np.ndarray, ...]]
_DAY_OR_MONTH = "day or (the )?month|%d/%m/%Y"


def _dated(
    times: np.ndarray,
    form: str | Callable[[np.ndarray], object],
    column: str = "date",
    period: int = 7,
    also: Also = lambda times: (),
) -> Callable[[Path, Rng], list[Series]]:
    """A file of one series whose times are written in some way."""

    def make(folder: Path, rng: Rng) -> list[Series]:
        values = seasonal(rng, len(times), period)
        shown = texts(times, form) if isinstance(form, str) else form(times)
        save(pd.DataFrame({column: shown, "sold": values}), folder / "data.csv")
        return [Series((), "sold", times, values, also(times))]

    return make


_DAYS = span("2022-11-05", 200)
_MONTHS = span("2016-03-01", 70, "MS")


def _ends(freq: str) -> Also:
    """The last day of each period is as good as its first."""

    def last_days(times: np.ndarray) -> tuple[np.ndarray, ...]:
        periods = pd.PeriodIndex(pd.DatetimeIndex(times), freq=freq)
        return (moments(periods.to_timestamp(how="end").normalize()),)

    return last_days


def _since_1970(unit: str) -> Callable[[np.ndarray], np.ndarray]:
    return lambda times: times.astype(f"datetime64[{unit}]").astype("int64")


def _serial(times: np.ndarray) -> np.ndarray:
    """Days as spreadsheets count them."""
    return (times.astype("datetime64[D]") - np.datetime64("1899-12-30")).astype("int64")


def _number(form: str) -> Callable[[np.ndarray], object]:
    """Dates as whole numbers, such as 202401."""
    return lambda times: [int(text) for text in texts(times, form)]


def _without_zeros(times: np.ndarray) -> list[str]:
    """Such as 1/5/24."""
    return [f"{d.month}/{d.day}/{d:%y}" for d in pd.DatetimeIndex(times)]


def _weeks(times: np.ndarray) -> list[str]:
    """Such as 2019W05, by ISO 8601."""
    return texts(times, "%GW%V")


def _quarters(times: np.ndarray) -> list[str]:
    """Such as 2004Q1."""
    return pd.PeriodIndex(pd.DatetimeIndex(times), freq="Q").astype(str).tolist()


def _years(times: np.ndarray) -> np.ndarray:
    return times.astype("datetime64[Y]").astype("int64") + 1970


def _counted(count: Callable[[np.ndarray], np.ndarray]) -> Also:
    """The numbers themselves are as good as the dates that they stand for."""
    return lambda times: (count(times),)


_MID_MONTHS = _MONTHS + np.timedelta64(14, "D")
_WEEKS = span("2019-01-07", 150, "W-MON")
_HOURS = span("2023-01-01", 700, "h")
_PLAIN = {
    "month_day_and_two_digits_of_a_year": _dated(_DAYS, _without_zeros),
    "year_first_with_slashes": _dated(_DAYS, "%Y/%m/%d"),
    "days_with_a_midnight": _dated(_DAYS, "%Y-%m-%d 00:00:00"),
    "days_over_leap_days": _dated(span("2019-12-01", 900), "%Y-%m-%d"),
    "name_of_the_month_and_year": _dated(_MONTHS, "%b %Y", "Month", 12),
    "ends_of_months": _dated(span("2016-01-31", 70, "ME"), "%Y-%m-%d", period=12),
    "ends_of_quarters": _dated(span("2004-03-31", 60, "QE"), "%Y-%m-%d", period=4),
    "weeks_that_end_on_sunday": _dated(span("2019-01-06", 150, "W-SUN"), "%Y-%m-%d", "week", 52),
    "day_and_name_of_the_month": _dated(_DAYS, "%d-%b-%y"),
    "weeks_that_end_on_saturday": _dated(span("2019-01-05", 150, "W-SAT"), "%m/%d/%Y", "week", 52),
    "business_days": _dated(span("2021-01-04", 300, "B"), "%Y-%m-%d", period=5),
    "years": _dated(span("1950-01-01", 70, "YS"), _years, "Year", 10, _counted(_years)),
    "seconds_since_1970": _dated(_HOURS, _since_1970("s"), "timestamp", 24),
}
_OTHER = {
    "day_month_year_with_dots": _dated(_DAYS, "%d.%m.%Y"),
    "month_day_year_with_evidence": _dated(_DAYS, "%m/%d/%Y"),
    "year_and_month": _dated(_MONTHS, "%Y-%m", "month", 12),
    "year_and_month_as_a_number": _dated(_MONTHS, _number("%Y%m"), "yyyymm", 12),
    "dates_as_numbers": _dated(_DAYS, _number("%Y%m%d"), "dt"),
    "the_15th_of_each_month": _dated(_MID_MONTHS, "%Y-%m-%d", period=12),
    "milliseconds_since_1970": _dated(_HOURS, _since_1970("ms"), "ts", 24),
    "days_as_a_spreadsheet_counts_them": _dated(_DAYS, _serial, "date", also=_counted(_serial)),
}
for _name, _make in _PLAIN.items():
    CASES.define(_name, _make, plain=True)
for _name, _make in _OTHER.items():
    CASES.define(_name, _make)
CASES.define(
    "first_of_the_month_with_slashes",  # no other order puts these on a grid
    _dated(_MONTHS, "%d/%m/%Y", period=12),
    expect=EITHER,
    refusal=_DAY_OR_MONTH,
)
CASES.define(
    "twelve_months_or_twelve_days",  # either order does
    _dated(_MONTHS[10:22], "%m/%d/%Y", also=lambda times: (span("2017-01-01", 12),)),
    expect=EITHER,
    refusal=_DAY_OR_MONTH,
    states=r"%d/%m/%Y[\s\S]*%m/%d/%Y|%m/%d/%Y[\s\S]*%d/%m/%Y",
)
CASES.define(
    "quarters_as_2004Q1",
    _dated(span("2004-01-01", 60, "QS"), _quarters, "Quarter", 4, _ends("Q")),
    expect=EITHER,
    refusal="quarter|Q1",
)
CASES.define(
    "iso_weeks",
    _dated(_WEEKS, _weeks, "week", 52, _ends("W-SUN")),
    expect=EITHER,
    refusal="week|W0",
)


@CASES.add()
def integer_steps(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["m1", "m2"], np.arange(300), "vibration", 24)
    frame = pd.concat(
        pd.DataFrame({"machine": s.names[0], "step": s.times, "vibration": s.values}) for s in truth
    )
    save(frame, folder / "data.csv")
    return truth


@CASES.add(plain=True)
def holidays_left_out_of_business_days(folder: Path, rng: Rng) -> list[Series]:
    days = span("2021-01-04", 320, "B")
    off = np.isin(texts(days, "%m-%d"), ["12-24", "12-27", "01-03", "04-02", "05-03"])
    truth = [Series((), "close", days[~off], seasonal(rng, int((~off).sum()), 5, 40, 2))]
    save(wide_frame(truth, "Date"), folder / "data.csv")
    return truth
