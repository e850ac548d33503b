"""Tables as users have them: long-form daily series, stations, a table written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

PLACES = ("north", "south", "west")


def daily_frame(n_series: int = 3, length: int = 200, seed: int = 0) -> pd.DataFrame:
    """Long-form daily series with a weekly season, a trend and noise."""
    rng = np.random.default_rng(seed)
    step = np.arange(length)
    week = rng.normal(size=(n_series, 7))
    parts = []
    for s in range(n_series):
        y = 10 * (s + 1) + 3 * week[s, step % 7] + 0.01 * step + rng.normal(size=length) * 0.5
        ds = pd.date_range("2023-01-02", periods=length, freq="D")
        parts.append(pd.DataFrame({"unique_id": f"shop {s}", "ds": ds, "y": y}))
    return pd.concat(parts, ignore_index=True)


def stations(length: int = 160, places: tuple[str, ...] = PLACES, seed: int = 0) -> pd.DataFrame:
    """Daily values of two targets and a covariate, a week's season, stations that move together."""
    rng = np.random.default_rng(seed)
    step = np.arange(length)
    common = rng.normal(size=length).cumsum() * 0.3
    parts = []
    for k, place in enumerate(places):
        week = np.sin(2 * np.pi * (step + k) / 7)
        parts.append(
            pd.DataFrame(
                {
                    "place": place,
                    "ds": pd.date_range("2024-01-01", periods=length, freq="D"),
                    "no2": 20 + 5 * k + 4 * week + common + rng.normal(size=length) * 0.3,
                    "o3": 60 - 3 * week - common + rng.normal(size=length) * 0.3,
                    "wind": common + rng.normal(size=length),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def long(rows: list[tuple[str, object, float]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["unique_id", "ds", "y"])
    return frame if frame.ds.dtype.kind == "i" else frame.assign(ds=pd.to_datetime(frame.ds))


def times(*args: Any, **kwargs: Any) -> npt.NDArray[np.datetime64]:
    """What pd.date_range makes, in microseconds."""
    return pd.date_range(*args, **kwargs).to_numpy().astype("datetime64[us]")
