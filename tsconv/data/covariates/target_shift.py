"""Targets in another unit than in training: a note, since a network scales them by their own past.

A forecast stays in proportion when a target is multiplied or shifted. What the network has learnt
of levels, or of covariates, may not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
from torch import Tensor

from tsconv.data.covariates.shift import TrainingRange
from tsconv.data.panel.panel import Panel
from tsconv.data.panel.ragged import head_mask, steps_within
from tsconv.notes import Note, NoteKind


def target_ranges(panel: Panel, train_end: Tensor) -> dict[str, TrainingRange]:
    """Where each target's values lay in the first `train_end` steps of each series: (S,).

    Targets without a value have no range.
    """

    def blocks() -> Iterator[npt.NDArray[np.float64]]:
        for series, steps, local in panel.blocks():
            yield panel.values[steps][head_mask(local, train_end[series])].numpy()

    found = TrainingRange.of_columns(blocks, len(panel.targets))
    ranges = zip(panel.targets, found, strict=True)
    return {name: found for name, found in ranges if found is not None}


def target_shift_notes(
    panel: Panel, ranges: Mapping[str, TrainingRange], context_length: int
) -> list[Note]:
    """A note on each target whose last `context_length` steps lie far outside its range.

    panel: with the bundle's channels, in the units of the file.
    """
    left = panel.lengths.repeat_interleave(panel.lengths) - steps_within(panel.indptr)
    recent = panel.values[left <= context_length].numpy()
    notes = []
    for c, name in enumerate(panel.targets):
        trained = ranges.get(name)
        values = recent[:, c].ravel()
        if trained is not None and trained.is_far(values):
            notes.append(Note(NoteKind.SHIFTED_TARGET, _describe(name, values, trained), (name,)))
    return notes


def _describe(name: str, values: npt.NDArray[np.float64], trained: TrainingRange) -> str:
    middle = float(np.nanmedian(values))
    return (
        f"target `{name}`: the median of its latest values is {middle:.4g}, and in training "
        f"it was {trained.middle:.4g} (nearly all values from {trained.low:.4g} to "
        f"{trained.high:.4g}): check that it is in the unit of the training"
    )
