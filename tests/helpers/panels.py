"""Panels straight from a frame."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import torch

from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.data.timestamps.frequency import parse_frequency


def panel_of(frame: pd.DataFrame, freq: str | None = None, **data: object) -> Panel:
    return build_panel(table_from_frame(frame, DataConfig(**data)), freq)  # type: ignore[arg-type]


def panel_of_zeros(freq: str, n_series: int, length: int) -> Panel:
    """Series of one length: what defaults look at. freq: an alias, or 1 for integer time."""
    days = pd.date_range("2020-01-01", periods=3, freq=freq if freq != "1" else "D")
    frame = pd.DataFrame({"unique_id": "a", "ds": days, "y": 1.0})
    template = panel_of(frame)
    return dataclasses.replace(
        template,
        values=torch.zeros(n_series * length, 1, 1, dtype=torch.float64),
        indptr=torch.arange(n_series + 1) * length,
        offset=torch.zeros(n_series, 1, 1, dtype=torch.float64),
        ids=tuple(f"s{i}" for i in range(n_series)),
        start=np.repeat(template.start[:1], n_series),
        frequency=parse_frequency(freq),
    )
