"""Which normal score of a forecast covers as much as it says: for each step, and for each series.

A forecast's 90% level may lie where 85% of the observations were below it: then the level that
covers 90% is one at another normal score. The map from the one to the other is that of quantile
recalibration (Kuleshov et al. 2018) and of distributional conformal prediction (Chernozhukov et al.
2021). It rises, so levels that do not cross stay so, and it counts in the forecast's own spread at
each origin, so it holds for a calm series and a wild one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from tsconv.calibration.effective_number import EffectiveNumber
from tsconv.calibration.error_scores import ErrorScores
from tsconv.calibration.knots import normal_scores, scores_of, values_at

LEVELS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)  # of a map
# As many independent errors weigh as much as what a map is shrunk to.
_OF_ALL, _OF_STEP, _OF_MEMBER = 10.0, 30.0, 60.0


@dataclasses.dataclass(frozen=True)
class ScoreMaps:
    """Normal scores of the network's forecasts that cover what `LEVELS` say.

    First the map of a member, whose errors are counted in what is usual at each step, then that of
    the step.
    """

    of_step: Tensor  # (horizon, K)
    of_member: Tensor  # (M, K)

    def scores(self, quantiles: Sequence[float], member: Tensor) -> Tensor:
        """The normal scores of the network's levels that are to be given out for some quantiles.

        member: (...) the number of each, -1 for one without a map. Returns (..., horizon, J),
        rising along J; that of the median is 0: the point forecast stays as it is.

        >>> plain = ScoreMaps(scores_of(LEVELS).expand(2, -1), scores_of(LEVELS).expand(1, -1))
        >>> plain.scores((0.1, 0.5, 0.9), torch.tensor([-1])).shape
        torch.Size([1, 2, 3])
        """
        nominal = scores_of(quantiles)
        own = values_at(self.of_member, LEVELS, nominal.expand(len(self.of_member), -1))
        own = torch.cat([own, nominal.expand(1, -1)])[member]  # (..., J)
        horizon = len(self.of_step)
        wanted = own.unsqueeze(-2).expand(*own.shape[:-1], horizon, own.shape[-1])
        steps = self.of_step.expand(*own.shape[:-1], *self.of_step.shape)
        out = values_at(steps, LEVELS, wanted)  # (..., horizon, J)
        sign = nominal.sign()
        return torch.where(out * sign > 0, out, 0 * out)


def fit_maps(errors: ErrorScores, effective: EffectiveNumber) -> ScoreMaps:
    """The maps of a validation part.

    What all members have at all steps is shrunk to no change, what they have at one step to that,
    and what one member has beside it to nothing, each by its effective number of errors.

    >>> scores = 2 * torch.randn(5000, 1, generator=torch.Generator().manual_seed(0))
    >>> lines = torch.arange(5000)
    >>> errors = ErrorScores(scores, 0 * lines, lines, (1, 1, 1))
    >>> maps = fit_maps(errors, EffectiveNumber(5000.0, torch.tensor([0.0]), 5000))
    >>> bool((maps.of_step[0, -1] / 1.96 - 2).abs() < 0.1)  # twice as wide
    True
    """
    plain = scores_of(LEVELS)
    of_step = _column_quantiles(errors.scores)  # (horizon, K), NaN where nothing was observed
    pooled = _shrunk(of_step.nanmean(0), plain, effective.of_all, _OF_ALL)
    of_step = _shrunk(of_step, pooled, effective.of_all, _OF_STEP)
    columns = [of_step[:, k] for k in range(len(LEVELS))]
    wide = [column.expand_as(errors.scores) for column in columns]
    left = torch.where(errors.scores.isnan(), torch.nan, normal_scores(wide, LEVELS, errors.scores))
    own = _member_quantiles(left, errors.member, errors.n_members)
    number = effective.of_member[:, None]
    return ScoreMaps(of_step, _shrunk(own, plain.expand_as(own), number, _OF_MEMBER))


def _shrunk(own: Tensor, towards: Tensor, number: Tensor | float, half: float) -> Tensor:
    """Between two maps, in the middle where `number` is `half`; where own is NaN, `towards`."""
    number = torch.as_tensor(number, dtype=torch.float64)
    share = number / (number + half)
    return torch.where(own.isnan(), towards, towards + share * (own - towards))


def _column_quantiles(scores: Tensor) -> Tensor:
    """Quantiles at `LEVELS` of what is not NaN in each column: (N, h) -> (h, K)."""
    ordered = scores.T.sort(-1).values  # NaN stands last
    starts = torch.arange(len(ordered)) * ordered.shape[1]
    counts = (~scores.isnan()).sum(0)
    return _picked(ordered.flatten(), starts, counts)


def _member_quantiles(scores: Tensor, member: Tensor, n_members: int) -> Tensor:
    """Quantiles at `LEVELS` of each member's scores at all steps: (N, h) -> (M, K)."""
    known = ~scores.isnan()
    values, of = scores[known], member[:, None].expand_as(scores)[known]
    order = values.argsort()
    order = order[of[order].argsort(stable=True)]
    counts = torch.bincount(of, minlength=n_members)
    return _picked(values[order], counts.cumsum(0) - counts, counts)


def _picked(ordered: Tensor, starts: Tensor, counts: Tensor) -> Tensor:
    """Quantiles at `LEVELS` of some stretches of a sorted tensor, interpolated: (G, K)."""
    if len(ordered) == 0:
        return torch.full((len(counts), len(LEVELS)), torch.nan, dtype=torch.float64)
    levels = torch.tensor(LEVELS, dtype=torch.float64)
    place = levels * (counts[:, None] - 1).clamp_min(0)  # (G, K)
    low = place.floor().long()
    high = torch.minimum(low + 1, (counts[:, None] - 1).clamp_min(0))
    last = len(ordered) - 1
    a, b = (ordered[(starts[:, None] + i).clamp_max(last)].double() for i in (low, high))
    found = a + (place - low) * (b - a)
    return torch.where(counts[:, None] > 0, found, torch.nan)
