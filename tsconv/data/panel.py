"""The ragged panel: every series on its regular grid, end to end in one tensor with offsets.

Memory is for the steps that exist, never for the longest series times their number. A missing step
or value is NaN in `values`; what a network gets is values and a mask (see chunks.py).
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tsconv.data.frequency import Frequency, Steps, Times, infer_frequency, parse_frequency
from tsconv.data.read import Table
from tsconv.errors import DataError

_LONGEST_GAP = 1000  # a series may be at most this many times longer than its rows


@dataclasses.dataclass(frozen=True)
class Panel:
    """S series of C channels: series s has the steps indptr[s] to indptr[s + 1] of `values`."""

    values: Tensor  # (N, C) float64, NaN where missing
    indptr: Tensor  # (S + 1,) int64
    offset: Tensor  # (S, C) float64: each series' first observed value, see `shifted`
    ids: tuple[str, ...]
    channels: tuple[str, ...]
    start: Times  # (S,) time of each series' first step
    frequency: Frequency
    time_zone: str | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> Tensor:
        """(S,) steps of each series, missing ones included."""
        return self.indptr.diff()

    def series(self, s: int) -> Tensor:
        """(length, C) values of series s."""
        return self.values[int(self.indptr[s]) : int(self.indptr[s + 1])]

    def times(self, s: int, steps: Steps) -> Times:
        """Times of the given steps of series s, counted from its first; they may lie ahead."""
        return self.frequency.advance(self.start[np.full(len(steps), s)], steps)

    def to(self, device: torch.device | str) -> Panel:
        """The same panel with its tensors on `device`."""
        moved = {k: getattr(self, k).to(device) for k in ("values", "indptr", "offset")}
        return dataclasses.replace(self, **moved)

    def head(self, length: int) -> Panel:
        """Each series cut to its first `length` steps."""
        kept = self.lengths.clamp_max(length)
        indptr = torch.cat([kept.new_zeros(1), kept.cumsum(0)])
        which = torch.repeat_interleave(torch.arange(len(self)), kept)
        index = torch.arange(int(indptr[-1])) - indptr[which] + self.indptr[which]
        return dataclasses.replace(self, values=self.values[index], indptr=indptr)


def build_panel(table: Table, freq: str | None = None) -> Panel:
    """Sort rows by series and time, lay each series on its grid, and check that it fits.

    Raises DataError for a duplicate (id, time), for a time off the grid, and for a grid that would
    be mostly holes. `freq` is a pandas alias, or None to infer it.
    """
    codes, time = table.codes, table.time
    order = _sorted_order(codes, time)
    codes, time = codes[order], time[order]
    _reject_duplicates(table, codes, time, order)
    if freq is None:
        frequency = infer_frequency(time, codes)
    else:
        frequency = parse_frequency(freq)
        if (frequency.kind == "integer") != (time.dtype.kind != "M"):
            kind = "integers" if time.dtype.kind != "M" else "timestamps"
            raise DataError(
                f"{table.source}: `data.freq` (={freq}) does not fit a column of {kind}"
            )
    first = np.flatnonzero(np.diff(codes, prepend=-1))  # row of each series' first step
    start = time[first]
    steps = frequency.steps(start[codes], time)
    _reject_off_grid(table, codes, time, steps, frequency, order)
    lengths = steps[np.append(first[1:], len(steps)) - 1] + 1  # (S,)
    sparse = lengths > _LONGEST_GAP * np.bincount(codes) + _LONGEST_GAP
    if sparse.any():
        s = int(sparse.argmax())
        raise DataError(
            f"{table.source}: series `{table.ids[s]}` spans {lengths[s]} steps of "
            f"{frequency.alias} with {np.bincount(codes)[s]} rows; "
            f"set `data.freq=` to a longer step"
        )
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    values = np.full((indptr[-1], table.values.shape[1]), np.nan)
    values[indptr[codes] + steps] = table.values[order]
    return Panel(
        values=torch.from_numpy(values),
        indptr=torch.from_numpy(indptr),
        offset=torch.from_numpy(_first_observed(values, indptr)),
        ids=table.ids,
        channels=table.channels,
        start=start,
        frequency=frequency,
        time_zone=table.time_zone,
    )


def commonest_step(table: Table) -> Frequency | None:
    """The frequency that the table's own gaps show; None where they are too few to tell."""
    order = _sorted_order(table.codes, table.time)
    codes = table.codes[order]
    if (np.diff(codes) == 0).sum() < 4:
        return None
    return infer_frequency(table.time[order], codes)


def _sorted_order(codes: Steps, time: Times) -> npt.NDArray[np.int64]:
    later = (np.diff(codes) > 0) | ((np.diff(codes) == 0) & (np.diff(time.view("int64")) >= 0))
    return np.arange(len(codes)) if later.all() else np.lexsort((time, codes))


def _reject_duplicates(
    table: Table, codes: Steps, time: Times, order: npt.NDArray[np.int64]
) -> None:
    same = np.flatnonzero((np.diff(codes) == 0) & (np.diff(time.view("int64")) == 0))
    if len(same):
        first, second = np.sort(table.rows[order[same[0] : same[0] + 2]])
        raise DataError(
            f"{table.source}: rows {first} and {second} are both series "
            f"`{table.ids[codes[same[0]]]}` at {_show(time[same[0]])} ({len(same)} such pairs); "
            f"keep one row for each (id, time)"
        )


def _reject_off_grid(
    table: Table,
    codes: Steps,
    time: Times,
    steps: Steps,
    frequency: Frequency,
    order: npt.NDArray[np.int64],
) -> None:
    off = np.flatnonzero(steps < 0)
    if len(off):
        row = table.rows[order[off[0]]]
        raise DataError(
            f"{table.source}: row {row}, series `{table.ids[codes[off[0]]]}`: "
            f"{_show(time[off[0]])} is not a whole number of steps of {frequency.alias} after "
            f"the series' start ({len(off)} such rows); set `data.freq=`"
        )


def _show(time: np.datetime64 | np.int64) -> str:
    return str(time).replace("T", " ").removesuffix(".000000")


def _first_observed(
    values: npt.NDArray[np.float64], indptr: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """(S, C): the first value of each series that is not missing, 0 where there is none.

    Networks see values less this offset: float32 then keeps the digits that matter, and since the
    first observed value is known at every origin, nothing of the future leaks.
    """
    count = len(indptr) - 1
    out = np.zeros((count, values.shape[1]))
    for c in range(values.shape[1]):
        seen = np.flatnonzero(~np.isnan(values[:, c]))
        if len(seen) == 0:
            continue
        at = np.searchsorted(seen, indptr[:-1])
        some = at < len(seen)
        candidate = seen[np.minimum(at, len(seen) - 1)]
        some &= candidate < indptr[1:]
        out[some, c] = values[candidate[some], c]
    return out
