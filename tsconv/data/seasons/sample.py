"""The seasons of a panel, from a sample of its series."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from tsconv.data.panel.panel import Panel
from tsconv.data.seasons.autocorrelation import Floats
from tsconv.data.seasons.periods import Season, find_periods

_YEAR = 365 * 86_400_000_000  # microseconds
_MOST_SERIES, _MOST_STEPS = 100, 5000
_FEWEST_VALUES = 12
_LEAST_SEEN = 0.3  # share of a stretch


def find_seasons(panel: Panel) -> list[Season]:
    """Find the seasonal periods of a panel from a sample of its series, shortest first."""
    frequency = panel.frequency
    year = _YEAR // frequency.size if frequency.kind == "fixed" else 0
    usual = (*frequency.seasons, *([year] if year > 1 else []))
    return find_periods(sample_stretches(panel), usual)


def sample_stretches(
    panel: Panel, end: Tensor | None = None, most: int = _MOST_SERIES
) -> list[Floats]:
    """Sample up to 100 (series, target, row), spread over the panel; up to 5,000 last steps each.

    Only stretches with enough values and some change count; NaN where missing.

    Args:
        panel: of S series.
        end: (S,) the step before which each series' stretch ends; its length where None.
        most: stretches, of the four times as many that are looked at.
    """
    members, channels, rows = len(panel), len(panel.targets), panel.n_rows
    total = members * channels * rows
    picked = np.unique(np.linspace(0, total - 1, min(total, 4 * most)).astype("int64"))
    out: list[Floats] = []
    starts = panel.indptr.cpu().numpy()
    lengths = (panel.lengths if end is None else end).cpu().numpy()
    for flat in picked[np.argsort((picked * 2_654_435_761) % 2**32, kind="stable")]:
        s, c, h = np.unravel_index(flat, (members, channels, rows))
        begin, stop = int(starts[s]), int(starts[s] + lengths[s])
        x = panel.values[max(begin, stop - _MOST_STEPS) : stop, c, h].cpu().numpy()
        seen = ~np.isnan(x)
        enough = seen.sum() >= max(_FEWEST_VALUES, _LEAST_SEEN * len(x))
        if enough and x[seen].min() < x[seen].max():
            out.append(x)
        if len(out) == most:
            break
    return out
