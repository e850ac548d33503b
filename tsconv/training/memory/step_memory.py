"""What a training step holds, extrapolated from passes over a few origins."""

from __future__ import annotations

import copy
import dataclasses

import torch
from torch import Tensor

from tsconv.training.prepare import Prepared
from tsconv.training.step.dense_loss import dense_loss

WEIGHT_COPIES = 5  # weights, gradients, two moments of AdamW, the running average
_FORECAST_COPIES = 4  # beside one for each level: targets, weights, and what gradients pass through
_FEW, _MORE = 4, 12  # origins of a chunk


@dataclasses.dataclass(frozen=True)
class StepMemory:
    """Bytes that one rank's training step holds at once, in float32 and not compiled."""

    kept: int  # by the forward pass for the backward pass
    forecasts: int  # what is made of the forecasts of all levels on the way
    weights: int  # with gradients, moments and averages

    @property
    def total(self) -> int:
        """All of it."""
        return self.kept + self.forecasts + self.weights


def step_memory(prepared: Prepared, ranks: int = 1) -> StepMemory:
    """Extrapolate what a step holds, from three passes over 4 to 24 origins.

    What is kept grows linearly with the chunks and with the origins of each. ranks: that share a
    batch. The network and the random state are left as they are.
    """
    data = prepared.config.data
    chunks, origins = -(-(data.chunks_per_batch or 1) // ranks), data.origins_per_chunk or 1
    with torch.random.fork_rng(devices=[]):
        first = _kept(prepared, 1, _FEW)
        by_origin = (_kept(prepared, 1, _MORE) - first) / (_MORE - _FEW)
        chunk = _kept(prepared, 2, _FEW) - first  # with its history
    kept = first - chunk + chunks * (chunk + by_origin * (origins - _FEW))
    copies = len(prepared.net.quantiles) + _FORECAST_COPIES
    return StepMemory(
        kept=round(max(0.0, kept)),
        forecasts=copies * forecast_bytes(prepared, chunks * origins),
        weights=WEIGHT_COPIES * weight_bytes(prepared),
    )


def most_kept(prepared: Prepared, ranks: int = 1) -> int:
    """More bytes than a step holds, at no cost: what needs no closer look."""
    data, net = prepared.config.data, prepared.net
    spec = net.spec
    chunks, origins = -(-(data.chunks_per_batch or 1) // ranks), data.origins_per_chunk or 1
    panel = prepared.panel
    sides = len(panel.channels) * panel.n_rows
    width = net.history + origins + spec.horizon
    blocks = spec.levels * spec.stacks + 2
    channels = 20 * spec.hidden * max(1, spec.expansion) * (2 if spec.gated else 1) * blocks
    given = 50 * (spec.n_covariates + spec.n_static_covariates + 10)
    copies = 5 * (len(net.quantiles) + 2 * _FORECAST_COPIES)
    maps = copies * origins * spec.horizon + 10 * origins * spec.context_length
    each = 4 * (width * (channels + given) + maps)
    return chunks * sides * each + WEIGHT_COPIES * weight_bytes(prepared)


def forecast_bytes(prepared: Prepared, origins: int) -> int:
    """Bytes of one level's forecasts from so many origins of a series with all of its rows."""
    panel = prepared.panel
    return 4 * origins * prepared.config.horizon * len(panel.targets) * panel.n_rows


def weight_bytes(prepared: Prepared) -> int:
    """Bytes of the network's weights."""
    return sum(p.numel() * p.element_size() for p in prepared.net.parameters())


def kept_bytes(function: object, *arguments: object) -> int:
    """Bytes that `function(*arguments)` keeps for a backward pass, each storage counted once."""
    assert callable(function)
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = function(*arguments)
    del result  # until here its graph held what was counted: no address comes twice
    return sum(kept.values())


def _kept(prepared: Prepared, chunks: int, origins: int) -> int:
    """What a forward pass over a few origins of the first series with some keeps."""
    net = copy.deepcopy(prepared.net).train()
    data = prepared.data()
    some = int((prepared.split.train.counts > 0).nonzero()[0, 0])
    series = torch.full((chunks,), some)
    first = prepared.split.train.first.cpu()[series]
    batch = data.fetch(prepared.split.train, series, first, origins)
    inv_scale = prepared.module().inv_scale[batch.series]
    return kept_bytes(dense_loss, net, batch, inv_scale, prepared.config.head)
