"""Panels straight from a frame."""

from __future__ import annotations

import pandas as pd

from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.read import table_from_frame


def panel_of(frame: pd.DataFrame, freq: str | None = None, **data: object) -> Panel:
    return build_panel(table_from_frame(frame, DataConfig(**data)), freq)  # type: ignore[arg-type]
