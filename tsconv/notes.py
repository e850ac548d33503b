"""Notes: what happened to the data between a file and a forecast, for people and for programs."""

from __future__ import annotations

import dataclasses
import enum
import sys
import warnings
from collections.abc import Iterable

from tsconv.text import printable


class NoteKind(enum.StrEnum):
    """Everything that a note can say; the value says it in plain words.

    >>> NoteKind.MISSING_STEPS.value
    'missing steps'
    """

    # Reading a file.
    BAD_CELLS = "cells that are not numbers"
    SENTINEL_VALUES = "sentinel values"
    NEAR_EQUAL_NAMES = "near-equal names"
    OLD_FREQUENCY_SPELLING = "old spelling of a frequency"
    SERIES_ONLY_IN_FUTURE_FILE = "series only in the future file"
    # Laying the lines on a grid.
    UNSORTED_LINES = "unsorted"
    DUPLICATES = "duplicates"
    MISSING_STEPS = "missing steps"
    MISSING_VALUES = "missing values"
    LINES_AFTER_LAST_TARGET = "lines after the last target"
    TRIMMED_ENDS = "empty targets at the end"
    ONE_POINT_SERIES = "one-point series"
    EMPTY_SERIES = "empty series"
    CONSTANT_SERIES = "constant series"
    # Encoding covariates, and what is known of the steps to forecast.
    EMPTY_COVARIATE = "empty covariate"
    CONSTANT_COVARIATE = "constant covariate"
    CLIPPED_COVARIATE = "clipped covariate"
    UNKNOWN_CATEGORIES = "unknown categories"
    EMPTY_OVER_HORIZON = "covariate empty over the horizon"
    COVARIATE_NEVER_OBSERVED = "covariate never observed"
    SERIES_WITHOUT_FUTURE = "series without a future"
    # Matching a file with a bundle.
    RENAMED_CHANNEL = "renamed channel"
    ABSENT_ROWS = "absent rows"
    UNSEEN_ROWS = "unseen rows"
    UNSEEN_SERIES = "unseen series"
    LAGGING_ROWS = "lagging rows"
    SERIES_LEFT_OUT = "series left out of a forecast"
    SHIFTED_TARGET = "target in another unit"
    SERIES_ENDED_EARLY = "series that ended early"
    EMPTY_CHANNEL = "empty channel"
    BEFORE_REFIT = "the network before its refit"
    INDEPENDENT_SUMS = "sums of independent errors"
    EXTRAPOLATED = "intervals beyond the levels of the training"
    TRAINED_ANEW = "networks trained anew along the way"
    SET_TO_BOUND = "forecasts set to a bound"
    # Before a training.
    SHORT_SERIES = "short series"
    SERIES_NOT_TRAINED_ON = "series not trained on"
    SERIES_NOT_SCORED = "series not scored"
    SINGLE_ROW = "single row"
    ROW_WITHOUT_TRAINING_DATA = "row without training data"


# What leaves something out: lines, steps or series. Commands repeat these last.
LEFT_OUT = frozenset(
    {
        NoteKind.BAD_CELLS,
        NoteKind.SERIES_ONLY_IN_FUTURE_FILE,
        NoteKind.DUPLICATES,
        NoteKind.TRIMMED_ENDS,
        NoteKind.EMPTY_SERIES,
        NoteKind.EMPTY_COVARIATE,
        NoteKind.SERIES_WITHOUT_FUTURE,
        NoteKind.ABSENT_ROWS,
        NoteKind.SERIES_LEFT_OUT,
        NoteKind.EMPTY_CHANNEL,
        NoteKind.SERIES_NOT_TRAINED_ON,
        NoteKind.SERIES_NOT_SCORED,
    }
)


@dataclasses.dataclass(frozen=True)
class Note:
    """A sentence about the data, with a kind by which programs distinguish notes.

    `str(note)` is the sentence. Two notes of one kind say the same thing of different columns or
    series, which `names` lists; compare kinds and names, never pieces of the text.

    >>> note = Note(NoteKind.CONSTANT_COVARIATE, "covariate `size` is constant", ("size",))
    >>> str(note)
    'covariate `size` is constant'
    >>> note.kind is NoteKind.CONSTANT_COVARIATE
    True
    """

    kind: NoteKind
    text: str
    names: tuple[str, ...] = ()  # columns, rows, series or values that the text names

    def __str__(self) -> str:
        return self.text


def left_out(notes: Iterable[Note]) -> list[str]:
    """The sentences of the notes that count something left out, which commands repeat last.

    >>> left_out([Note(NoteKind.EMPTY_SERIES, "1 empty"), Note(NoteKind.SINGLE_ROW, "1 row")])
    ['1 empty']
    """
    return [str(note) for note in notes if note.kind in LEFT_OUT]


class TsconvWarning(UserWarning):
    """A note on the data as a Python warning: what was dropped, filled or read in another way.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", TsconvWarning)
    ...     warn("covariate `size` is constant")
    >>> str(caught[0].message)
    'covariate `size` is constant'
    """


def warn(text: str) -> None:
    """Give a TsconvWarning that points at the line outside tsconv which led to the call.

    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", TsconvWarning)
    ...     warn("series `a` has one value")
    """
    frame, level = sys._getframe(1), 2  # level 2 is whoever calls this function
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(TsconvWarning(printable(text)), stacklevel=level)


def _is_ours(module: str) -> bool:
    return module.split(".")[0] == "tsconv"
