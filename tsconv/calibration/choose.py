"""Which calibration a validation part prefers: it is cut in time, and its later half judges."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from tsconv.calibration.adaptive_widths import (
    RATE,
    adaptive_widths,
    at_observed_times,
    distance_ratios,
    steps_looked_at,
)
from tsconv.calibration.effective_number import effective_number
from tsconv.calibration.error_scores import ErrorScores
from tsconv.calibration.knots import scores_of
from tsconv.calibration.score_maps import LEVELS, fit_maps

KINDS = ("none", "split", "adaptive")
ADAPTIVE_LEVELS = (0.025, 0.1, 0.3, 0.5, 0.7, 0.9, 0.975)  # that move the widths
_ALIKE = 0.01  # coverages that differ by less are alike: the simpler kind is taken
_CLOSE = 1.005  # interval scores within half a per cent of the best count as equal to it
_MOST_LINES = 40_000  # of the judged half, for the widths
_INTERVALS = {80: (0.1, 0.9), 95: (0.025, 0.975)}


@dataclasses.dataclass(frozen=True)
class KindFigures:
    """What one kind of calibration came to on errors that it had not seen."""

    coverage_80: float
    coverage_95: float
    width_80: float  # in normal scores of the network's forecasts: 2.56 is its own width
    interval_score: float  # weighted interval score (Bracher et al. 2021), in the same units

    @property
    def coverage_error(self) -> float:
        """How far the coverages are from what they should be, on average."""
        return (abs(self.coverage_80 - 0.8) + abs(self.coverage_95 - 0.95)) / 2


def compare_kinds(errors: ErrorScores) -> dict[str, KindFigures]:
    """Fit on the earlier half of some errors and judge each kind on the later one.

    Where there is one origin alone, every second member fits and the others judge. Empty where that
    leaves one half without errors.
    """
    early, late = _halves(errors)
    if not (bool(early.any()) and bool(late.any())):
        return {}
    fitted, judged = errors.part(early), errors.part(late)
    maps = fit_maps(fitted, effective_number(fitted))
    plain = scores_of(LEVELS).expand(errors.scores.shape[1], -1)
    levels = maps.scores(LEVELS, torch.arange(errors.n_members))  # (M, horizon, K)
    own = levels[judged.member]  # (N, horizon, K)
    found = {
        "none": _figures(judged.scores, plain.expand_as(own)),
        "split": _figures(judged.scores, own),
    }
    adaptive = _adaptive_levels(judged, levels)
    if adaptive is not None:
        some, wide = adaptive
        found["adaptive"] = _relative(_figures(judged.scores[some], wide), found, judged, own, some)
    return found


def choose_kind(found: dict[str, KindFigures]) -> str:
    """The simplest kind that covers as well as the best does, of those with the best scores.

    found: of `compare_kinds`; where it is empty, `split`.

    >>> plain = KindFigures(0.7, 0.85, 2.0, 1.0)
    >>> choose_kind({"none": plain, "split": KindFigures(0.79, 0.94, 2.6, 0.98)})
    'split'
    """
    if not found:
        return "split"
    best = min(figures.interval_score for figures in found.values())
    close = {k: f for k, f in found.items() if f.interval_score <= _CLOSE * best}
    least = min(figures.coverage_error for figures in close.values())
    return next(k for k in KINDS if k in close and close[k].coverage_error <= least + _ALIKE)


def _halves(errors: ErrorScores) -> tuple[Tensor, Tensor]:
    """(N,) which lines fit and which judge; origins whose horizons would overlap do neither."""
    place, step = errors.places()
    if int(place.max()) == 0:
        fits = errors.member % 2 == 0
        return fits, ~fits
    ends = torch.zeros(errors.n_members, dtype=place.dtype)
    middle = (ends.scatter_reduce(0, errors.member, place, "amax") // 2)[errors.member]
    late = place > middle
    apart = (middle - place) * step >= errors.scores.shape[1]
    return (apart if bool(apart.any()) else ~late), late


def _figures(scores: Tensor, levels: Tensor) -> KindFigures:
    """scores: (N, h), NaN where unknown; levels: (N, h, K) their forecasts at `LEVELS`."""
    known = ~scores.isnan()
    count = known.sum().clamp_min(1)
    loss = torch.zeros((), dtype=torch.float64)
    shares: dict[int, float] = {}
    for k, level in enumerate(LEVELS):
        error = torch.where(known, scores - levels[..., k], 0)
        loss = loss + torch.maximum(level * error, (level - 1) * error).sum()
    for size, (low, high) in _INTERVALS.items():
        a, b = levels[..., LEVELS.index(low)], levels[..., LEVELS.index(high)]
        shares[size] = float(((scores >= a) & (scores <= b)).sum() / count)
    wide = levels[..., LEVELS.index(0.9)] - levels[..., LEVELS.index(0.1)]
    width = float(torch.where(known, wide, 0).sum() / count)
    return KindFigures(shares[80], shares[95], width, float(2 * loss / count / len(LEVELS)))


def _adaptive_levels(judged: ErrorScores, levels: Tensor) -> tuple[Tensor, Tensor] | None:
    """Which lines, and their levels (n, h, K) with adaptive widths; None where nothing can adapt.

    Some members are looked at, where there are many.
    """
    steps = steps_looked_at(judged.scores.shape[1])
    members = judged.member.unique()  # type: ignore[no-untyped-call]
    per_member = max(1, len(judged.member) // len(members))
    most = max(1, _MOST_LINES // per_member)
    members = members[:: -(-len(members) // most)]
    number = torch.full((judged.n_members,), -1)
    number[members] = torch.arange(len(members))
    some = number[judged.member] >= 0
    places, between = judged.places()  # only times that are multiples apart are seen
    line, place = number[judged.member[some]], places[some]
    width = int(place.max()) + 1
    observed = (steps + 1) % between == 0  # others never meet a line again
    if not bool(observed.any()) or width <= int((steps[observed][0] + 1) // between):
        return None
    steps = steps[observed]
    kept = [LEVELS.index(level) for level in ADAPTIVE_LEVELS]
    of_member = levels[members][:, steps][..., kept]  # (m, n, K)
    grid = torch.full((len(members), width, len(steps)), torch.nan, dtype=torch.float64)
    grid[line, place] = judged.scores[some][:, steps].double()
    halves: list[Tensor] = []
    middle = ADAPTIVE_LEVELS.index(0.5)
    for side in (of_member[..., :middle], of_member[..., middle + 1 :]):
        wide = side[:, None].expand(-1, width, -1, -1)
        ratios = distance_ratios(grid, wide, torch.zeros_like(grid))
        halves.append(at_observed_times(ratios, (steps + 1) // between - 1))
    shares = beyond_shares(ADAPTIVE_LEVELS)
    # A line that stands for several times makes the moves of all of them.
    logs = adaptive_widths(torch.stack(halves, 1), shares, rate=RATE * between)
    factor = logs.exp().transpose(1, 2)[line, place]  # (n, 2)
    own = levels[judged.member[some]]
    low, high = factor[:, :1, None], factor[:, 1:, None]
    return some, torch.where(own < 0, own * low, own * high)


def beyond_shares(quantiles: tuple[float, ...]) -> Tensor:
    """The shares of values that should lie beyond the levels of each half: (2, J).

    quantiles: as many below the median as above it.

    >>> beyond_shares((0.1, 0.5, 0.9))
    tensor([[0.1000],
            [0.1000]], dtype=torch.float64)
    """
    levels = torch.tensor(quantiles, dtype=torch.float64)
    middle = quantiles.index(0.5)
    return torch.stack([levels[:middle], 1 - levels[middle + 1 :]])


def _relative(
    figures: KindFigures,
    found: dict[str, KindFigures],
    judged: ErrorScores,
    own: Tensor,
    some: Tensor,
) -> KindFigures:
    """The figures of some lines as those of all: changed as `split` is from the some to the all."""
    if bool(some.all()):
        return figures
    same, whole = _figures(judged.scores[some], own[some]), found["split"]
    return KindFigures(
        *(
            getattr(figures, field.name) + getattr(whole, field.name) - getattr(same, field.name)
            for field in dataclasses.fields(KindFigures)
        )
    )
