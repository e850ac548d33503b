"""The checked table: valid lines, each with the values of one (series, row, time)."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from tsconv.data.decimals import decimals_of
from tsconv.data.reading.covariate_columns import CovariateColumns
from tsconv.data.reading.id_columns import NO_ID_COLUMNS, IdColumns
from tsconv.data.reading.locations import SourceLocations
from tsconv.data.timestamps.frequency import Times
from tsconv.notes import Note

DUPLICATES = ("error", "mean", "first", "last")  # several lines of one time, see GridPolicy
GAPS = ("mask", "error", "zero")  # a time without a line, see GridPolicy


@dataclasses.dataclass(frozen=True)
class Table:
    """Checked lines: one value of each channel for a (series, row, time).

    A member is a (series, row), or a series where the data have no rows.
    """

    source: str  # the file's name, or the pattern of several, for messages
    ids: tuple[str, ...]  # in order of first appearance
    codes: npt.NDArray[np.int64]  # (N,) which id each line has
    time: Times  # (N,) microseconds or integers; UTC where there is a zone
    values: npt.NDArray[np.float64]  # (N, C), NaN where missing
    channels: tuple[str, ...]  # targets, then past covariates that are numbers
    locations: SourceLocations  # the file and line of each line
    id_columns: IdColumns = NO_ID_COLUMNS  # what the file itself calls each of `ids`
    n_past: int = 0  # channels at the end that are seen and not forecast
    delays: tuple[int, ...] = ()  # steps by which each past-only channel is released late
    past: CovariateColumns | None = None  # past covariates that are categories
    future: CovariateColumns | None = None
    static: CovariateColumns | None = None
    rows: tuple[str, ...] = ()  # members of the family, in order of first appearance; () for none
    row_codes: npt.NDArray[np.int64] | None = None  # (N,) which member each line has
    time_zone: str | None = None  # an IANA name, an offset such as +02:00, or UTC
    wall_clock: bool = False  # whether `time` is on the zone's wall clock, rather than in UTC
    utc_dates: bool = False  # whether `data.times_are=utc` met dates alone: they are local days
    time_is_text: bool = False  # whether it stood in several columns of text
    duplicates: str = "error"  # one of DUPLICATES
    gaps: str = "mask"  # one of GAPS
    notes: tuple[Note, ...] = ()  # what happened to the data on the way

    def take(self, order: npt.NDArray[np.int64]) -> Table:
        """Some of the lines, in another order."""
        parts = {name: getattr(self, name) for name in ("locations", "past", "future", "static")}
        return dataclasses.replace(
            self,
            codes=self.codes[order],
            time=self.time[order],
            values=self.values[order],
            row_codes=None if self.row_codes is None else self.row_codes[order],
            **{name: part and part.take(order) for name, part in parts.items()},
        )

    def head(self, count: int) -> Table:
        """The first lines of all series: what shows how the file is written."""
        return self.take(np.arange(min(count, len(self.codes))))

    @property
    def n_targets(self) -> int:
        """How many of the channels are forecast: they come first."""
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


def take_lines(table: Table, kept: npt.NDArray[np.bool_]) -> Table:
    """Some of the lines, and the series that have one."""
    if kept.all():
        return table
    table = table.take(np.flatnonzero(kept))
    ids, codes = np.unique(table.codes, return_inverse=True)
    return dataclasses.replace(
        table,
        ids=tuple(table.ids[i] for i in ids),
        codes=codes.astype("int64"),
        id_columns=table.id_columns.take(ids),
    )


def target_decimals(table: Table) -> dict[str, int | None]:
    """The decimals that the values of each target carry."""
    names = table.channels[: table.n_targets]
    return {name: decimals_of(table.values[:, c]) for c, name in enumerate(names)}
