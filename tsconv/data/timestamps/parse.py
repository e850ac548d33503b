"""Reading a time column: timestamps in microseconds, or integers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.settings import TimeFormat
from tsconv.data.source_column import Locate, SourceColumn
from tsconv.data.timestamps.epoch import from_epoch, reject_dates_in_integers
from tsconv.data.timestamps.text import EARLIEST, LATEST, parse_text
from tsconv.data.timestamps.zones import ParsedTimes, zone_name
from tsconv.errors import DataError
from tsconv.text import plural

_RANGES = {
    "year": (1000, 8999), "month": (1, 12), "day": (1, 31),
    "hour": (0, 23), "minute": (0, 59), "second": (0, 59),
}  # fmt: skip
_PARTS = tuple(_RANGES)


def combine_time_columns(
    frame: pd.DataFrame, names: Sequence[str], locate: Locate, pattern: str | None
) -> pd.Series:
    """The time column, or one column made of the several that hold the time together.

    Whole numbers are year, month, day, hour, minute and second, in this order, as many as there
    are. Text, such as a date and a clock, is joined by spaces; so is everything if `pattern`
    (`data.time_format`) is given. Raises DataError naming the first line that is no time.

    >>> frame = pd.DataFrame({"date": ["2024-01-31"], "clock": ["12:30"]})
    >>> combine_time_columns(frame, ["date", "clock"], str, None)[0]
    '2024-01-31 12:30'
    """
    if len(names) == 1:
        return frame[names[0]]
    columns = [frame[name] for name in names]
    together = ", ".join(names)
    for column, name in zip(columns, names, strict=True):
        _reject_missing(column, SourceColumn(name, locate))
    if pattern is not None or not all(pd.api.types.is_integer_dtype(c) for c in columns):
        if pattern is None:
            _reject_words_among_parts(columns, names, locate)
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
        raise DataError(f"{locate(int(bad[0]))}, columns `{together}`: {found} is not a valid time")
    return time


def _reject_words_among_parts(
    columns: Sequence[pd.Series], names: Sequence[str], locate: Locate
) -> None:
    """Raise DataError for a cell that is no integer where years, months, ... mostly are."""
    texts = [c.astype(str).str.strip() for c in columns]
    if not texts[0].str.fullmatch(r"\d{4}").mean() > 0.5:
        return  # such as a date and a clock
    for text, name in zip(texts, names, strict=True):
        whole = text.str.fullmatch(r"[+-]?\d{1,19}(?:\.0*)?").to_numpy(dtype=bool)
        if not whole.all() and whole.mean() > 0.5:
            i = int(whole.argmin())
            raise SourceColumn(name, locate).error(
                i, f"{text.iloc[i][:100]!r} is not an integer, as most others are"
            )


def _reject_missing(column: pd.Series, source: SourceColumn) -> None:
    """Raise DataError naming the first line without a time."""
    if column.isna().any():
        raise source.error(np.flatnonzero(column.isna())[0], "the time is missing")


def parse_times(column: pd.Series, source: SourceColumn, form: TimeFormat) -> ParsedTimes:
    """Read a column: (N,) datetime64[us] or int64, and the time zone written in it, if any.

    Timestamps with an offset are taken to UTC. Raises DataError naming the first line that is
    missing or cannot be read.

    >>> parse_times(pd.Series(["2024-01-31T12:00+01:00"]), SourceColumn("ds", str), TimeFormat())
    ParsedTimes(time=array(['2024-01-31T11:00:00.000000'], dtype='datetime64[us]'), \
zone='+01:00', naive=None)
    """
    _reject_missing(column, source)
    kind = column.dtype
    if pd.api.types.is_bool_dtype(kind) or pd.api.types.is_complex_dtype(kind):
        raise source.error(0, f"{column.iloc[0]} is not a time")
    if pd.api.types.is_numeric_dtype(kind) and form.pattern is not None:
        if pd.api.types.is_float_dtype(kind):
            column = _to_integers(column, source)
        column = column.astype(str)
    elif pd.api.types.is_numeric_dtype(kind):
        return _from_numbers(column, source, form)
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if isinstance(column.dtype, pd.CategoricalDtype) and not pd.api.types.is_string_dtype(
        column.cat.categories.dtype
    ):
        column = column.astype(column.cat.categories.dtype)
        return parse_times(column, source, form)
    if not pd.api.types.is_datetime64_any_dtype(column):
        found = parse_text(column, source, form)
        return found if isinstance(found, ParsedTimes) else _from_numbers(found, source, form)
    zone = None
    if getattr(column.dt, "tz", None) is not None:
        zone = zone_name(column.dt.tz)
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    return ParsedTimes(_to_microseconds(column.to_numpy(), source), zone)


def _to_microseconds(
    time: npt.NDArray[np.datetime64], source: SourceColumn
) -> npt.NDArray[np.datetime64]:
    """The times in microseconds; raises DataError for years that no calendar step reaches.

    Also for times between two microseconds: cut, several could become the same.
    """
    if time.dtype == np.dtype("datetime64[ns]"):  # which hold the years 1678 to 2261 alone
        between = np.flatnonzero(time.view("int64") % 1000)
        if len(between):
            raise source.error(
                between[0],
                f"{time[between[0]]} is not a whole number of microseconds "
                f"({plural(len(between), 'such time')}): round the times, or give whole steps as "
                f"integers",
            )
        return time.astype("datetime64[us]")
    # In the unit of the times: the years of one of seconds may be beyond those of microseconds.
    odd = np.flatnonzero((time < EARLIEST.astype(time.dtype)) | (time >= LATEST.astype(time.dtype)))
    if len(odd):
        raise source.error(odd[0], f"{str(time[odd[0]])[:19]} is outside the years 1000 to 8999")
    return time.astype("datetime64[us]", copy=False)


def _to_integers(column: pd.Series, source: SourceColumn) -> pd.Series:
    """Floats that are whole numbers as integers; raises DataError for others."""
    values = column.to_numpy(dtype="float64")
    bad = np.flatnonzero(~(np.abs(values) < 2**62) | (values != np.round(values)))
    if len(bad):
        raise source.error(bad[0], f"{values[bad[0]]} is neither a timestamp nor an integer")
    return pd.Series(values.astype("int64"), name=column.name)


def _from_numbers(column: pd.Series, source: SourceColumn, form: TimeFormat) -> ParsedTimes:
    """Counts since 1970 where the unit says so, or else steps; raises DataError."""
    if form.unit not in (None, "step"):
        # Seconds since 1970 are UTC where a zone is asked for; days are days, wherever one is.
        zone = None if form.zone is None or form.unit == "D" else "UTC"
        return ParsedTimes(from_epoch(column, source, str(form.unit)), zone)
    if pd.api.types.is_float_dtype(column.dtype):
        column = _to_integers(column, source)
    whole = column.to_numpy()
    big = np.flatnonzero((whole >= 2**62) | (whole <= -(2**62)))
    if form.unit is None:
        reject_dates_in_integers(whole, source)
    if len(big):
        raise source.error(big[0], f"{whole[big[0]]} is too large")
    return ParsedTimes(whole.astype("int64"), None)
