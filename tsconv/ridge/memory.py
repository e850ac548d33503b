"""How much memory solving a linear branch takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsconv.data.panel.panel import Panel
from tsconv.model.linear_branch import LinearBranch
from tsconv.ridge.gram import MOST_GAP_VALUES, in_float64, values_at_once
from tsconv.ridge.residuals import MOST_VALUES
from tsconv.ridge.start import grouping_of

if TYPE_CHECKING:
    from tsconv.data.batches.split import Split

_BLOCK_COPIES = 3  # windows, windows in units of the loss, and what their product is made of
_GRAM_COPIES = 4  # of both parts of the split, filled, and one factor
_RESIDUAL_BYTES = 40  # each is sorted with its weight, and summed in float64


def solving_bytes(branch: LinearBranch, by_series: bool, panel: Panel, split: Split) -> int:
    """Bytes that solving holds at once: sums of products, and a block of windows or all errors.

    by_series: whether the network's filters or maps differ by series.
    """
    size, horizon = branch.context_length, branch.horizon
    members, targets = grouping_of(branch, by_series, panel).shape(panel)
    sides = len(panel.targets) * panel.n_rows
    parts = [part for part in (split.train, split.val) if part is not None]
    origins = sides * max(int(part.counts.sum()) for part in parts)
    width = 8 if in_float64(float(origins) * size * (size + horizon)) else 4
    windows = min(values_at_once(size), origins * (size + 2 * horizon))
    block = _BLOCK_COPIES * width * windows * size // (size + 2 * horizon)
    residuals = _RESIDUAL_BYTES * min(MOST_VALUES, origins * horizon)
    grams = _GRAM_COPIES * 8 * members * targets * size * (size + horizon)
    missing = _missing_share(panel)
    touched = origins * min(1.0, missing * horizon)  # origins with a part of their targets
    gaps = width * min(MOST_GAP_VALUES, round(touched * (size + horizon)))
    return grams + gaps + max(block, residuals)


def _missing_share(panel: Panel) -> float:
    """The share of the panel's values that are missing."""
    missing = sum(int(panel.values[steps].isnan().sum()) for _, steps, _ in panel.blocks())
    return missing / max(1, panel.values.numel())
