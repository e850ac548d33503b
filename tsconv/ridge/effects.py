"""Direct effects of what is known ahead, solved before the linear branch.

Differences over a season take the level and the seasonal shape from a series, so that a ridge
regression of the differenced series on the differenced features finds what covariates move. The
linear branch is then solved on what they leave.
"""

from __future__ import annotations

import copy
import dataclasses

import torch
from torch import Tensor

from tsconv.data.batches.chunks import Batch, gather, tile_chunks
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel
from tsconv.model.covariate_branch import CovariateBranch
from tsconv.model.covariate_encoder import CovariateBatch
from tsconv.model.effects import GAIN, FutureEffect
from tsconv.model.network import ForecastNet
from tsconv.nn.scaling import causal_scale
from tsconv.ridge.gram import Explained, spread_stride
from tsconv.ridge.solve import ridge

STRENGTHS = (1e-4, 1e-3, 1e-2, 0.1, 1.0)  # of the penalty on effects
_STEPS_AT_ONCE = 200_000  # of all series, targets and rows; bounds memory, not results
_MOST_STEPS = 2_000_000  # beyond it only every k-th stretch is taken


@dataclasses.dataclass(frozen=True)
class DirectEffects:
    """Effects of F features on T targets, of which 1 stands for all where they share them.

    weight: (T, F) in units of what the effects leave unexplained of a context, see `FutureEffect`.
    """

    weight: Tensor
    strength: float  # of the ridge regression
    lag: int  # steps between what was subtracted


@dataclasses.dataclass(frozen=True)
class _Sums:
    """Sums of products of differenced features z and values y."""

    zz: Tensor  # (T, F, F)
    zy: Tensor  # (T, F)


class KnownAhead:
    """The features of a network's covariates, and what effects of them explain of a batch.

    net: on the CPU; it has future covariates or a calendar. Features come from its encoder as it
    is, in float64.
    """

    def __init__(self, net: ForecastNet) -> None:
        assert net.covariates is not None
        self.context_length, self.horizon = net.spec.context_length, net.spec.horizon
        self.n_targets = (net.spec.n_targets or 1) if net.mixed else 1
        self.branch: CovariateBranch = copy.deepcopy(net.covariates).double().eval()
        width = self.branch.encoder.width_ahead
        effect = FutureEffect(width, 1, self.n_targets, self.horizon, self.context_length, rank=1)
        self.width, self.effect = width, effect.double()  # all zero at first

    @property
    def key(self) -> tuple[object, ...]:
        """Tells encoders with other features apart."""
        state = self.branch.encoder.state_dict()
        return tuple((name, v.numpy().tobytes()) for name, v in state.items())

    @torch.no_grad()
    def features(self, batch: Batch) -> Tensor:
        """What is known of each step of a batch: (H, B, W + horizon, F)."""
        assert batch.covariates is not None
        given = CovariateBatch(*(v.double() for v in batch.covariates))
        return self.branch.features(given, 0)[..., self.branch.past_width :]

    @torch.no_grad()
    def explain(self, effects: DirectEffects, batch: Batch) -> Explained:
        """What some effects explain of each origin of a batch."""
        self.effect.direct.weight[: self.n_targets] = effects.weight / GAIN
        targets = batch.y.shape[1]
        mask = batch.mask[:, :targets].permute(2, 1, 0, 3)  # (H, T, B, W)
        z = self.features(batch)
        state = z.new_zeros(z.shape[0], z.shape[1], batch.n_origins, 1)
        found = self.effect(z, mask, state)
        return Explained(*(v.transpose(0, 2).to(batch.x) for v in found[:4]))


def solve_effects(
    known: KnownAhead,
    panel: Panel,
    train: OriginRange,
    val: OriginRange,
    inv_scale: Tensor,
    lag: int,
) -> DirectEffects | None:
    """Solve direct effects on the training part, their penalty chosen on the validation part.

    Args:
        known: of the network that they are for.
        panel: with the covariates that the network takes; on the CPU.
        train, val: the origins of both parts.
        inv_scale: (S, T, H) one over the spread of each series' training part.
        lag: steps between what is subtracted; the shortest season.

    None where validation prefers no effect at all.
    """
    sums = _sums(known, panel, train, inv_scale, lag)
    held_out = _sums(known, panel, val, inv_scale, lag)
    losses, weights = {}, {}
    for strength in STRENGTHS:
        weight = torch.stack(
            [
                ridge(zz, zy.unsqueeze(-1), strength).squeeze(-1)
                for zz, zy in zip(sums.zz, sums.zy, strict=True)
            ]
        )
        bent = torch.einsum("tf,tfg,tg->", weight, held_out.zz, weight)
        losses[strength] = float(bent - 2 * (held_out.zy * weight).sum())  # 0 without effects
        weights[strength] = weight
    best = min(losses, key=lambda s: losses[s])
    if not losses[best] < 0:
        return None
    unit = _unexplained(known, panel, train, inv_scale, weights[best])
    return DirectEffects(weights[best] / unit.unsqueeze(-1), best, lag)


def _batches(
    known: KnownAhead, panel: Panel, part: OriginRange, history: int
) -> list[tuple[Tensor, Tensor, int]]:
    """Stretches of a part, as `gather` takes them; a long part gives only some of them."""
    sides = len(panel.targets) * panel.n_rows
    n = max(1, min(int(part.spans.max()), 1024))
    chunks = max(1, _STEPS_AT_ONCE // (sides * (n + history + known.horizon)))
    stretches = [(*both, n) for both in tile_chunks(part, n, chunks)]
    steps = float(part.counts.sum()) * sides
    return stretches[:: spread_stride(steps / _MOST_STEPS)]


def _sums(known: KnownAhead, panel: Panel, part: OriginRange, inv_scale: Tensor, lag: int) -> _Sums:
    """Sum the products of differenced features and values over the steps of a part."""
    shape, width = known.n_targets, known.width
    zz = torch.zeros(shape, width, width, dtype=torch.float64)
    zy = zz.new_zeros(shape, width)
    for series, first, n in _batches(known, panel, part, lag):
        batch = gather(panel, part, series, first, n, lag, known.horizon, torch.float64)
        targets = batch.y.shape[1]
        x, mask = batch.x[:, :targets], batch.mask[:, :targets]
        z = known.features(batch)[:, :, : lag + n].permute(1, 0, 2, 3)  # (B, H, lag + O, F)
        seen = mask[..., lag:] * mask[..., :-lag] * batch.valid[:, None, None]  # (B, T, H, O)
        y = (x[..., lag:] - x[..., :-lag]) * inv_scale[series].unsqueeze(-1) * seen
        dz = z[:, :, lag:] - z[:, :, :-lag]  # (B, H, O, F)
        for c in range(targets):
            at = 0 if shape == 1 else c
            each = dz * seen[:, c].unsqueeze(-1)
            zz[at] += torch.einsum("bhof,bhog->fg", each, dz)
            zy[at] += torch.einsum("bhof,bho->f", each, y[:, c])
    return _Sums(zz, zy)


def _unexplained(
    known: KnownAhead, panel: Panel, part: OriginRange, inv_scale: Tensor, weight: Tensor
) -> Tensor:
    """(T,) the spread that effects leave in a context, in units of each series' training part."""
    size = known.context_length
    left, count = torch.zeros(len(weight), dtype=torch.float64), torch.zeros(len(weight))
    for series, first, n in _batches(known, panel, part, size - 1):
        batch = gather(panel, part, series, first, n, size - 1, known.horizon, torch.float64)
        targets = batch.y.shape[1]
        x, mask = batch.x[:, :targets], batch.mask[:, :targets]
        z = known.features(batch)[:, :, : size - 1 + n]
        g = torch.einsum("hbof,tf->bhot", z, weight).movedim(-1, 1)  # (B, T or 1, H, W)
        rest = x * inv_scale[series].unsqueeze(-1) - g
        sigma = causal_scale(rest, mask, size).sigma[..., -n:]
        seen = (mask[..., -n:] * batch.valid[:, None, None] * (sigma > 0)).double()
        each = (sigma * seen).sum((0, 2, 3)), seen.sum((0, 2, 3))
        left += each[0] if len(weight) > 1 else each[0].sum()
        count += each[1] if len(weight) > 1 else each[1].sum()
    return torch.where(left > 0, left / count.clamp_min(1), 1)


def put_effects_into(net: ForecastNet, effects: DirectEffects | None) -> None:
    """Set a network's direct effects, on the centre of its forecasts; None: to zero."""
    assert net.covariates is not None
    effect = net.covariates.effect
    assert effect is not None
    direct = effect.direct
    start = torch.zeros(2 * effect.n_targets, direct.in_features, dtype=torch.float64)
    if effects is not None:
        start[: effect.n_targets] = effects.weight / GAIN
    with torch.no_grad():
        direct.weight.copy_(start.repeat(len(direct.weight) // len(start), 1))
        direct.reset_deviations()
