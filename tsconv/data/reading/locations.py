"""SourceLocations: which line of which file each line of a table came from, for messages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

LineNumber = Callable[[str, int], int]  # a file, and a record of data in it from 0 -> its line


@dataclasses.dataclass(frozen=True)
class SourceLocations:
    """Where each line of a table came from: calling it with a number from 0 names file and line.

    Lines are counted as a spreadsheet counts its rows, the header being line 1. The line is looked
    up in the file only when a message is made: blank lines, and line breaks within quotes, make it
    differ from the number of the record. Numbers beyond the last line begin again with the first,
    as wide files are stacked.

    >>> locations = SourceLocations.of({"a.csv": 2, "b.csv": 3})
    >>> locations(0), locations(2), locations.both(1, 0)
    ('a.csv: line 2', 'b.csv: line 2', 'a.csv: lines 2 and 3')
    """

    files: tuple[str, ...]
    ends: npt.NDArray[np.int64]  # (F,) records up to the end of each file
    line_number: LineNumber | None = None  # None: one line a record below the header
    order: npt.NDArray[np.int64] | None = None  # (N,) the record of each line; None: in order

    @classmethod
    def of(cls, lengths: dict[str, int], line_number: LineNumber | None = None) -> SourceLocations:
        """Files laid end to end, each with so many records below its header."""
        return cls(tuple(lengths), np.cumsum(list(lengths.values()), dtype="int64"), line_number)

    def __call__(self, i: int | np.int64) -> str:
        """The file and line of the i-th line of the table."""
        file, line = self._find(int(i))
        return f"{self.files[file]}: line {line}"

    def line(self, i: int) -> str:
        """The line alone where there is one file, else with its file."""
        return f"line {self._find(i)[1]}" if len(self.files) == 1 else self(i)

    def both(self, i: int | np.int64, j: int | np.int64) -> str:
        """Two lines in the order in which they stand in the files."""
        (a, first), (b, second) = sorted((self._find(int(i)), self._find(int(j))))
        if a == b:
            return f"{self.files[a]}: lines {first} and {second}"
        return f"{self.files[a]}: line {first} and {self.files[b]}: line {second}"

    def take(self, order: npt.NDArray[np.int64]) -> SourceLocations:
        """Some of the lines, in another order."""
        return dataclasses.replace(self, order=order if self.order is None else self.order[order])

    def then(self, other: SourceLocations, counts: tuple[int, int]) -> SourceLocations:
        """These lines and then another table's; counts: how many lines either has."""
        ours, theirs = (
            (np.arange(n) if locations.order is None else locations.order) % locations.ends[-1]
            for locations, n in zip((self, other), counts, strict=True)
        )

        def line_number(file: str, record: int) -> int:
            find = self.line_number if file in self.files else other.line_number
            return _below_header(file, record) if find is None else find(file, record)

        return SourceLocations(
            (*self.files, *other.files),
            np.concatenate([self.ends, other.ends + self.ends[-1]]),
            line_number,
            np.concatenate([ours, theirs + self.ends[-1]]),
        )

    def _find(self, i: int) -> tuple[int, int]:
        """The number of the file, and the line in it."""
        i = (i if self.order is None else int(self.order[i])) % int(self.ends[-1])
        file = int(np.searchsorted(self.ends, i, side="right"))
        record = i - (int(self.ends[file - 1]) if file else 0)
        return file, (self.line_number or _below_header)(self.files[file], record)


def _below_header(_: str, record: int) -> int:
    return record + 2
