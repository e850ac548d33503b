"""The checked table: what the data door lets through, one line for each (series, row, time)."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from tsconv.data.frequency import Times


@dataclasses.dataclass(frozen=True)
class Places:
    """Where each line came from, for messages: lines are counted as a spreadsheet does."""

    files: tuple[str, ...]
    file: npt.NDArray[np.int64]  # (N,) which file each line is from
    line: npt.NDArray[np.int64]  # (N,) row in that file, the header being row 1

    @classmethod
    def of(cls, lengths: dict[str, int]) -> Places:
        """Files laid end to end, each with so many lines below its header."""
        counts = list(lengths.values())
        lines = [np.arange(n, dtype="int64") + 2 for n in counts]
        return cls(
            tuple(lengths),
            np.repeat(np.arange(len(counts)), counts),
            np.concatenate(lines) if lines else np.zeros(0, dtype="int64"),
        )

    def __call__(self, i: int | np.int64) -> str:
        return f"{self.files[self.file[i]]}: row {self.line[i]}"

    def tile(self, count: int) -> Places:
        """The same lines `count` times over, as wide files are stacked."""
        return Places(self.files, np.tile(self.file, count), np.tile(self.line, count))

    def at(self, lines: npt.NDArray[np.int64]) -> Places:
        """Some of the lines, by number."""
        return Places(self.files, self.file[lines], self.line[lines])

    def then(self, other: Places, kept: npt.NDArray[np.bool_]) -> Places:
        """These lines and then another's; of both together, those that are `kept`."""
        file = np.concatenate([self.file, other.file + len(self.files)])
        line = np.concatenate([self.line, other.line])
        return Places((*self.files, *other.files), file[kept], line[kept])

    def both(self, i: np.int64, j: np.int64) -> str:
        """Two lines in the order in which they stand."""
        a, b = sorted((i, j), key=lambda k: (self.file[k], self.line[k]))
        if self.file[a] == self.file[b]:
            return f"{self.files[self.file[a]]}: rows {self.line[a]} and {self.line[b]}"
        return f"{self(a)} and {self(b)}"


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
    time: Times  # (N,) microseconds or integers
    values: npt.NDArray[np.float64]  # (N, C), NaN where missing
    channels: tuple[str, ...]  # targets, then past covariates that are numbers
    places: Places
    n_past: int = 0  # channels at the end that are seen and not forecast
    delays: tuple[int, ...] = ()  # steps by which each past-only channel is released late
    past: Columns | None = None  # past covariates that are categories
    future: Columns | None = None
    static: Columns | None = None
    rows: tuple[str, ...] = ()  # members of the family, in order of first appearance; () for none
    row_codes: npt.NDArray[np.int64] | None = None  # (N,) which member each line has
    time_zone: str | None = None
    notes: tuple[str, ...] = ()  # what happened to the data on the way, a line each

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
        if not self.rows:
            return f"series `{self.ids[number]}`"
        s, h = divmod(int(number), len(self.rows))
        return f"series `{self.ids[s]}`, family row `{self.rows[h]}`"
