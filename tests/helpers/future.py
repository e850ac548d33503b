"""Two series with a promotion (a number) and an event (a category), and a file of their future."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd

from tsconv.config.schema import DataConfig
from tsconv.data.covariates.encode import Encoding
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.future_file import with_future
from tsconv.data.reading.read import table_from_frame

DAYS = pd.date_range("2024-01-01", periods=8, freq="D")
ROLES = DataConfig(future_covariates=["promo", "event"], categories="event")
PAST = pd.DataFrame(
    {
        "unique_id": ["a"] * 4 + ["b"] * 3,
        "ds": [*DAYS[:4], *DAYS[2:5]],
        "y": [1.0, 2, 3, 4, 5, 6, 7],
        "promo": [0.0, 1, 0, None, 1, 0, 1],
        "event": ["", "fair", "", "", "fair", "", ""],
    }
)
AHEAD = pd.DataFrame(
    {
        "unique_id": ["a"] * 3 + ["b"] * 2,
        "ds": [*DAYS[3:6], *DAYS[5:7]],
        "promo": [1, 0, 1, 0, 0],
        "event": ["fair", "gala", "fair", "gala", "gala"],
    }
)
ENCODINGS = [
    Encoding("event", "future", categories=("", "fair", "gala")),
    Encoding("promo", "future", 0.5, 0.5),
]


def merged(ahead: pd.DataFrame = AHEAD, past: pd.DataFrame = PAST, **changes: Any) -> Panel:
    """The panel of `past` and a second table, `ahead`, with its future covariates."""
    roles = dataclasses.replace(ROLES, **changes)
    extra = table_from_frame(ahead, roles, future_only=True)
    return build_panel(with_future(table_from_frame(past, roles), extra))
