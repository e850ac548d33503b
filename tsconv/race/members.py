"""Which networks a race averages: forward selection on the validation part.

Source: ensemble selection from libraries of models, Caruana et al. 2004.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.covariates.encode import with_calendar
from tsconv.evaluation.scoring import dense_forecasts
from tsconv.race.candidate import Candidate
from tsconv.ridge.gram import spread_stride

MOST_MEMBERS = 4  # what a forecast costs grows with them
_ALIKE = 0.003  # of the lowest loss: what one more may cost on one part, as it gains on others
_WORSE = 0.05  # of the lowest loss: what is further behind alone is not looked at
_MOST_LOOKED_AT = 12
_MOST_VALUES = 400_000  # forecast values of the validation part that are held for each candidate


@dataclasses.dataclass(frozen=True)
class _Held:
    """Forecasts of the validation part, in units of each series' spread: Q of (N,)."""

    levels: Tensor  # (Q, N)
    values: Tensor  # (N,) what they should be
    counts: Tensor  # (N,) 1 where a value counts


def choose_members(
    candidates: Sequence[Candidate],
    part: OriginRange,
    at_least: int = 1,
    most: int = MOST_MEMBERS,
) -> list[Candidate]:
    """The candidates whose average forecasts best, the first being the best alone.

    Each further one is the one whose addition lowers the loss of the average the most; it is taken
    where that loss rises by no more than .3% over the lowest so far.

    Args:
        candidates: with their losses on the validation part.
        part: of the validation origins.
        at_least, most: members, whatever the loss.
    """
    ranked = sorted(candidates, key=lambda c: c.loss)
    near = [c for c in ranked if c.loss <= ranked[0].loss * (1 + _WORSE)]
    near = (near if len(near) >= at_least else ranked[:at_least])[:_MOST_LOOKED_AT]
    if len(near) == 1 or most == 1:
        return near[:1]
    held = [_held(c, part) for c in near]
    q = torch.tensor(near[0].net.quantiles).unsqueeze(-1)
    chosen, total = [0], held[0].levels
    lowest = _loss(total, held[0], q)
    while len(chosen) < min(most, len(near)):
        rest = [i for i in range(len(near)) if i not in chosen]
        losses = [_loss((total + held[i].levels) / (len(chosen) + 1), held[0], q) for i in rest]
        loss, best = min(zip(losses, rest, strict=True))
        if loss > lowest * (1 + _ALIKE) and len(chosen) >= at_least:
            break
        chosen, total, lowest = [*chosen, best], total + held[best].levels, min(lowest, loss)
    return [near[i] for i in chosen]


def _held(one: Candidate, part: OriginRange) -> _Held:
    """A candidate's forecasts, in the order of series and origins, however they were computed."""
    prepared, net = one.prepared, one.net
    panel = with_calendar(prepared.panel, net.spec.calendar, net.spec.horizon)
    sides = len(panel.targets) * panel.n_rows
    values = int(part.counts.sum()) * sides * net.spec.horizon
    stride = part.stride * spread_stride(values / _MOST_VALUES)
    thin = dataclasses.replace(part, stride=stride)
    inv = torch.where(prepared.scale.std > 0, 1 / prepared.scale.std, 0)
    places, levels, targets, counts = [], [], [], []
    for batch, found, seen, *_ in dense_forecasts(net, panel, thin):
        per = inv[batch.series, ..., None, None]  # (B, T, H, 1, 1)
        usable = batch.valid[:, ::stride]  # (B, O)
        origin = batch.first[:, None] + stride * torch.arange(usable.shape[1])
        places.append((batch.series[:, None] * int(panel.lengths.max()) + origin)[usable])
        levels.append(torch.stack([_by_origin(v * per, usable) for v in found]))
        targets.append(_by_origin(seen.values * per, usable))
        counts.append(_by_origin(seen.mask & (per > 0), usable))
    order = torch.cat(places).argsort()
    return _Held(
        torch.cat(levels, 1)[:, order].flatten(1),
        torch.cat(targets)[order].flatten(),
        torch.cat(counts)[order].flatten(),
    )


def _by_origin(v: Tensor, usable: Tensor) -> Tensor:
    """(B, T, H, O, horizon) -> (N, T * H * horizon), the usable origins alone."""
    return v.movedim(3, 1).flatten(2)[usable].float()


def _loss(levels: Tensor, held: _Held, q: Tensor) -> float:
    """The mean pinball loss of quantiles (Q, N)."""
    error = held.values - levels  # (Q, N)
    pinball = torch.maximum(q * error, (q - 1) * error).mean(0)
    return float((2 * pinball * held.counts).sum() / held.counts.sum().clamp_min(1))
