"""The checked table: what the data door lets through, one line for each (series, row, time)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tsconv.data.timestamps.frequency import Times
from tsconv.notes import Note

DUPLICATES = ("error", "mean", "first", "last")  # what to do with several lines of one time
GAPS = ("mask", "error", "zero")  # what to do with a time of no line
RowOf = Callable[[str, int], int]  # a file and the number of a line of data, from 0 -> the row


@dataclasses.dataclass(frozen=True)
class SourceLocations:
    """Where each line came from, for messages: rows are counted as a spreadsheet does.

    Lines beyond the last are those of the files once more, as wide files are stacked. A row is
    looked up in its file only when a message is made: blank lines, and line breaks within quotes,
    make it differ from the number of the line of data.
    """

    files: tuple[str, ...]
    ends: npt.NDArray[np.int64]  # (F,) lines up to the end of each file
    row_of: RowOf | None = None
    order: npt.NDArray[np.int64] | None = None  # which line of the files each line is, if sorted

    @classmethod
    def of(cls, lengths: dict[str, int], row_of: RowOf | None = None) -> SourceLocations:
        """Files laid end to end, each with so many lines below its header."""
        return cls(tuple(lengths), np.cumsum(list(lengths.values()), dtype="int64"), row_of)

    def __call__(self, i: int | np.int64) -> str:
        file, row = self._at(int(i))
        return f"{self.files[file]}: row {row}"

    def row(self, i: int) -> str:
        """The row alone, beside another of the same file; with its file where there are several."""
        return f"row {self._at(i)[1]}" if len(self.files) == 1 else self(i)

    def take(self, order: npt.NDArray[np.int64]) -> SourceLocations:
        """Some of the lines, in another order."""
        return dataclasses.replace(self, order=order if self.order is None else self.order[order])

    def then(self, other: SourceLocations, counts: tuple[int, int]) -> SourceLocations:
        """These lines and then another's; counts: how many lines either has."""
        ours, theirs = (
            (np.arange(n) if p.order is None else p.order) % p.ends[-1]
            for p, n in zip((self, other), counts, strict=True)
        )

        def row_of(file: str, line: int) -> int:
            of = self.row_of if file in self.files else other.row_of
            return _plain_row(file, line) if of is None else of(file, line)

        return SourceLocations(
            (*self.files, *other.files),
            np.concatenate([self.ends, other.ends + self.ends[-1]]),
            row_of,
            np.concatenate([ours, theirs + self.ends[-1]]),
        )

    def both(self, i: int | np.int64, j: int | np.int64) -> str:
        """Two lines in the order in which they stand."""
        (a, first), (b, second) = sorted((self._at(int(i)), self._at(int(j))))
        if a == b:
            return f"{self.files[a]}: rows {first} and {second}"
        return f"{self.files[a]}: row {first} and {self.files[b]}: row {second}"

    def _at(self, i: int) -> tuple[int, int]:
        """The file and the row of a line; the header is row 1."""
        i = (i if self.order is None else int(self.order[i])) % int(self.ends[-1])
        file = int(np.searchsorted(self.ends, i, side="right"))
        number = i - (int(self.ends[file - 1]) if file else 0)
        row_of = self.row_of or _plain_row
        return file, row_of(self.files[file], number)


def _plain_row(_: str, line: int) -> int:
    return line + 2


@dataclasses.dataclass(frozen=True)
class Columns:
    """Covariates beside the channels: numbers, or categories by their number in `categories`."""

    names: tuple[str, ...]
    values: npt.NDArray[np.float64]  # (N, F), NaN where missing
    categories: dict[str, tuple[str, ...]]  # of each column that is no number
    delays: tuple[int, ...] = ()  # steps by which each is released late; () for none

    def __len__(self) -> int:
        return len(self.names)

    def tile(self, count: int) -> Columns:
        """The same lines `count` times over, as wide files are stacked."""
        return dataclasses.replace(self, values=np.tile(self.values, (count, 1)))

    def take(self, order: npt.NDArray[np.int64]) -> Columns:
        """Some of the lines, in another order."""
        return dataclasses.replace(self, values=self.values[order])

    @property
    def ordered(self) -> list[int]:
        """Numbers of the columns, categories first: the order in which a network takes them."""
        known = self.categories
        return sorted(range(len(self.names)), key=lambda i: self.names[i] not in known)


@dataclasses.dataclass(frozen=True)
class Table:
    """Checked lines: one value of each channel for a (series, row, time)."""

    source: str  # the file's name, or the pattern of several, for messages
    ids: tuple[str, ...]  # in order of first appearance
    codes: npt.NDArray[np.int64]  # (N,) which id each line has
    time: Times  # (N,) microseconds or integers; UTC where there is a zone
    values: npt.NDArray[np.float64]  # (N, C), NaN where missing
    channels: tuple[str, ...]  # targets, then past covariates that are numbers
    places: SourceLocations
    n_past: int = 0  # channels at the end that are seen and not forecast
    delays: tuple[int, ...] = ()  # steps by which each past-only channel is released late
    past: Columns | None = None  # past covariates that are categories
    future: Columns | None = None
    static: Columns | None = None
    rows: tuple[str, ...] = ()  # members of the family, in order of first appearance; () for none
    row_codes: npt.NDArray[np.int64] | None = None  # (N,) which member each line has
    time_zone: str | None = None  # an IANA name, an offset such as +02:00, or UTC
    wall_clock: bool = False  # whether `time` is on the zone's wall clock, rather than in UTC
    time_is_text: bool = False  # whether it stood in several columns of text
    duplicates: str = "error"  # several lines of one member and time: see DUPLICATES
    gaps: str = "mask"  # steps that the file lacks: see GAPS
    notes: tuple[Note, ...] = ()  # what happened to the data on the way

    def take(self, order: npt.NDArray[np.int64]) -> Table:
        """Some of the lines, in another order."""
        parts = {name: getattr(self, name) for name in ("places", "past", "future", "static")}
        return dataclasses.replace(
            self,
            codes=self.codes[order],
            time=self.time[order],
            values=self.values[order],
            row_codes=None if self.row_codes is None else self.row_codes[order],
            **{name: part and part.take(order) for name, part in parts.items()},
        )

    @property
    def n_targets(self) -> int:
        return len(self.channels) - self.n_past

    @property
    def members(self) -> npt.NDArray[np.int64]:
        """(N,) which (series, row) each line belongs to: codes * rows + row codes."""
        if self.row_codes is None:
            return self.codes
        return self.codes * len(self.rows) + self.row_codes

    def member(self, number: int | np.int64) -> str:
        """The name of a (series, row) in messages."""
        series, *row = self.member_names(number)
        return f"series `{series}`" + (f", family row `{row[0]}`" if row else "")

    def member_names(self, number: int | np.int64) -> tuple[str, ...]:
        """The names of a (series, row): of the series, and of the row where there is a family."""
        if not self.rows:
            return (self.ids[number],)
        s, h = divmod(int(number), len(self.rows))
        return self.ids[s], self.rows[h]
