"""The solved linear branch, put into a network: its maps, and its quantiles from the residuals."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Hashable

import torch
from torch import Tensor

from tsconv.data.batches.split import Split
from tsconv.data.panel.panel import Panel
from tsconv.model.linear_branch import LinearBranch
from tsconv.model.network import ForecastNet
from tsconv.nn.heads import QuantileHead
from tsconv.ridge.choose import RidgeChoice, choose_ridge, own_maps, shared_maps
from tsconv.ridge.gram import Gram, Grouping, Regression
from tsconv.ridge.residuals import residual_quantiles
from tsconv.ridge.solve import refine

_MOST_SHARED_VALUES = 60_000_000  # in those that serve several groupings
_LEAST_MISSING = 3e-3  # of the targets
MOST_VALUES = 200_000_000  # in the Gram matrices of members that have maps of their own


@dataclasses.dataclass(frozen=True)
class Solution:
    """Solved maps and how they were chosen."""

    choice: RidgeChoice
    shared: Tensor  # (1, T, K, horizon) float64
    own: Tensor | None  # (M, T, K, horizon) of each member; None where they share one


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
    members, targets = maps.shape[:2]
    for m, c in itertools.product(range(members), range(targets)):
        gaps = [g for g in gram.gaps if (g.member, g.target) == (m, c)]
        if gaps:
            aim = None if towards is None else towards[0, c]
            out[m, c] = refine(maps[m, c], gram.uu[m, c], gram.ur[m, c], strength, gaps, aim)
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


def put_quantiles_into(net: ForecastNet, found: Tensor) -> None:
    """Set the head's biases so that an untrained network gives these quantiles around its maps.

    found: (Q, T, horizon), T being 1 where all targets have the same.
    """
    head = net.head
    targets = (net.spec.n_targets or 1) if net.mixed else 1
    if found.shape[1] != targets:
        found = found.mean(1, keepdim=True)
    found = found.expand(-1, targets, -1).flatten(1)  # (Q, width)
    start = found.clone()
    if isinstance(head, QuantileHead):
        gaps = found.diff(dim=0).clamp_min(1e-3)
        raw = torch.where(gaps > 20, gaps, torch.log(torch.expm1(gaps.clamp_max(20))))
        start[: head.middle] = raw[: head.middle]
        start[head.middle + 1 :] = raw[head.middle :]
    bias = head.project.get_parameter("bias")
    with torch.no_grad():
        bias.copy_(start.flatten().repeat(bias.numel() // start.numel()))


class LinearSolver:
    """Solves the linear branches of networks for one split of a panel, each kind of branch once.

    Args:
        panel, split: the training part is solved, the validation part chooses.
        inv_scale: (S, T, H) one over the spread of each series' training part.
        finest: how far apart sums are taken where several groupings are to be compared, so that
            one pass serves them all; None: as each network wants it.

    Series that are short, constant or missing are no fault: they leave maps as they were shrunk.
    """

    def __init__(
        self, panel: Panel, split: Split, inv_scale: Tensor, finest: Grouping | None = None
    ) -> None:
        self.panel, self.split = panel.to(torch.device("cpu")), split
        self.inv_scale, self.finest = inv_scale, finest
        self._grams: tuple[Hashable, tuple[Gram, Gram | None]] | None = None  # the last ones
        self._solutions: dict[Hashable, tuple[Solution, Tensor | None]] = {}

    def start(self, net: ForecastNet, loss_scale: str = "series") -> RidgeChoice | None:
        """Solve a network's linear branch in place, and set its head's biases; None without one.

        net: on the CPU. loss_scale: "series" counts errors in `inv_scale`, "origin" in units of the
        trailing spread at each origin.
        """
        branch = net.linear
        if branch is None:
            return None
        solution, quantiles = self._solve(net, branch, loss_scale)
        put_into(net, solution)
        if quantiles is not None:
            put_quantiles_into(net, quantiles)
        return solution.choice

    def choose(self, net: ForecastNet, loss_scale: str = "series") -> RidgeChoice | None:
        """The choice that `start` makes, with the network left as it is; None without a branch."""
        branch = net.linear
        return None if branch is None else self._solve(net, branch, loss_scale)[0].choice

    def solve_again(
        self, net: ForecastNet, choice: RidgeChoice, loss_scale: str = "series"
    ) -> None:
        """Solve a network's maps in place with strengths that were chosen on other data.

        The head's biases stay: they come from errors on steps that the maps were not solved on.
        """
        branch = net.linear
        assert branch is not None
        regression = self._regression(net, branch, loss_scale)
        origins = self.split.train
        train = regression.gram(origins, regression.stride(origins))
        put_into(net, solution_of(train, choice))

    def _regression(self, net: ForecastNet, branch: LinearBranch, loss_scale: str) -> Regression:
        return Regression(
            self.panel,
            branch.context_length,
            branch.horizon,
            self.inv_scale if loss_scale == "series" else None,
            grouping_of(branch, net.spec.by_series, self.panel),
        )

    def _solve(
        self, net: ForecastNet, branch: LinearBranch, loss_scale: str
    ) -> tuple[Solution, Tensor | None]:
        regression = self._regression(net, branch, loss_scale)
        grouping = regression.grouping
        key = (branch.context_length, branch.horizon, grouping, net.quantiles, loss_scale)
        if key not in self._solutions:
            regression = regression.with_dtype(self.split.train)
            solution = solve(*self._gram_pair(regression, loss_scale), grouping)
            found = residual_quantiles(regression, self.split, solution, net.quantiles)
            self._solutions[key] = solution, found
        return self._solutions[key]

    def _gram_pair(self, regression: Regression, loss_scale: str) -> tuple[Gram, Gram | None]:
        """The sums for a regression, at the finest grouping where they fit in memory."""
        finest, size = self.finest, regression.context_length
        if finest is not None:
            members, targets = finest.shape(self.panel)
            if members * targets * size * (size + regression.horizon) <= _MOST_SHARED_VALUES:
                regression = dataclasses.replace(regression, grouping=finest)
        key = (size, regression.horizon, regression.grouping, loss_scale)
        if self._grams is None or self._grams[0] != key:
            self._grams = None  # before the next ones take as much memory
            self._grams = key, grams_of(regression, self.split)
        return self._grams[1]
