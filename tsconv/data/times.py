"""Reading a time column: timestamps in microseconds, or integers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from tsconv.data.frequency import Times
from tsconv.errors import DataError

_DAY_FIRST, _MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"


_RANGES = {
    "year": (1000, 9999), "month": (1, 12), "day": (1, 31),
    "hour": (0, 23), "minute": (0, 59), "second": (0, 59),
}  # fmt: skip
_PARTS = tuple(_RANGES)
Place = Callable[[int], str]


def combined(
    frame: pd.DataFrame, names: Sequence[str], place: Place, time_format: str | None
) -> pd.Series:
    """The time column, or several that make one together.

    Whole numbers are year, month, day, hour, minute and second, in this order, as many as there
    are; text is joined by spaces, such as a date and a clock. Raises DataError naming the first row
    that is no time.
    """
    if len(names) == 1:
        return frame[names[0]]
    columns = [frame[name] for name in names]
    together = ", ".join(names)
    for column, name in zip(columns, names, strict=True):
        if column.isna().any():
            row = int(np.flatnonzero(column.isna())[0])
            raise DataError(f"{place(row)}, column `{name}`: the time is missing")
    if time_format is not None or not all(pd.api.types.is_integer_dtype(c) for c in columns):
        text = columns[0].astype(str)
        for column in columns[1:]:
            text = text + " " + column.astype(str)
        return text.rename(together)
    if len(names) > len(_PARTS):
        raise DataError(f"`data.time` (={together}): at most {', '.join(_PARTS)}, in this order")
    parts = dict(zip(_PARTS, columns, strict=False))
    outside = np.zeros(len(frame), dtype=bool)
    for name, column in parts.items():
        low, high = _RANGES[name]
        outside |= ~column.between(low, high).to_numpy()
    full = parts | {p: pd.Series(1, index=frame.index) for p in _PARTS[:3] if p not in parts}
    time = pd.to_datetime(pd.DataFrame(full), errors="coerce")
    bad = np.flatnonzero(time.isna().to_numpy() | outside)
    if len(bad):
        found = ", ".join(f"{name}={column.iloc[bad[0]]}" for name, column in parts.items())
        raise DataError(f"{place(bad[0])}, columns `{together}`: {found} is no time")
    return time


def parse_times(
    column: pd.Series, name: str, time_format: str | None, place: Place
) -> tuple[Times, str | None]:
    """Return (N,) datetime64[us] or int64, and the time zone written in the file, if any.

    Raises DataError naming the first row that is missing or cannot be read. Timestamps with an
    offset are taken to UTC.
    """
    if column.isna().any():
        row = int(np.flatnonzero(column.isna())[0])
        raise DataError(f"{place(row)}, column `{name}`: the time is missing")
    if pd.api.types.is_integer_dtype(column) and time_format is not None:
        column = column.astype(str)
    if pd.api.types.is_integer_dtype(column) and _compact_dates(column):
        raise DataError(
            f"{place(0)}, column `{name}`: {column.iloc[0]} looks like a date: set "
            f"`data.time_format='%Y%m%d'`, or number the steps 1, 2, 3, ..."
        )
    if pd.api.types.is_integer_dtype(column):
        return column.to_numpy(dtype="int64"), None
    if pd.api.types.is_float_dtype(column):
        bad = np.flatnonzero(column != column.round())
        if len(bad):
            raise DataError(
                f"{place(bad[0])}, column `{name}`: {column.iloc[bad[0]]} is neither a "
                f"timestamp nor an integer"
            )
        return column.to_numpy().astype("int64"), None
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if not pd.api.types.is_datetime64_any_dtype(column):
        column = _from_text(column.astype(str), name, time_format, place)
    zone = None
    if getattr(column.dt, "tz", None) is not None:
        zone = "UTC"
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    return column.to_numpy().astype("datetime64[us]"), zone


def _compact_dates(column: pd.Series) -> bool:
    """Whether integers read as YYYYMMDD throughout, as no count of steps would."""
    if len(column) < 2 or not column.between(18_000_101, 22_001_231).all():
        return False
    return bool(pd.to_datetime(column.astype(str), format="%Y%m%d", errors="coerce").notna().all())


def _from_text(column: pd.Series, name: str, time_format: str | None, place: Place) -> pd.Series:
    # An offset in some rows only would raise in pandas; utc=True takes them all, when any has one.
    clock = r"\d:\d\d(?::\d\d(?:\.\d+)?)?\s*(?:Z|[+-]\d\d:?\d\d)$|^\d{4}-\d\d-\d\d[+-]\d\d:\d\d$"
    has_offset = column.str.contains(clock, regex=True).to_numpy()
    offset = bool(has_offset.any())
    if offset and not has_offset.all():
        at, odd = int(has_offset.argmax()), int((~has_offset).argmax())
        raise DataError(
            f"{place(at)}, column `{name}`: {column.iloc[at]!r} has an offset from UTC, "
            f"{place(odd)}: {column.iloc[odd]!r} has none; write all times in UTC"
        )
    if time_format is None:
        slashes = column.str.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}")
        if slashes.all():
            time_format = _day_or_month_first(column, name, place)
    parsed = pd.to_datetime(column, format=time_format or "ISO8601", errors="coerce", utc=offset)
    bad = np.flatnonzero(parsed.isna())
    if len(bad):
        wanted = f"`data.time_format` (={time_format})" if time_format else "ISO 8601 (2024-01-31)"
        raise DataError(
            f"{place(bad[0])}, column `{name}`: {column.iloc[bad[0]]!r} is not "
            f"{wanted}; set `data.time_format=`, such as '%d.%m.%Y %H:%M'"
        )
    return parsed


def _day_or_month_first(column: pd.Series, name: str, place: Place) -> str:
    """The one reading of 01/02/2024 that fits the whole column; asks where both do."""
    fits = [
        form
        for form in (_DAY_FIRST, _MONTH_FIRST)
        if pd.to_datetime(column, format=form, errors="coerce").notna().all()
    ]
    if len(fits) == 2:
        raise DataError(
            f"{place(0)}, column `{name}`: {column.iloc[0]!r} may begin with the day or the "
            f"month: set `data.time_format='{_DAY_FIRST}'` or '{_MONTH_FIRST}'"
        )
    return fits[0] if fits else _MONTH_FIRST
