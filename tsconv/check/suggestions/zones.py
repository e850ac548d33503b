"""The time zone whose clock shows the offsets that stand in a column of times."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from tsconv.check.suggestions.suggestion import NO_SUGGESTION, Suggestion
from tsconv.check.tables.columns import is_text
from tsconv.check.tables.raw_table import RawTable
from tsconv.config.schema import DataConfig
from tsconv.data.reading.roles import as_list

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)$")
_ZONES = (
    "Europe/London", "Europe/Berlin", "Europe/Athens", "America/New_York", "America/Chicago",
    "America/Denver", "America/Los_Angeles", "America/Halifax", "America/St_Johns",
    "Australia/Sydney", "Australia/Adelaide", "Pacific/Auckland", "America/Santiago",
)  # fmt: skip


def suggest_zone_of_offsets(raw_table: RawTable, data: DataConfig) -> Suggestion:
    """Suggest a zone for times of several offsets: the one that has all of them, or else UTC.

    >>> import pyarrow as pa
    >>> times = ["2024-01-01T00:00+01:00", "2024-07-01T00:00+02:00"]
    >>> raw_table = RawTable.of(pa.table({"ds": times}))
    >>> suggest_zone_of_offsets(raw_table, DataConfig()).keys
    {'data.timezone': 'Europe/Berlin'}
    """
    time = [name for name in as_list(data.time, "data.time") if name in raw_table]
    if len(time) != 1 or data.timezone is not None or data.time_format is not None:
        return NO_SUGGESTION
    if not is_text(raw_table.arrow[time[0]].type):
        return NO_SUGGESTION
    words = raw_table.words(time[0]).str.strip()
    parts = words.str.extract(_OFFSET)
    if parts[0].isna().any() or parts.drop_duplicates().shape[0] < 2:
        return NO_SUGGESTION
    utc = pd.to_datetime(words, format="ISO8601", errors="coerce", utc=True)
    if utc.isna().any():
        return NO_SUGGESTION
    minutes = parts[1].astype(int) * 60 + parts[2].astype(int)
    offset = np.where(parts[0] == "-", -minutes, minutes)
    for zone in _ZONES:
        wall = utc.dt.tz_convert(zone).dt.tz_localize(None)
        shown = (wall - utc.dt.tz_localize(None)) // pd.Timedelta("1min")
        if (shown.to_numpy() == offset).all():
            why = f"its clock shows the offsets of all {len(words):,} times"
            return Suggestion.of("data.timezone", zone, why)
    return Suggestion.of("data.timezone", "UTC", "the times have several offsets from UTC")
