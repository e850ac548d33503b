"""Exact quantiles of more values than memory holds, in two passes or a few more.

The first pass takes a sample; its quantiles bracket each wanted one, and the second pass counts
what lies below the brackets and keeps what lies within (after Floyd and Rivest 1975, "Expected time
bounds for selection"). Where a bracket misses, a wider one takes its place, in one more pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
_SAMPLE = 1 << 16  # about so many values
_NEAR = 0.01  # share of the sample on either side of a quantile, at first


class Selection:
    """The quantiles of the values of one column, which come in blocks, over and over again.

    levels: between 0 and 1. total: about how many values there are. A pass is `add` with every
    block, then `finish`; the passes end when `is_done`.
    """

    def __init__(self, levels: Sequence[float], total: int) -> None:
        self.levels, self.is_done = tuple(levels), False
        self.quantiles: list[float] = []  # of each level; none where there are no values
        self._stride, self._near, self._count = max(1, total // _SAMPLE), _NEAR, 0
        self._sample: Values | None = None
        self._pieces: list[Values] = []
        self._brackets: list[_Bracket] = []

    def add(self, values: Values) -> None:
        """Take the next block: (N,), NaN does not count."""
        seen = values[~np.isnan(values)]
        if self._sample is None:
            self._pieces.append(seen[:: self._stride].copy())
            self._count += len(seen)
        for bracket in self._brackets:
            bracket.add(seen)

    def finish(self) -> None:
        """End a pass."""
        if self._sample is None:
            self._sample = np.sort(np.concatenate([np.zeros(0), *self._pieces]))
            self._pieces.clear()
            self.is_done = self._count == 0
        else:
            found = [bracket.value() for bracket in self._brackets]
            self.is_done = None not in found
            self.quantiles = [value for value in found if value is not None]
            self._near *= 8
        sample = self._sample
        self._brackets = [] if self.is_done else [self._bracket(q, sample) for q in self.levels]

    def _bracket(self, level: float, sample: Values) -> _Bracket:
        size = len(sample)
        low, high = (int(np.floor((level + d) * (size - 1))) for d in (-self._near, self._near))
        return _Bracket(
            level * (self._count - 1),
            float(sample[low]) if low >= 0 else -np.inf,
            float(sample[high + 1]) if high + 1 < size else np.inf,
        )


class _Bracket:
    """Two values that a quantile should lie between, and what lies below, at and between them."""

    def __init__(self, place: float, low: float, high: float) -> None:
        """place: of the quantile among the sorted values, counted from 0."""
        self.place, self.low, self.high = place, low, high
        self.below = self.at_low = self.at_high = 0
        self.inside: list[Values] = []

    def add(self, seen: Values) -> None:
        self.below += int(np.count_nonzero(seen < self.low))
        self.at_low += int(np.count_nonzero(seen == self.low))
        if self.high > self.low:
            self.at_high += int(np.count_nonzero(seen == self.high))
            self.inside.append(seen[(seen > self.low) & (seen < self.high)])

    def value(self) -> float | None:
        """The quantile, interpolated as numpy does; None where it lies outside."""
        inside = np.sort(np.concatenate([np.zeros(0), *self.inside]))
        first = int(np.floor(self.place))
        share = self.place - first
        low = self._ranked(first, inside)
        high = self._ranked(first + 1, inside) if share > 0 else low
        if low is None or high is None:
            return None
        step = high - low
        return low + step * share if share < 0.5 else high - step * (1 - share)

    def _ranked(self, rank: int, inside: Values) -> float | None:
        """The value of that rank among all, from 0."""
        rank -= self.below
        if rank < 0:
            return None
        if rank < self.at_low:
            return self.low
        rank -= self.at_low
        if rank < len(inside):
            return float(inside[rank])
        return self.high if rank - len(inside) < self.at_high else None


def select(
    selections: Sequence[Selection], blocks: Callable[[], Iterable[Sequence[Values]]]
) -> None:
    """Pass over the blocks until all selections are done.

    blocks: goes over all of them once, and gives for each block the values of every selection.

    >>> one = Selection([0.5, 0.9], total=4)
    >>> select([one], lambda: [[np.array([4.0, 1.0])], [np.array([3.0, np.nan, 2.0])]])
    >>> one.quantiles == np.quantile([4.0, 1.0, 3.0, 2.0], [0.5, 0.9]).tolist()
    True
    """
    while not all(selection.is_done for selection in selections):
        for block in blocks():
            for selection, values in zip(selections, block, strict=True):
                if not selection.is_done:
                    selection.add(values)
        for selection in selections:
            if not selection.is_done:
                selection.finish()
