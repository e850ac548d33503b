"""A forecast as a whole distribution: the quantile function through the levels that a head gives.

Between the given levels, and beyond them, it is linear in normal scores (the level's quantile under
a standard normal), so that a normal forecast stays normal. It is linear in the given quantiles too:
any other level of it is a sum of these, with weights that know nothing of their values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

FURTHEST = 40.0  # normal scores beyond it say no more than that


def scores_of(quantiles: Sequence[float]) -> Tensor:
    """The normal scores of some levels: (Q,) float64.

    >>> [round(z, 3) for z in scores_of([0.1, 0.5, 0.975]).tolist()]
    [-1.282, 0.0, 1.96]
    """
    levels = torch.tensor([float(q) for q in quantiles], dtype=torch.float64)
    out: Tensor = torch.special.ndtri(levels)
    return out


def normal_scores(levels: Sequence[Tensor], quantiles: Sequence[float], values: Tensor) -> Tensor:
    """Where values lie in forecasts, as normal scores: standard normal where these are right.

    levels: Q tensors that do not cross, one for each of `quantiles`, at least two; values: of the
    same shape. A value at several equal levels gets the lowest of them. Returns float64 between
    -40 and 40.

    >>> low, high = torch.tensor([8.0]), torch.tensor([12.0])
    >>> normal_scores([low, high], [0.1, 0.9], torch.tensor([10.0]))
    tensor([0.], dtype=torch.float64)
    """
    knots = scores_of(quantiles).tolist()
    last = len(levels) - 2
    values = values.double()
    out = torch.full_like(values, knots[0])
    for k, (low, high) in enumerate(pairwise(levels)):
        low, high = low.double(), high.double()
        width = (high - low).clamp_min(torch.finfo(torch.float64).tiny)
        share = (values - low) / width
        share = share.clamp(-math.inf if k == 0 else 0.0, math.inf if k == last else 1.0)
        out += share * (knots[k + 1] - knots[k])
    return out.clamp_(-FURTHEST, FURTHEST)


def segments(scores: Tensor, quantiles: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Between which levels some normal scores lie: the lower one's place, and the share of the way.

    Scores beyond the levels belong to the outermost two, with a share below 0 or above 1.

    >>> segments(torch.tensor([0.0]), [0.1, 0.9])
    (tensor([0]), tensor([0.5000]))
    """
    knots = scores_of(quantiles).to(scores)
    at = torch.searchsorted(knots, scores.contiguous(), right=True) - 1
    at = at.clamp(0, len(knots) - 2)
    return at, (scores - knots[at]) / (knots[at + 1] - knots[at])


def knot_weights(scores: Tensor, quantiles: Sequence[float]) -> Tensor:
    """What the levels at some normal scores are made of: (...) -> (..., Q), each adding up to 1.

    A score between two knots has the weights of a linear interpolation, one beyond them those of
    the nearest two, of which one is then negative.

    >>> knot_weights(torch.tensor([0.0, 0.0]), [0.1, 0.9]).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    at, share = segments(scores, quantiles)
    out = scores.new_zeros(*scores.shape, len(quantiles))
    out.scatter_(-1, at.unsqueeze(-1), (1 - share).unsqueeze(-1))
    return out.scatter_(-1, (at + 1).unsqueeze(-1), share.unsqueeze(-1))


def values_at(levels: Tensor, quantiles: Sequence[float], scores: Tensor) -> Tensor:
    """The values of forecasts at normal scores.

    levels: (..., Q), which do not cross; scores: (..., N). Returns (..., N).

    >>> values_at(torch.tensor([[8.0, 12.0]]), [0.1, 0.9], torch.tensor([[0.0]]))
    tensor([[10.]])
    """
    at, share = segments(scores, quantiles)
    low, high = torch.gather(levels, -1, at), torch.gather(levels, -1, at + 1)
    return low + share * (high - low)


def mean_weights(quantiles: Sequence[float]) -> Tensor:
    """What the mean of a forecast is made of: (Q,) float64 weights of its levels.

    They are the means of the interpolation's weights under a standard normal, in closed form.

    >>> mean_weights([0.1, 0.5, 0.9]).sum()
    tensor(1., dtype=torch.float64)
    """
    knots = scores_of(quantiles)
    edges = torch.cat([knots.new_tensor([-math.inf]), knots[1:-1], knots.new_tensor([math.inf])])
    density = torch.exp(-0.5 * edges.square()) / math.sqrt(2 * math.pi)
    mass = torch.special.ndtr(edges).diff()  # of each segment, the outermost reaching to infinity
    first_moment = -density.diff()
    share = (first_moment - knots[:-1] * mass) / knots.diff()  # what falls to the upper knot
    out = torch.zeros_like(knots)
    out[:-1] += mass - share
    out[1:] += share
    return out
