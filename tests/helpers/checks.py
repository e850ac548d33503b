"""What tests of a check look at: tables and attempts to read, made from data frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tests.helpers.frames import daily_frame
from tsconv.check.panel_attempt import attempt_reading
from tsconv.check.read_attempt import ReadAttempt
from tsconv.check.report import Finding
from tsconv.check.tables.raw_table import RawTable
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.config.schema import DataConfig
from tsconv.data.reading.read import table_from_frame


def sorted_table_of(frame: pd.DataFrame, **data: Any) -> SortedTable:
    """The lines of a frame, read with these keys of `data`."""
    return SortedTable(table_from_frame(frame, DataConfig(**data)))


def raw_table_of(frame: pd.DataFrame) -> RawTable:
    return RawTable.of(pa.Table.from_pandas(frame, preserve_index=False))


def read_attempt(
    folder: Path, frame: pd.DataFrame, data: dict[str, Any] | None = None, **csv: Any
) -> ReadAttempt:
    """Write a frame as CSV and attempt to read it with these keys of `data`."""
    path = folder / "file.csv"
    frame.to_csv(path, index=False, **csv)
    return attempt_reading(DataConfig(path=str(path), **(data or {})))


def first_of(finding: Finding | None) -> str:
    """Where a finding occurs first."""
    assert finding is not None
    return finding.first or ""


def hourly_frame(start: str, end: str, ids: str = "ab") -> pd.DataFrame:
    """Rising values of every hour from start to end, the same for each id."""
    times = pd.date_range(start, end, freq="h")
    parts = [
        pd.DataFrame({"unique_id": i, "ds": times, "y": 1.0 + np.arange(len(times))}) for i in ids
    ]
    return pd.concat(parts, ignore_index=True)


def shop_frame(n: int = 3, length: int = 60) -> pd.DataFrame:
    """Daily sales with column names that are not the defaults."""
    return daily_frame(n, length).rename(columns={"unique_id": "shop", "ds": "when", "y": "sold"})


def covariate_frame() -> pd.DataFrame:
    """Daily series of which the last 10 lines have no target, with columns of every role."""
    frame = daily_frame(3, 60)
    frame.loc[frame.groupby("unique_id").cumcount() >= 50, "y"] = None
    size = frame["unique_id"].map({"shop 0": 3.0, "shop 1": 5.0, "shop 2": 3.0})
    rng = np.random.default_rng(0)
    return frame.assign(
        kind=frame["unique_id"].str[-1] + "x",
        size=size,
        price=rng.normal(size=180),
        weekday=frame["ds"].dt.day_of_week,
        rain=pd.Series(rng.normal(size=180)).where(frame["y"].notna()),
        line=np.arange(180),
        nothing=np.nan,
        same=1.5,
        tomorrow=frame.groupby("unique_id")["y"].shift(-1),
        double=2 * frame["y"],
    )


def waves(n: int, periods: dict[float, float], noise: float, seed: int = 0) -> np.ndarray:
    """Sines of these periods and amplitudes, with random phases and noise, over n steps."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    wave = sum(a * np.sin(2 * np.pi * t / p + rng.uniform(0, 6)) for p, a in periods.items())
    return wave + noise * rng.normal(size=n)
