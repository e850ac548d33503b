"""How much dense errors are worth: overlapping horizons and series of one time err together."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from tsconv.calibration.error_scores import ErrorScores

_OUTSIDE = 1.2816  # an error beyond this normal score lies outside the 80% interval
_STEPS = 8  # of the horizon that are looked at
_MEMBERS = 64  # that are looked at for what one of them is worth
_SPAN = 4  # horizons over which errors may hang together
# Of a horizon: errors at one step, from neighbouring origins, share all shocks but one. So they are
# correlated by 1 - lag / step, whether both lie outside an interval by about the square of that,
# and the sum of the squares is two thirds of the step, on average half a horizon.
_OVERLAP = 1 / 3
_LEAST_ORIGINS = 4  # to tell anything of dependence in time


@dataclasses.dataclass(frozen=True)
class EffectiveNumber:
    """Independent errors that would tell as much as the dense ones do, at a step of the horizon."""

    of_all: float  # of the panel
    of_member: Tensor  # (M,) of each series, target and row
    origins: int  # pairs of member and origin that were used


def effective_number(errors: ErrorScores) -> EffectiveNumber:
    """Count the independent errors that would know the share outside an interval as well.

    The variance of that share is estimated from its autocovariances over origins, up to four
    horizons apart, with Bartlett's weights (Newey & West 1987): for the panel from the share of all
    members at each time, for one member from its own. Where there are fewer than four origins,
    members count as independent of each other.

    >>> noise = torch.randn(400, 1, generator=torch.Generator().manual_seed(0))
    >>> lines = torch.arange(400)
    >>> found = effective_number(ErrorScores(noise, 0 * lines, lines, (1, 1, 1)))
    >>> 300 < found.of_all <= 400
    True
    """
    n = len(errors.scores)
    counts = torch.bincount(errors.member, minlength=errors.n_members).double()
    if n == 0:
        return EffectiveNumber(0.0, counts, 0)
    place, step = errors.places()
    width = int(place.max()) + 1
    horizon = errors.scores.shape[1]
    if width < _LEAST_ORIGINS:
        return EffectiveNumber(float(n), counts, n)
    steps = torch.linspace(0, horizon - 1, min(_STEPS, horizon)).long()
    seen = errors.scores[:, steps]
    out = torch.where(seen.isnan(), torch.nan, (seen.abs() > _OUTSIDE).double())
    lags = min(width - 1, max(1, _SPAN * horizon // step))
    total = torch.zeros(width, len(steps), dtype=torch.float64)
    known = torch.zeros_like(total)
    total.index_add_(0, place, out.nan_to_num())
    known.index_add_(0, place, (~out.isnan()).double())
    share = total.sum(0) / known.sum(0).clamp_min(1)  # (steps,)
    # How far the sum of all members at a time is from its mean, and what independent ones' would.
    of_all = _inflation((total - share * known).T, known.T, share, lags)
    members = torch.nonzero(counts).flatten()
    chosen = members[torch.linspace(0, len(members) - 1, min(_MEMBERS, len(members))).long()]
    number = torch.full((errors.n_members,), -1)
    number[chosen] = torch.arange(len(chosen))
    lines = number[errors.member] >= 0
    at = (number[errors.member[lines]], place[lines])
    each = torch.zeros(len(chosen), width, len(steps), dtype=torch.float64)
    there = torch.zeros_like(each)
    each[at] = torch.where(out[lines].isnan(), 0, out[lines] - share)
    there[at] = (~out[lines].isnan()).double()
    flat, flat_known = (v.transpose(1, 2).flatten(0, 1) for v in (each, there))
    of_one = _inflation(flat, flat_known, share.repeat(len(chosen)), lags)
    least = 1.0
    if width * step < _SPAN * horizon:  # too short to see it: as much as horizons overlap
        least = max(1.0, min(float(width), _OVERLAP * horizon / step))
    return EffectiveNumber(n / max(least, of_all), counts / max(least, of_one), n)


def _inflation(excess: Tensor, known: Tensor, share: Tensor, lags: int) -> float:
    """How many times the variance of the sums exceeds that of as many independent errors.

    excess: (R, W) sums less their means; known: (R, W) how many errors each sum has; share: (R,).
    """
    spectrum = torch.fft.rfft(excess, n=2 * excess.shape[1])
    products = torch.fft.irfft(spectrum * spectrum.conj())[:, : lags + 1]  # (R, lags + 1)
    weights = 1 - torch.arange(1, lags + 1, dtype=products.dtype) / (lags + 1)
    variance = products[:, 0] + 2 * (products[:, 1:] * weights).sum(1)
    independent = known.sum(1) * share * (1 - share)
    useful = independent > 0
    if not bool(useful.any()):
        return 1.0
    return float(variance[useful].clamp_min(0).sum() / independent[useful].sum())
