"""Text that should be times: ISO 8601 or `data.time_format`, with offsets or without."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.cells import MISSING
from tsconv.data.frequency import Steps
from tsconv.data.zones import Parsed, offset_name
from tsconv.errors import DataError
from tsconv.schema import DataConfig

EARLIEST, LATEST = np.datetime64("1000-01-01", "us"), np.datetime64("9000-01-01", "us")
_DAY_FIRST, _MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"
_ISO_SHAPE = r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?"
_OFFSET = (
    r"\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)$"
    r"|^\d{4}-\d\d-\d\d([+-]\d\d:\d\d)$"
)
Place = Callable[[int], str]


def read_text(column: pd.Series, name: str, data: DataConfig, place: Place) -> Parsed | pd.Series:
    """Times of a column of text, each different text read once; integers where most are.

    Raises DataError naming the first row that is missing or no time.
    """
    codes, unique = (
        (column.cat.codes.to_numpy(), column.cat.categories)
        if isinstance(column.dtype, pd.CategoricalDtype)
        else pd.factorize(column.astype(str).to_numpy(dtype=object))
    )
    text = pd.Series(np.asarray(unique, dtype=object), dtype="str").fillna("")

    def tell(bad: npt.NDArray[np.bool_], before: str, after: str = "") -> DataError:
        first = int(bad[codes].argmax())
        found = text[codes[first]][:100]
        return DataError(f"{place(first)}, column `{name}`: {before}{found!r}{after}")

    used = np.zeros(len(text), dtype=bool)
    used[codes] = True
    missing = used & text.str.strip().isin(MISSING).to_numpy()
    if missing.any():
        raise tell(missing, "the time is missing: ")
    whole = text.str.fullmatch(r"\s*[+-]?\d{1,19}(?:\.0*)?\s*").to_numpy(dtype=bool)
    if data.time_format is None and (whole & used).sum() > 0.5 * used.sum():
        if (odd := used & ~whole).any():
            raise tell(odd, "", " is not an integer, as most other times are")
        numbers = text.where(used, "0").str.strip().str.partition(".")[0].map(int).tolist()
        huge = np.array([abs(n) >= 2**63 for n in numbers])
        if huge.any():
            raise tell(huge, "", " is too large")
        return pd.Series(np.array(numbers, "int64")[codes])
    offsets = text.str.extract(_OFFSET)
    offset = offsets[0].fillna(offsets[1])
    aware = offset.notna().to_numpy() & used
    if data.timezone is None:
        _reject_mixed_offsets(text, offset, aware, used, cast(Steps, codes), name, place)
    time_format = data.time_format
    if time_format is None and text[used].str.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}").all():
        time_format = _day_or_month_first(text[used], name, place)
    parsed = _read(text, time_format, aware)
    if (bad := used & np.isnat(parsed)).any():
        if time_format is not None:
            raise tell(bad, "", f" is not `data.time_format` (={time_format})")
        if text[bad].str.fullmatch(_ISO_SHAPE).iloc[0]:
            raise tell(bad, "", " is no day and hour that exist (hours are 00 to 23)")
        advice = f"set `data.time_format=`, such as {fitting(text[used])}"
        raise tell(bad, "", f" is not a time as ISO 8601 writes it (2024-01-31); {advice}")
    if (odd := used & ((parsed < EARLIEST) | (parsed >= LATEST))).any():
        raise tell(odd, "", " is outside the years 1000 to 8999")
    if not aware.any():
        return Parsed(parsed[codes], None)
    naive = None if aware[used].all() else ~aware[codes]
    return Parsed(parsed[codes], _zone_of(str(offset[int(np.flatnonzero(aware)[0])])), naive)


def fitting(text: pd.Series) -> str:
    """The common formats that read a column, quoted; an example where none does."""
    some = text.iloc[:1000]
    fits = []
    for mark in "./-":
        for date in (f"%d{mark}%m{mark}%Y", f"%m{mark}%d{mark}%Y", f"%Y{mark}%m{mark}%d"):
            for clock in ("", " %H:%M", " %H:%M:%S", " %I:%M %p"):
                read = pd.to_datetime(some, format=date + clock, errors="coerce")
                fits += [f"'{date}{clock}'"] * bool(read.notna().all())
    return " or ".join(fits) or "'%d.%m.%Y %H:%M'"


def _zone_of(offset: str) -> str:
    """Z, +02, +0200 and +02:00 as zones.py names them."""
    if offset == "Z":
        return "UTC"
    digits = offset[1:].replace(":", "").ljust(4, "0")
    seconds = (int(digits[:2]) * 60 + int(digits[2:])) * 60
    return offset_name(-seconds if offset[0] == "-" else seconds)


def _read(
    text: pd.Series, time_format: str | None, aware: npt.NDArray[np.bool_]
) -> npt.NDArray[np.datetime64]:
    """(N,) timestamps, NaT where there is none; in UTC those with an offset."""
    parsed = np.full(len(text), "NaT", dtype="datetime64[us]")
    for some, utc in ((aware, True), (~aware, False)):
        if some.any():
            parsed[some] = _read_alike(text[some], time_format, utc)
    # Words such as `now` are times to pandas.
    parsed[~text.str.contains(r"\d").to_numpy(dtype=bool)] = np.datetime64("NaT")
    return parsed


def _read_alike(text: pd.Series, time_format: str | None, utc: bool) -> npt.NDArray[np.datetime64]:
    """Timestamps, NaT where there is none; in UTC where the text has offsets."""
    try:
        parsed = pd.to_datetime(text, format=time_format or "ISO8601", errors="coerce", utc=utc)
    except (ValueError, OverflowError, TypeError):  # such as a format that makes no sense
        return np.full(len(text), "NaT", dtype="datetime64[us]")
    if not pd.api.types.is_datetime64_any_dtype(parsed.dtype):  # offsets by a format with %z
        parsed = pd.to_datetime(text, format=time_format, errors="coerce", utc=True)
    if getattr(parsed.dt, "tz", None) is not None:
        parsed = parsed.dt.tz_convert("UTC").dt.tz_localize(None)
    return parsed.to_numpy().astype("datetime64[us]")


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
