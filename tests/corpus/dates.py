"""Spellings of dates: orders, months, quarters, weeks, numbers, and steps that only count."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from tests.corpus.case import EITHER, Cases, Series
from tests.corpus.making import members, save, seasonal, span, texts, wide_frame

CASES = Cases()
Rng = np.random.Generator


def _dated(
    times: np.ndarray,
    form: str | Callable[[np.ndarray], object],
    column: str = "date",
    period: int = 7,
    also: Callable[[np.ndarray], tuple[np.ndarray, ...]] = lambda times: (),
) -> Callable[[Path, Rng], list[Series]]:
    """A file of one series whose times are written in some way."""

    def make(folder: Path, rng: Rng) -> list[Series]:
        values = seasonal(rng, len(times), period)
        shown = texts(times, form) if isinstance(form, str) else form(times)
        save(pd.DataFrame({column: shown, "sold": values}), folder / "data.csv")
        return [Series((), "sold", times, values, also(times))]

    return make


def _add(name: str, make: Callable[[Path, Rng], list[Series]], **options: object) -> None:
    make.__name__ = name
    CASES.add(**options)(make)


_DAYS = span("2022-11-05", 200)
_MONTHS = span("2016-03-01", 70, "MS")


def _end_of(freq: str) -> Callable[[np.ndarray], tuple[np.ndarray, ...]]:
    """The last day of each period is as good as its first."""
    return lambda times: (
        pd.PeriodIndex(pd.DatetimeIndex(times), freq=freq)
        .to_timestamp(how="end").normalize().to_numpy().astype("datetime64[us]"),
    )  # fmt: skip


def _since_1970(unit: str) -> Callable[[np.ndarray], np.ndarray]:
    return lambda times: times.astype(f"datetime64[{unit}]").astype("int64")


def _counts(times: np.ndarray) -> tuple[np.ndarray, ...]:
    """Whole numbers of years, or other steps, in place of dates."""
    return (times.astype("datetime64[Y]").astype("int64") + 1970,)


def _serial(times: np.ndarray) -> np.ndarray:
    """Days as spreadsheets count them."""
    return (times.astype("datetime64[D]") - np.datetime64("1899-12-30")).astype("int64")


_add("day_month_year_with_dots", _dated(_DAYS, "%d.%m.%Y"))
_add("month_day_year_with_evidence", _dated(_DAYS, "%m/%d/%Y"))
_add("month_day_and_two_digits_of_a_year", _dated(_DAYS, lambda t: [
    f"{d.month}/{d.day}/{d:%y}" for d in pd.DatetimeIndex(t)]))  # fmt: skip
_add("year_first_with_slashes", _dated(_DAYS, "%Y/%m/%d"))
_add("day_and_name_of_the_month", _dated(_DAYS, "%d-%b-%y"))
_add("days_with_a_midnight", _dated(_DAYS, "%Y-%m-%d 00:00:00"))
_add("days_over_leap_days", _dated(span("2019-12-01", 900), "%Y-%m-%d"))
_add(
    "first_of_the_month_or_of_january",
    _dated(_MONTHS, "%d/%m/%Y", period=12, also=lambda times: (
        pd.to_datetime(texts(times, "%d/%m/%Y"), format="%m/%d/%Y")
        .to_numpy().astype("datetime64[us]"),)),
    expect=EITHER, refusal="day or (the )?month|%d/%m/%Y", states="day or (the )?month|%m/%d/%Y.*%d/%m/%Y|%d/%m/%Y.*%m/%d/%Y",
)  # fmt: skip
_add("year_and_month", _dated(_MONTHS, "%Y-%m", "month", 12))
_add("year_and_month_as_a_number", _dated(_MONTHS, lambda t: [int(x) for x in texts(t, "%Y%m")], "yyyymm", 12))
_add("dates_as_numbers", _dated(_DAYS, lambda t: [int(x) for x in texts(t, "%Y%m%d")], "dt"))
_add("name_of_the_month_and_year", _dated(_MONTHS, "%b %Y", "Month", 12))
_add("ends_of_months", _dated(span("2016-01-31", 70, "ME"), "%Y-%m-%d", period=12))
_add("the_15th_of_each_month", _dated(_MONTHS + np.timedelta64(14, "D"), "%Y-%m-%d", period=12))
_add("ends_of_quarters", _dated(span("2004-03-31", 60, "QE"), "%Y-%m-%d", period=4))
_add(
    "quarters_as_2004Q1",
    _dated(span("2004-01-01", 60, "QS"), lambda t: pd.PeriodIndex(pd.DatetimeIndex(t), freq="Q").astype(str), "Quarter", 4, _end_of("Q")),
    expect=EITHER, refusal="quarter|Q1",
)  # fmt: skip
_add(
    "iso_weeks",
    _dated(span("2019-01-07", 150, "W-MON"), lambda t: [f"{d.isocalendar().year}W{d.isocalendar().week:02d}" for d in pd.DatetimeIndex(t)], "week", 52, _end_of("W-SUN")),
    expect=EITHER, refusal="week|W0",
)  # fmt: skip
_add("weeks_that_end_on_sunday", _dated(span("2019-01-06", 150, "W-SUN"), "%Y-%m-%d", "week_ending", 52))
_add("weeks_that_end_on_saturday", _dated(span("2019-01-05", 150, "W-SAT"), "%m/%d/%Y", "week_ending", 52))
_add("business_days", _dated(span("2021-01-04", 300, "B"), "%Y-%m-%d", period=5))
_add(
    "years",
    _dated(span("1950-01-01", 70, "YS"), lambda t: t.astype("datetime64[Y]").astype("int64") + 1970, "Year", 10, _counts),
)  # fmt: skip
_add("seconds_since_1970", _dated(span("2023-01-01", 700, "h"), _since_1970("s"), "timestamp", 24))
_add("milliseconds_since_1970", _dated(span("2023-01-01", 700, "h"), _since_1970("ms"), "ts", 24))
_add("days_as_a_spreadsheet_counts_them", _dated(_DAYS, _serial, "date", also=lambda t: (_serial(t),)))


@CASES.add()
def integer_steps(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["m1", "m2"], np.arange(300), "vibration", 24)
    frame = pd.concat(
        pd.DataFrame({"machine": s.names[0], "step": s.times, "vibration": s.values}) for s in truth
    )
    save(frame, folder / "data.csv")
    return truth


@CASES.add()
def year_and_month_in_two_columns(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["passengers"], _MONTHS, "passengers", 12, digits=0)
    frame = wide_frame(truth, "t")
    index = pd.DatetimeIndex(_MONTHS)
    frame.insert(0, "Year", index.year)
    frame.insert(1, "Month", index.month)
    save(frame.drop(columns="t"), folder / "data.csv")
    return truth


@CASES.add()
def holidays_left_out_of_business_days(folder: Path, rng: Rng) -> list[Series]:
    days = span("2021-01-04", 320, "B")
    off = np.isin(texts(days, "%m-%d"), ["12-24", "12-27", "01-03", "04-02", "05-03"])
    truth = [Series((), "close", days[~off], seasonal(rng, int((~off).sum()), 5, 40, 2))]
    save(wide_frame(truth, "Date"), folder / "data.csv")
    return truth
