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
_WORSE = 0.03  # of the lowest loss: what is further behind alone is not looked at
_MOST_LOOKED_AT = 12
_MOST_VALUES = 400_000  # forecast values of the validation part that are held for each candidate


@dataclasses.dataclass(frozen=True)
class _Held:
    """Forecasts of the validation part, in units of each series' spread: Q of (N,)."""

    levels: Tensor  # (Q, N)
    values: Tensor  # (N,) what they should be
    counts: Tensor  # (N,) 1 where a value counts


def choose_members(
    candidates: Sequence[Candidate], part: OriginRange, at_least: int = 1
) -> list[Candidate]:
    """The candidates whose average forecasts best, the first being the best alone.

    Each further one is the one whose addition lowers the loss of the average the most; it is taken
    where that loss rises by no more than .3% over the lowest so far, up to four.

    Args:
        candidates: with their losses on the validation part.
        part: of the validation origins.
        at_least: this many, whatever the loss.
    """
    ranked = sorted(candidates, key=lambda c: c.loss)
    near = [c for c in ranked if c.loss <= ranked[0].loss * (1 + _WORSE)]
    near = (near if len(near) >= at_least else ranked[:at_least])[:_MOST_LOOKED_AT]
    if len(near) == 1:
        return near
    held = {id(c): _held(c, part) for c in near}
    chosen = near[:1]
    total, lowest = held[id(chosen[0])].levels, near[0].loss
    lowest = _loss(total, held[id(chosen[0])], near[0])
    while len(chosen) < min(MOST_MEMBERS, len(near)):
        rest = [c for c in near if c not in chosen]
        sums = [total + held[id(c)].levels for c in rest]
        losses = [_loss(s / (len(chosen) + 1), held[id(near[0])], near[0]) for s in sums]
        best = min(range(len(rest)), key=lambda i: losses[i])
        if losses[best] > lowest * (1 + _ALIKE) and len(chosen) >= at_least:
            break
        chosen, total, lowest = [*chosen, rest[best]], sums[best], min(lowest, losses[best])
    return chosen


def _held(one: Candidate, part: OriginRange) -> _Held:
    prepared, net = one.prepared, one.net
    panel = with_calendar(prepared.panel, net.spec.calendar, net.spec.horizon)
    sides = len(panel.targets) * panel.n_rows
    values = int(part.counts.sum()) * sides * net.spec.horizon
    stride = part.stride * spread_stride(values / _MOST_VALUES)
    thin = dataclasses.replace(part, stride=stride)
    inv = torch.where(prepared.scale.std > 0, 1 / prepared.scale.std, 0)
    levels, targets, counts = [], [], []
    for batch, found, seen in dense_forecasts(net, panel, thin):
        per = inv[batch.series, ..., None, None]  # (B, T, H, 1, 1)
        each = [(v * per).float().flatten() for v in found]
        levels.append(torch.stack(each))
        targets.append((seen.values * per).float().flatten())
        counts.append((seen.mask & (per > 0)).float().flatten())
    return _Held(torch.cat(levels, 1), torch.cat(targets), torch.cat(counts))


def _loss(levels: Tensor, held: _Held, one: Candidate) -> float:
    """The mean pinball loss of quantiles (Q, N)."""
    error = held.values - levels  # (Q, N)
    q = torch.tensor(one.net.quantiles).unsqueeze(-1)
    pinball = torch.maximum(q * error, (q - 1) * error).mean(0)
    return float((2 * pinball * held.counts).sum() / held.counts.sum().clamp_min(1))
