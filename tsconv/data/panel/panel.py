"""The ragged panel: every series on its regular grid, end to end in one tensor with offsets.

Memory is for the steps that exist, never for the longest series times their number; a family of
rows takes the steps of all of its rows. A missing step or value is NaN in `values`; what a network
gets is values and a mask (see chunks.py).
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tsconv.data.mapped import read_at_random
from tsconv.data.panel.calendar import Calendar
from tsconv.data.panel.covariate_grid import (
    Covariates,
    Static,
    covariates_on_grid,
    delay_columns,
    static_covariates,
)
from tsconv.data.panel.duplicates import sort_lines
from tsconv.data.panel.find_frequency import choose_frequency, on_wall_clock
from tsconv.data.panel.gaps import resolve_gaps
from tsconv.data.panel.grid import LineGrid, lay_lines
from tsconv.data.panel.notes import ahead_notes, missing_notes, series_notes
from tsconv.data.panel.ragged import first_observed, head_index, indptr_of, series_blocks
from tsconv.data.panel.tails import trimmed_notes
from tsconv.data.reading.id_columns import NO_ID_COLUMNS, IdColumns
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.frequency import Frequency, Steps, Times, spelling_notes
from tsconv.errors import DataError
from tsconv.notes import Note

_MOST_EMPTY = 100  # cells for each line of the file, in a large panel of ids and rows


@dataclasses.dataclass(frozen=True)
class Panel:
    """S series of C channels and H rows: series s has the steps indptr[s] to indptr[s + 1].

    Rows are aligned in time: a series' grid spans all of its rows, and what one of them lacks is
    missing there. A panel without a family of rows has H = 1 and no names in `rows`.

    Networks see values less `offset`, the first observed value of each series: float32 then keeps
    the digits that matter, and since that value is known at every origin, nothing of the future
    leaks. Networks of counts see values as they are, see `without_offset`.
    """

    values: Tensor  # (N, C, H) float64, NaN where missing
    indptr: Tensor  # (S + 1,) int64
    offset: Tensor  # (S, C, H) float64: the first observed values, see the class
    ids: tuple[str, ...]
    channels: tuple[str, ...]  # targets, then `n_past` past-only ones
    start: Times  # (S,) time of each series' first step, see `wall_clock`
    frequency: Frequency
    present: Tensor  # (S, H) bool: rows that the file has for a series, were it only empty cells
    id_columns: IdColumns = NO_ID_COLUMNS  # what the file itself calls each of `ids`
    n_past: int = 0
    covariates: Covariates | None = None
    static: Static | None = None
    calendar: Calendar | None = None  # for as many steps ahead as a network needs
    rows: tuple[str, ...] = ()
    time_zone: str | None = None
    wall_clock: bool = False  # whether `start` is on the zone's wall clock, rather than in UTC
    notes: tuple[Note, ...] = ()  # what happened to the data on the way

    def __len__(self) -> int:
        """The number of series, S."""
        return len(self.ids)

    @property
    def lengths(self) -> Tensor:
        """(S,) steps of each series, missing ones included."""
        return self.indptr.diff()

    @property
    def n_rows(self) -> int:
        """H, 1 where the panel has no rows."""
        return self.values.shape[2]

    @property
    def targets(self) -> tuple[str, ...]:
        """The channels that are forecast."""
        return self.channels[: len(self.channels) - self.n_past]

    def series(self, s: int) -> Tensor:
        """(length, C, H) values of series s."""
        return self.values[int(self.indptr[s]) : int(self.indptr[s + 1])]

    def blocks(self) -> Iterator[tuple[slice, slice, Tensor]]:
        """Blocks of whole series, one after another: see `series_blocks`."""
        return series_blocks(self.indptr, self.values.shape[1] * self.values.shape[2])

    def name(self, s: int, c: int, h: int) -> str:
        """One (series, target, row) in messages and pictures: without what is the only one."""
        parts = [self.ids[s]] if len(self) > 1 or not self.rows else []
        parts += [self.rows[h]] if self.rows else []
        parts += [self.channels[c]] if len(self.targets) > 1 else []
        return " · ".join(parts)

    def times(self, s: int, steps: Steps) -> Times:
        """Times of the given steps of series s, counted from its first; they may lie ahead."""
        return self.frequency.advance(self.start[np.full(len(steps), s)], steps)

    def tensors(self) -> list[Tensor]:
        """All tensors of the panel: values, covariates, static columns, calendar."""
        parts = [part for part in (self, self.covariates, self.static, self.calendar) if part]
        return [t for part in parts for t in vars(part).values() if isinstance(t, Tensor)]

    def to(self, device: torch.device | str) -> Panel:
        """The same panel with its tensors on `device`."""
        parts = ("values", "indptr", "offset", "covariates", "static", "calendar")
        moved = {k: getattr(self, k) for k in parts}
        return dataclasses.replace(
            self, **{k: v.to(device) for k, v in moved.items() if v is not None}
        )

    @contextlib.contextmanager
    def read_at_random(self) -> Iterator[None]:
        """A block in which stretches here and there are read of a panel that is mapped."""
        large = [self.values] if self.covariates is None else [self.values, self.covariates.values]
        for tensor in large:
            read_at_random(tensor, True)
        try:
            yield
        finally:
            for tensor in large:
                read_at_random(tensor, False)

    def with_notes(self, notes: Iterable[Note]) -> Panel:
        """The same panel with these notes after its own."""
        return dataclasses.replace(self, notes=(*self.notes, *notes))

    def without_offset(self) -> Panel:
        """The same panel whose values networks see as they are: counts must stay counts."""
        return dataclasses.replace(self, offset=torch.zeros_like(self.offset))

    def head(self, length: int) -> Panel:
        """Each series cut to its first `length` steps."""
        index, indptr = head_index(self.indptr, self.lengths.clamp_max(length))
        return dataclasses.replace(self, values=self.values[index], indptr=indptr)

    def with_series(self, kept: Tensor) -> Panel:
        """Some of the series, in this order; kept: (K,) their numbers."""
        index, indptr = _stretches(self.indptr, kept)
        covariates, calendar, static = self.covariates, self.calendar, self.static
        if covariates is not None:
            at, ends = _stretches(covariates.indptr, kept)
            covariates = dataclasses.replace(covariates, values=covariates.values[at], indptr=ends)
        return dataclasses.replace(
            self,
            values=self.values[index],
            indptr=indptr,
            offset=self.offset[kept],
            ids=tuple(self.ids[s] for s in kept.tolist()),
            start=self.start[kept.cpu().numpy()],
            present=self.present[kept.cpu()],
            id_columns=self.id_columns.take(kept.cpu().numpy()),
            covariates=covariates,
            static=static and dataclasses.replace(static, values=static.values[kept]),
            calendar=calendar and dataclasses.replace(calendar, phase=calendar.phase[kept]),
        )

    def with_channels(self, order: Sequence[int]) -> Panel:
        """The same panel with its channels in another order."""
        index = torch.as_tensor(order)
        return dataclasses.replace(
            self,
            values=self.values[:, index],
            offset=self.offset[:, index],
            channels=tuple(self.channels[c] for c in order),
        )

    def with_rows(self, names: Sequence[str]) -> Panel:
        """The same panel with these rows in this order; one that it lacks is missing throughout."""
        number = {name: h for h, name in enumerate(self.rows)}
        index = torch.tensor([number.get(name, -1) for name in names])
        lacks = index < 0
        values, offset = self.values[..., index], self.offset[..., index]
        values[..., lacks], offset[..., lacks] = torch.nan, 0
        present = self.present[:, index] & ~lacks
        return dataclasses.replace(
            self,
            values=values,
            offset=offset,
            present=present,
            rows=tuple(names),
            covariates=self.covariates and self.covariates.with_rows(index),
            static=self.static and self.static.with_rows(index),
        )

    def empty_channels(self) -> list[int]:
        """Numbers of the channels without any value."""
        empty = torch.ones(len(self.channels), dtype=torch.bool)
        for _, steps, _ in self.blocks():
            empty &= self.values[steps].isnan().all(2).all(0).cpu()
            if not bool(empty.any()):
                break
        return empty.nonzero().flatten().tolist()

    def lagging_rows(self) -> list[str]:
        """Rows whose last observed target lies before their series' last step."""
        last = self.values[self.indptr[1:] - 1, : len(self.targets)]  # (S, T, H)
        late = (last.isnan().all(1) & self.present).any(0)
        return [name for name, behind in zip(self.rows, late, strict=True) if behind]


def _stretches(indptr: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """The positions of the steps of some series (K,), end to end, and the indptr of those alone."""
    lengths = indptr.diff()[kept]
    ends = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    moved = (indptr[kept] - ends[:-1]).repeat_interleave(lengths)
    return torch.arange(int(ends[-1]), device=indptr.device) + moved, ends


def observed_steps(panel: Panel, steps: slice = slice(None)) -> Tensor:
    """(n,) whether any target of any row is observed at each of some steps, on the CPU."""
    targets = panel.values[steps, : len(panel.targets)]
    return (~targets.isnan()).flatten(1).any(1).cpu()


def build_panel(table: Table, freq: str | Frequency | None = None) -> Panel:
    """Sort lines by series, row and time, lay each series on its grid, and check that it fits.

    `freq` is a pandas alias or what it stands for, or None to infer it. Raises DataError for a
    duplicate (id, row, time), for a time off the grid, for rows of different frequencies, and for a
    grid that would be mostly holes.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.reading.read import table_from_frame
    >>> frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=3), "y": [1.0, 2.0, 4.0]})
    >>> panel = build_panel(table_from_frame(frame, DataConfig(id=None)))
    >>> panel.frequency.alias, tuple(panel.values.shape)  # steps, channels, rows
    ('D', (3, 1, 1))
    """
    table = sort_lines(table)
    frequency, wall_clock = choose_frequency(table, freq)
    if wall_clock:
        table = sort_lines(on_wall_clock(table))
    grid = lay_lines(table, frequency)
    indptr = indptr_of(grid.lengths)
    n_rows = max(1, len(table.rows))
    _reject_scattered(table, int(indptr[-1]) * n_rows)
    gap_notes: tuple[Note, ...] = ()
    if table.row_codes is None and grid.is_full:
        values, n_ahead = table.values[:, :, None], 0  # every step has its line, in order
        if any(table.delays):
            values = values.copy()
    else:
        values, has_line, n_ahead = _values_on_grid(table, grid, indptr)
        gap_notes = resolve_gaps(table, frequency, grid.start, values, indptr, has_line)
        del has_line
    delay_columns(values[:, table.n_targets :], indptr, list(table.delays))
    present = np.ones((len(table.ids), n_rows), dtype=bool)  # every id has a line
    if table.row_codes is not None:
        present[:] = False
        present[table.codes, table.row_codes] = True
    flat = values.reshape(len(values), -1)
    offset = first_observed(flat, indptr).reshape(len(table.ids), -1, n_rows)
    lacking = int((~present * grid.lengths[:, None]).sum())
    notes = [
        *table.notes,
        *spelling_notes(None if isinstance(freq, Frequency) else freq),
        *gap_notes,
    ]
    notes += missing_notes(table, values, lacking)
    if table.future is None:
        notes += trimmed_notes(table.ids, grid.spans, grid.lengths)
    else:
        notes += ahead_notes(table, n_ahead)
    if not table.rows:
        notes += series_notes(table.ids, values, offset, indptr, grid.counts)
    return Panel(
        values=torch.from_numpy(values),
        indptr=torch.from_numpy(indptr),
        offset=torch.from_numpy(offset),
        ids=table.ids,
        channels=table.channels,
        start=grid.start,
        frequency=frequency,
        present=torch.from_numpy(present),
        id_columns=table.id_columns,
        n_past=table.n_past,
        covariates=covariates_on_grid(table, grid),
        static=static_covariates(table),
        rows=table.rows,
        time_zone=table.time_zone,
        wall_clock=wall_clock,
        notes=tuple(notes),
    )


def _values_on_grid(
    table: Table, grid: LineGrid, indptr: Steps
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], int]:
    """(N, C, H) values, NaN without a line; (N, H) whether there is one; the lines left out.

    Left out are lines after the last observed target: see tails.py.
    """
    n_rows = max(1, len(table.rows))
    values = np.full((indptr[-1], table.values.shape[1], n_rows), np.nan)
    ahead = grid.ahead
    inside = ~ahead if ahead.any() else slice(None)
    step = (np.repeat(indptr[:-1], grid.counts) + grid.steps)[inside]
    row = 0 if table.row_codes is None else table.row_codes[inside]
    values[step, :, row] = table.values[inside]
    has_line = np.zeros((len(values), n_rows), dtype=bool)
    has_line[step, row] = True
    return values, has_line, int(ahead.sum())


def _reject_scattered(table: Table, cells: int) -> None:
    """Raise DataError for a grid of ids and rows that have hardly anything in common."""
    if table.rows and cells > _MOST_EMPTY * len(table.codes) and cells > _MOST_EMPTY * 100_000:
        raise DataError(
            f"{table.source}: {len(table.ids)} series of {len(table.rows)} rows each would be "
            f"{cells:,} steps for {len(table.codes):,} lines; a row (`data.row`) is a member that "
            f"most series have: if the column names series, set it as `data.id`, with data.row=null"
        )
