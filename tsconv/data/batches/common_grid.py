"""One calendar for all series of a panel: how many steps after the earliest each one begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tsconv.data.panel.panel import Panel
from tsconv.data.panel.ragged import steps_within
from tsconv.data.timestamps.frequency import Frequency, Steps, Times


def steps_apart(start: Times, time: Times, frequency: Frequency) -> Steps:
    """Whole steps from `start` (1,) to each time, rounded down where grids differ; may be negative.

    >>> from tsconv.data.timestamps.frequency import parse_frequency
    >>> time = np.array(["2024-01-01", "2024-01-09", "2023-12-30"], "datetime64[us]")
    >>> steps_apart(time[:1], time, parse_frequency("W"))
    array([ 0,  1, -1])
    """
    if frequency.kind == "month":
        first, all_months = (t.astype("datetime64[M]").astype("int64") for t in (start, time))
        months: npt.NDArray[np.int64] = all_months - first
        # A day of the month before that of the grid belongs to the step before.
        count = months // frequency.size
        reached: Any = frequency.advance(start.repeat(len(time)), count)
        behind: npt.NDArray[np.bool_] = reached > time
        return count - behind
    if frequency.kind == "business":
        first_day, days = (t.astype("datetime64[D]") for t in (start, time))
        return np.busday_count(first_day, days).astype("int64") // frequency.size
    distance: npt.NDArray[np.int64] = time.astype("int64") - start.astype("int64")
    return distance // frequency.size


def common_grid(panel: Panel) -> tuple[Times, Steps]:
    """The earliest first step of all series (1,), and (S,) how many steps later each begins.

    Step t of series s is step `later[s] + t` of the common grid; its time is
    `panel.frequency.advance(earliest, ...)`, but for series that lie between the steps of the
    earliest, such as weeks that begin on another day.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.panel.panel import build_panel
    >>> from tsconv.data.reading.read import table_from_frame
    >>> frame = pd.DataFrame({"unique_id": list("aabb"), "ds": [3, 4, 5, 6], "y": range(4)})
    >>> earliest, later = common_grid(build_panel(table_from_frame(frame, DataConfig())))
    >>> earliest, later
    (array([3]), array([0, 2]))
    """
    earliest = panel.start[[int(panel.start.argmin())]]
    return earliest, steps_apart(earliest, panel.start, panel.frequency)


def common_steps(panel: Panel) -> Tensor:
    """(N,) the step of the common grid that each of the panel's steps is, series by series."""
    later = torch.from_numpy(common_grid(panel)[1])
    return later.repeat_interleave(panel.lengths.cpu()) + steps_within(panel.indptr.cpu())
