"""Integer times: counts since 1970, dates written as numbers, or plain steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.frequency import DAY
from tsconv.errors import DataError
from tsconv.schema import DataConfig

UNITS = {"s": 1_000_000.0, "ms": 1000.0, "us": 1.0, "ns": 0.001, "D": float(DAY)}  # microseconds
_LEAST, _MOST = -3.06e16, 2.2e17  # microseconds: the years 1000 and 8941
# Counts since 1970 that fall into the years 1973 to 2286; no one numbers steps so.
LOOKS = {"s": 1e8, "ms": 1e11, "us": 1e14, "ns": 1e17}
# Dates written as one number, and how many digits that takes.
DIGITS = {14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M", 10: "%Y%m%d%H", 8: "%Y%m%d", 6: "%Y%m"}
Place = Callable[[int], str]


def from_epoch(
    column: pd.Series, name: str, data: DataConfig, place: Place
) -> npt.NDArray[np.datetime64]:
    """(N,) counts of `data.time_unit` since 1970 as datetime64[us]; raises DataError."""
    unit = UNITS[str(data.time_unit)]
    values = column.to_numpy()
    values = values.astype("float64") if values.dtype.kind == "f" else values
    rough = values.astype("float64") * unit
    bad = np.flatnonzero(~((rough > _LEAST) & (rough < _MOST)))
    if len(bad):
        raise DataError(
            f"{place(int(bad[0]))}, column `{name}`: {values[bad[0]]} is no time if it counts "
            f"{data.time_unit} since 1970: set another `data.time_unit=`"
        )
    if values.dtype.kind == "f":
        counted = np.round(rough).astype("int64")
    elif unit < 1:
        counted = values.astype("int64") // 1000
    else:
        counted = values.astype("int64") * int(unit)
    return counted.view("datetime64[us]")


def reject_dates_in_integers(column: pd.Series, name: str, place: Place) -> None:
    """Raise DataError where integers look like dates or counts since 1970 throughout."""
    low, high = int(column.min()), int(column.max())
    where = f"{place(0)}, column `{name}`: {column.iloc[0]}"
    digits = len(str(low))
    form = DIGITS.get(digits)
    if form and digits == len(str(high)) and are_dates(column, form, digits):
        raise DataError(
            f"{where} looks like a date: set `data.time_format='{form}'`, or "
            f"`data.time_unit=step` if it counts steps"
        )
    for unit, least in LOOKS.items():
        if least <= low and high < 100 * least:
            shown = pd.Timestamp(int(column.iloc[0]), unit=unit)
            raise DataError(
                f"{where} looks like a count of {unit} since 1970 ({str(shown)[:19]}): set "
                f"`data.time_unit={unit}`, or `data.time_unit=step` if it counts steps"
            )


def are_dates(column: pd.Series, form: str, digits: int) -> bool:
    """Whether integers read as dates of 1800 to 2200, as no count of steps would."""
    unique = pd.Series(column.unique())
    if len(unique) < (3 if digits == 6 else 2):
        return False
    year = unique // 10 ** (digits - 4)
    if not year.between(1800, 2200).all():
        return False
    parsed = pd.to_datetime(unique.astype(str), format=form, errors="coerce")
    # %Y%m reads 2024013 too, and %H a single digit: what is read must be written the same.
    return bool((parsed.dt.strftime(form) == unique.astype(str)).all())
