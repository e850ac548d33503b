"""Times of day: clock changes, zones, offsets, hours that end, dates and clocks apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.helpers.corpus.case import EITHER, REFUSES, Cases, Series
from tests.helpers.corpus.making import (
    long_frame,
    members,
    moments,
    save,
    seasonal,
    span,
    texts,
    wide_frame,
)

CASES = Cases()
Rng = np.random.Generator
_NEW_YORK, _BERLIN = "America/New_York", "Europe/Berlin"


def _zoned(zone: str, start: str, steps: int, freq: str = "h") -> tuple[np.ndarray, np.ndarray]:
    """Times on a wall clock, and the moments that they are."""
    index = pd.date_range(start, periods=steps, freq=freq, tz=zone)
    return moments(index), moments(index.tz_convert("UTC"))


def _load(rng: Rng, times: np.ndarray, utc: np.ndarray | None = None, day: int = 24) -> Series:
    return Series((), "load", times, seasonal(rng, len(times), day, 15_000, 0), (), utc)


def _local(
    folder: Path, rng: Rng, start: str, steps: int, freq: str = "h", zone: str = _NEW_YORK
) -> list[Series]:
    """Naive times on the wall clock of a zone, which the file does not name."""
    times, _ = _zoned(zone, start, steps, freq)
    truth = [_load(rng, times, None, 24 if freq == "h" else 48)]
    save(wide_frame(truth, "time", "%Y-%m-%d %H:%M:%S"), folder / "data.csv")
    return truth


@CASES.add()
def local_hours_over_spring(folder: Path, rng: Rng) -> list[Series]:
    return _local(folder, rng, "2023-01-10", 2400)


@CASES.add()
def local_hours_over_autumn(folder: Path, rng: Rng) -> list[Series]:
    return _local(folder, rng, "2023-08-10", 2400)


@CASES.add()
def european_hours_over_autumn(folder: Path, rng: Rng) -> list[Series]:
    return _local(folder, rng, "2023-09-10", 2000, zone=_BERLIN)


@CASES.add()
def australian_half_hours_over_autumn(folder: Path, rng: Rng) -> list[Series]:
    return _local(folder, rng, "2012-03-15", 1500, "30min", "Australia/Melbourne")


@CASES.add(plain=True)
def local_half_hours_over_autumn(folder: Path, rng: Rng) -> list[Series]:
    return _local(folder, rng, "2023-10-10", 1500, "30min")


@CASES.add(plain=True)
def local_hours_with_one_autumn_hour_dropped(folder: Path, rng: Rng) -> list[Series]:
    times, _ = _zoned(_NEW_YORK, "2023-08-10", 2400)
    times = np.unique(times)
    truth = [_load(rng, times)]
    save(wide_frame(truth, "time", "%Y-%m-%d %H:%M:%S"), folder / "data.csv")
    return truth


@CASES.add()
def standard_time_all_year(folder: Path, rng: Rng) -> list[Series]:
    """A clock that never changes: 02:00 is there in spring, and each hour once in autumn."""
    truth = [_load(rng, span("2023-02-20", 2600, "h"))]
    save(wide_frame(truth, "time", "%Y-%m-%d %H:%M:%S"), folder / "data.csv")
    return truth


@CASES.add(expect=EITHER, refusal="clock|hour.ending|timezone")
def hours_ending_on_a_clock_changed_in_part(folder: Path, rng: Rng) -> list[Series]:
    """As grid operators publish them: 03:00 is missing in spring, 02:00 double in autumn.

    A second part of the file, from the next year, lies on a clock that does not change.
    """
    wall, _ = _zoned(_NEW_YORK, "2022-10-20", 1400)
    wall = wall + np.timedelta64(1, "h")
    rest = span(str(wall[-1] + np.timedelta64(1, "h")), 1500, "h")
    times = np.concatenate([wall, rest])
    truth = [_load(rng, times)]
    save(wide_frame(truth, "Datetime", "%Y-%m-%d %H:%M:%S"), folder / "data.csv")
    return truth


@CASES.add()
def naive_times_in_utc(folder: Path, rng: Rng) -> list[Series]:
    times = span("2023-01-05", 2500, "h")
    truth = [_load(rng, times, times)]
    save(wide_frame(truth, "utc_timestamp", "%Y-%m-%d %H:%M:%S"), folder / "data.csv")
    return truth


@CASES.add()
def offsets_that_change(folder: Path, rng: Rng) -> list[Series]:
    index = pd.date_range("2023-03-01", periods=900, freq="h", tz=_BERLIN)
    utc = moments(index.tz_convert("UTC"))
    truth = [_load(rng, utc, utc)]
    save(
        pd.DataFrame({"begin": [t.isoformat() for t in index], "load": truth[0].values}),
        folder / "data.csv",
    )
    return truth


@CASES.add(plain=True)
def moments_that_end_in_z(folder: Path, rng: Rng) -> list[Series]:
    times = span("2024-02-01", 600, "15min")
    truth = [_load(rng, times, times, 96)]
    save(wide_frame(truth, "timestamp", "%Y-%m-%dT%H:%M:%S.000Z"), folder / "data.csv")
    return truth


@CASES.add(complete=False)
def utc_and_local_times_side_by_side(folder: Path, rng: Rng) -> list[Series]:
    index = pd.date_range("2018-09-01", periods=1600, freq="h", tz="UTC")
    utc = moments(index)
    truth = [
        Series((), name, utc, seasonal(rng, 1600, 24, level), (), utc)
        for name, level in (("DE_load_actual", 50_000), ("DE_wind_generation", 9000))
    ]
    frame = pd.DataFrame({
        "utc_timestamp": texts(utc, "%Y-%m-%dT%H:%M:%SZ"),
        "cet_cest_timestamp": [t.isoformat() for t in index.tz_convert(_BERLIN)],
        **{str(s.channel): s.values for s in truth},
    })  # fmt: skip
    save(frame, folder / "data.csv")
    return truth


@CASES.add(complete=False)
def weather_every_ten_minutes(folder: Path, rng: Rng) -> list[Series]:
    times = span("2009-01-01 00:10", 2000, "10min")
    levels = {"p (mbar)": 990, "T (degC)": 8, "rh (%)": 80, "wv (m/s)": 2}
    truth = [Series((), n, times, seasonal(rng, 2000, 144, v, 2)) for n, v in levels.items()]
    save(wide_frame(truth, "Date Time", "%d.%m.%Y %H:%M:%S"), folder / "data.csv")
    return truth


@CASES.add(plain=True)
def twelve_hour_clocks(folder: Path, rng: Rng) -> list[Series]:
    truth = [_load(rng, span("2017-01-01", 800, "h"))]
    save(wide_frame(truth, "Timestamp", "%m/%d/%Y %I:%M:%S %p"), folder / "data.csv")
    return truth


@CASES.add(expect=EITHER, refusal=r"24:00")
def midnight_as_24_o_clock(folder: Path, rng: Rng) -> list[Series]:
    times = span("2023-05-01 01:00", 480, "h")
    values = seasonal(rng, 480, 24, 60)
    shown = [
        f"{day} 24:00" if clock == "00:00" else f"{now} {clock}"
        for day, now, clock in zip(
            texts(times - np.timedelta64(1, "D")), texts(times), texts(times, "%H:%M"), strict=True
        )
    ]
    save(pd.DataFrame({"time": shown, "NO2": values}), folder / "data.csv")
    return [Series((), "NO2", times, values)]


@CASES.add()
def days_as_local_midnights_with_offsets(folder: Path, rng: Rng) -> list[Series]:
    index = pd.date_range("2023-02-01", periods=120, freq="D", tz=_BERLIN)
    values = seasonal(rng, 120)
    save(pd.DataFrame({"day": [t.isoformat() for t in index], "sold": values}), folder / "data.csv")
    return [Series((), "sold", moments(index), values)]


@CASES.add(expect=EITHER, refusal="Time Zone|timezone|clock|duplicate|same time")
def zones_of_the_clock_in_a_column(folder: Path, rng: Rng) -> list[Series]:
    """New York's loads: the doubled autumn hour is told apart by EDT and EST beside it."""
    index = pd.date_range("2023-10-25", periods=500, freq="h", tz=_NEW_YORK)
    truth = []
    for name in ("CAPITL", "CENTRL"):
        values = seasonal(rng, 500, 24, 1300)
        truth.append(Series((name,), "Load", moments(index), values))
    frame = long_frame(truth, ["Name"], "Time Stamp", "%m/%d/%Y %H:%M:%S")
    frame.insert(1, "Time Zone", [t.tzname() for t in index] * 2)
    save(frame[["Time Stamp", "Time Zone", "Name", "Load"]], folder / "data.csv")
    return truth


@CASES.add(expect=REFUSES, refusal="regular|frequency|step|grid")
def readings_at_any_minute(folder: Path, rng: Rng) -> list[Series]:
    times = span("2024-01-01", 1, "D") + np.cumsum(rng.integers(40, 4000, 400)).astype(
        "timedelta64[s]"
    )
    truth = [Series((), "glucose", times, seasonal(rng, 400, 20))]
    save(wide_frame(truth, "at", "%Y-%m-%d %H:%M:%S"), folder / "data.csv")
    return truth


@CASES.add(plain=True)
def hours_with_lines_missing(folder: Path, rng: Rng) -> list[Series]:
    times = span("2024-01-01", 900, "h")
    kept = np.sort(rng.permutation(900)[:860])
    truth = members(rng, ["a", "b"], times[kept], "count", 24, digits=0)
    save(long_frame(truth, ["sensor"], "at", "%Y-%m-%d %H:%M"), folder / "data.csv")
    return truth
