"""Which ridge regression: its strength, and whether members have maps of their own.

Every candidate's loss on the validation part follows from that part's Gram matrices, so none needs
a pass over the data. Members are the rows of a panel, or its series.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from tsconv.ridge.gram import Gram
from tsconv.ridge.solve import ridge

STRENGTHS = (1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0, 3.0)  # of the penalty on a map
DEVIATION_STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # on a member's distance from the shared map
# Of the lowest loss: a stronger penalty is taken where it costs no more, as the one-standard-error
# rule does (Breiman et al. 1984). Validation losses differ less than this by chance.
_TOLERANCE = 0.003


@dataclasses.dataclass(frozen=True)
class RidgeChoice:
    """The ridge regression that validation prefers.

    Losses are mean squared errors of the validation part, in the units of the Gram matrices; None
    where there is no validation part.
    """

    strength: float  # of the shared map
    deviation_strength: float | None  # None: all members share the map
    loss: float | None
    shared_loss: float | None

    def __str__(self) -> str:
        own = self.deviation_strength
        apart = "" if own is None else f", {own:g} on the distance of each map from it"
        loss = "" if self.loss is None else f": validation MSE {self.loss:.4g}"
        return f"ridge strength {self.strength:g}{apart}{loss}"


def validation_loss(maps: Tensor, val: Gram) -> Tensor:
    """The sums of squared errors of maps (M, T, K, horizon) over a Gram's origins: (M, T).

    Where targets are missing, their share of the products is estimated, see `Gram.filled`.
    """
    share = val.count / val.origins.clamp_min(1).unsqueeze(-1)  # (M, T, horizon)
    bent = ((val.uu @ maps) * maps).sum(-2) * share  # (M, T, horizon)
    return (bent - 2 * (val.ur * maps).sum(-2) + val.rr).sum(-1)


def choose_ridge(
    train: Gram, val: Gram | None, members: bool, fallback: float = 0.1
) -> RidgeChoice:
    """Choose strengths by the validation part; `fallback` where there is none.

    Args:
        train, val: of the same members and targets; targets are summed over already where they
            share a map.
        members: whether a map of its own for each member is a candidate.
    """
    total = train.over_members()
    if val is None or not float(val.count.sum()) > 0:
        return RidgeChoice(fallback, 1.0 if members else None, None, None)
    count, val_total = float(val.count.sum()), val.over_members()
    losses = {s: _loss(shared_maps(total, s), val_total) / count for s in STRENGTHS}
    strength = _strongest(losses)
    shared = losses[strength]
    if not members:
        return RidgeChoice(strength, None, shared, shared)
    start = shared_maps(total, strength)
    apart = {s: _loss(own_maps(train, start, s), val) / count for s in DEVIATION_STRENGTHS}
    own = _strongest(apart)
    return RidgeChoice(strength, own, apart[own], shared)


def _loss(maps: Tensor, val: Gram) -> float:
    return float(validation_loss(maps, val).sum())


def _strongest(losses: dict[float, float]) -> float:
    """The strongest penalty whose loss is the lowest, but for the tolerance."""
    limit = min(losses.values()) * (1 + _TOLERANCE)
    return max(s for s, loss in losses.items() if loss <= limit)


def shared_maps(total: Gram, strength: float) -> Tensor:
    """The map of each target that all members share: (1, T, K, horizon)."""
    filled = total.filled()[0]
    return torch.stack(
        [ridge(uu, ur, strength) for uu, ur in zip(total.uu[0], filled, strict=True)]
    ).unsqueeze(0)


def own_maps(train: Gram, shared: Tensor, strength: float) -> Tensor:
    """A map of each member and target, shrunk towards the shared one: (M, T, K, horizon)."""
    filled = train.filled()
    members: Sequence[int] = range(len(train.uu))
    targets: Sequence[int] = range(train.uu.shape[1])
    return torch.stack(
        [
            torch.stack(
                [ridge(train.uu[m, c], filled[m, c], strength, shared[0, c]) for c in targets]
            )
            for m in members
        ]
    )
