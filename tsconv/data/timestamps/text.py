"""Text that should be times: ISO 8601 or `data.time_format`, with offsets or without."""

from __future__ import annotations

import dataclasses
import re
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.missing import MISSING
from tsconv.data.settings import TimeFormat
from tsconv.data.source_column import SourceColumn
from tsconv.data.timestamps.formats import day_or_month_first, fitting_formats
from tsconv.data.timestamps.frequency import Steps
from tsconv.data.timestamps.zones import ParsedTimes, find_zone, offset_name, zone_name
from tsconv.errors import DataError

EARLIEST, LATEST = np.datetime64("1000-01-01", "us"), np.datetime64("9000-01-01", "us")
_ISO_SHAPE = r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?"
_OFFSET = (
    r"^\d{4}-?\d\d-?\d\d[T ]\d\d(?::?\d\d){0,2}(?:[.,]\d+)?\s*(Z|[+-]\d\d(?::?\d\d)?)$"
    r"|^\d{4}-\d\d-\d\d([+-]\d\d:\d\d)$"
)
_BY_FORMAT = r"(Z|[+-]\d\d:?\d\d(?::?\d\d)?)"  # how %z is written
_FINER = r":\d\d[.,]\d{6}\d*[1-9]"  # than a microsecond
_MOST_OF = 0.8  # of the texts, that the others count as wrong
Flags = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class _DistinctTexts:
    """A column of text by its U distinct texts, each of which is read once."""

    text: pd.Series  # (U,)
    codes: Steps  # (N,) which of them each line has
    used: Flags  # (U,) whether any line has it: a category may have no line
    source: SourceColumn

    @classmethod
    def of(cls, column: pd.Series, source: SourceColumn) -> _DistinctTexts:
        codes, distinct = (
            (column.cat.codes.to_numpy(), column.cat.categories)
            if isinstance(column.dtype, pd.CategoricalDtype)
            else pd.factorize(column.astype(str).to_numpy(dtype=object))
        )
        text = pd.Series(np.asarray(distinct, dtype=object), dtype="str").fillna("")
        used = np.zeros(len(text), dtype=bool)
        used[codes] = True
        return cls(text, cast(Steps, codes), used, source)

    def first(self, marked: Flags) -> tuple[int, str]:
        """The first line whose text is marked in (U,), and the text."""
        line = int(marked[self.codes].argmax())
        return line, str(self.text[self.codes[line]])

    def error(self, marked: Flags, after: str, before: str = "") -> DataError:
        """The error of the first line whose text is marked in (U,)."""
        line, found = self.first(marked)
        return self.source.error(line, f"{before}{found[:100]!r}{after}")


def parse_text(
    column: pd.Series, source: SourceColumn, form: TimeFormat
) -> ParsedTimes | pd.Series:
    """Times of a column of text, each distinct text read once; integers where most are.

    Raises DataError naming the first line that is missing or no time.

    >>> parse_text(pd.Series(["2024-01-31", "2024-02-01"]), SourceColumn("ds", str), TimeFormat())
    ParsedTimes(time=array(['2024-01-31T00:00:00.000000', '2024-02-01T00:00:00.000000'],
          dtype='datetime64[us]'), zone=None, naive=None)
    """
    texts = _DistinctTexts.of(column, source)
    text, used, codes = texts.text, texts.used, texts.codes
    missing = used & text.str.strip().isin(MISSING).to_numpy()
    if missing.any():
        raise texts.error(missing, "", "the time is missing: ")
    whole = text.str.fullmatch(r"\s*[+-]?\d{1,19}(?:\.0*)?\s*").to_numpy(dtype=bool)
    if form.pattern is None and (whole & used).sum() > 0.5 * used.sum():
        return _integers(texts, whole)
    offset = _offsets(text, form.pattern)
    aware = offset.notna().to_numpy() & used
    if form.zone is None:
        _reject_mixed_offsets(texts, offset, aware)
    pattern = form.pattern
    if pattern is None and text[used].str.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}").all():
        pattern = day_or_month_first(text[used], source)
    parsed = _read(text, pattern, aware)
    if (bad := used & np.isnat(parsed)).any():
        raise _unread_error(texts, bad, pattern, form)
    if (finer := used & text.str.contains(_FINER).to_numpy(dtype=bool)).any():
        raise texts.error(finer, " is finer than a microsecond: round the times")
    if (odd := used & ((parsed < EARLIEST) | (parsed >= LATEST))).any():
        raise texts.error(odd, " is outside the years 1000 to 8999")
    if not aware.any():
        return ParsedTimes(parsed[codes], None)
    naive = None if aware[used].all() else ~aware[codes]
    zone = _zone_of(str(offset[int(np.flatnonzero(aware)[0])]))
    return ParsedTimes(parsed[codes], zone, naive)


def _integers(texts: _DistinctTexts, whole: Flags) -> pd.Series:
    """(N,) the texts as integers; raises DataError for those that `whole` (U,) does not mark."""
    if (odd := texts.used & ~whole).any():
        raise texts.error(odd, " is not an integer, as most other times are")
    plain = texts.text.where(texts.used, "0").str.strip().str.partition(".")[0]
    numbers = plain.map(int).tolist()
    huge = np.array([abs(n) >= 2**63 for n in numbers])
    if huge.any():
        raise texts.error(huge, " is too large")
    return pd.Series(np.array(numbers, "int64")[texts.codes])


def _unread_error(
    texts: _DistinctTexts, bad: Flags, pattern: str | None, form: TimeFormat
) -> DataError:
    """The error of texts that are no time, `bad` (U,), with the format that would read them."""
    text, used = texts.text, texts.used
    if form.pattern is not None:
        return texts.error(bad, f" is not `data.time_format` (={pattern})")
    if pattern is not None:
        return texts.error(bad, f" is not a date that exists, read as {pattern} like the others")
    if text[bad].str.fullmatch(_ISO_SHAPE).iloc[0]:
        return texts.error(bad, " is not a date and time that exist (hours run from 00 to 23)")
    formats, reads = fitting_formats(text)
    advice = f"set `data.time_format=`, such as {formats}"
    if (used & ~bad).sum() > _MOST_OF * used.sum():
        return texts.error(bad, " is not a time as ISO 8601 writes it, as most others are: fix it")
    if (bad & ~reads).any() and (used & reads).sum() > _MOST_OF * used.sum():
        return texts.error(
            bad & ~reads, f" is not a time like most of the others: fix it and {advice}"
        )
    return texts.error(bad, f" is not a time as ISO 8601 writes it (2024-01-31); {advice}")


def _offsets(text: pd.Series, pattern: str | None) -> pd.Series:
    """The offset or zone that each text ends in, or that `%z` or `%Z` reads; missing for none."""
    if pattern is None:
        both = text.str.extract(_OFFSET)
        return both[0].fillna(both[1])
    regex = "(Z)$" if pattern.endswith("Z") else r"(\b\B)"  # the latter is nowhere
    if "%z" in pattern:
        start = "^" if pattern.startswith("%z") else ""
        end = r"\s*$" if pattern.endswith("%z") else ""
        regex = f"{start}{_BY_FORMAT}{end}"
    elif "%Z" in pattern:
        regex = r"([A-Za-z][\w/+-]*)\s*$"
    return text.str.extract(regex)[0].replace({"UTC": "Z", "GMT": "Z"})


def _zone_of(offset: str) -> str:
    """Z, +02, +0200 and +02:00 as zones.py names them; the zones that %Z reads."""
    if offset == "Z":
        return "UTC"
    if offset[0] not in "+-":
        return zone_name(find_zone(offset))
    digits = offset[1:].replace(":", "").ljust(4, "0")
    seconds = (int(digits[:2]) * 60 + int(digits[2:4])) * 60
    return offset_name(-seconds if offset[0] == "-" else seconds)


def _read(text: pd.Series, pattern: str | None, aware: Flags) -> npt.NDArray[np.datetime64]:
    """(N,) timestamps, NaT for texts that are none; in UTC where `aware` says they have offsets."""
    parsed = np.full(len(text), "NaT", dtype="datetime64[us]")
    for some, utc in ((aware, True), (~aware, False)):
        if some.any():
            parsed[some] = _read_alike(text[some], pattern, utc)
    # Words such as `now` are times to pandas.
    parsed[~text.str.contains(r"\d").to_numpy(dtype=bool)] = np.datetime64("NaT")
    if pattern is not None and re.fullmatch(r"(?:%[YymdHMS]T?){2,}", pattern):
        # Digits side by side: %Y%m%d reads 2024211 too.
        same = pd.Series(parsed).dt.strftime(pattern) == text.str.strip()
        parsed[~same.to_numpy(dtype=bool)] = np.datetime64("NaT")
    return parsed


def _read_alike(text: pd.Series, pattern: str | None, utc: bool) -> npt.NDArray[np.datetime64]:
    """Timestamps, NaT for texts that are none; in UTC where the texts have offsets."""
    try:
        parsed = pd.to_datetime(text, format=pattern or "ISO8601", errors="coerce", utc=utc)
    except (ValueError, OverflowError, TypeError):  # such as a format that makes no sense
        return np.full(len(text), "NaT", dtype="datetime64[us]")
    if not pd.api.types.is_datetime64_any_dtype(parsed.dtype):  # offsets by a format with %z
        parsed = pd.to_datetime(text, format=pattern, errors="coerce", utc=True)
    if getattr(parsed.dt, "tz", None) is not None:
        parsed = parsed.dt.tz_convert("UTC").dt.tz_localize(None)
    return parsed.to_numpy().astype("datetime64[us]")


def _reject_mixed_offsets(texts: _DistinctTexts, offset: pd.Series, aware: Flags) -> None:
    """Raise DataError naming both lines where some times have another offset, or none."""
    if not aware.any():
        return
    used, codes = texts.used, texts.codes
    plain = offset.str.replace(":", "").replace("Z", "+0000").str.ljust(5, "0")
    plain = plain.replace("-0000", "+0000")
    i, one = texts.first(aware)
    other = used & ~aware
    if not other.any():
        other = used & (plain != plain[codes[i]]).to_numpy()
    if not other.any():
        return
    j, another = texts.first(other)
    has = "none" if not aware[codes[j]] else "another"
    raise texts.source.error(
        i,
        f"{one!r} has an offset from UTC, {texts.source.locate(j)}: {another!r} has {has}; set "
        f"`data.timezone=UTC`, or the zone of the data, such as data.timezone=Europe/Berlin",
    )
