"""Targets in another unit than in training: a note, since a network scales them by their own past.

A forecast stays in proportion when a target is multiplied or shifted. What the network has learnt
of levels, or of covariates, may not.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tsconv.data.covariates.shift import TrainingRange
from tsconv.data.panel.panel import Panel
from tsconv.notes import Note, NoteKind

_MOST_VALUES = 4_000_000  # of more, a range is that of every k-th


def target_ranges(panel: Panel, train_end: Tensor) -> dict[str, TrainingRange]:
    """Where each target's values lay in the first `train_end` steps of each series: (S,).

    Targets without a value have no range.
    """
    kept = train_end.clamp(min=0).minimum(panel.lengths)
    total = int(kept.sum())
    step = max(1, -(-total // _MOST_VALUES))
    while any(step % factor == 0 for factor in (2, 3, 5, 7)):  # of the cycles that steps may have
        step += 1
    part = panel.values[_positions(panel.indptr[:-1], kept, step)].numpy()
    ranges = {name: TrainingRange.of(part[:, c].ravel()) for c, name in enumerate(panel.targets)}
    return {name: found for name, found in ranges.items() if found is not None}


def target_shift_notes(
    panel: Panel, ranges: Mapping[str, TrainingRange], context_length: int
) -> list[Note]:
    """A note on each target whose last `context_length` steps lie far outside its range.

    panel: with the bundle's channels, in the units of the file.
    """
    kept = panel.lengths.clamp_max(context_length)
    recent = panel.values[_positions(panel.indptr[1:] - kept, kept)].numpy()
    notes = []
    for c, name in enumerate(panel.targets):
        trained = ranges.get(name)
        values = recent[:, c].ravel()
        if trained is not None and trained.is_far(values):
            notes.append(Note(NoteKind.SHIFTED_TARGET, _describe(name, values, trained), (name,)))
    return notes


def _positions(starts: Tensor, lengths: Tensor, step: int = 1) -> Tensor:
    """Every step-th of the positions of some stretches, end to end; starts, lengths: (S,)."""
    ends = lengths.cumsum(0)
    at = torch.arange(0, int(ends[-1]), step)
    if step == 1:
        return at + (starts - ends + lengths).repeat_interleave(lengths)
    stretch = torch.searchsorted(ends, at, right=True)
    return at + (starts - ends + lengths)[stretch]


def _describe(name: str, values: npt.NDArray[np.float64], trained: TrainingRange) -> str:
    middle = float(np.nanmedian(values))
    return (
        f"target `{name}`: the median of its latest values is {middle:.4g}, and in training "
        f"it was {trained.middle:.4g} (nearly all values from {trained.low:.4g} to "
        f"{trained.high:.4g}): check that it is in the unit of the training"
    )
