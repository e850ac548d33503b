"""Notes on the data of a training, made before it starts."""

from __future__ import annotations

from torch import Tensor

from tsconv.data.panel.panel import Panel
from tsconv.evaluation.metrics import SeriesScale
from tsconv.notes import Note, NoteKind


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
                f"({names}{', ...' if len(short) > 3 else ''}): what is there is used"
            )
            notes.append(Note(NoteKind.SHORT_SERIES, text, first))
    if len(panel.rows) == 1:
        text = f"there is one row, `{panel.rows[0]}`: what rows share makes no difference"
        notes.append(Note(NoteKind.SINGLE_ROW, text, panel.rows))
    for c in panel.empty_channels():
        lost = "neither trained on nor forecast" if c < len(panel.targets) else "of no use"
        name = panel.channels[c]
        text = f"`{name}` has no value at all: it is {lost}"
        notes.append(Note(NoteKind.EMPTY_CHANNEL, text, (name,)))
    idle = (scale.std == 0).all(1).all(0)  # (H,)
    for name in [name for name, none in zip(panel.rows, idle, strict=False) if none][:5]:
        text = f"family row `{name}` has nothing to learn from in the training part"
        notes.append(Note(NoteKind.ROW_WITHOUT_TRAINING_DATA, text, (name,)))
    return notes
