"""Marks on a report's axis of time: holidays, gaps, clock changes, the end of the training."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tsconv.backtest.backtest import Backtest
from tsconv.backtest.covariates.categories import columns_ahead, kinds_of
from tsconv.data.batches.common_grid import common_grid, common_steps
from tsconv.data.panel.panel import observed_steps
from tsconv.report.content.common_times import clock_changes, time_texts

_MOST = 100  # marks of a kind: more cannot be read
_RARE = 0.1  # a category of fewer steps is an occasion, such as a holiday
_MOST_KINDS = 40  # categories of a column; more are names rather than kinds of days

Flags = npt.NDArray[np.bool_]


def marks_of(backtest: Backtest) -> list[dict[str, Any]]:
    """Marks over the times that were forecast, in order: dicts of time, to, kind and label.

    A rare category of a covariate is an occasion; a gap is where no series has a value.
    """
    panel = backtest.panel
    earliest, later = common_grid(panel)
    lengths = panel.lengths.cpu().numpy()
    first = int((later + backtest.origins.every.first.numpy()).min())
    steps = np.arange(first, int((later + lengths).max()))
    times = panel.frequency.advance(earliest.repeat(len(steps)), steps)
    texts = time_texts(times, panel)
    found = _training_end(backtest, texts, steps, later)
    found += _runs("gap", "no values", ~_observed(backtest)[first:], texts)
    for position in clock_changes(times, panel)[:_MOST]:
        found.append(_mark("clock", "clock change", texts, position, position))
    for label, flags in _occasions(backtest):
        found += _runs("holiday", label, flags[first:], texts)
    return sorted(found, key=lambda mark: str(mark["time"]))


def _mark(kind: str, label: str, texts: list[str], begin: int, end: int) -> dict[str, Any]:
    to = texts[end] if end > begin else None
    return {"time": texts[begin], "to": to, "kind": kind, "label": label}


def _runs(kind: str, label: str, flags: Flags, texts: list[str]) -> list[dict[str, Any]]:
    """A mark for each run of flags; none where there are too many to read."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    if len(edges) > 2 * _MOST:
        return []
    return [
        _mark(kind, label, texts, int(a), int(b) - 1)
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]


def _training_end(
    backtest: Backtest, texts: list[str], steps: npt.NDArray[np.int64], later: Any
) -> list[dict[str, Any]]:
    held = backtest.origins.held_out
    some = (held.counts > 0).numpy()
    if backtest.seen is None or not some.any():
        return []
    begin = int((later + held.first.numpy())[some].min()) + 1 - int(steps[0])
    return [_mark("training", "held out from here", texts, begin, begin)]


def _observed(backtest: Backtest) -> Flags:
    time = common_steps(backtest.panel)
    out = np.zeros(int(time.max()) + 1, dtype=bool)
    out[time[observed_steps(backtest.panel)].numpy()] = True
    return out


def _occasions(backtest: Backtest) -> list[tuple[str, Flags]]:
    """Rare categories of columns that are known ahead, where most series have them at once."""
    time = common_steps(backtest.panel)
    size = int(time.max()) + 1
    total = torch.zeros(size).index_add_(0, time, torch.ones(len(time)))
    found = []
    for encoding, columns in columns_ahead(backtest):
        column = columns[:, 0]
        for name, code in kinds_of(encoding, column, _MOST_KINDS):
            here = (column == code).float()
            share = torch.zeros(size).index_add_(0, time, here) / total.clamp_min(1)
            if 0 < float(here.mean()) < _RARE:
                label = name if encoding.categories is not None else f"{encoding.name} {name}"
                found.append((label, (share > 0.5).numpy()))
    return found
