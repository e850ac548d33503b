"""Notes on the data of a training, made before it starts."""

from __future__ import annotations

import torch
from torch import Tensor

from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.split import Split
from tsconv.data.panel.panel import Panel, observed_steps
from tsconv.evaluation.metrics import SeriesScale
from tsconv.notes import Note, NoteKind
from tsconv.text import quote_first


def training_notes(
    panel: Panel,
    scale: SeriesScale,
    train_end: Tensor | None = None,
    context_length: int | None = None,
) -> list[Note]:
    """Notes on what limits a training: short series, a single row, channels without a value.

    scale: of the training part. train_end: (S,) steps of each series' training part; where it is
    given, series whose part is shorter than `context_length` steps are named.
    """
    notes = []
    if train_end is not None and context_length is not None:
        short = (train_end < context_length).nonzero().flatten().tolist()
        if short:
            first = tuple(panel.ids[s] for s in short[:3])
            names = ", ".join(f"`{name}`" for name in first)
            have = "1 series has" if len(short) == 1 else f"{len(short):,} series have"
            text = (
                f"{have} fewer than `context_length` (={context_length}) steps to train on "
                f"({names}{', ...' if len(short) > 3 else ''}): they are used as they are"
            )
            notes.append(Note(NoteKind.SHORT_SERIES, text, first))
    if len(panel.rows) == 1:
        text = f"there is only one row, `{panel.rows[0]}`: `model.rows` makes no difference"
        notes.append(Note(NoteKind.SINGLE_ROW, text, panel.rows))
    for c in panel.empty_channels():
        lost = "neither trained on nor forecast" if c < len(panel.targets) else "ignored"
        name = panel.channels[c]
        text = f"`{name}` has no values: it is {lost}"
        notes.append(Note(NoteKind.EMPTY_CHANNEL, text, (name,)))
    idle = (scale.std == 0).all(1).all(0)  # (H,)
    for name in [name for name, none in zip(panel.rows, idle, strict=False) if none][:5]:
        text = f"row `{name}` has no values that vary in the training part: nothing is learnt of it"
        notes.append(Note(NoteKind.ROW_WITHOUT_TRAINING_DATA, text, (name,)))
    return notes


def split_notes(panel: Panel, split: Split) -> list[Note]:
    """Notes that count the series that are not trained on, or not scored on the test part."""
    untrained = split.train.counts == 0
    text = "not trained on, since no step of them lies before the validation and test parts"
    notes = _series_note(panel, NoteKind.SERIES_NOT_TRAINED_ON, untrained, text)
    if split.test is not None and int(split.test.counts.sum()):
        text = "not scored, since the test part holds no observed value of them"
        unscored = (split.test.counts == 0) | ~_observed_from(panel, split.test)
        notes += _series_note(panel, NoteKind.SERIES_NOT_SCORED, unscored, text)
    return notes


def _observed_from(panel: Panel, origins: OriginRange) -> Tensor:
    """(S,) whether any target is observed after the first of a part's origins."""
    first, indptr = origins.first.cpu(), panel.indptr.cpu()
    ends = panel.values[indptr[1:] - 1, : len(panel.targets)].cpu()
    if not bool(ends.isnan().flatten(1).all(1).any()):  # as in every panel that was read
        return panel.lengths.cpu() > first + 1
    last = torch.zeros(len(panel), dtype=torch.int64)
    for block, steps, local in panel.blocks():
        observed = observed_steps(panel, steps)
        series = torch.repeat_interleave(torch.arange(len(local) - 1), local.diff())[observed]
        step = (observed.nonzero().flatten() - local[series]) + 1
        last[block] = last[block].scatter_reduce(0, series, step, "amax")
    return last > origins.first.cpu() + 1


def _series_note(panel: Panel, kind: NoteKind, marked: Tensor, text: str) -> list[Note]:
    """A note that counts the marked series (S,) and names the first three; [] for none."""
    found = marked.nonzero().flatten().tolist()
    if not found:
        return []
    first = tuple(panel.ids[s] for s in found[:3])
    listed = quote_first(first, len(found))
    is_are = "is" if len(found) == 1 else "are"
    text = text.replace(" of them", " of it") if len(found) == 1 else text
    return [
        Note(kind, f"{len(found):,} of {len(panel):,} series {is_are} {text} ({listed})", first)
    ]
