"""The solved linear branch, put into a network: its maps, and its quantiles from the residuals."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from tsconv.data.batches.split import Split
from tsconv.data.covariates.encode import with_calendar
from tsconv.data.panel.panel import Panel
from tsconv.model.linear_branch import LinearBranch
from tsconv.model.network import ForecastNet
from tsconv.nn.distributions.normal import standard_normal_quantile
from tsconv.ridge.choose import RidgeChoice, choose_ridge, own_maps, shared_maps
from tsconv.ridge.effects import (
    DirectEffects,
    KnownAhead,
    put_effects_into,
    solve_effects,
)
from tsconv.ridge.gram import Gaps, Gram, Grouping, Regression
from tsconv.ridge.residuals import residual_quantiles
from tsconv.ridge.solve import refine

_LEAST_MISSING = 3e-3  # of the targets
_LEAST_ALPHA, _MOST_ALPHA = 1e-3, 10.0  # that counts start with
MOST_VALUES = 60_000_000  # in the Gram matrices of members that have maps of their own


@dataclasses.dataclass(frozen=True)
class Solution:
    """Solved maps and how they were chosen."""

    choice: RidgeChoice
    shared: Tensor  # (1, T, K, horizon) float64
    own: Tensor | None  # (M, T, K, horizon) of each member; None where they share one


@dataclasses.dataclass(frozen=True)
class Start:
    """What a network starts with."""

    solution: Solution
    quantiles: Tensor | None  # (Q, T, horizon) of the residuals
    effects: DirectEffects | None  # solved before the maps; None: there are none


def grouping_of(branch: LinearBranch, by_series: bool, panel: Panel) -> Grouping:
    """Whose equations must be summed apart for the maps that a branch has.

    Members whose Gram matrices would not fit in memory begin with the shared map.
    """
    members = "none" if branch.rows == "shared" else "series" if by_series else "rows"
    grouping = Grouping(members, branch.n_channels > 1)
    count, targets = grouping.shape(panel)
    values = count * targets * branch.context_length * (branch.context_length + branch.horizon)
    return grouping if values <= MOST_VALUES else Grouping("none", grouping.targets)


def grams_of(regression: Regression, split: Split) -> tuple[Gram, Gram | None]:
    """The Gram matrices of the training part and of the validation part, if there is one."""
    train = regression.gram(split.train, regression.stride(split.train))
    if split.val is None or int(split.val.counts.sum()) == 0:
        return train, None
    return train, regression.gram(split.val, regression.stride(split.val))


def solve(train: Gram, val: Gram | None, grouping: Grouping) -> Solution:
    """Solve on the training part, with strengths chosen on the validation part.

    train, val: summed at least as far apart as the grouping has them.
    """
    if not grouping.targets:
        train, val = train.over_targets(), None if val is None else val.over_targets()
    if grouping.members == "none":
        train, val = train.over_members(), None if val is None else val.over_members()
    choice = choose_ridge(train, val, grouping.members != "none")
    return solution_of(train, choice)


def solution_of(train: Gram, choice: RidgeChoice) -> Solution:
    """The maps of a choice; exact where targets are missing too."""
    total = train.over_members()
    shared = shared_maps(total, choice.strength)
    own = None
    if choice.deviation_strength is not None:
        own = own_maps(train, shared, choice.deviation_strength)
    # Where hardly a target is missing, the shares tell as much as solving each step by itself.
    if train.gaps and train.missing_share > _LEAST_MISSING:
        shared = _refined(total, choice.strength, shared, None)
        if own is not None and choice.deviation_strength is not None:
            own = _refined(train, choice.deviation_strength, own, shared)
    return Solution(choice, shared, own)


def _refined(gram: Gram, strength: float, maps: Tensor, towards: Tensor | None) -> Tensor:
    """The same maps (M, T, K, horizon), each horizon step solved from its own equations."""
    out = maps.clone()
    gaps: dict[tuple[int, int], list[Gaps]] = {}
    for some in gram.gaps:
        gaps.setdefault((some.member, some.target), []).append(some)
    for (m, c), own in gaps.items():
        aim = None if towards is None else towards[0, c]
        out[m, c] = refine(maps[m, c], gram.uu[m, c], gram.ur[m, c], strength, own, aim)
    return out


def put_into(net: ForecastNet, solution: Solution) -> None:
    """Set the maps of a network's linear branch to the solved ones."""
    branch = net.linear
    assert branch is not None
    shared = _as_weight(solution.shared)  # (T * horizon, K)
    own = None if solution.own is None else _as_weight(solution.own)  # (M * T * horizon, K)
    with torch.no_grad():
        if branch.rows == "separate":
            branch.weight.copy_(shared.repeat(branch.n_rows or 1, 1) if own is None else own)
            return
        branch.weight.copy_(shared)
        if branch.rows == "pooled":
            branch.reset_deviations()
            if own is not None:
                deviation = own - shared.repeat(len(own) // len(shared), 1)
                branch.get_parameter("row_weight").copy_(deviation)


def _as_weight(maps: Tensor) -> Tensor:
    """(M, T, K, horizon) -> (M * T * horizon, K), as `LinearBranch` has its weights."""
    return maps.transpose(-1, -2).flatten(0, 2)


def put_quantiles_into(net: ForecastNet, found: Tensor, alpha: float | None = None) -> None:
    """Set the head's biases so that an untrained network gives these quantiles around its maps.

    found: (Q, T, horizon), T being 1 where all targets have the same. alpha: of counts, see
    `dispersion`.
    """
    targets = (net.spec.n_targets or 1) if net.mixed else 1
    if found.shape[1] != targets:
        found = found.mean(1, keepdim=True)
    net.head.start_from(found.expand(-1, targets, -1).flatten(1), alpha)  # (Q, width)


def dispersion(found: Tensor, quantiles: Sequence[float], mean: Tensor, std: Tensor) -> float:
    """The alpha of counts whose variance around a forecast is mean + alpha mean^2.

    found: (Q, T, horizon) quantiles of residuals, in deviations; mean, std: of each series. That
    of a typical series, by moments.

    >>> found = torch.tensor([[[-1.2816]], [[0.0]], [[1.2816]]])
    >>> mean, std = torch.tensor([10.0]), torch.tensor([60.0**0.5])
    >>> round(dispersion(found, (0.1, 0.5, 0.9), mean, std), 3)
    0.5
    """
    low, high = (standard_normal_quantile(quantiles[i]) for i in (0, -1))
    share = float((found[-1] - found[0]).mean()) / (high - low) if high > low else 1.0
    counted = (mean > 0) & (std > 0)
    if not bool(counted.any()):
        return _MOST_ALPHA
    mean, std = mean[counted], std[counted]
    alpha = ((share * std).square() - mean) / mean.square()
    return min(max(float(alpha.median()), _LEAST_ALPHA), _MOST_ALPHA)


class LinearSolver:
    """Solves the linear branches of networks for one split of a panel, each kind of branch once.

    Args:
        panel, split: the training part is solved, the validation part chooses.
        inv_scale: (S, T, H) one over the spread of each series' training part.
        mean: (S, T, H) of each series' training part, for counts; None: not known.

    Series that are short, constant or missing are no fault: they leave maps as they were shrunk.
    """

    def __init__(
        self, panel: Panel, split: Split, inv_scale: Tensor, mean: Tensor | None = None
    ) -> None:
        self.panel, self.split = panel.to(torch.device("cpu")), split
        self.inv_scale, self.mean = inv_scale, mean
        self._started: dict[Hashable, Start] = {}

    def start(self, net: ForecastNet, loss_scale: str = "series") -> RidgeChoice | None:
        """Solve a network's linear branch in place, and set its head's biases; None without one.

        Direct effects of what is known ahead are solved first, and kept where the branch that is
        solved after them has the lower validation loss.

        net: on the CPU. loss_scale: "series" counts errors in `inv_scale`, "origin" in units of the
        trailing spread at each origin.
        """
        branch = net.linear
        if branch is None:
            return None
        found = self._start(net, branch, loss_scale)
        if found.effects is not None:
            put_effects_into(net, found.effects)
        put_into(net, found.solution)
        if found.quantiles is not None:
            alpha = None
            if net.whole and self.mean is not None:
                std = torch.where(self.inv_scale > 0, 1 / self.inv_scale, 0)
                alpha = dispersion(found.quantiles, net.quantiles, self.mean, std)
            put_quantiles_into(net, found.quantiles, alpha)
        return found.solution.choice

    def choose(self, net: ForecastNet, loss_scale: str = "series") -> RidgeChoice | None:
        """The choice that `start` makes, with the network left as it is; None without a branch."""
        branch = net.linear
        return None if branch is None else self._start(net, branch, loss_scale).solution.choice

    def solve_again(
        self, net: ForecastNet, choice: RidgeChoice, loss_scale: str = "series"
    ) -> bool:
        """Solve a network's maps in place with strengths that were chosen on other data.

        Returns whether they were.

        The head's biases stay: they come from errors on steps that the maps were not solved on.
        So do the maps of a network with covariates ahead, which were solved after their effects.
        """
        branch = net.linear
        assert branch is not None
        if _known_ahead(net) is not None:
            return False
        regression = self._regression(net, branch, loss_scale)
        origins = self.split.train
        train = regression.gram(origins, regression.stride(origins))
        put_into(net, solution_of(train, choice))
        return True

    def _regression(self, net: ForecastNet, branch: LinearBranch, loss_scale: str) -> Regression:
        regression = Regression(
            with_calendar(self.panel, net.spec.calendar, branch.horizon),
            branch.context_length,
            branch.horizon,
            self.inv_scale if loss_scale == "series" else None,
            grouping_of(branch, net.spec.by_series, self.panel),
        )
        return regression.with_dtype(self.split.train)

    def _start(self, net: ForecastNet, branch: LinearBranch, loss_scale: str) -> Start:
        """What a network starts with, from the cache where its like was solved before."""
        known = _known_ahead(net)
        regression = self._regression(net, branch, loss_scale)
        of_features = () if known is None else (net.spec.calendar, net.mixed, known.key)
        of_branch = (branch.context_length, branch.horizon, regression.grouping, net.quantiles)
        key = (*of_branch, loss_scale, of_features)
        if key not in self._started:
            grams = grams_of(regression, self.split)
            solution, effects = solve(*grams, regression.grouping), None
            for lag in (1, *net.spec.seasonal_lags):
                after = None if known is None else self._after_effects(regression, known, lag)
                if after is not None and _lower(after[1].choice, solution.choice):
                    regression, solution, effects = after
            found = residual_quantiles(regression, self.split, solution, net.quantiles)
            self._started[key] = Start(solution, found, effects)
        return self._started[key]

    def _after_effects(
        self, regression: Regression, known: KnownAhead, lag: int
    ) -> tuple[Regression, Solution, DirectEffects] | None:
        """The same regression, solved after direct effects; None where there are none."""
        split, panel = self.split, regression.panel
        if split.val is None:
            return None
        effects = solve_effects(known, panel, split.train, split.val, self.inv_scale, lag)
        if effects is None:
            return None
        explain = functools.partial(known.explain, effects)
        regression = dataclasses.replace(regression, explain=explain)
        grams = grams_of(regression, split)
        return regression, solve(*grams, regression.grouping), effects


def _known_ahead(net: ForecastNet) -> KnownAhead | None:
    """What a network knows of the horizon; None where it knows nothing."""
    if net.covariates is None or net.covariates.effect is None:
        return None
    return KnownAhead(net)


def _lower(one: RidgeChoice, other: RidgeChoice) -> bool:
    """Whether the first has the lower validation loss."""
    return one.loss is not None and other.loss is not None and one.loss < other.loss
