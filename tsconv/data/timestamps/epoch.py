"""Integer times: counts since 1970, dates written as numbers, or plain steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.config.schema import DataConfig
from tsconv.data.timestamps.frequency import DAY
from tsconv.errors import DataError

UNITS = {"s": 1_000_000.0, "ms": 1000.0, "us": 1.0, "ns": 0.001, "D": float(DAY)}  # microseconds
_LEAST, _MOST = -3.06e16, 2.2e17  # microseconds: the years 1000 and 8941
# Counts since 1970 that fall into the years 1973 to 2286; no one numbers steps so.
LOOKS = {"s": 1e8, "ms": 1e11, "us": 1e14, "ns": 1e17}
# Dates written as one number, and how many digits that takes.
DIGITS = {14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M", 10: "%Y%m%d%H", 8: "%Y%m%d", 6: "%Y%m"}
# Of the values, that they all count as dates or counts since 1970; %Y%m has too few digits.
_MOST_OF, _MOST_MONTHS = 0.5, 0.8
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
        if len(between := np.flatnonzero(values % 1000)):
            raise DataError(
                f"{place(int(between[0]))}, column `{name}`: {values[between[0]]} ns are no whole "
                f"number of microseconds ({len(between)} such): round the times"
            )
        counted = (values // 1000).astype("int64")
    else:
        counted = values.astype("int64") * int(unit)
    return counted.view("datetime64[us]")


def reject_dates_in_integers(whole: npt.NDArray[np.int64], name: str, place: Place) -> None:
    """Raise DataError where most integers look like dates or counts since 1970.

    Where only most do, it is the first other one that is named: as plain steps, one cell that is
    wrong would put all the others on a grid of their digits.
    """
    middle = int(np.partition(whole, len(whole) // 2)[len(whole) // 2])
    form = DIGITS.get(len(str(middle)))
    if form:
        different, number = np.unique(whole, return_inverse=True)
        dates = are_dates(different, form)
        fewest, most = (3, _MOST_MONTHS) if form == "%Y%m" else (2, _MOST_OF)
        if dates.sum() >= fewest and (fits := dates[number]).mean() > most:
            _tell(whole, fits, name, place, "a date", f"data.time_format='{form}'")
    for unit, least in LOOKS.items():
        if least <= middle < 100 * least:
            fits = (whole >= least) & (whole < 100 * least)
            if fits.mean() > _MOST_OF:
                what = f"a count of {unit} since 1970"
                _tell(whole, fits, name, place, what, f"data.time_unit={unit}")


def _tell(
    whole: npt.NDArray[np.int64],
    fits: npt.NDArray[np.bool_],
    name: str,
    place: Place,
    what: str,
    setting: str,
) -> None:
    """Raise the DataError of integers that look like something else; see its caller."""
    advice = f"set `{setting}`, or `data.time_unit=step` if it counts steps"
    if fits.all():
        unit = setting.partition("time_unit=")[2]
        shown = ""
        if unit:
            moment = np.datetime64(round(int(whole[0]) * UNITS[unit]), "us")
            shown = f" ({str(moment)[:19].replace('T', ' ')})"
        raise DataError(
            f"{place(0)}, column `{name}`: {whole[0]} looks like {what}{shown}: {advice}"
        )
    odd = np.flatnonzero(~fits)
    such = f" ({len(odd)} such)" if len(odd) > 1 else ""
    raise DataError(
        f"{place(int(odd[0]))}, column `{name}`: {whole[odd[0]]} does not look like {what}, as "
        f"most others do{such}, such as {whole[fits.argmax()]}: mend it and {advice}"
    )


def are_dates(whole: npt.NDArray[np.int64], form: str) -> npt.NDArray[np.bool_]:
    """Which integers read as dates of 1800 to 2200, as no count of steps would."""
    digits = next(n for n, f in DIGITS.items() if f == form)
    year = whole // 10 ** (digits - 4)
    dates = (year >= 1800) & (year <= 2200)
    text = pd.Series(whole[dates]).astype(str)
    parsed = pd.to_datetime(text, format=form, errors="coerce")
    # %Y%m reads 2024013 too, and %H a single digit: what is read must be written the same.
    dates[dates] = (parsed.dt.strftime(form) == text).to_numpy(dtype=bool)
    return dates
