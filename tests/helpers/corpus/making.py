"""Pieces of which the files of the corpus are made: times, values, lines."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.helpers.corpus.case import Series


def span(start: str, steps: int, freq: str = "D") -> np.ndarray:
    """`steps` times from a start on."""
    return moments(pd.date_range(start, periods=steps, freq=freq))


def moments(times: Any) -> np.ndarray:
    """Times as datetime64[us], on the wall clock where they have a zone."""
    index = pd.DatetimeIndex(times)
    return index.tz_localize(None).to_numpy().astype("datetime64[us]")


def texts(times: np.ndarray, form: str = "%Y-%m-%d") -> list[str]:
    """Times as strftime writes them."""
    return pd.DatetimeIndex(times).strftime(form).tolist()


def seasonal(
    rng: np.random.Generator, steps: int, period: int = 7, level: float = 100, digits: int = 1
) -> np.ndarray:
    """A season, a slow trend and noise around a level."""
    step = np.arange(steps)
    shape = 1 + 0.3 * np.sin(2 * np.pi * step / period) + 0.001 * step
    return np.round(level * (shape + 0.05 * rng.normal(size=steps)), digits)


def members(
    rng: np.random.Generator,
    names: Iterable[Any],
    times: np.ndarray,
    channel: str | None = "value",
    period: int = 7,
    digits: int = 1,
) -> list[Series]:
    """A series for each name, or tuple of names, all of the same times."""
    keys = [name if isinstance(name, tuple) else (name,) for name in names]
    return [
        Series(key, channel, times, seasonal(rng, len(times), period, 50 + 30 * k, digits))
        for k, key in enumerate(keys)
    ]


def long_frame(
    truth: Sequence[Series], ids: Sequence[str], time: str, form: str | None = "%Y-%m-%d"
) -> pd.DataFrame:
    """One line for each series and time; form None leaves the times as they are."""
    parts = []
    for series in truth:
        names = [name if isinstance(name, str) else name[0] for name in series.names]
        times = series.times if form is None else texts(series.times, form)
        columns = {time: times, **dict(zip(ids, names, strict=True)), series.channel: series.values}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def wide_frame(truth: Sequence[Series], time: str, form: str | None = "%Y-%m-%d") -> pd.DataFrame:
    """One line for each time, one column for each channel."""
    times = truth[0].times if form is None else texts(truth[0].times, form)
    return pd.DataFrame({time: times, **{str(s.channel): s.values for s in truth}})


def save(frame: pd.DataFrame, path: Path, **options: Any) -> None:
    """Write a frame as CSV without its index."""
    frame.to_csv(path, index=False, **options)


def save_lines(
    path: Path, lines: Iterable[Sequence[Any]], sep: str = ",", quote: int = csv.QUOTE_MINIMAL,
    encoding: str = "utf-8",
) -> None:  # fmt: skip
    """Write lines, the header among them, whatever their lengths."""
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, delimiter=sep, quoting=quote, lineterminator="\n")
        writer.writerows(lines)
