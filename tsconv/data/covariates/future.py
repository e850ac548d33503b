"""Future covariates of the steps to forecast: what a panel has, and the error of what it lacks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tsconv.data.covariates.encode import Encoding
from tsconv.data.panel.covariate_grid import Covariates
from tsconv.data.panel.format_time import format_time
from tsconv.data.panel.panel import Panel
from tsconv.data.panel.ragged import reduce_runs, steps_within
from tsconv.data.timestamps.frequency import Steps
from tsconv.data.timestamps.zones import zoned
from tsconv.errors import DataError
from tsconv.notes import Note, NoteKind
from tsconv.text import plural


def future_cells(panel: Panel, horizon: int) -> Tensor:
    """(S, horizon, F, H) future covariates of the steps after each series' last, NaN for none."""
    covariates = panel.covariates
    if covariates is None:
        return torch.zeros(len(panel), horizon, 0, panel.n_rows)
    steps = panel.lengths[:, None] + torch.arange(horizon)  # (S, horizon) from the start
    index = (covariates.indptr[:-1, None] + steps).clamp_max(max(0, len(covariates.values) - 1))
    outside = steps >= covariates.lengths[:, None]
    cells = covariates.values[index][:, :, covariates.n_past :]
    return cells.masked_fill(outside[..., None, None], torch.nan)


def require_future(
    panel: Panel, encodings: Sequence[Encoding], horizon: int, context_length: int
) -> tuple[Tensor, list[Note]]:
    """The step that each series is forecast from: (S,), and notes on what was left out.

    horizon, context_length: steps. A series that ends before the others and of whose future nothing
    is known gets -1. A row without an observed target in its context needs no future, nor does one
    of a column that it never had. Raises DataError naming the times at which any other lacks
    covariates.
    """
    origins, covariates = panel.lengths - 1, panel.covariates
    if covariates is None or not covariates.future:
        return origins, []
    cells = future_cells(panel, horizon)
    missing = _without_unknown_empty(cells, covariates, encodings).isnan()
    never = _never_observed(panel, covariates)  # (S, F, H)
    needed = (panel.present & _recently_seen(panel, context_length)).unsqueeze(1)  # (S, 1, H)
    lacks = missing & (needed & ~never).unsqueeze(1)  # (S, horizon, F, H)
    ends = panel.frequency.advance(panel.start, origins.numpy())
    lacking = lacks.flatten(1).any(1)
    unplanned = cells.isnan().flatten(1).all(1)
    early = torch.from_numpy(ends < ends.max()) & lacking & unplanned
    notes = _empty_notes(covariates, cells)
    if (never & needed).any():
        s, f, h = (never & needed).nonzero()[0].tolist()
        column = covariates.future[f]
        text = (
            f"{_member(panel, s, h)} never had a value of `{column}` "
            f"({plural(int((never & needed).sum()), 'such case')}): forecast without it"
        )
        notes.append(Note(NoteKind.COVARIATE_NEVER_OBSERVED, text, (column, panel.ids[s])))
    if (lacking & ~early).any():
        raise DataError(_missing_text(panel, covariates, lacks, lacking & ~early))
    if early.any():
        s = int(early.int().argmax())
        text = (
            f"{_member(panel, s, 0)} ends before the others, and its future covariates are unknown "
            f"({plural(int(early.sum()), 'such series', 'such series')}): not forecast"
        )
        notes.append(Note(NoteKind.SERIES_WITHOUT_FUTURE, text, (panel.ids[s],)))
    return torch.where(early, -1, origins), notes


def _missing_text(panel: Panel, covariates: Covariates, lacks: Tensor, series: Tensor) -> str:
    """The message on the first of the marked series (S,) and its cells of (S, horizon, F, H)."""
    s = int(series.int().argmax())
    steps = np.flatnonzero(lacks[s].flatten(1).any(1).numpy())
    names = [n for f, n in enumerate(covariates.future) if lacks[s, :, f].any()]
    ahead = zoned(panel.times(s, int(panel.lengths[s]) + steps), panel)
    times = [str(t) if isinstance(ahead, pd.Series) else format_time(t) for t in ahead]
    others = int(series.sum()) - 1
    row = int(lacks[s].any(0).any(0).int().argmax())
    member = _member(panel, s, row) + (f" and {others} more" if others else "")
    return (
        f"future covariates of the steps to forecast are missing: {', '.join(names)} of {member} "
        f"at {_ranges(steps, times)} ({len(steps)} of {lacks.shape[1]} steps); add these lines to "
        f"the file or to `data.future_path` (template=future.csv writes them, for you to fill in)"
    )


def _member(panel: Panel, s: int, h: int) -> str:
    """A series, and its row where there is a family, in messages."""
    return f"series `{panel.ids[s]}`" + (f", row `{panel.rows[h]}`" if panel.rows else "")


def _without_unknown_empty(
    cells: Tensor, covariates: Covariates, encodings: Sequence[Encoding]
) -> Tensor:
    """The cells with NaN for empty categories of columns that were never empty in the training."""
    cells = cells.clone()
    learnt = {e.name: e.categories for e in encodings}
    for f, name in enumerate(covariates.future):
        categories = covariates.categories.get(name, ())
        if "" in categories and "" not in (learnt.get(name) or ("",)):
            cells[:, :, f][cells[:, :, f] == categories.index("")] = torch.nan
    return cells


def _recently_seen(panel: Panel, context_length: int) -> Tensor:
    """(S, H) whether a target was observed within the context of each series' last step."""
    seen = ~panel.values[:, : len(panel.targets)].isnan().all(1).numpy()  # (N, H)
    step = steps_within(panel.indptr).numpy()[:, None]
    last = reduce_runs(np.maximum, np.where(seen, step, -1), panel.indptr[:-1].numpy())
    first = (panel.lengths - context_length).clamp_min(0).numpy()  # of the context
    return torch.from_numpy(last >= first[:, None])


def _never_observed(panel: Panel, covariates: Covariates) -> Tensor:
    """(S, F, H) whether a series and row lacks a future column in all of its past."""
    seen = ~covariates.values[:, covariates.n_past :].isnan().numpy()  # (M, F, H)
    past = steps_within(covariates.indptr) < panel.lengths.repeat_interleave(covariates.lengths)
    seen &= past.numpy()[:, None, None]
    return torch.from_numpy(~reduce_runs(np.logical_or, seen, covariates.indptr[:-1].numpy()))


def _empty_notes(covariates: Covariates, cells: Tensor) -> list[Note]:
    """Notes on columns of categories that are empty in all steps to forecast."""
    notes = []
    for f, name in enumerate(covariates.future):
        categories = covariates.categories.get(name, ())
        found = cells[:, :, f][~cells[:, :, f].isnan()]
        if len(categories) > 1 and "" in categories and (found == categories.index("")).all():
            text = f"`{name}` is empty in all steps to forecast"
            notes.append(Note(NoteKind.EMPTY_OVER_HORIZON, text, (name,)))
    return notes


def _ranges(steps: Steps, times: list[str]) -> str:
    """Runs of neighbouring steps as `first to last`, the first three of them."""
    cuts = np.flatnonzero(np.diff(steps) > 1) + 1
    runs = np.split(np.arange(len(steps)), cuts)
    named = [times[r[0]] if len(r) == 1 else f"{times[r[0]]} to {times[r[-1]]}" for r in runs[:3]]
    return ", ".join(named) + (", ..." if len(runs) > 3 else "")
