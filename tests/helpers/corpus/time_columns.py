"""Times in several columns: dates and clocks apart, years and months, starts and ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.helpers.corpus.case import EITHER, Cases, Series
from tests.helpers.corpus.making import members, save, seasonal, span, texts, wide_frame

CASES = Cases()
Rng = np.random.Generator


@CASES.add(complete=False)
def half_hours_beside_their_date(folder: Path, rng: Rng) -> list[Series]:
    """`Time` is different in each line, `Date` in every 48th: the days are no duplicates."""
    times = span("2012-05-01", 1800, "30min")
    truth = [
        Series((), "Demand", times, seasonal(rng, 1800, 48, 4500, 3)),
        Series((), "Temperature", times, seasonal(rng, 1800, 48, 17, 1)),
    ]
    frame = wide_frame(truth, "Time", "%Y-%m-%d %H:%M:%S")
    frame["Date"] = texts(times)
    frame["Holiday"] = frame["Date"].isin(["2012-05-20", "2012-06-04"])
    save(frame, folder / "data.csv")
    return truth


@CASES.add(complete=False)
def date_and_clock_in_two_columns(folder: Path, rng: Rng) -> list[Series]:
    """Household power: semicolons, dates with slashes, `?` for missing."""
    times = span("2007-02-12", 2500, "min")
    truth = [
        Series((), n, times, seasonal(rng, 2500, 1440, v, 3))
        for n, v in (("Global_active_power", 2.0), ("Voltage", 240.0))
    ]
    for series in truth:
        series.values[300:307] = np.nan
    frame = pd.DataFrame({"Date": texts(times, "%d/%m/%Y"), "Time": texts(times, "%H:%M:%S")})
    for series in truth:
        frame[str(series.channel)] = series.values
    frame.loc[:, "Date"] = frame["Date"].str.lstrip("0")
    save(frame, folder / "data.csv", sep=";", na_rep="?", float_format="%.3f")
    return truth


@CASES.add(complete=False)
def year_month_day_and_hour_apart(folder: Path, rng: Rng) -> list[Series]:
    """Beijing's air: a counter first, the station last."""
    times = span("2013-03-01", 700, "h")
    index = pd.DatetimeIndex(times)
    truth, frames = [], []
    for station in ("Dongsi", "Tiantan"):
        both = [
            Series((station,), n, times, seasonal(rng, 700, 24, v))
            for n, v in (("PM2.5", 80), ("TEMP", 9))
        ]
        truth += both
        parts = {"year": index.year, "month": index.month, "day": index.day, "hour": index.hour}
        columns = {str(s.channel): s.values for s in both}
        frames.append(pd.DataFrame({"No": range(1, 701), **parts, **columns, "station": station}))
    save(pd.concat(frames), folder / "data.csv")
    return truth


@CASES.add(expect=EITHER, refusal=r"hour")
def hours_from_1_to_24(folder: Path, rng: Rng) -> list[Series]:
    times = span("2023-05-01", 720, "h")
    ending = times + np.timedelta64(1, "h")
    values = seasonal(rng, 720, 24, 900)
    hours = np.tile(np.arange(1, 25), 30)
    frame = pd.DataFrame({"Date": texts(times), "Hour": hours, "MW": values})
    save(frame, folder / "data.csv")
    return [Series((), "MW", ending, values, (times,))]


@CASES.add(expect=EITHER, refusal=r"SETTLEMENT_PERIOD")
def half_hours_by_number_of_the_day(folder: Path, rng: Rng) -> list[Series]:
    """48 lines of each date, numbered: neither 48 series nor the means of days."""
    times = span("2024-01-01", 1440, "30min")
    values = seasonal(rng, 1440, 48, 30_000, 0)
    frame = pd.DataFrame({
        "SETTLEMENT_DATE": texts(times, "%d-%b-%Y").copy(),
        "SETTLEMENT_PERIOD": np.tile(np.arange(1, 49), 30), "ND": values.astype(int),
    })  # fmt: skip
    save(frame, folder / "data.csv")
    return [Series((), "ND", times, values, (times + np.timedelta64(30, "m"),))]


@CASES.add()
def start_and_end_of_each_interval(folder: Path, rng: Rng) -> list[Series]:
    start = span("2023-11-20", 700, "30min")
    end = start + np.timedelta64(30, "m")
    values = seasonal(rng, 700, 48, 2)
    columns = {"start": texts(start, "%Y-%m-%d %H:%M"), "end": texts(end, "%Y-%m-%d %H:%M")}
    save(pd.DataFrame({**columns, "consumption": values}), folder / "data.csv")
    return [Series((), "consumption", start, values, (end,))]


@CASES.add()
def year_and_month_in_two_columns(folder: Path, rng: Rng) -> list[Series]:
    months = span("2016-03-01", 70, "MS")
    truth = members(rng, ["passengers"], months, "passengers", 12, digits=0)
    frame = wide_frame(truth, "t")
    index = pd.DatetimeIndex(months)
    frame.insert(0, "Year", index.year)
    frame.insert(1, "Month", index.month)
    save(frame.drop(columns="t"), folder / "data.csv")
    return truth
