"""Stretches of a backtest: the origins between one training and the next."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from tsconv.data.batches.common_grid import common_grid
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel
from tsconv.data.timestamps.frequency import Times
from tsconv.errors import require_positive


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Origins that one network forecasts from."""

    time: Times  # (1,) of the first of them: what was known then is trained on
    origins: OriginRange


def cut_stretches(panel: Panel, origins: OriginRange, every: int) -> list[Stretch]:
    """Cut origins into stretches of `every` steps on the common calendar, in the order of time.

    The first stretch begins at the earliest origin of all series. A stretch without an origin is
    left out. Raises ConfigError where `every` is below 1.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.panel.panel import build_panel
    >>> from tsconv.data.reading.read import table_from_frame
    >>> frame = pd.DataFrame({"unique_id": "a", "ds": range(40), "y": range(40)})
    >>> panel = build_panel(table_from_frame(frame, DataConfig()))
    >>> origins = OriginRange(torch.tensor([20]), torch.tensor([33]), torch.tensor([40]))
    >>> [(int(s.time[0]), int(s.origins.counts)) for s in cut_stretches(panel, origins, 10)]
    [(20, 10), (30, 4)]
    """
    require_positive(**{"backtest.refit_every": every})
    earliest, later = common_grid(panel)
    shift, stride, first = torch.from_numpy(later), origins.stride, origins.first
    final = first + (origins.counts - 1) * stride
    some = origins.counts > 0
    begin, end = int((first + shift)[some].min()), int((final + shift)[some].max())
    found = []
    for low in range(begin, end + 1, every):
        behind = (low - shift - first).clamp_min(0)
        head = first + -(-behind // stride) * stride  # on an origin of the range
        tail = torch.minimum(final, low + every - 1 - shift)
        part = OriginRange(head, tail, origins.end, stride)
        within = part.counts > 0
        if bool(within.any()):
            step = np.array([int((head + shift)[within].min())])
            found.append(Stretch(panel.frequency.advance(earliest, step), part))
    return found
