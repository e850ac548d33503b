"""The split by time: which origins of each series train, validate and test.

Only origins whose whole horizon lies in the validation or test part are scored, the first being the
last step before it. Training origins may reach the end of their part; targets beyond it are masked.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel, observed_steps
from tsconv.data.panel.ragged import first_marked_step
from tsconv.errors import DataError


@dataclasses.dataclass(frozen=True)
class Split:
    """Origins of each part, and the step where each series' training part ends."""

    train: OriginRange
    val: OriginRange | None
    test: OriginRange | None
    train_end: Tensor  # (S,) steps


def split_panel(
    panel: Panel, horizon: int, val_size: int, test_size: int, test_stride: int = 1
) -> Split:
    """Cut val_size and test_size steps from the end of every series.

    horizon, val_size, test_size: steps; a part of size 0 is None. test_stride: every how many
    steps the test part has an origin. A series too short to leave a training step is forecast and
    scored, but not trained on. Raises DataError where no series has anything to train on.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.panel.panel import build_panel
    >>> from tsconv.data.reading.read import table_from_frame
    >>> frame = pd.DataFrame({"ds": range(10), "y": range(10)})
    >>> split = split_panel(build_panel(table_from_frame(frame, DataConfig(id=None))), 2, 0, 3)
    >>> split.train_end, split.test.first, split.test.last
    (tensor([7]), tensor([6]), tensor([7]))
    """
    lengths = panel.lengths.cpu()
    train_end = (lengths - val_size - test_size).clamp_min(0)
    val_end = (lengths - test_size).clamp_min(0)
    begin = first_observed_step(panel)
    train = OriginRange(first=begin, last=train_end - 2, end=train_end)
    if int(train.counts.sum()) == 0:
        raise DataError(
            f"no series has a step to train on before the last {val_size + test_size}: the longest "
            f"has {int(lengths.max())} steps; lower `split.val_size` and `split.test_size`, "
            f"or `horizon`"
        )
    return Split(
        train=train,
        val=_scored(begin, train_end, val_end, horizon) if val_size else None,
        test=_scored(begin, val_end, lengths, horizon, test_stride) if test_size else None,
        train_end=train_end,
    )


def _scored(
    begin: Tensor, start: Tensor, end: Tensor, horizon: int, stride: int = 1
) -> OriginRange:
    """Origins whose horizon lies in steps start..end - 1, the first being the step before start."""
    first = torch.maximum(start - 1, begin)
    return OriginRange(first=first, last=end - horizon - 1, end=end, stride=stride)


def first_observed_step(panel: Panel) -> Tensor:
    """(S,) the first step at which any target of any row is observed; the length where none is."""
    found = torch.empty(len(panel), dtype=torch.int64)
    for series, steps, local in panel.blocks():
        found[series] = first_marked_step(observed_steps(panel, steps), local)
    return found
