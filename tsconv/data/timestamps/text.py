"""Text that should be times: ISO 8601 or `data.time_format`, with offsets or without."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.config.schema import DataConfig
from tsconv.data.missing import MISSING
from tsconv.data.timestamps.frequency import Steps
from tsconv.data.timestamps.zones import Parsed, find_zone, offset_name, zone_name
from tsconv.errors import DataError

EARLIEST, LATEST = np.datetime64("1000-01-01", "us"), np.datetime64("9000-01-01", "us")
_DAY_FIRST, _MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"
_ISO_SHAPE = r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?"
_OFFSET = (
    r"^\d{4}-?\d\d-?\d\d[T ]\d\d(?::?\d\d){0,2}(?:[.,]\d+)?\s*(Z|[+-]\d\d(?::?\d\d)?)$"
    r"|^\d{4}-\d\d-\d\d([+-]\d\d:\d\d)$"
)
_BY_FORMAT = r"(Z|[+-]\d\d:?\d\d(?::?\d\d)?)"  # how %z is written
_FINER = r":\d\d[.,]\d{6}\d*[1-9]"  # than a microsecond
_MOST_OF = 0.8  # of the texts, that the others count as wrong
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
    offset = _offsets(text, data.time_format)
    aware = offset.notna().to_numpy() & used
    if data.timezone is None:
        _reject_mixed_offsets(text, offset, aware, used, cast(Steps, codes), name, place)
    time_format = data.time_format
    if time_format is None and text[used].str.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}").all():
        time_format = _day_or_month_first(text[used], name, place)
    parsed = _read(text, time_format, aware)
    if (bad := used & np.isnat(parsed)).any():
        if data.time_format is not None:
            raise tell(bad, "", f" is not `data.time_format` (={time_format})")
        if time_format is not None:
            raise tell(bad, "", f" is no day that exists, read as {time_format} like the others")
        if text[bad].str.fullmatch(_ISO_SHAPE).iloc[0]:
            raise tell(bad, "", " is no day and hour that exist (hours are 00 to 23)")
        formats, reads = fitting(text)
        advice = f"set `data.time_format=`, such as {formats}"
        if (used & ~bad).sum() > _MOST_OF * used.sum():
            raise tell(bad, "", " is not a time as ISO 8601 writes it, as most others are: mend it")
        if (bad & ~reads).any() and (used & reads).sum() > _MOST_OF * used.sum():
            raise tell(bad & ~reads, "", f" is no time as most others are: mend it and {advice}")
        raise tell(bad, "", f" is not a time as ISO 8601 writes it (2024-01-31); {advice}")
    if (finer := used & text.str.contains(_FINER).to_numpy(dtype=bool)).any():
        raise tell(finer, "", " is finer than a microsecond: round the times")
    if (odd := used & ((parsed < EARLIEST) | (parsed >= LATEST))).any():
        raise tell(odd, "", " is outside the years 1000 to 8999")
    if not aware.any():
        return Parsed(parsed[codes], None)
    naive = None if aware[used].all() else ~aware[codes]
    return Parsed(parsed[codes], _zone_of(str(offset[int(np.flatnonzero(aware)[0])])), naive)


def _offsets(text: pd.Series, time_format: str | None) -> pd.Series:
    """The offset or zone that each text ends in, or that `%z` or `%Z` reads; missing for none."""
    if time_format is None:
        both = text.str.extract(_OFFSET)
        return both[0].fillna(both[1])
    pattern = "(Z)$" if time_format.endswith("Z") else r"(\b\B)"  # the latter is nowhere
    if "%z" in time_format:
        start = "^" if time_format.startswith("%z") else ""
        end = r"\s*$" if time_format.endswith("%z") else ""
        pattern = f"{start}{_BY_FORMAT}{end}"
    elif "%Z" in time_format:
        pattern = r"([A-Za-z][\w/+-]*)\s*$"
    return text.str.extract(pattern)[0].replace({"UTC": "Z", "GMT": "Z"})


def fitting(text: pd.Series) -> tuple[str, npt.NDArray[np.bool_]]:
    """The common formats that read most of a column, quoted, and which texts they read.

    An example, and none, where no format reads anything.
    """
    best: list[str] = []
    some = text.iloc[:1000]
    most = np.zeros(len(some), dtype=bool)
    orders = ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%Y{0}%m{0}%d", "%d{0}%m{0}%y", "%d{0}%b{0}%Y")
    dates = [order.format(mark) for mark in "./- " for order in orders]
    for date in (*dates, "%d %B %Y", "%b %d, %Y", "%B %d, %Y"):
        for clock in ("", " %H:%M", " %H:%M:%S", " %I:%M %p"):
            read = pd.to_datetime(some, format=date + clock, errors="coerce").notna()
            count = int(read.sum())
            if count and count >= most.sum():
                best = [*(best if count == most.sum() else []), date + clock]
                most = read.to_numpy()
    if not best:
        return "'%d.%m.%Y %H:%M'", np.zeros(len(text), dtype=bool)
    read = pd.to_datetime(text, format=best[0], errors="coerce").notna()
    return " or ".join(f"'{form}'" for form in best), read.to_numpy()


def _zone_of(offset: str) -> str:
    """Z, +02, +0200 and +02:00 as zones.py names them; the zones that %Z reads."""
    if offset == "Z":
        return "UTC"
    if offset[0] not in "+-":
        return zone_name(find_zone(offset))
    digits = offset[1:].replace(":", "").ljust(4, "0")
    seconds = (int(digits[:2]) * 60 + int(digits[2:4])) * 60
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
    if time_format is not None and re.fullmatch(r"(?:%[YymdHMS]T?){2,}", time_format):
        # Digits side by side: %Y%m%d reads 2024211 too.
        same = pd.Series(parsed).dt.strftime(time_format) == text.str.strip()
        parsed[~same.to_numpy(dtype=bool)] = np.datetime64("NaT")
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
    plain = offset.str.replace(":", "").replace("Z", "+0000").str.ljust(5, "0")
    plain = plain.replace("-0000", "+0000")
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
    reads = {
        form: int(pd.to_datetime(column, format=form, errors="coerce").notna().sum())
        for form in (_DAY_FIRST, _MONTH_FIRST)
    }
    if set(reads.values()) == {len(column)}:
        raise DataError(
            f"{place(0)}, column `{name}`: {column.iloc[0]!r} may begin with the day or the "
            f"month: set `data.time_format='{_DAY_FIRST}'` or '{_MONTH_FIRST}'"
        )
    return max(reads, key=lambda form: reads[form])
