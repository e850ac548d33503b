"""What to say of forecasts that were brought within the bounds of their targets."""

from __future__ import annotations

import torch

from tsconv.calibration.value_range import ValueRange, bounds_note
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import Panel
from tsconv.forecasting.forecast import Forecast
from tsconv.notes import Note


def limit_notes(
    forecast: Forecast, panel: Panel, limits: ValueRange | None, data: DataConfig
) -> list[Note]:
    """Notes that count the point forecasts beyond each bound; none where none was.

    limits: of the panel. data: the roles, whose `lower` and `upper` the notes name.
    """
    if limits is None:
        return []
    out = []
    total = int((~forecast.unlimited.isnan()).sum())
    for key, bound, sign in (("lower", limits.lower, 1), ("upper", limits.upper, -1)):
        own = bound[forecast.series][..., None, None]  # (S', T, 1, 1)
        beyond = sign * (own - forecast.unlimited) > 0  # (S', T, H, horizon), False for NaN
        by_target = beyond.flatten(2).any(-1)  # (S', T)
        if len(panel.targets) > 1:
            names = [n for n, hit in zip(panel.targets, by_target.any(0), strict=True) if hit]
        else:
            numbers = forecast.series[torch.nonzero(by_target[:, 0]).flatten()]
            names = [panel.ids[s] for s in numbers.tolist()]
        note = bounds_note(key, getattr(data, key), int(beyond.sum()), total, names)
        out += [] if note is None else [note]
    return out
