"""Up to when a training has used each series: kept in a bundle, so that a backtest can tell.

Under `trained_until` the ends of the training parts, under `seen_until` those of all that the
training has looked at, the validation part or a refit included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tsconv.data.batches.common_grid import common_grid, steps_apart
from tsconv.data.panel.panel import Panel
from tsconv.data.timestamps.frequency import Times

_MOST_SERIES = 10_000  # whose own ends a bundle keeps, where they differ


def describe_ends(panel: Panel, steps: Tensor) -> dict[str, Any] | None:
    """The time of the last step used, of all series and of each where they differ.

    steps: (S,) how many of each were used. Returns plain JSON values, None where none was. Of more
    than 10,000 series only the latest time is kept.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.panel.panel import build_panel
    >>> from tsconv.data.reading.read import table_from_frame
    >>> frame = pd.DataFrame({"unique_id": list("aabb"), "ds": [3, 4, 5, 6], "y": range(4)})
    >>> panel = build_panel(table_from_frame(frame, DataConfig()))
    >>> ends = describe_ends(panel, torch.tensor([2, 1]))
    >>> ends
    {'time': '5', 'series': {'a': '4', 'b': '5'}}
    >>> steps_until(ends, panel)
    tensor([2, 1])
    """
    steps = steps.cpu()
    used = torch.nonzero(steps > 0).flatten().numpy()
    if len(used) == 0:
        return None
    times = panel.frequency.advance(panel.start[used], steps[used].numpy() - 1)
    out: dict[str, Any] = {"time": str(times.max())}
    if len(used) <= _MOST_SERIES and (times != times[0]).any():
        names = (panel.ids[s] for s in used)
        out["series"] = dict(zip(names, map(str, times), strict=True))
    return out


def steps_until(ends: Mapping[str, Any] | None, panel: Panel) -> Tensor:
    """(S,) how many steps of each series lie at or before the ends that `describe_ends` gave.

    A series that it does not name has been used up to the latest time.
    """
    lengths = panel.lengths.cpu()
    if ends is None:
        return torch.zeros_like(lengths)
    named = ends.get("series", {})
    texts = [str(named.get(name, ends["time"])) for name in panel.ids]
    times: Times
    if panel.start.dtype.kind == "i":
        times = np.array([int(text) for text in texts], dtype="int64")
    else:
        times = np.array(texts, dtype="datetime64[us]")
    earliest, later = common_grid(panel)
    steps = steps_apart(earliest, times, panel.frequency) - later + 1
    return torch.from_numpy(steps).clamp_min(0).minimum(lengths)
