"""Times in messages, as their zone shows them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tsconv.data.timestamps.frequency import Times
from tsconv.data.timestamps.zones import HasClock, zoned


def format_time(time: np.datetime64 | np.int64) -> str:
    """A time without what is zero at its end.

    >>> format_time(np.datetime64("2024-01-31T00:00", "us"))
    '2024-01-31'
    """
    return str(time).replace("T", " ").removesuffix(".000000").removesuffix(" 00:00:00")


def format_zoned_time(time: Times, clock: HasClock) -> str:
    """A time (1,) of a table or panel, with the offset of its zone where it has one."""
    shown = time if clock.wall_clock else zoned(time, clock)
    return str(shown.iloc[0]) if isinstance(shown, pd.Series) else format_time(shown[0])
