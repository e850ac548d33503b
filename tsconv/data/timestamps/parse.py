"""Reading a time column: timestamps in microseconds, or integers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.config.schema import DataConfig
from tsconv.data.timestamps.epoch import from_epoch, reject_dates_in_integers
from tsconv.data.timestamps.text import EARLIEST, LATEST, read_text
from tsconv.data.timestamps.zones import Parsed, zone_name
from tsconv.errors import DataError

_RANGES = {
    "year": (1000, 8999), "month": (1, 12), "day": (1, 31),
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
        if time_format is None:
            _reject_no_part(columns, names, place)
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


def _reject_no_part(columns: Sequence[pd.Series], names: Sequence[str], place: Place) -> None:
    """Raise DataError for a cell that is no integer where years, months, ... are, most of them."""
    texts = [c.astype(str).str.strip() for c in columns]
    if not texts[0].str.fullmatch(r"\d{4}").mean() > 0.5:
        return  # such as a date and a clock
    for text, name in zip(texts, names, strict=True):
        whole = text.str.fullmatch(r"[+-]?\d{1,19}(?:\.0*)?").to_numpy(dtype=bool)
        if not whole.all() and whole.mean() > 0.5:
            i = int(whole.argmin())
            raise DataError(
                f"{place(i)}, column `{name}`: {text.iloc[i][:100]!r} is not an integer, as most "
                f"others are"
            )


def parse_times(column: pd.Series, name: str, data: DataConfig, place: Place) -> Parsed:
    """Read a column: (N,) datetime64[us] or int64, and the time zone written in it, if any.

    Timestamps with an offset are taken to UTC. Raises DataError naming the first row that is
    missing or cannot be read.
    """
    if column.isna().any():
        row = int(np.flatnonzero(column.isna())[0])
        raise DataError(f"{place(row)}, column `{name}`: the time is missing")
    kind = column.dtype
    if pd.api.types.is_bool_dtype(kind) or pd.api.types.is_complex_dtype(kind):
        raise DataError(f"{place(0)}, column `{name}`: {column.iloc[0]} is not a time")
    if pd.api.types.is_numeric_dtype(kind) and data.time_format is not None:
        if pd.api.types.is_float_dtype(kind):
            column = _whole(column, name, place)
        column = column.astype(str)
    elif pd.api.types.is_numeric_dtype(kind):
        return _from_numbers(column, name, data, place)
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if isinstance(column.dtype, pd.CategoricalDtype) and not pd.api.types.is_string_dtype(
        column.cat.categories.dtype
    ):
        column = column.astype(column.cat.categories.dtype)
        return parse_times(column, name, data, place)
    if not pd.api.types.is_datetime64_any_dtype(column):
        found = read_text(column, name, data, place)
        return found if isinstance(found, Parsed) else _from_numbers(found, name, data, place)
    zone = None
    if getattr(column.dt, "tz", None) is not None:
        zone = zone_name(column.dt.tz)
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    return Parsed(_in_range(column.to_numpy(), name, place), zone)


def _in_range(
    time: npt.NDArray[np.datetime64], name: str, place: Place
) -> npt.NDArray[np.datetime64]:
    """The times in microseconds; raises DataError for years that no calendar step reaches.

    Also for times between two microseconds: cut, several could become the same.
    """
    if time.dtype == np.dtype("datetime64[ns]"):  # which hold the years 1678 to 2261 alone
        between = np.flatnonzero(time.view("int64") % 1000)
        if len(between):
            i = int(between[0])
            raise DataError(
                f"{place(i)}, column `{name}`: {time[i]} is no whole number of microseconds "
                f"({len(between)} such): round the times, or give whole steps as integers"
            )
        return time.astype("datetime64[us]")
    # In the unit of the times: the years of one of seconds may be beyond those of microseconds.
    odd = np.flatnonzero((time < EARLIEST.astype(time.dtype)) | (time >= LATEST.astype(time.dtype)))
    if len(odd):
        raise DataError(
            f"{place(int(odd[0]))}, column `{name}`: {str(time[odd[0]])[:19]} is outside the years "
            f"1000 to 8999"
        )
    return time.astype("datetime64[us]", copy=False)


def _whole(column: pd.Series, name: str, place: Place) -> pd.Series:
    """Floats that are whole numbers as integers; raises DataError for others."""
    values = column.to_numpy(dtype="float64")
    bad = np.flatnonzero(~(np.abs(values) < 2**62) | (values != np.round(values)))
    if len(bad):
        raise DataError(
            f"{place(int(bad[0]))}, column `{name}`: {values[bad[0]]} is neither a timestamp nor "
            f"an integer"
        )
    return pd.Series(values.astype("int64"), name=column.name)


def _from_numbers(column: pd.Series, name: str, data: DataConfig, place: Place) -> Parsed:
    if data.time_unit not in (None, "step"):
        return Parsed(from_epoch(column, name, data, place), _epoch_zone(data))
    if pd.api.types.is_float_dtype(column.dtype):
        column = _whole(column, name, place)
    whole = column.to_numpy()
    big = np.flatnonzero((whole >= 2**62) | (whole <= -(2**62)))
    if data.time_unit is None:
        reject_dates_in_integers(whole, name, place)
    if len(big):
        raise DataError(f"{place(int(big[0]))}, column `{name}`: {whole[big[0]]} is too large")
    return Parsed(whole.astype("int64"), None)


def _epoch_zone(data: DataConfig) -> str | None:
    """Seconds since 1970 are UTC where a zone is asked for; days are days, wherever one is."""
    return None if data.timezone is None or data.time_unit == "D" else "UTC"
