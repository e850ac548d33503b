"""Make data/load.csv.gz and data/load_future.csv: hourly electricity load of four made-up areas.

Nothing here was measured: the areas do not exist and every number comes from a formula and a
seeded generator. What is real is the calendar: dates, holidays and clock changes are Germany's.

    python scripts/make_load.py [folder]     # data/ if none is named; a second
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

ZONE = "Europe/Berlin"
FIRST, LAST = "2023-01-01 00:00", "2024-03-30 23:00"  # LAST: hours before the clocks change
AHEAD = 48  # hours behind LAST, of which only the covariates are known
LATITUDE, LONGITUDE = 50.0, 10.0

NATIONAL = (
    "2023-01-01", "2023-04-07", "2023-04-10", "2023-05-01", "2023-05-18", "2023-05-29",
    "2023-10-03", "2023-12-25", "2023-12-26", "2024-01-01", "2024-03-29", "2024-04-01",
)  # fmt: skip
# In some areas only (Epiphany, Corpus Christi, Assumption, All Saints; Women's, Reformation).
OF_SOUTH = ("2023-01-06", "2023-06-08", "2023-08-15", "2023-11-01", "2024-01-06")
OF_NORTH = ("2023-03-08", "2023-10-31", "2024-03-08")
# Working days between a holiday and a weekend, which many take off.
BRIDGE = ("2023-05-19", "2023-10-02", "2023-12-27", "2023-12-28", "2023-12-29")
BRIDGE_OF_SOUTH = ("2023-06-09", "2023-08-14")
BRIDGE_OF_NORTH = ("2023-10-30",)

Floats = npt.NDArray[np.float64]


class Area(NamedTuple):
    """An area: its id, the share of its load that industry has, and what else sets its size."""

    name: str
    kind: str
    population: int  # thousands
    base: float  # MW, the load of an hour when nothing much goes on
    solar: float  # MW, of all panels in full sun
    offset: float  # degrees C that it is warmer than the mean of the areas
    south: bool


AREAS = (
    Area("harbour", "industrial", 210, 620.0, 60.0, 0.4, False),
    Area("works", "industrial", 140, 410.0, 90.0, -0.6, True),
    Area("lakeside", "residential", 380, 290.0, 160.0, 0.9, True),
    Area("suburbs", "residential", 560, 430.0, 120.0, -0.2, False),
)
# What is left of industry's load on a day of each kind; homes feel it by a twentieth of that.
LEFT = {"": 1.0, "national": 0.58, "regional": 0.64, "bridge": 0.80}
SUNDAY, SATURDAY = 0.62, 0.74


def make(seed: int = 11) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The lines up to LAST, and those behind it without `load` and `solar`."""
    rng = np.random.default_rng(seed)
    first, last = (pd.Timestamp(t, tz=ZONE) for t in (FIRST, LAST))
    utc = pd.date_range(first, last + pd.Timedelta(hours=AHEAD), freq="h").tz_convert("UTC")
    local = utc.tz_convert(ZONE)
    sun = sun_height(utc)
    # Weather systems pass in a few days, and are much the same in all areas.
    front = red_noise(rng, len(utc), memory=0.99, size=3.5)
    cloud = 1 / (1 + np.exp(-red_noise(rng, len(utc), memory=0.97, size=1.5)))
    shared = red_noise(rng, len(utc), memory=0.95, size=0.010)
    frames = []
    for area in AREAS:
        warm = temperature(utc, local, sun, cloud) + front + area.offset
        warm += red_noise(rng, len(utc), memory=0.95, size=0.5)
        feed_in = area.solar * np.clip(sun, 0, None) * (1 - 0.75 * cloud)
        holiday = holidays(local, area)
        shape = industry(local, holiday) if area.kind == "industrial" else homes(local, holiday)
        # Heating below 15 degrees and cooling above 22: a U with a flat bottom. Homes feel it more.
        feel = 0.012 if area.kind == "residential" else 0.005
        weather = feel * np.clip(15 - warm, 0, None) + 1.6 * feel * np.clip(warm - 22, 0, None)
        awake = (local.hour >= 6) & (local.hour <= 23)
        dark = 0.10 * awake * np.clip(0.15 - sun, 0, 0.3) / 0.3  # lamps
        noise = shared + red_noise(rng, len(utc), memory=0.9, size=0.012)
        load = area.base * (shape + weather + dark) * (1 + noise) - 0.3 * feed_in
        frames.append(
            pd.DataFrame(
                {
                    "time": local.strftime("%Y-%m-%d %H:%M"),
                    "area": area.name,
                    "kind": area.kind,
                    "population": area.population,
                    "load": load.round().astype("int64"),
                    "solar": feed_in.round().astype("int64"),
                    # The column is a forecast of the temperature, made the day before.
                    "temperature": (warm + red_noise(rng, len(utc), 0.9, 0.7)).round(1) + 0.0,
                    "holiday": holiday,
                }
            )
        )
    known = len(utc) - AHEAD
    past = pd.concat([f.iloc[:known] for f in frames], ignore_index=True)
    ahead = pd.concat([f.iloc[known:] for f in frames], ignore_index=True)
    return past, ahead[["time", "area", "temperature", "holiday"]]


def red_noise(rng: np.random.Generator, length: int, memory: float, size: float) -> Floats:
    """Noise in which each hour keeps `memory` of the last; its deviation is `size`."""
    fresh = rng.normal(size=length) * size * np.sqrt(1 - memory**2)
    fresh[0] = 0.0
    out = np.zeros(length)
    for t in range(1, length):
        out[t] = memory * out[t - 1] + fresh[t]
    return out


def sun_height(utc: pd.DatetimeIndex) -> Floats:
    """Sine of the sun's height above the horizon, negative at night."""
    tilt = np.radians(-23.44) * np.cos(2 * np.pi * (utc.day_of_year.to_numpy() + 10) / 365)
    turn = np.radians(15 * (utc.hour.to_numpy() - 12) + LONGITUDE)
    phi = np.radians(LATITUDE)
    return np.sin(phi) * np.sin(tilt) + np.cos(phi) * np.cos(tilt) * np.cos(turn)


def temperature(
    utc: pd.DatetimeIndex, local: pd.DatetimeIndex, sun: Floats, cloud: Floats
) -> Floats:
    """Degrees C of a usual year: coldest in late January, warmest in mid-afternoon if clear."""
    season = 10.5 - 9.5 * np.cos(2 * np.pi * (utc.day_of_year.to_numpy() - 22) / 365)
    day = np.cos(2 * np.pi * (local.hour.to_numpy() - 15) / 24)
    return season + day * (1.0 + 4.5 * np.clip(0.3 + sun, 0, 1) * (1 - cloud))


def holidays(local: pd.DatetimeIndex, area: Area) -> npt.NDArray[np.str_]:
    """(N,) empty, national, regional or bridge."""
    day = local.strftime("%Y-%m-%d").to_numpy()
    bridge = BRIDGE + (BRIDGE_OF_SOUTH if area.south else BRIDGE_OF_NORTH)
    regional = OF_SOUTH if area.south else OF_NORTH
    kinds = [np.isin(day, days) for days in (NATIONAL, regional, bridge)]
    return np.select(kinds, ["national", "regional", "bridge"], "")


def industry(local: pd.DatetimeIndex, holiday: npt.NDArray[np.str_]) -> Floats:
    """Shifts from 6 to 22, less at weekends, and far less on holidays."""
    hour, weekday = local.hour.to_numpy(), local.day_of_week.to_numpy()
    shifts = bump(hour, 9, 3.5) + 0.8 * bump(hour, 15, 4)
    left = np.select([weekday == 6, weekday == 5], [SUNDAY, SATURDAY], 1.0)
    left = np.minimum(left, np.array([LEFT[h] for h in holiday]))
    # Plants take some hours to run down before a free day, and to start up after it.
    ramp = np.convolve(np.pad(left, 3, mode="edge"), np.ones(7) / 7, mode="valid")
    return (0.75 + 0.55 * shifts) * ramp


def homes(local: pd.DatetimeIndex, holiday: npt.NDArray[np.str_]) -> Floats:
    """A peak at breakfast, later on days without work, and a larger one in the evening."""
    hour, weekday = local.hour.to_numpy(), local.day_of_week.to_numpy()
    left = np.array([LEFT[h] for h in holiday])
    free = (weekday >= 5) | (left < 0.7)
    breakfast = np.where(free, bump(hour, 10, 2.5), bump(hour, 7, 1.5))
    return (0.7 + 0.3 * breakfast + 0.5 * bump(hour, 19, 2.5)) * (1 - 0.05 * (1 - left))


def bump(hour: npt.NDArray[np.int64], centre: float, width: float) -> Floats:
    """A hill of height 1 around an hour of the day."""
    away = (hour - centre + 12) % 24 - 12
    return np.exp(-0.5 * (away / width) ** 2)


def main(folder: str = "data") -> None:
    past, ahead = make()
    text = past.to_csv(index=False, lineterminator="\n").encode()
    # Without a name and a time inside, the same lines give the same file.
    Path(folder, "load.csv.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    ahead.to_csv(Path(folder, "load_future.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
