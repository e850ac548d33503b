"""What the times of day stand for: hours stamped at their end, and times that are in UTC."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from tsconv.check.report import Finding
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.config.schema import DataConfig
from tsconv.data.reading.roles import as_list
from tsconv.data.timestamps.zones import to_local

_HOUR = 3_600_000_000  # microseconds
_FEWEST_LINES = 48  # from which the first and the last time of day say something
_SAMPLE = 100_000  # gaps from which the commonest step is estimated
_END = re.compile(r"(?:^|[\W_])(?:end|ending)(?:[\W_]|$)|(?:hour|interval|period)end")
_UTC = re.compile(r"(?:^|[\W_])(?:utc|gmt|zulu)(?:[\W_]|$)|utc$|^utc")
_LOCAL = re.compile(r"(?:^|[\W_])(?:local|lokal)(?:[\W_]|$)|local")


def find_hour_ending(table: SortedTable, data: DataConfig) -> Finding | None:
    """Report stamps that seem to mark the end of each hour, or of a shorter step.

    The first time of the file is a step after midnight and the last one is midnight, or the name of
    the time column speaks of an end.
    """
    gaps = table.time_gaps[table.time_gaps > 0]
    if not table.has_timestamps or len(gaps) == 0 or len(table) < _FEWEST_LINES:
        return None
    step = int(np.median(gaps[:: max(1, len(gaps) // _SAMPLE)]))
    if step > _HOUR:
        return None
    ends = np.array([table.time.min(), table.time.max()])
    local = to_local(ends, table.file_table).astype("datetime64[us]")
    first, last = (local - local.astype("datetime64[D]")).astype("int64")
    named = [n for n in as_list(data.time, "data.time") if _END.search(n.lower())]
    if named:
        why = f"`{named[0]}` holds the ends of intervals by its name"
    elif first == step and last == 0:
        why = f"the file begins at {_clock(first)} and ends at {_clock(last)}"
    else:
        return None
    what = "hour" if step == _HOUR else "interval"
    return Finding(
        "hour ending",
        "note",
        f"{why}: times seem to mark the end of each {what}, and midnight counts to the next day",
        advice="if so, subtract a step from the times, so that hours and weekdays are right",
    )


def find_utc_times(
    table: SortedTable, data: DataConfig, other_columns: Sequence[str]
) -> Finding | None:
    """Report times without an offset that are in UTC by the name of their column.

    other_columns: of the file; one with local times beside the time column says the same.

    >>> import pandas as pd
    >>> from tsconv.data.reading.read import table_from_frame
    >>> ds = pd.date_range("2024-01-01", periods=3, freq="h")
    >>> frame = pd.DataFrame({"unique_id": "a", "time_utc": ds, "y": [1.0, 2.0, 3.0]})
    >>> data = DataConfig(time="time_utc")
    >>> find_utc_times(SortedTable(table_from_frame(frame, data)), data, []).advice
    'set data.times_are=utc and data.timezone= to have hours and weekdays of a local clock'
    """
    time = as_list(data.time, "data.time")
    known = data.times_are != "local" or table.file_table.time_zone is not None
    if known or len(time) != 1 or not table.has_timestamps:
        return None
    beside = [n for n in other_columns if _LOCAL.search(n.lower())]
    if not _UTC.search(time[0].lower()):
        return None
    text = f"`{time[0]}` holds times in UTC by its name, without an offset"
    if beside:
        text += f"; `{beside[0]}` holds local ones"
    advice = "set data.times_are=utc and data.timezone= to have hours and weekdays of a local clock"
    return Finding("times in UTC", "note", text, advice=advice)


def _clock(microseconds: int) -> str:
    minutes = int(microseconds) // 60_000_000
    return f"{minutes // 60:02}:{minutes % 60:02}"
