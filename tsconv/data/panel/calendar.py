"""Calendar features: where a step stands in its hour, day, week, month or year, as a circle.

They are made from time alone and so are known for every step, however far ahead. Series that lie
on one grid share one table, so that memory is for the span of time and not for the series.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tsconv.data.panel.ragged import reduce_runs, run_starts
from tsconv.data.timestamps.frequency import Frequency, Steps, Times
from tsconv.errors import ConfigError, require_choice

NAMES = ("minute", "hour", "weekday", "dayofmonth", "dayofyear", "month")
_DAY = 86_400_000_000  # microseconds
_YEAR = 366 * _DAY


@dataclasses.dataclass(frozen=True)
class Calendar:
    """Two features, sine and cosine, for each name."""

    values: Tensor  # (G, 2 * names) float32
    phase: Tensor  # (S,) int64, where in `values` each series starts

    def to(self, device: torch.device | str) -> Calendar:
        return Calendar(self.values.to(device), self.phase.to(device))


def choose_calendar(asked: Any, frequency: Frequency, typical: int) -> tuple[str, ...]:
    """The features that `features.calendar` asks for: `auto` takes those that fit the frequency.

    typical: steps of a typical training part; a cycle that it does not hold twice cannot be learnt.
    Raises ConfigError for an unknown name, and for any name where time is an integer.
    """
    if asked is None:
        return ()
    if asked != "auto":
        names = tuple(asked) if isinstance(asked, (list, tuple)) else (str(asked),)
        for name in names:
            require_choice("features.calendar", name, (*NAMES, "auto"))
        if names and frequency.kind == "integer":
            raise ConfigError(
                f"`features.calendar` (={list(names)}) needs timestamps, and time is an integer"
            )
        return names
    if frequency.kind == "integer":
        return ()
    if frequency.kind == "month":
        return ("month",) if frequency.size < 12 and typical * frequency.size >= 24 else ()
    step = _DAY if frequency.kind == "business" else frequency.size
    span = step * typical
    cycles = {"minute": _DAY // 24, "hour": _DAY, "weekday": 7 * _DAY, "dayofyear": _YEAR}
    return tuple(name for name, cycle in cycles.items() if step < cycle and span >= 2 * cycle)


def calendar_features(time: Times, names: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """Sine and cosine of each step's place in its cycle: (N,) times -> (N, 2 * names)."""
    day = time.astype("datetime64[D]")
    clock = (time - day).astype("int64") / _DAY  # of the day gone by
    month = time.astype("datetime64[M]")
    year = time.astype("datetime64[Y]")
    of_month = (day - month.astype("datetime64[D]")).astype("int64")
    of_year = (day - year.astype("datetime64[D]")).astype("int64")
    days_in_month = ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(
        "int64"
    )
    places = {
        "minute": clock * 24 % 1,
        "hour": clock,
        "weekday": (day.astype("int64") + 3) % 7 / 7,  # 1970-01-01 was a Thursday; Monday is 0
        "dayofmonth": of_month / days_in_month,
        "dayofyear": of_year / 366,
        "month": (month - year.astype("datetime64[M]")).astype("int64") / 12,
    }
    turns = [2 * np.pi * places[name] for name in names]
    columns = [f(turn) for turn in turns for f in (np.sin, np.cos)]
    return np.stack(columns, axis=1).astype("float32")


def build_calendar(
    start: Times,
    lengths: Tensor,
    frequency: Frequency,
    names: tuple[str, ...],
    horizon: int,
    local: Callable[[Times], Times] = lambda time: time,
) -> Calendar:
    """One table for all series, which reaches `horizon` steps beyond each of them.

    `local` turns times into what the wall clock shows, which is what people keep their hours by.
    Series that overlap on one grid share their part of it; steps of no series are left out.
    """
    grid, first, steps = _grids(start, frequency)
    order = np.lexsort((steps, grid))
    begin, ours = steps[order], grid[order]
    # Each grid's steps behind those of the grid before, so that nothing overlaps between grids.
    ends = begin + lengths.numpy()[order] + horizon
    behind = np.concatenate([[0], np.cumsum(reduce_runs(np.maximum, ends, run_starts(ours)))])[ours]
    begin, ends = begin + behind, ends + behind
    reach = np.maximum.accumulate(ends)
    gap = np.maximum(begin[1:] - reach[:-1], 0)
    dropped = np.concatenate([[0], np.cumsum(gap)])
    union = np.flatnonzero(np.concatenate([[True], (gap > 0) | (np.diff(ours) > 0)]))
    stops = np.concatenate([reach[union[1:] - 1], reach[-1:]])
    sizes = stops - begin[union]
    real = np.arange(sizes.sum()) + np.repeat(dropped[union] - behind[union], sizes)
    times = frequency.advance(cast(Times, np.repeat(first[ours[union]], sizes)), real)
    phase = np.empty(len(start), dtype="int64")
    phase[order] = begin - dropped
    return Calendar(
        torch.from_numpy(calendar_features(local(times), names)), torch.from_numpy(phase)
    )


def _grids(start: Times, frequency: Frequency) -> tuple[Steps, Times, Steps]:
    """(S,) which grid each series lies on, (G,) where each grid begins, (S,) steps from there."""
    if frequency.kind in ("integer", "fixed"):
        grid = np.unique(start.view("int64") % frequency.size, return_inverse=True)[1]
        grid = grid.astype("int64")
        first = start[np.lexsort((start, grid))[run_starts(np.sort(grid))]]
        return grid, first, frequency.steps(first[grid], start)
    grid = np.full(len(start), -1)
    steps = np.zeros(len(start), dtype="int64")
    firsts: list[Any] = []
    while (left := np.flatnonzero(grid < 0)).size:
        first = start[left].min()
        found = frequency.steps(np.full(len(left), first), start[left])
        here = left[found >= 0]
        grid[here], steps[here] = len(firsts), found[found >= 0]
        firsts.append(first)
    return grid, cast(Times, np.array(firsts, dtype=start.dtype)), steps
