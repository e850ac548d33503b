"""Which regular grid the times of a file lie on: the commonest step, checked for its shape."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tsconv.data.timestamps.frequency import DAY, UNITS, Frequency, Steps, Times
from tsconv.errors import DataError

_BLOCK = 1 << 18  # lines: what is made of a block stays in a core's cache
_MONTHS = {"Y": 12, "Q": 3, "M": 1}  # coarsest first


class Gaps(NamedTuple):
    """The distances above 0 between neighbouring times of one series: each once, and how often."""

    sizes: Steps  # (K,) ascending, microseconds or integers
    counts: Steps  # (K,)

    @property
    def total(self) -> int:
        """How many there are."""
        return int(self.counts.sum())

    @property
    def commonest(self) -> int:
        """The size of most of them, of several the smallest."""
        return int(self.sizes[self.counts.argmax()])

    @property
    def median(self) -> float:
        """The middle one, or the mean of the two in the middle.

        >>> Gaps(np.array([1, 4]), np.array([2, 2])).median
        2.5
        """
        ends, total = np.cumsum(self.counts), self.total
        middle = np.searchsorted(ends, [(total - 1) // 2, total // 2], side="right")
        return float(self.sizes[middle].mean())


def infer_frequency(time: Times, series: Steps, gaps: Gaps | None = None) -> Frequency:
    """Find the grid from times sorted within each series: the commonest step, checked for shape.

    time, series: (N,), with `series` the code of each line's series. gaps: what `gaps_within` gives
    for them, where that is known. Raises DataError where no series has two different times.

    >>> time = np.array(["2024-01-01", "2024-02-01", "2024-03-01"], "datetime64[us]")
    >>> infer_frequency(time, np.zeros(3, dtype="int64")).alias
    'MS'
    """
    gaps = gaps_within(time, series) if gaps is None else gaps
    if gaps.total == 0:
        raise DataError("no series has two timestamps to infer a frequency from: set `data.freq=`")
    commonest = gaps.commonest
    if time.dtype.kind != "M":
        return Frequency(str(commonest), "integer", commonest)
    if gaps.sizes[0] >= 28 * DAY:
        monthly = _infer_months(time, series)
        if monthly is not None:
            return monthly
    three_days = 3 * DAY in gaps.sizes
    if commonest == DAY and three_days and np.is_busday(time.astype("datetime64[D]")).all():
        return Frequency("B", "business", 1)
    return Frequency(fixed_alias(commonest), "fixed", commonest)


def gaps_within(time: Times, series: Steps) -> Gaps:
    """Count the distances above 0 between neighbouring times of one series.

    >>> gaps_within(np.array([1, 2, 2, 4, 9, 12]), np.array([0, 0, 0, 0, 1, 1])).sizes
    array([1, 2, 3])
    """
    ticks = time.view("int64")
    found = [(np.zeros(0, dtype="int64"), np.zeros(0, dtype="int64"))]
    for begin in range(0, max(0, len(ticks) - 1), _BLOCK):
        end = begin + _BLOCK + 1
        part, members = ticks[begin:end], series[begin:end]
        gaps = np.diff(part)
        gaps = gaps[(gaps > 0) & (members[1:] == members[:-1])]
        if len(gaps) and gaps.min() == gaps.max():  # as nearly always: nothing has to be sorted
            found.append((gaps[:1].copy(), np.array([len(gaps)])))
        else:
            found.append(np.unique(gaps, return_counts=True))
    sizes, counts = map(np.concatenate, zip(*found, strict=True))
    order = np.argsort(sizes, kind="stable")
    sizes, counts = sizes[order], counts[order]
    first = np.flatnonzero(np.diff(sizes, prepend=-1))
    return Gaps(sizes[first], np.add.reduceat(counts, first) if len(first) else counts)


def _infer_months(time: Times, series: Steps) -> Frequency | None:
    """A grid of whole months: every time keeps its day, or is its month's last, or first workday.

    The 29th to 31st give way to a month's last day where it has none of them.
    """
    date = time.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    gaps = gaps_within(month.astype("int64"), series)
    if gaps.total == 0:
        return None
    shape = _shape_of_months(date, month)
    if shape is None:
        return None
    size = math.gcd(*gaps.sizes.tolist())
    letter = next(k for k in _MONTHS if size % _MONTHS[k] == 0)
    end, day, working = shape
    if day is not None:
        return Frequency(f"{size if size > 1 else ''}M-{day}", "month", size, day=day)
    number = size // _MONTHS[letter]
    alias = f"{number if number > 1 else ''}{'B' * working}{letter}{'E' if end else 'S'}"
    return Frequency(alias, "month", size, end, None, working)


def _shape_of_months(
    date: npt.NDArray[np.datetime64], month: npt.NDArray[np.datetime64]
) -> tuple[bool, int | None, bool] | None:
    """(at the month's end, on which day if it is to be named, on a working day), or None."""
    day = (date - month.astype("datetime64[D]")).astype("int64") + 1
    last = (month + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    if (date == last).all():
        return True, None, False
    highest = int(day.max())
    if int(day.min()) == highest:
        return False, highest if highest > 28 else None, False
    if (
        highest > 28
        and (date == np.minimum(month.astype("datetime64[D]") + (highest - 1), last)).all()
    ):
        return False, highest, False
    for end, edge, roll in ((True, last, "backward"), (False, month, "forward")):
        if (date == np.busday_offset(edge.astype("datetime64[D]"), 0, roll=roll)).all():  # type: ignore[call-overload]
            return end, None, True
    return None


def fixed_alias(microseconds: int) -> str:
    """The shortest alias of a fixed step.

    >>> fixed_alias(7 * DAY), fixed_alias(90_000_000)
    ('W', '90s')
    """
    for alias, unit in reversed(UNITS.items()):  # coarsest first
        if microseconds % unit == 0:
            number = microseconds // unit
            return alias if number == 1 else f"{number}{alias}"
    raise ValueError(microseconds)  # not reached: whole microseconds divide by one
