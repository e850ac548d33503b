"""Exact quantiles of more values than memory holds, in a few passes over them.

Each pass counts the values below a bracket and keeps a sample of those within; the quantiles of the
sample give a narrower bracket for the next pass, until it keeps all that lie within (after Floyd
and Rivest 1975, "Expected time bounds for selection"). Where a bracket misses, a wider one takes
its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
_KEPT = 1 << 18  # values of all samples together: 2 MB
_FEWEST = 1 << 10  # values of a sample
_MARGIN = 3.0  # standard errors of a sample's quantile, to either side


class Selection:
    """The quantiles of the values of one column, which come in blocks, over and over again.

    levels: between 0 and 1. A pass is `add` with every block, then `finish`; the passes end when
    `is_done`. most: values to keep for each level.
    """

    def __init__(self, levels: Sequence[float], most: int = _KEPT) -> None:
        self.is_done = False
        self._searches = [_Search(level, most) for level in levels]

    @property
    def quantiles(self) -> list[float]:
        """The quantile of each level, interpolated as numpy does; [] where there are no values."""
        return [s.value for s in self._searches if s.value is not None]

    def add(self, values: Values) -> None:
        """Take the next block: (N,), NaN does not count."""
        seen = values[~np.isnan(values)]
        for search in self._searches:
            search.add(seen)

    def finish(self) -> None:
        """End a pass."""
        for search in self._searches:
            search.finish()
        self.is_done = all(search.is_done for search in self._searches)


class _Search:
    """The search for one quantile: a bracket, what lies below it and at its ends, and a sample."""

    def __init__(self, level: float, most: int) -> None:
        self.level, self.is_done = level, False
        self.value: float | None = None
        self._wanted: list[int] | None = None  # ranks, from 0; known after the first pass
        self._found: list[float] = []
        self._share = 0.0  # of the way from the first of them to the second
        self._buffer = np.empty(most)
        self._around = (-math.inf, math.inf)  # a bracket that surely holds the next rank
        self._open(-math.inf, math.inf)

    def _open(self, low: float, high: float) -> None:
        self._low, self._high = low, high
        self._below = self._at_low = self._at_high = self._inside = self._used = 0
        self._stride = 1  # of the values inside, every so manieth is kept

    def add(self, seen: Values) -> None:
        """Count and keep; `seen` holds no NaN."""
        if self.is_done:
            return
        low, high = self._low, self._high
        if low > -math.inf:
            self._below += int(np.count_nonzero(seen < low))
            self._at_low += int(np.count_nonzero(seen == low))
            seen = seen[seen > low]
        if high < math.inf:
            if high > low:
                self._at_high += int(np.count_nonzero(seen == high))
            seen = seen[seen < high]
        self._keep(seen)

    def _keep(self, inside: Values) -> None:
        """Keep every stride-th value; where there is no room, every other one of those kept."""
        while True:
            taken = inside[-self._inside % self._stride :: self._stride]
            if self._used + len(taken) <= len(self._buffer):
                break
            half = self._buffer[: self._used : 2].copy()
            self._used, self._stride = len(half), 2 * self._stride
            self._buffer[: self._used] = half
        self._buffer[self._used : self._used + len(taken)] = taken
        self._used += len(taken)
        self._inside += len(inside)

    def finish(self) -> None:
        """Take the quantile from what is kept, or open another bracket."""
        if self.is_done:
            return
        if self._wanted is None:
            place = self.level * max(0, self._inside - 1)
            first, self._share = math.floor(place), place % 1
            self._wanted = [first, first + 1] if self._share else [first] * (self._inside > 0)
        sample = np.sort(self._buffer[: self._used])
        while self._wanted and (value := self._ranked(self._wanted[0], sample)) is not None:
            self._found.append(value)
            self._around = (-math.inf, math.inf)
            del self._wanted[0]
        if self._wanted:
            self._go_on(self._wanted[0], sample)
            return
        self.is_done = True
        if self._found:
            low, high, share = self._found[0], self._found[-1], self._share
            step = high - low  # as numpy interpolates
            self.value = low + step * share if share < 0.5 else high - step * (1 - share)

    def _go_on(self, rank: int, sample: Values) -> None:
        """Open a bracket for a rank: within this one, below it or above it."""
        low, high = self._around
        if rank < self._below:
            self._around = (low, self._low)
        elif rank >= self._below + self._at_low + self._inside + self._at_high:
            self._around = (self._high, high)
        else:
            self._around = (self._low, self._high)
            self._open(*self._narrower(rank, sample))
            return
        self._open(*self._around)

    def _narrower(self, rank: int, sample: Values) -> tuple[float, float]:
        """A bracket about the place of a rank in the sample; a single value of it at the least."""
        share = (rank - self._below - self._at_low) / self._inside
        size = len(sample)
        middle, reach = share * size, _MARGIN * 0.5 * math.sqrt(size) + 1
        if 2 * reach >= size:
            return (float(sample[size // 2]),) * 2
        low, high = math.floor(middle - reach), math.ceil(middle + reach)
        return (
            float(sample[min(low, size - 1)]) if low >= 0 else self._low,
            float(sample[max(high, 0)]) if high < size else self._high,
        )

    def _ranked(self, rank: int, sample: Values) -> float | None:
        """The value of that rank among all, from 0; None where it is not known yet."""
        rank -= self._below
        if rank < 0:
            return None
        if rank < self._at_low:
            return self._low
        rank -= self._at_low
        if rank < self._inside:
            return float(sample[rank]) if self._stride == 1 else None
        return self._high if rank - self._inside < self._at_high else None


def quantiles(
    columns: Sequence[Sequence[float]], blocks: Callable[[], Iterable[Sequence[Values]]]
) -> list[list[float]]:
    """The quantiles of several columns; [] for a column without values.

    columns: the levels of each. blocks: goes over all values once, and gives for each block the
    values of every column.

    >>> found = quantiles([[0.5, 0.9]], lambda: [[np.array([4.0, 1.0])], [np.array([3.0, 2.0])]])
    >>> found[0] == np.quantile([4.0, 1.0, 3.0, 2.0], [0.5, 0.9]).tolist()
    True
    """
    most = max(_FEWEST, _KEPT // max(1, sum(map(len, columns))))
    selections = [Selection(levels, most) for levels in columns]
    while not all(selection.is_done for selection in selections):
        for block in blocks():
            for selection, values in zip(selections, block, strict=True):
                if not selection.is_done:
                    selection.add(values)
        for selection in selections:
            selection.finish()
    return [selection.quantiles for selection in selections]
