"""Which past origins show how forecast errors depend on each other: the templates of sample paths.

A template is one origin for every series, the same absolute time wherever that is possible, so that
what errors of several series have in common stays in it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tsconv.data.batches.common_grid import common_grid
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel

MOST, LEAST = 200, 20  # templates of a panel; fewer of a large one
_BYTES = 16_000_000  # of all templates
_GOLDEN = 0.6180339887498949  # its multiples spread evenly and have no period


def template_count(panel: Panel, horizon: int) -> int:
    """How many templates of a panel are kept: 200, or those that fit into 16 MB, at least 20."""
    cells = len(panel) * len(panel.targets) * panel.n_rows * horizon
    return max(LEAST, min(MOST, _BYTES // max(1, cells)))


def template_origins(panel: Panel, origins: OriginRange, n: int = MOST) -> Tensor:
    """Choose up to n origins of a range for every series, the same times for all: (S, N) steps.

    Steps are counted from the start of each series; -1 where a series has no origin at a time. The
    times are spread evenly, though not regularly, over those at which at least half as many series
    have an origin as at the best. A series that has fewer than half of them, since its range lies
    in other times, gets as many origins spread over its own range instead.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.panel.panel import build_panel
    >>> from tsconv.data.reading.read import table_from_frame
    >>> frame = pd.DataFrame({"unique_id": list("aaaabb"), "ds": [0, 1, 2, 3, 2, 3], "y": range(6)})
    >>> panel = build_panel(table_from_frame(frame, DataConfig()))
    >>> every = OriginRange(torch.tensor([1, 0]), torch.tensor([3, 1]), panel.lengths)
    >>> template_origins(panel, every)
    tensor([[ 1,  2,  3],
            [-1,  0,  1]])
    """
    later = torch.from_numpy(common_grid(panel)[1])
    first, last, stride = origins.first.cpu(), origins.last.cpu(), origins.stride
    counts = origins.counts.cpu()
    some = counts > 0
    if not some.any():
        return torch.empty(len(panel), 0, dtype=torch.int64)
    times = _shared_times(later[some] + first[some], counts[some], stride)
    times = times[_spread(len(times), n)]
    step = times - later[:, None]  # (S, N) steps of each series
    has = (step >= first[:, None]) & (step <= last[:, None])
    has &= (step - first[:, None]) % stride == 0
    out = torch.where(has, step, -1)
    for s in (some & (2 * has.sum(1) < len(times))).nonzero().flatten().tolist():
        own = _spread(int(counts[s]), len(times))
        out[s] = -1
        out[s, : len(own)] = first[s] + own * stride
    return out


def _shared_times(begin: Tensor, counts: Tensor, stride: int) -> Tensor:
    """The times at which at least half as many series have an origin as at the best one.

    begin: (S,) the time of each series' first origin; counts: (S,) its origins, `stride` apart.
    """
    earliest = int(begin.min())
    reach = int((begin + counts * stride).max()) - earliest + stride
    change = torch.zeros(stride, -(-reach // stride) + 1, dtype=torch.int64)
    phase, at = (begin - earliest) % stride, (begin - earliest) // stride
    one = torch.ones_like(at)
    change.index_put_((phase, at), one, accumulate=True)
    change.index_put_((phase, at + counts), -one, accumulate=True)
    n_series = change.cumsum(1).T.flatten()  # by time: the phases of a stride lie side by side
    return earliest + (2 * n_series >= n_series.max()).nonzero().flatten()


def _spread(count: int, n: int) -> Tensor:
    """Up to n of `count` places, one in each of n equal stretches, at no regular distance.

    A regular one could be a day or a week, and show every template at the same hour.
    """
    if count <= n:
        return torch.arange(count)
    edge = torch.arange(n + 1) * count // n
    share = (torch.arange(n, dtype=torch.float64) * _GOLDEN) % 1
    return edge[:-1] + (share * edge.diff()).long()
