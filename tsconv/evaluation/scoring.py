"""Scoring a network on dense origins: one pass over each series' stretch serves all its origins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tsconv.data.batches.chunks import Batch, gather, tile_chunks
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.split import Split
from tsconv.data.panel.panel import Panel
from tsconv.data.panel.ragged import steps_within
from tsconv.evaluation.baselines import seasonal_naive
from tsconv.evaluation.metrics import MetricSums, SeriesScale
from tsconv.model.network import ForecastNet

# Forecast values held at once while scoring; bounds memory, not results.
_VALUES_AT_ONCE = 4_000_000


def training_scale(panel: Panel, train_end: Tensor, season: int) -> SeriesScale:
    """Mean, population deviation and seasonal naive error of each training part: (S, T, H)."""
    shape = (len(panel), len(panel.targets), panel.n_rows)
    mean, std, naive = (torch.zeros(shape, dtype=torch.float64) for _ in range(3))
    lengths, train_end = panel.lengths.cpu(), train_end.cpu()
    indptr, offset = panel.indptr.cpu(), panel.offset.cpu()
    of = torch.repeat_interleave(torch.arange(len(panel)), lengths)
    step = steps_within(indptr)
    inside = step < train_end[of]  # (N,)
    paired = (inside & (step >= season))[season:, None]
    del step

    def summed(values: Tensor) -> Tensor:
        """(N, H) -> (S, H), sums over each series."""
        return torch.segment_reduce(values, "sum", offsets=indptr, axis=0, initial=0)

    for c in range(shape[1]):
        column = panel.values[:, c].cpu()  # (N, H)
        seen = inside[:, None] & ~column.isnan()
        count = summed(seen.double())
        # Around the first value: a constant series then has a deviation of exactly 0.
        shifted = torch.where(seen, column - offset[of, c], 0)
        middle = summed(shifted) / count.clamp_min(1)
        square = torch.where(seen, shifted - middle[of], 0).square_()
        std[:, c] = (summed(square) / count.clamp_min(1)).sqrt()
        mean[:, c] = torch.where(count > 0, middle + offset[:, c], 0)
        # |x_t - x_{t - season}| over the pairs that are observed, see seasonal_naive_error.
        error = torch.zeros_like(column)
        error[season:] = (column[season:] - column[:-season]).abs_()
        known = torch.zeros_like(seen)
        known[season:] = paired & ~error[season:].isnan()
        pairs = summed(known.double())
        naive[:, c] = summed(torch.where(known, error, 0)) / pairs.clamp_min(1)
    return SeriesScale(mean, std, naive)


def evaluate(
    net: ForecastNet, panel: Panel, origins: OriginRange, scale: SeriesScale, season: int
) -> tuple[MetricSums, MetricSums]:
    """Score the network and seasonal naive on every origin of a range: (network, baseline).

    Both are scored on the same points: observed, inside the range, from an origin whose context
    holds an observation. The network runs in its own dtype and on its own device.
    """
    parameter = next(net.parameters())
    panel = panel.to(parameter.device)
    ours, naive = MetricSums(scale, net.quantiles), MetricSums(scale, (0.5,))
    horizon = net.spec.horizon
    history = max(net.history, season - 1)
    values = horizon * len(net.quantiles) * len(panel.targets) * panel.n_rows
    n_origins = int(origins.counts.max().clamp(1, max(1, min(4096, _VALUES_AT_ONCE // values))))
    n_chunks = max(1, _VALUES_AT_ONCE // (values * n_origins))
    origins = origins.to(parameter.device)
    was_training = net.training
    net.eval()
    with torch.inference_mode():
        for series, first in tile_chunks(origins, n_origins, n_chunks):
            series, first = series.to(parameter.device), first.to(parameter.device)
            batch = gather(
                panel, origins, series, first, n_origins, history, horizon, parameter.dtype
            )
            _add(net, batch, panel.offset[series], season, ours, naive)
    net.train(was_training)
    return ours, naive


def score(
    net: ForecastNet,
    panel: Panel,
    split: Split,
    scale: SeriesScale,
    season: int,
    parts: Sequence[str] = ("val", "test"),
) -> dict[str, Any]:
    """The `parts` as metrics.json has them; None where one is empty."""
    out: dict[str, Any] = {}
    for name in parts:
        origins: OriginRange | None = getattr(split, name)
        if origins is None or int(origins.counts.sum()) == 0:
            out[name] = None
            continue
        ours, naive = evaluate(net, panel, origins, scale, season)
        baselines = {"seasonal_naive": _by_part(naive, panel)}
        out[name] = {**_by_part(ours, panel), "baselines": baselines}
    return out


def _by_part(sums: MetricSums, panel: Panel) -> dict[str, Any]:
    """All metrics over everything, then `by_channel` and `by_row` where there are several."""
    out: dict[str, Any] = sums.result()
    if len(panel.targets) > 1:
        out["by_channel"] = {
            name: sums.part(target=c).result() for c, name in enumerate(panel.targets)
        }
    if panel.rows:
        out["by_row"] = {name: sums.part(row=h).result() for h, name in enumerate(panel.rows)}
    return out


def _add(
    net: ForecastNet, batch: Batch, offset: Tensor, season: int, ours: MetricSums, naive: MetricSums
) -> None:
    """Add one batch to both sums. offset: (B, C, H)."""
    horizon, targets = net.spec.horizon, batch.y.shape[1]
    prediction = net(batch.x, batch.mask, batch.n_origins, covariates=batch.covariates)
    offset = offset[:, :targets, :, None, None]  # (B, T, H, 1, 1)
    observed = batch.y.unfold(-1, horizon, 1).double() + offset  # (B, T, H, O, horizon)
    usable = batch.valid[:, None, None] & (prediction.n_observed > 0)  # (B, T, H, O)
    mask = batch.y_mask.unfold(-1, horizon, 1).bool() & usable.unsqueeze(-1)
    ours.add(prediction.values().double() + offset.unsqueeze(-1), observed, mask, batch.series)
    past, seen = batch.x[:, :targets], batch.mask[:, :targets]
    simple = seasonal_naive(past, seen, batch.n_origins, horizon, season)
    simple = simple.double() + offset
    naive.add(simple.unsqueeze(-1), observed, mask & ~simple.isnan(), batch.series)
