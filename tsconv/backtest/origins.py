"""Which past origins a backtest forecasts from, and which of them the training has seen."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tsconv.data.batches.common_grid import common_grid, steps_apart
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.split import first_observed_step
from tsconv.data.panel.format_time import format_zoned_time
from tsconv.data.panel.panel import Panel
from tsconv.data.timestamps.frequency import Times
from tsconv.errors import ConfigError, DataError, require_positive
from tsconv.text import plural


@dataclasses.dataclass(frozen=True)
class BacktestOrigins:
    """The origins of a backtest, and those of them after all that the training has used."""

    every: OriginRange
    seen: OriginRange  # whose targets, all or some, lie in steps that the training has used
    held_out: OriginRange  # the others
    seen_steps: Tensor  # (S,) steps of each series that the training has used


def choose_origins(
    panel: Panel,
    context_length: int,
    horizon: int,
    start: Times | None = None,
    last: Times | None = None,
    stride: int = 1,
    seen_steps: Tensor | None = None,
) -> BacktestOrigins:
    """Every origin with a whole context before it and a whole horizon behind it.

    A series too short for a whole context has its last origin alone. Origins of which the training
    has used a target are apart from those that it has not.

    Args:
        panel: the series.
        context_length, horizon: steps.
        start: (1,) the first step to forecast, as the panel has times; None: of each series, the
            first with a whole context.
        last: (1,) the last origin; None: the last with a whole horizon.
        stride: steps from one origin to the next, counted from `start`, or else back from the
            last origin of all.
        seen_steps: (S,) steps of each series that the training has used; None: none.

    Raises ConfigError where `start` lies before every whole context, where `last` lies before all
    origins, and where the stride is below 1; DataError where no series has an origin.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.panel.panel import build_panel
    >>> from tsconv.data.reading.read import table_from_frame
    >>> frame = pd.DataFrame({"unique_id": "a", "ds": range(40), "y": range(40)})
    >>> panel = build_panel(table_from_frame(frame, DataConfig()))
    >>> found = choose_origins(panel, context_length=8, horizon=3, seen_steps=torch.tensor([30]))
    >>> found.seen.counts, found.held_out.first, found.held_out.last
    (tensor([22]), tensor([29]), tensor([36]))
    """
    require_positive(stride=stride, horizon=horizon)
    lengths = panel.lengths.cpu()
    final = lengths - horizon - 1
    if int(final.max()) < 0:
        raise DataError(
            f"no origin has {plural(horizon, 'step')} behind it: the longest series has "
            f"{int(lengths.max())}; give a longer file, or a shorter `horizon`"
        )
    begin = first_observed_step(panel)
    whole = begin + context_length - 1  # the first origin with a whole context
    first = torch.minimum(whole, torch.maximum(final, begin))
    earliest, later = common_grid(panel)
    shift = torch.from_numpy(later)
    anchor = int((final + shift).max())  # the newest origin is one, whatever the stride
    if start is not None:
        wanted = _origin_before(panel, earliest, shift, start, whole, final)
        first, anchor = torch.maximum(first, wanted), int((wanted + shift)[0])
    if last is not None:
        until = torch.from_numpy(steps_apart(earliest, last, panel.frequency)) - shift
        final = torch.minimum(final, until)
    final = torch.where(first < lengths, final, -1)  # without any value a series has no origin
    # All series are forecast from the same dates.
    first = first + (anchor - first - shift) % stride
    every = OriginRange(first, final, lengths, stride)
    if int(every.counts.sum()) == 0:
        raise ConfigError(_none_left(panel, start, last, horizon, context_length))
    seen_steps = torch.zeros_like(lengths) if seen_steps is None else seen_steps
    border = torch.maximum(seen_steps - 1, first)
    border = first + -(-(border - first) // stride) * stride  # on an origin of the range
    return BacktestOrigins(
        every,
        OriginRange(first, torch.minimum(final, border - 1), lengths, stride),
        OriginRange(border, final, lengths, stride),
        seen_steps,
    )


def _origin_before(
    panel: Panel, earliest: Times, shift: Tensor, start: Times, whole: Tensor, final: Tensor
) -> Tensor:
    """(S,) the origin of each series whose forecast begins at `start`.

    Raises ConfigError where no series has a whole context before it.
    """
    frequency = panel.frequency
    step = steps_apart(earliest, start, frequency)
    reached: Any = frequency.advance(earliest, step)
    step = step + (reached < start)  # between two steps it is the later one
    origin = torch.from_numpy(step) - 1 - shift
    able = whole <= final
    if bool(able.any()) and not bool((origin >= whole)[able].any()):
        first = int(torch.where(able, whole + shift, whole.max() + shift.max()).min()) + 1
        if int(step[0]) < first:
            begin = format_zoned_time(frequency.advance(earliest, np.array([first])), panel)
            raise ConfigError(
                f"`start` (={format_zoned_time(start, panel)}) lies before the first forecast with "
                f"a whole context, which is for {begin}: set start={_quoted(begin)}, or leave it "
                f"out"
            )
    return origin


def _none_left(
    panel: Panel, start: Times | None, last: Times | None, horizon: int, context_length: int
) -> str:
    """Why no series has an origin between `start` and `last`, and what to set."""
    shown = [
        f"`{key}` (={format_zoned_time(value, panel)})"
        for key, value in (("start", start), ("last", last))
        if value is not None
    ]
    ends = panel.frequency.advance(panel.start, (panel.lengths.cpu() - 1).numpy())
    end = format_zoned_time(ends[[int(ends.argmax())]], panel)
    between = f" for {' and '.join(shown)}" if shown else ""
    return (
        f"no origin is left{between}: an origin has an observed value up to it and "
        f"{plural(horizon, 'step')} behind it, and the data end at {end}; set an earlier `start`, "
        f"a later `last` or a shorter `horizon`"
    )


def _quoted(time: str) -> str:
    return f"'{time}'" if " " in time else time
