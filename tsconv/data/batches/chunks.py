"""Dense chunks: which stretches of the panel a batch holds, and the gather that fetches them.

A chunk is a series, a first origin and a fixed number of origins. Training draws chunks by a
counter-based generator, so that a batch is a pure function of (seed, step): a resumed run goes on
exactly with no state saved, and N ranks together draw what one would.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.mapped import mapped_file, read_ahead
from tsconv.data.panel.panel import Panel
from tsconv.model.covariate_encoder import CovariateBatch

# Origins of a tile of a sample: longer ones would be of fewer series, shorter ones spend most of
# their time on the history before them.
LONGEST_SAMPLED = 64
_SAMPLE_KEY = 20_110  # not of the training's seed: losses of several seeds are of one sample


class Batch(NamedTuple):
    """B chunks of O origins each, for a network and a loss; C channels, T targets, H rows."""

    x: Tensor  # (B, C, H, history + O) values less the series' offset, 0 where missing
    mask: Tensor  # (B, C, H, history + O)
    y: Tensor  # (B, T, H, O - 1 + horizon) the targets after the first origin
    y_mask: Tensor  # (B, T, H, O - 1 + horizon) observed and before the end
    valid: Tensor  # (B, O) whether each origin belongs to the part of the split
    series: Tensor  # (B,)
    first: Tensor  # (B,) step of the first origin
    covariates: CovariateBatch | None = None  # of the steps of x and of `horizon` more

    @property
    def n_origins(self) -> int:
        return self.valid.shape[1]


def gather(
    panel: Panel,
    origins: OriginRange,
    series: Tensor,
    first: Tensor,
    n_origins: int,
    history: int,
    horizon: int,
    dtype: torch.dtype = torch.float32,
) -> Batch:
    """Fetch the chunks (series[b], first[b]) in one indexed read, on the panel's device.

    Args:
        panel: may lie on any device; `origins`, `series` and `first` lie there too.
        origins: those that count; targets at or after its `end` are masked.
        series, first: (B,) the series of each chunk and its first origin, a step of that series.
        n_origins: O, of each chunk; those outside `origins` are not valid.
        history: steps before the first origin.
        horizon: steps after each origin.
        dtype: of the batch.
    """
    relative = torch.arange(-history, n_origins + horizon, device=first.device)
    step = first[:, None] + relative  # (B, history + O + horizon), counted from the series' start
    start, end = panel.indptr[series][:, None], panel.indptr[series + 1][:, None]
    inside = (step >= 0) & (step < end - start)
    values = panel.values[(start + step).clamp(0, len(panel.values) - 1)]  # (B, L, C, H)
    seen = inside[..., None, None] & ~values.isnan()
    shifted = torch.where(seen, values - panel.offset[series][:, None], 0)
    shifted, seen = shifted.permute(0, 2, 3, 1), seen.permute(0, 2, 3, 1)  # (B, C, H, L)
    width = history + n_origins
    targets = len(panel.targets)
    usable = seen[:, :targets] & (step < origins.end[series][:, None])[:, None, None]
    origin = step[:, history:width]
    return Batch(
        x=shifted[..., :width].to(dtype),
        mask=seen[..., :width].to(dtype),
        y=shifted[:, :targets, :, history + 1 :].to(dtype),
        y_mask=usable[..., history + 1 :].to(dtype),
        valid=(origin >= origins.first[series][:, None])
        & (origin <= origins.last[series][:, None])
        & ((origin - origins.first[series][:, None]) % origins.stride == 0),
        series=series,
        first=first,
        covariates=_covariates(panel, series, step, dtype),
    )


def read_chunks_ahead(
    panel: Panel, series: Tensor, first: Tensor, n_origins: int, history: int, horizon: int
) -> None:
    """Let the operating system read what `gather` will need of a mapped panel, and go on."""
    begin, end = first - history, first + n_origins + horizon
    for part in (panel, panel.covariates):
        if part is not None and mapped_file(part.values) is not None:
            start = part.indptr[series]
            read_ahead(part.values, start + begin, start + end)


def _covariates(
    panel: Panel, series: Tensor, step: Tensor, dtype: torch.dtype
) -> CovariateBatch | None:
    """Encoded covariates of the steps of each chunk; step: (B, L), counted from the start."""
    covariates, calendar, static = panel.covariates, panel.calendar, panel.static
    if covariates is None and calendar is None and static is None:
        return None
    shape = (*step.shape, 0, panel.n_rows)
    values, seen = step.new_zeros(shape, dtype=dtype), step.new_zeros(shape, dtype=torch.bool)
    if covariates is not None:
        start = covariates.indptr[series][:, None]
        inside = (step >= 0) & (start + step < covariates.indptr[series + 1][:, None])
        index = (start + step).clamp(0, len(covariates.values) - 1)
        values = covariates.at(index)  # (B, L, F, H)
        seen = inside[..., None, None] & ~values.isnan()
        values = torch.where(seen, values, 0).to(dtype)
    if calendar is not None:
        index = (calendar.phase[series][:, None] + step).clamp(0, len(calendar.values) - 1)
        # Before its start a series has none: what lies there in the table is another's.
        circles = calendar.values[index].to(dtype) * (step >= 0).unsqueeze(-1)  # (B, L, K)
        circles = circles.unsqueeze(-1).expand(*circles.shape, panel.n_rows)
        values = torch.cat([values, circles], dim=2)
        seen = torch.cat([seen, torch.ones_like(circles, dtype=torch.bool)], dim=2)
    fixed = values.new_zeros(len(series), 0, panel.n_rows)
    if static is not None:
        fixed = static.values[series]  # (B, K, H)
    there = ~fixed.isnan()
    return CovariateBatch(
        values.permute(0, 2, 3, 1),
        seen.permute(0, 2, 3, 1).to(dtype),
        torch.where(there, fixed, 0).to(dtype),
        there.to(dtype),
    )


def draw_chunks(
    origins: OriginRange, seed: int, step: int, n_chunks: int, n_origins: int
) -> tuple[Tensor, Tensor]:
    """The (series, first origin) of every chunk in the global batch of a step.

    Philox (Salmon et al. 2011) with the seed as key and the step as counter; chunk b uses the b-th
    pair of numbers. A series is drawn in proportion to its origins, the start uniformly among those
    that keep the chunk inside the range; a series with fewer origins is taken from its first.

    Args:
        origins: the range to draw from.
        seed, step: the batch is a function of both.
        n_chunks: B, over all ranks.
        n_origins: of each chunk.

    Returns (B,) series and (B,) first origins, as steps of their series.

    >>> one = OriginRange(torch.tensor([10]), torch.tensor([17]), torch.tensor([20]))
    >>> series, first = draw_chunks(one, seed=0, step=3, n_chunks=5, n_origins=8)
    >>> series.tolist(), first.tolist()
    ([0, 0, 0, 0, 0], [10, 10, 10, 10, 10])
    """
    generator = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, step]))
    uniform = torch.from_numpy(generator.random((n_chunks, 2)))
    counts = origins.counts.cpu()
    ends = counts.cumsum(0)
    position = (uniform[:, 0] * ends[-1]).long()
    series = torch.searchsorted(ends, position, right=True)
    room = (counts[series] - n_origins).clamp_min(0) + 1
    first = origins.first.cpu()[series] + (uniform[:, 1] * room).long()
    return series, first


def tile_chunks(
    origins: OriginRange, n_origins: int, n_chunks: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield every origin of the range once: up to n_chunks chunks a batch, which tile each series.

    n_origins: steps of a chunk; a multiple of the range's stride keeps its origins at the same
    places in each chunk.

    >>> one = OriginRange(torch.tensor([10]), torch.tensor([17]), torch.tensor([20]))
    >>> [first.tolist() for _, first in tile_chunks(one, n_origins=3, n_chunks=2)]
    [[10, 13], [16]]
    """
    series, first = tiles(origins, n_origins)
    for begin in range(0, len(series), n_chunks):
        part = slice(begin, begin + n_chunks)
        yield series[part], first[part]


def sampled_tiles(chunks: tuple[Tensor, Tensor], count: int) -> tuple[Tensor, Tensor]:
    """A fixed sample of some tiles, spread over series and time: the same in every run.

    One tile is drawn at random from each of `count` equal stretches of the list. Tiles follow each
    other by series and then by time, so that the sample holds series and times in proportion.

    chunks: (N,) series and (N,) first origins, of `tiles`. count: at most N.

    >>> series, first = sampled_tiles((torch.arange(100), torch.arange(100)), 4)
    >>> (series // 25).tolist()
    [0, 1, 2, 3]
    """
    series, first = chunks
    if count >= len(series):
        return chunks
    uniform = np.random.Generator(np.random.Philox(key=_SAMPLE_KEY)).random(count)
    at = torch.from_numpy(((np.arange(count) + uniform) * len(series) / count).astype("int64"))
    return series[at], first[at]


def tiles(origins: OriginRange, n_origins: int) -> tuple[Tensor, Tensor]:
    """The series and the first origin of every tile of n_origins steps, which cover the range.

    >>> one = OriginRange(torch.tensor([10]), torch.tensor([17]), torch.tensor([20]))
    >>> tiles(one, n_origins=3)
    (tensor([0, 0, 0]), tensor([10, 13, 16]))
    """
    counts = (origins.spans.cpu() + n_origins - 1) // n_origins
    series = torch.repeat_interleave(torch.arange(len(counts)), counts)
    before = torch.repeat_interleave(counts.cumsum(0) - counts, counts)
    first = origins.first.cpu()[series] + (torch.arange(len(series)) - before) * n_origins
    return series, first
