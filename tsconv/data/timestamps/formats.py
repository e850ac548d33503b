"""Date formats that fit a column of text: suggested where it is not ISO 8601, or decided."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsconv.data.source_column import SourceColumn

_DAY_FIRST, _MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"
_ORDERS = ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%Y{0}%m{0}%d", "%d{0}%m{0}%y", "%d{0}%b{0}%Y")
_DATES = (
    *(order.format(mark) for mark in "./- " for order in _ORDERS),
    "%d %B %Y", "%b %d, %Y", "%B %d, %Y",
)  # fmt: skip
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p")


def fitting_formats(text: pd.Series) -> tuple[str, npt.NDArray[np.bool_]]:
    """The common formats that read most of a column, quoted, and which texts they read: (N,).

    An example, and no texts, where no format reads anything.

    >>> fitting_formats(pd.Series(["31.01.2024", "soon"]))
    ("'%d.%m.%Y'", array([ True, False]))
    """
    best: list[str] = []
    some = text.iloc[:1000]
    most = np.zeros(len(some), dtype=bool)
    for date in _DATES:
        for clock in _CLOCKS:
            read = pd.to_datetime(some, format=date + clock, errors="coerce").notna()
            count = int(read.sum())
            if count and count >= most.sum():
                best = [*(best if count == most.sum() else []), date + clock]
                most = read.to_numpy()
    if not best:
        return "'%d.%m.%Y %H:%M'", np.zeros(len(text), dtype=bool)
    read = pd.to_datetime(text, format=best[0], errors="coerce").notna()
    return " or ".join(f"'{pattern}'" for pattern in best), read.to_numpy()


def day_or_month_first(text: pd.Series, source: SourceColumn) -> str:
    """The one format of dates such as 01/02/2024 that fits the whole column.

    Raises DataError where both fit: the config must then name one.

    >>> day_or_month_first(pd.Series(["01/02/2024", "31/01/2024"]), SourceColumn("ds", str))
    '%d/%m/%Y'
    """
    reads = {
        pattern: int(pd.to_datetime(text, format=pattern, errors="coerce").notna().sum())
        for pattern in (_DAY_FIRST, _MONTH_FIRST)
    }
    if set(reads.values()) == {len(text)}:
        raise source.error(
            0,
            f"{text.iloc[0]!r} may begin with the day or the month: set "
            f"`data.time_format='{_DAY_FIRST}'` or '{_MONTH_FIRST}'",
        )
    return max(reads, key=lambda pattern: reads[pattern])
