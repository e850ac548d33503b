"""Reading a time column: timestamps in microseconds, or integers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.cells import MISSING
from tsconv.data.epoch import from_epoch, reject_dates_in_integers
from tsconv.data.frequency import Steps, Times
from tsconv.data.zones import find_zone, from_wall, offset_name, zone_name
from tsconv.errors import DataError
from tsconv.schema import DataConfig

_DAY_FIRST, _MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"
_OFFSET = (
    r"\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)$|^\d{4}-\d\d-\d\d([+-]\d\d:\d\d)$"
)
_EARLIEST, _LATEST = np.datetime64("1000-01-01", "us"), np.datetime64("9000-01-01", "us")
_RANGES = {
    "year": (1000, 8999), "month": (1, 12), "day": (1, 31),
    "hour": (0, 23), "minute": (0, 59), "second": (0, 59),
}  # fmt: skip
_PARTS = tuple(_RANGES)
Place = Callable[[int], str]


@dataclasses.dataclass(frozen=True)
class Parsed:
    """A column of times as it is written: `settled` makes UTC of it where there is a zone."""

    time: Times  # (N,) datetime64[us] or int64
    zone: str | None  # of times that are UTC already
    naive: npt.NDArray[np.bool_] | None = None  # (N,) those without offset, beside others

    def settled(
        self, data: DataConfig, members: Steps, name: str, place: Place
    ) -> tuple[Times, str | None]:
        """(N,) times and the zone they are told in, None for none; see `from_wall` for members."""
        zone = data.timezone
        if zone is None or self.time.dtype.kind != "M":
            return self.time, self.zone
        find_zone(zone)
        wall = cast("npt.NDArray[np.datetime64]", self.time)
        if self.naive is not None:
            some = np.flatnonzero(self.naive)
            wall[some] = from_wall(
                wall[some], zone, members[some], name, lambda i: place(int(some[i]))
            )
        elif self.zone is None:
            wall = from_wall(wall, zone, members, name, place)
        return wall, zone


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
        return _from_text(column, name, data, place)
    zone = None
    if getattr(column.dt, "tz", None) is not None:
        zone = zone_name(column.dt.tz)
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    return Parsed(_in_range(column.to_numpy(), name, place), zone)


def _in_range(
    time: npt.NDArray[np.datetime64], name: str, place: Place
) -> npt.NDArray[np.datetime64]:
    """The times in microseconds; raises DataError for years that no calendar step reaches."""
    odd = np.flatnonzero((time < _EARLIEST) | (time >= _LATEST))
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
        reject_dates_in_integers(column, name, place)
    if len(big):
        raise DataError(f"{place(int(big[0]))}, column `{name}`: {whole[big[0]]} is too large")
    return Parsed(whole.astype("int64"), None)


def _epoch_zone(data: DataConfig) -> str | None:
    """Seconds since 1970 are UTC where a zone is asked for; days are days, wherever one is."""
    return None if data.timezone is None or data.time_unit == "D" else "UTC"


def _from_text(column: pd.Series, name: str, data: DataConfig, place: Place) -> Parsed:
    """Each different text is read once."""
    codes, unique = (
        (column.cat.codes.to_numpy(), column.cat.categories)
        if isinstance(column.dtype, pd.CategoricalDtype)
        else pd.factorize(column.astype(str).to_numpy(dtype=object))
    )
    text = pd.Series(np.asarray(unique, dtype=object), dtype="str").fillna("")

    def tell(bad: npt.NDArray[np.bool_], what: str) -> DataError:
        first = int(bad[codes].argmax())
        return DataError(
            f"{place(first)}, column `{name}`: {what.format(text[codes[first]][:100])}"
        )

    used = np.zeros(len(text), dtype=bool)
    used[codes] = True
    missing = used & text.str.strip().isin(MISSING).to_numpy()
    if missing.any():
        raise tell(missing, "the time is missing")
    whole = text.str.fullmatch(r"\s*[+-]?\d{1,19}(?:\.0*)?\s*").to_numpy(dtype=bool)
    if data.time_format is None and (whole & used).sum() > 0.5 * used.sum():
        odd = used & ~whole
        if odd.any():
            raise tell(odd, "'{}' is not an integer, as most other times are")
        numbers = [
            int(t.strip().partition(".")[0]) if u else 0 for t, u in zip(text, used, strict=True)
        ]
        huge = np.array([abs(n) >= 2**63 for n in numbers])
        if huge.any():
            raise tell(huge, "'{}' is too large")
        return _from_numbers(pd.Series(np.array(numbers, "int64")[codes]), name, data, place)
    offsets = text.str.extract(_OFFSET)
    offset = offsets[0].fillna(offsets[1])
    aware = offset.notna().to_numpy() & used
    if data.timezone is None:
        _reject_mixed_offsets(text, offset, aware, used, cast(Steps, codes), name, place)
    time_format = data.time_format
    if time_format is None and text[used].str.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}").all():
        time_format = _day_or_month_first(text[used], name, place)
    parsed = np.full(len(text), "NaT", dtype="datetime64[us]")
    for some, utc in ((aware, True), (used & ~aware, False)):
        if some.any():
            parsed[some] = _read(text[some], time_format, utc)
    bad = used & np.isnat(parsed)
    if bad.any():
        wanted = f"`data.time_format` (={time_format})" if time_format else "ISO 8601 (2024-01-31)"
        advice = "" if time_format else "; set `data.time_format=`, such as '%d.%m.%Y %H:%M'"
        raise tell(bad, "'{}' is no time, or not " + wanted + advice)
    odd = used & ((parsed < _EARLIEST) | (parsed >= _LATEST))
    if odd.any():
        raise tell(odd, "'{}' is outside the years 1000 to 8999")
    zone, naive = None, None
    if aware.any():
        first = str(offset[int(np.flatnonzero(aware)[0])])
        digits = first[1:].replace(":", "").ljust(4, "0")
        seconds = 0 if first == "Z" else (int(digits[:2]) * 60 + int(digits[2:])) * 60
        zone = offset_name(-seconds if first[0] == "-" else seconds)
        naive = None if aware[used].all() else ~aware[codes]
    return Parsed(parsed[codes], zone, naive)


def _read(text: pd.Series, time_format: str | None, utc: bool) -> npt.NDArray[np.datetime64]:
    """Timestamps, NaT where there is none; in UTC where the text has offsets."""
    try:
        parsed = pd.to_datetime(text, format=time_format or "ISO8601", errors="coerce", utc=utc)
    except (ValueError, OverflowError, TypeError):  # such as a format that makes no sense
        return np.full(len(text), "NaT", dtype="datetime64[us]")
    if not pd.api.types.is_datetime64_any_dtype(parsed.dtype):  # offsets by a format with %z
        parsed = pd.to_datetime(text, format=time_format, errors="coerce", utc=True)
    if getattr(parsed.dt, "tz", None) is not None:
        parsed = parsed.dt.tz_convert("UTC").dt.tz_localize(None)
    out = parsed.to_numpy().astype("datetime64[us]")
    # Words such as `now` are times to pandas.
    out[~text.str.contains(r"\d").to_numpy(dtype=bool)] = np.datetime64("NaT")
    return out


def _reject_mixed_offsets(
    text: pd.Series,
    offset: pd.Series,
    aware: npt.NDArray[np.bool_],
    used: npt.NDArray[np.bool_],
    codes: Steps,
    name: str,
    place: Place,
) -> None:
    """Raise DataError naming both rows where some times have another offset, or none."""
    if not aware.any():
        return
    plain = offset.str.replace(":", "").replace({"Z": "+0000", "-0000": "+0000", "+00": "+0000"})
    first = codes[int(aware[codes].argmax())]
    other = used & ~aware if (used & ~aware).any() else used & (plain != plain[first]).to_numpy()
    if not other.any():
        return
    i, j = int(aware[codes].argmax()), int(other[codes].argmax())
    has = "none" if not aware[codes[j]] else "another"
    raise DataError(
        f"{place(i)}, column `{name}`: {text[codes[i]]!r} has an offset from UTC, "
        f"{place(j)}: {text[codes[j]]!r} has {has}; set `data.timezone=UTC`, or the zone of the "
        f"data, such as data.timezone=Europe/Berlin"
    )


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
