"""Scoring a network on dense origins: one pass over each series' stretch serves all its origins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tsconv.calibration.calibrator import Calibrator
from tsconv.data.batches.chunks import Batch, gather
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.share import shared_tiles, tile_length
from tsconv.data.panel.panel import Panel
from tsconv.data.panel.ragged import steps_within
from tsconv.distributed.ranks import Ranks
from tsconv.evaluation.metrics import MetricSums, SeriesScale
from tsconv.evaluation.observations import Observations
from tsconv.evaluation.rivals import Baseline, history_of
from tsconv.model.ensemble import Network, members_of

# Forecast values held at once while scoring; bounds memory, not results.
_VALUES_AT_ONCE = 4_000_000
_STATES_AT_ONCE = 2**21  # numbers in what a layer gives: they stay in the cache
# What scaling a step of a context costs beside the products of a step of the horizon: measured on
# ETT at four horizons and on Beijing's air, where origins one by one took 65 times as long.
_SCALING = 3.0
# A series hardly changes where fewer than this share of its seasonal differences are not 0, or
# where they are this small beside its spread or its level: an error divided by them says nothing.
_LEAST_CHANGES, _LEAST_OF_SPREAD, _LEAST_OF_LEVEL = 0.01, 1e-3, 1e-9


def training_scale(panel: Panel, train_end: Tensor, season: int) -> SeriesScale:
    """Mean, population deviation and seasonal naive error of each training part: (S, T, H).

    The naive error of a series that hardly changes counts as 0, which keeps it out of MASE.
    """
    n_targets = len(panel.targets)
    ends, offset = train_end.cpu(), panel.offset[:, :n_targets].cpu()
    found = [torch.zeros_like(offset) for _ in range(4)]
    for series, steps, local in panel.blocks():
        values = panel.values[steps, :n_targets].cpu()
        parts = _scale_of_block(values, local, offset[series], ends[series], season)
        for whole, part in zip(found, parts, strict=True):
            whole[series] = part
    return SeriesScale(*found)


def _scale_of_block(
    values: Tensor, indptr: Tensor, offset: Tensor, train_end: Tensor, season: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What `training_scale` says of some series: values (N, T, H), offset (S, T, H)."""
    mean, std, naive, square = (torch.zeros_like(offset) for _ in range(4))
    of = torch.repeat_interleave(torch.arange(len(offset)), indptr.diff())
    step = steps_within(indptr)
    inside = step < train_end[of]  # (N,)
    paired = (inside & (step >= season))[season:, None]
    del step

    def summed(values: Tensor) -> Tensor:
        """(N, H) -> (S, H), sums over each series."""
        return torch.segment_reduce(values, "sum", offsets=indptr, axis=0, initial=0)

    for c in range(offset.shape[1]):
        column = values[:, c]  # (N, H)
        seen = inside[:, None] & ~column.isnan()
        count = summed(seen.double())
        # Around the first value: a constant series then has a deviation of exactly 0.
        shifted = offset[of, c]
        torch.sub(column, shifted, out=shifted).masked_fill_(~seen, 0)
        middle = summed(shifted) / count.clamp_min(1)
        shifted.sub_(middle[of]).masked_fill_(~seen, 0)
        std[:, c] = (summed(shifted.square_()) / count.clamp_min(1)).sqrt()
        mean[:, c] = torch.where(count > 0, middle + offset[:, c], 0)
        del shifted
        # |x_t - x_{t - season}| over the pairs that are observed, see seasonal_naive_error.
        error = torch.zeros_like(column)
        error[season:] = (column[season:] - column[:-season]).abs_()
        known = torch.zeros_like(seen)
        known[season:] = paired & ~error[season:].isnan()
        pairs = summed(known.double()).clamp_min(1)
        mean_error = summed(torch.where(known, error, 0)) / pairs
        changes = summed((known & (error > 0)).double()) / pairs
        least = torch.maximum(_LEAST_OF_SPREAD * std[:, c], _LEAST_OF_LEVEL * mean[:, c].abs())
        useful = (changes >= _LEAST_CHANGES) & (mean_error > least)
        naive[:, c] = torch.where(useful, mean_error, 0)
        error.masked_fill_(~known, 0).square_()
        square[:, c] = torch.where(useful, summed(error) / pairs, 0)
    return mean, std, naive, square


class DenseForecasts(NamedTuple):
    """The forecasts of every origin of some stretches, and what they should be."""

    batch: Batch
    levels: list[Tensor]  # for each quantile (B, T, H, O, horizon), less the offset of its series
    observed: Observations  # the values of the same steps, and which count
    usable: Tensor  # (B, T, H, O) origins of the range, of which something is known
    stride: int  # steps from one origin to the next
    point: Tensor  # (B, T, H, O, horizon) the median, unless another one is asked for
    knots: list[Tensor]  # as `levels`: the network's own, that those were made of


class ScoredBatch(NamedTuple):
    """What is scored at once: a network's forecasts, and simple forecasts of the same points."""

    forecasts: DenseForecasts
    simple: dict[str, Tensor]  # by the key of the baseline: (B, T, H, O, horizon or 1)


def evaluate(
    net: Network,
    panel: Panel,
    origins: OriginRange,
    scale: SeriesScale,
    baselines: Sequence[Baseline] = (),
    ranks: Ranks | None = None,
    *,
    horizon: int | None = None,
    row_index: Tensor | None = None,
    calibrator: Calibrator | None = None,
    by_step: bool = False,
    observers: Sequence[Callable[[ScoredBatch], None]] = (),
) -> tuple[MetricSums, dict[str, MetricSums]]:
    """Score the network and simple forecasts on every origin of a range.

    Returns the network's sums, and each baseline's by its key. All are scored on the same points:
    observed, inside the range, from an origin whose context holds an observation. The network runs
    in its own dtype and on its own device; where it differs by series, the panel has those of the
    training in order. Several ranks share the origins out; each gets the sums
    of all.

    horizon: steps to score, fewer than the network's; None: all. row_index: as `forecast_panel`
    takes it. calibrator: of the panel; None: what the network says is scored as it is. by_step:
    whether the sums keep the steps of the horizon apart. observers: called with each batch, after
    it was scored.
    """
    ranks = ranks or Ranks.alone()
    steps = horizon or net.spec.horizon
    kept = steps if by_step else None
    quantiles = net.quantiles if calibrator is None else calibrator.quantiles
    ours = MetricSums(scale, quantiles, kept)
    simple = {baseline.key: MetricSums(scale, (0.5,), kept) for baseline in baselines}
    n_targets = len(panel.targets)
    history = history_of(baselines)
    for found in dense_forecasts(net, panel, origins, history, ranks, steps, row_index, calibrator):
        batch = found.batch
        past, mask = (v[:, :n_targets] for v in (batch.x, batch.mask))
        others = {
            b.key: b.forecast(past, mask, batch.n_origins, steps)[..., :: found.stride, :]
            for b in baselines
        }
        for part, seen in found.observed.pieces():
            point = None if found.point is found.levels[ours.middle] else found.point[..., part, :]
            ours.add([v[..., part, :] for v in found.levels], seen, point)
            for key, forecast in others.items():
                simple[key].add([forecast[..., part, :]], seen)
        for observe in observers:
            observe(ScoredBatch(found, others))
    ranks.sum_([total for sums in (ours, *simple.values()) for total in sums.tensors()])
    return ours, simple


def dense_forecasts(
    net: Network,
    panel: Panel,
    origins: OriginRange,
    least_history: int = 0,
    ranks: Ranks | None = None,
    horizon: int | None = None,
    row_index: Tensor | None = None,
    calibrator: Calibrator | None = None,
) -> Iterator[DenseForecasts]:
    """Yield the forecasts of every origin of a range, in batches of stretches.

    The batches are the same for all networks of one horizon and as many quantiles; the stretches
    of a series follow one another. least_history: steps before an origin that the batch holds at
    least. horizon: steps of each forecast, fewer than the network's; None: all. row_index: (H,)
    or (S,), as `forecast_panel` takes it. calibrator: see `evaluate`.
    """
    ranks = ranks or Ranks.alone()
    parameter = next(net.parameters())
    panel = panel.to(parameter.device)
    stride, steps = origins.stride, horizon or net.spec.horizon
    history = max(net.history, least_history)
    calibrator = calibrator or Calibrator(net.quantiles, net.quantiles)
    n_levels = max(len(calibrator.knots), len(calibrator.quantiles))
    n_steps, n_chunks = scored_at_once(net, panel, origins, n_levels, ranks.size)
    n_origins = n_steps - stride + 1  # those after the last that counts are not computed
    origins = origins.to(parameter.device)
    row_index = None if row_index is None else row_index.to(parameter.device)
    was_training = net.training
    net.eval()
    try:
        for series, first in shared_tiles(origins, n_steps, n_chunks, ranks.rank, ranks.size):
            series, first = series.to(parameter.device), first.to(parameter.device)
            with torch.inference_mode():
                reach = net.spec.horizon
                batch = gather(
                    panel, origins, series, first, n_origins, history, reach, parameter.dtype
                )
                members = members_of(net, series, row_index)
                offset = panel.offset[series]
                found = _forecast(net, batch, offset, stride, steps, members, calibrator)
            yield found
    finally:
        net.train(was_training)


def scored_at_once(
    net: Network, panel: Panel, origins: OriginRange, n_levels: int, ranks: int = 1
) -> tuple[int, int]:
    """The steps of a stretch that `dense_forecasts` computes, and how many stretches at once."""
    stride, values = origins.stride, net.spec.horizon * n_levels * len(panel.targets) * panel.n_rows
    most = max(1, min(4096, _VALUES_AT_ONCE // values))
    longest = max(1, int(origins.spans.max()))
    even = -(-longest // -(-longest // most))  # tiles of one length: a short last one costs as much
    n_steps = tile_length(origins, even, ranks)
    if _is_cheaper_alone(net, panel, stride):
        n_steps = 1
    n_steps = -(-n_steps // stride) * stride  # so that each chunk has its origins at the same steps
    states = net.spec.hidden * (n_steps + net.history) * len(panel.targets) * panel.n_rows
    most = min(_VALUES_AT_ONCE // (values * (n_steps - stride + 1)), _STATES_AT_ONCE // states)
    return n_steps, max(1, most)


def _is_cheaper_alone(net: Network, panel: Panel, stride: int) -> bool:
    """Whether origins that count are computed one by one, rather than all those between them too.

    Without a stack an origin costs scaling its own context; in between, each costs its products.
    Maps of each series would be fetched for each origin.
    """
    if stride == 1 or net.spec.stack or net.by_series:
        return False
    channels = len(panel.channels) / len(panel.targets)
    scaling = _SCALING * net.spec.context_length * channels
    return stride * net.spec.horizon > scaling


def _forecast(
    net: Network,
    batch: Batch,
    offset: Tensor,
    stride: int,
    steps: int,
    members: Tensor | None,
    calibrator: Calibrator,
) -> DenseForecasts:
    """The first `steps` steps from every stride-th origin; offset: (B, C, H)."""
    horizon, targets = net.spec.horizon, batch.y.shape[1]
    x, mask, n_origins = batch.x, batch.mask, batch.n_origins
    prediction = net(x, mask, n_origins, members, batch.covariates, calibrator.asked, stride)
    mu, sigma, known = prediction.mu, prediction.sigma, prediction.n_observed > 0
    levels = [mu[..., None] + sigma[..., None] * v[..., :steps] for v in prediction.levels]
    knots = calibrator.knots_of(levels, sigma)
    mean = prediction.mean
    if mean is not None:
        mean = mu[..., None] + sigma[..., None] * mean[..., :steps]
    levels, point, _ = calibrator(knots, batch.series, batch.first, stride, mean)
    usable = batch.valid[:, None, None, ::stride] & known  # (B, T, H, O)
    values, mask = (
        v.unfold(-1, horizon, 1)[..., ::stride, :steps] for v in (batch.y, batch.y_mask)
    )  # (B, T, H, O, steps)
    offset = offset[:, :targets, :, None, None]
    mask = mask.bool() & usable.unsqueeze(-1)
    observed = Observations(values, mask, batch.series, offset)
    return DenseForecasts(batch, levels, observed, usable, stride, point, knots)
