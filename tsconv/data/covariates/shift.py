"""Covariates in another unit than in training: found by where most of their values lie.

A network cannot know that a temperature is in Fahrenheit now, or that a share has become a per
cent: its forecasts would be wrong without a sign. Past covariates that are numbers need no check:
they are scaled by their own past, as targets are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tsconv.data.panel.ragged import count_steps, run_lengths, run_starts
from tsconv.data.quantiles import quantiles
from tsconv.data.reading.covariate_columns import CovariateColumns
from tsconv.data.reading.table import Table
from tsconv.errors import DataError

if TYPE_CHECKING:
    from tsconv.data.covariates.encode import Encoding

Values = npt.NDArray[np.float64]
_LEVELS, _SIZE_LEVELS = (0.01, 0.5, 0.99), (0.05, 0.95)  # of values, and of their sizes
Lines = npt.NDArray[np.int64]
# Measured on honest new data (another season, a trend, prices 30% higher or lower) and on wrong
# units (Fahrenheit for Celsius, kelvin, per cent for shares, cents, MW): see docs/guide.
_MARGIN, _RELATIVE, _FACTOR = 0.25, 0.5, 10.0
_STATIC_MARGIN, _STATIC_RELATIVE = 1.0, 2.0  # a few series: the next one may well be larger


@dataclasses.dataclass(frozen=True)
class TrainingRange:
    """Where a column's values lay in training: quantiles, which single outliers do not move."""

    low: float  # level .01
    middle: float  # the median
    high: float  # level .99
    small: float = 0.0  # of the sizes of what is not zero: level .05; 0 where all is zero
    large: float = 0.0  # level .95

    @classmethod
    def of(cls, values: Values) -> TrainingRange | None:
        """Of (N,) values, NaN where missing; None where there are none.

        >>> TrainingRange.of(np.array([0.0, 10.0, 20.0, np.nan])).middle
        10.0
        """
        seen = values[~np.isnan(values)]
        if len(seen) == 0:
            return None
        low, middle, high = (float(q) for q in np.quantile(seen, _LEVELS))
        sizes = np.abs(seen[seen != 0])
        small, large = np.quantile(sizes, _SIZE_LEVELS) if len(sizes) else (0.0, 0.0)
        return cls(low, middle, high, float(small), float(large))

    @classmethod
    def of_columns(
        cls, blocks: Callable[[], Iterable[Values]], count: int
    ) -> list[TrainingRange | None]:
        """Of each of `count` columns, which need not fit into memory.

        blocks: goes over all lines once, and gives (n, count, ...) values of some of them.

        >>> column = np.array([[0.0], [10.0], [20.0], [np.nan]])
        >>> found = TrainingRange.of_columns(lambda: [column[:2], column[2:]], 1)
        >>> found == [TrainingRange.of(column[:, 0])]
        True
        """

        def pieces() -> Iterator[list[Values]]:
            for block in blocks():
                columns = [block[:, c].ravel() for c in range(count)]
                yield [*columns, *(np.abs(values[values != 0]) for values in columns)]

        found = quantiles([_LEVELS] * count + [_SIZE_LEVELS] * count, pieces)
        plain, sizes = found[:count], found[count:]
        return [
            cls(*all_, *(size or (0.0, 0.0))) if all_ else None
            for all_, size in zip(plain, sizes, strict=True)
        ]

    def joined(self, other: TrainingRange | None) -> TrainingRange:
        """The range that holds both, with the middle of this one."""
        if other is None:
            return self
        return TrainingRange(
            min(self.low, other.low),
            self.middle,
            max(self.high, other.high),
            min(self.small, other.small) if self.small and other.small else self.small,
            max(self.large, other.large),
        )

    def limits(self, margin: float, relative: float) -> tuple[float, float]:
        """The lowest and highest middle that new values may have.

        margin: of the range's width; relative: of its ends. The larger of the two counts.
        """
        width = margin * (self.high - self.low)
        return (
            self.low - max(width, relative * abs(self.low)),
            self.high + max(width, relative * abs(self.high)),
        )

    def is_far(self, values: Values, margin: float = _MARGIN, relative: float = _RELATIVE) -> bool:
        """Whether the middle of (N,) values lies far outside, or their size is a tenth or tenfold.

        >>> celsius = TrainingRange(low=-9, middle=10, high=28, small=1, large=25)
        >>> celsius.is_far(np.array([14.0, 50.0, 82.0]))  # Fahrenheit
        True
        >>> celsius.is_far(np.array([29.0, 31.0, 34.0]))  # a heat wave
        False
        """
        seen = values[~np.isnan(values)]
        if len(seen) == 0:
            return False
        low, high = self.limits(margin, relative)
        if not low <= float(np.median(seen)) <= high:
            return True
        sizes = np.abs(seen[seen != 0])
        if len(sizes) == 0 or self.small == 0:
            return False
        return not self.small / _FACTOR <= float(np.median(sizes)) <= self.large * _FACTOR


def reject_shift(table: Table, encodings: Sequence[Encoding], horizon: int | None = None) -> None:
    """Raise DataError for a column of numbers whose values lie far outside those of the training.

    table: lines of the file to forecast, and those of the future file. The `horizon` lines after
    each series' last observed target are looked at on their own, and against what the file itself
    has seen before.
    An encoding without a range, of a bundle that an earlier version wrote, is not checked.
    """
    ahead = lines_ahead(table)
    for encoding in encodings:
        part = table.static if encoding.role == "static" else table.future
        trained = encoding.training_range
        if trained is None or part is None or encoding.role == "past":
            continue
        if encoding.name not in part.names:
            continue
        values = part.values[:, part.names.index(encoding.name)]
        if encoding.role == "static":
            lines = _one_a_member(table, part, values)
            if trained.is_far(values[lines], _STATIC_MARGIN, _STATIC_RELATIVE):
                raise _error(table, encoding.name, values, lines, trained)
            continue
        seen, known = np.flatnonzero(~ahead), _first_lines(table, ahead, horizon)
        if trained.is_far(values[seen]):
            raise _error(table, encoding.name, values, seen, trained)
        own = trained.joined(TrainingRange.of(values[seen]))
        if own.is_far(values[known]):
            raise _error(table, encoding.name, values, known, trained)


def lines_ahead(table: Table) -> npt.NDArray[np.bool_]:
    """(N,) the lines after the last observed target of their series.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.reading.read import table_from_frame
    >>> frame = pd.DataFrame({"ds": [1, 2, 3], "y": [5.0, 6.0, np.nan]})
    >>> lines_ahead(table_from_frame(frame, DataConfig(id=None))).tolist()
    [False, False, True]
    """
    ticks = table.time.view("int64")
    seen = ~np.isnan(table.values[:, : table.n_targets]).all(1)
    if bool(np.all(seen)):
        return np.zeros(len(table.codes), dtype=np.bool_)
    last = np.full(len(table.ids), np.iinfo("int64").max)
    observed = table.codes[seen]
    last[observed] = np.iinfo("int64").min
    np.maximum.at(last, observed, ticks[seen])
    return np.asarray(ticks > last[table.codes])


def _first_lines(table: Table, marked: npt.NDArray[np.bool_], count: int | None) -> Lines:
    """The first `count` of the marked lines of each (series, row), by time; None: all of them."""
    lines = np.flatnonzero(marked)
    if count is None or len(lines) == 0:
        return lines
    order = lines[np.lexsort((table.time[lines].view("int64"), table.members[lines]))]
    members = table.members[order]
    rank = count_steps(run_lengths(run_starts(members), len(order)))
    return np.sort(order[rank < count])


def _one_a_member(table: Table, part: CovariateColumns, values: Values) -> Lines:
    """A line with a value for each (series, row): series with many lines do not count more."""
    lines = np.flatnonzero(~np.isnan(values))
    first = np.unique(table.members[lines], return_index=True)[1]
    return lines[first]


def _error(
    table: Table, name: str, values: Values, lines: Lines, trained: TrainingRange
) -> DataError:
    """The error of a column, with both ranges and the first line outside that of the training."""
    some = values[lines]
    seen = some[~np.isnan(some)]
    found = [float(v) for v in (np.median(seen), seen.min(), seen.max())]
    low, high = trained.low, trained.high
    outside = lines[(some < low) | (some > high)]
    first = outside if len(outside) else lines[~np.isnan(some)]
    return DataError(
        f"{table.locations(int(first.min()))}, column `{name}`: the median is "
        f"{found[0]:.4g} (values from {found[1]:.4g} to {found[2]:.4g}), and in training it was "
        f"{trained.middle:.4g} (nearly all from {low:.4g} to {high:.4g}): convert it to the unit "
        f"of "
        f"the training, or set `data.allow_shift=true` if the values are right"
    )
