"""The parts of the config's group `data` that single readers take, each made by its `of`.

The config keys stay as they are (see conf/data/default.yaml); a reader gets only what it reads.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tsconv.config.schema import DataConfig
from tsconv.data.missing import MISSING


@dataclasses.dataclass(frozen=True)
class FileFormat:
    """How CSV files are written, and how large a compressed one may become.

    >>> FileFormat.of(DataConfig(sep="tab", decimal=",")).sep
    '\\t'
    """

    sep: str = ","  # one character
    decimal: str = "."  # one character
    encoding: str = "utf-8"
    max_bytes: int | None = None  # of an unpacked archive; None: a multiple of its own size
    thousands: str | None = None  # one character between groups of three digits
    sheet: str | None = None  # of an Excel file; None: the only one that holds anything

    @classmethod
    def of(cls, data: DataConfig) -> FileFormat:
        r"""From `data.sep` (a tab may be spelt `\t` or `tab`), decimal, thousands (a space may be
        spelt `space`), encoding, max_bytes and sheet.
        """
        sep = "\t" if data.sep in ("\\t", "tab") else data.sep
        thousands = " " if data.thousands == "space" else data.thousands
        return cls(sep, data.decimal, data.encoding, data.max_bytes, thousands, data.sheet)


@dataclasses.dataclass(frozen=True)
class MissingPolicy:
    """Which cells count as missing values.

    >>> policy = MissingPolicy.of(DataConfig(na_values=["-9999", "closed"]))
    >>> "closed" in policy.spellings, policy.numbers
    (True, [-9999.0])
    """

    na_values: tuple[str, ...] = ()  # spellings beside those that are always missing
    bad_values: str = "error"  # what a cell that is not a number is: an "error", or "missing"
    decimal: str = "."  # the decimal mark of numbers among the spellings

    @classmethod
    def of(cls, data: DataConfig) -> MissingPolicy:
        """From `data.na_values`, `data.bad_values` and `data.decimal`."""
        given = data.na_values if isinstance(data.na_values, (list, tuple)) else [data.na_values]
        return cls(tuple(str(value) for value in given), data.bad_values, data.decimal)

    @property
    def spellings(self) -> list[str]:
        """Every text that stands for a missing value."""
        return [*MISSING, *self.na_values]

    @property
    def numbers(self) -> list[float]:
        """The numbers among `na_values`: they are missing in any spelling."""
        numbers = []
        for text in self.na_values:
            try:
                numbers.append(float(text.replace(self.decimal, ".")))
            except ValueError:
                continue
        return [n for n in numbers if np.isfinite(n)]


@dataclasses.dataclass(frozen=True)
class TimeFormat:
    """How a time column is written.

    >>> TimeFormat.of(DataConfig(time_unit="s", timezone="Europe/Berlin"))
    TimeFormat(pattern=None, unit='s', zone='Europe/Berlin', utc=False)
    """

    pattern: str | None = None  # as strptime has it, such as %d.%m.%Y; None: ISO 8601 or integers
    unit: str | None = None  # of integers since 1970: s, ms, us, ns or D; step: they count steps
    zone: str | None = None  # of times without an offset, and in which all are shown
    utc: bool = False  # whether times without an offset are UTC, and only shown in `zone`

    @classmethod
    def of(cls, data: DataConfig) -> TimeFormat:
        """From `data.time_format`, `time_unit`, `timezone` and `times_are`."""
        utc = data.times_are == "utc"
        zone = "UTC" if utc and data.timezone is None else data.timezone
        return cls(data.time_format, data.time_unit, zone, utc)


@dataclasses.dataclass(frozen=True)
class GridPolicy:
    """What becomes of several lines of one time, and of times without a line.

    >>> GridPolicy.of(DataConfig(gaps="zero"))
    GridPolicy(duplicates='error', gaps='zero')
    """

    duplicates: str = "error"  # error, mean, first or last
    gaps: str = "mask"  # mask, error or zero

    @classmethod
    def of(cls, data: DataConfig) -> GridPolicy:
        """From `data.duplicates` and `data.gaps`."""
        return cls(data.duplicates, data.gaps)
