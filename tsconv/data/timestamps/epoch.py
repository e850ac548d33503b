"""Integer times: counts since 1970, dates written as numbers, or plain steps."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.source_column import SourceColumn
from tsconv.data.timestamps.frequency import DAY
from tsconv.errors import DataError
from tsconv.text import plural

UNITS = {"s": 1_000_000.0, "ms": 1000.0, "us": 1.0, "ns": 0.001, "D": float(DAY)}  # microseconds
_LEAST, _MOST = -3.06e16, 2.2e17  # microseconds: the years 1000 and 8941
# Counts since 1970 that fall into the years 1973 to 2286; no one numbers steps so.
LOOKS = {"s": 1e8, "ms": 1e11, "us": 1e14, "ns": 1e17}
# Dates written as one number, and how many digits that takes.
DIGITS = {14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M", 10: "%Y%m%d%H", 8: "%Y%m%d", 6: "%Y%m"}
# Of the values, that they all count as dates or counts since 1970; %Y%m has too few digits.
_MOST_OF, _MOST_MONTHS = 0.5, 0.8


def from_epoch(column: pd.Series, source: SourceColumn, unit: str) -> npt.NDArray[np.datetime64]:
    """(N,) counts of `unit` (one of UNITS) since 1970 as datetime64[us].

    Raises DataError naming the first line beyond the years 1000 to 8941, or between microseconds.

    >>> from_epoch(pd.Series([0, 90]), SourceColumn("ds", str), "s")[1]
    np.datetime64('1970-01-01T00:01:30.000000')
    """
    size = UNITS[unit]
    values = column.to_numpy()
    values = values.astype("float64") if values.dtype.kind == "f" else values
    rough = values.astype("float64") * size
    bad = np.flatnonzero(~((rough > _LEAST) & (rough < _MOST)))
    if len(bad):
        raise source.error(
            bad[0],
            f"{values[bad[0]]} is not a valid time if it counts {unit} since 1970: set another "
            f"`data.time_unit=`",
        )
    if values.dtype.kind == "f":
        counted = np.round(rough).astype("int64")
    elif size < 1:
        if len(between := np.flatnonzero(values % 1000)):
            raise source.error(
                between[0],
                f"{values[between[0]]} ns is not a whole number of microseconds "
                f"({plural(len(between), 'such time')}): round them",
            )
        counted = (values // 1000).astype("int64")
    else:
        counted = values.astype("int64") * int(size)
    return counted.view("datetime64[us]")


def reject_dates_in_integers(whole: npt.NDArray[np.int64], source: SourceColumn) -> None:
    """Raise DataError where most integers look like dates or counts since 1970.

    Where only most do, the error names the first other one: as plain steps, one cell that is wrong
    would put all the others on a grid of their digits.
    """
    middle = int(np.partition(whole, len(whole) // 2)[len(whole) // 2])
    pattern = DIGITS.get(len(str(middle)))
    if pattern:
        distinct, number = np.unique(whole, return_inverse=True)
        dates = are_dates(distinct, pattern)
        fewest, most = (3, _MOST_MONTHS) if pattern == "%Y%m" else (2, _MOST_OF)
        if dates.sum() >= fewest and (fits := dates[number]).mean() > most:
            raise _disguised_error(whole, fits, source, "a date", f"data.time_format='{pattern}'")
    for unit, least in LOOKS.items():
        if least <= middle < 100 * least:
            fits = (whole >= least) & (whole < 100 * least)
            if fits.mean() > _MOST_OF:
                what = f"a count of {unit} since 1970"
                raise _disguised_error(whole, fits, source, what, f"data.time_unit={unit}")


def _disguised_error(
    whole: npt.NDArray[np.int64],
    fits: npt.NDArray[np.bool_],
    source: SourceColumn,
    what: str,
    setting: str,
) -> DataError:
    """The error of integers (N,) of which those that `fits` marks look like something else."""
    advice = f"set `{setting}`, or `data.time_unit=step` if it counts steps"
    if fits.all():
        unit = setting.partition("time_unit=")[2]
        shown = ""
        if unit:
            moment = np.datetime64(round(int(whole[0]) * UNITS[unit]), "us")
            shown = f" ({str(moment)[:19].replace('T', ' ')})"
        return source.error(0, f"{whole[0]} looks like {what}{shown}: {advice}")
    odd = np.flatnonzero(~fits)
    such = f" ({plural(len(odd), 'such value')})" if len(odd) > 1 else ""
    return source.error(
        odd[0],
        f"{whole[odd[0]]} does not look like {what}, as most others do{such}, such as "
        f"{whole[fits.argmax()]}: fix it and {advice}",
    )


def are_dates(whole: npt.NDArray[np.int64], pattern: str) -> npt.NDArray[np.bool_]:
    """(N,) which integers read as dates of 1800 to 2200, as no count of steps would.

    >>> are_dates(np.array([20240131, 20240231]), "%Y%m%d").tolist()
    [True, False]
    """
    digits = next(n for n, p in DIGITS.items() if p == pattern)
    year = whole // 10 ** (digits - 4)
    dates = (year >= 1800) & (year <= 2200)
    text = pd.Series(whole[dates]).astype(str)
    parsed = pd.to_datetime(text, format=pattern, errors="coerce")
    # %Y%m reads 2024013 too, and %H a single digit: what is read must be written the same.
    dates[dates] = (parsed.dt.strftime(pattern) == text).to_numpy(dtype=bool)
    return cast(npt.NDArray[np.bool_], dates)
