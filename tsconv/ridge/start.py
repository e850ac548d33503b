"""The solved linear branch, put into a network: its maps, and its quantiles from the residuals."""

from __future__ import annotations

import dataclasses
import itertools

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


def solve(regression: Regression, split: Split) -> Solution:
    """Solve a regression on the training part, its strengths chosen on the validation part."""
    train = regression.gram(split.train, regression.stride(split.train))
    val = None
    if split.val is not None and int(split.val.counts.sum()) > 0:
        val = regression.gram(split.val, regression.stride(split.val))
    choice = choose_ridge(train, val, regression.grouping.members != "none")
    return solution_of(train, choice)


def solution_of(train: Gram, choice: RidgeChoice) -> Solution:
    """The maps of a choice; exact where targets are missing too."""
    total = train.over_members()
    shared = shared_maps(total, choice.strength)
    own = None
    if choice.deviation_strength is not None:
        own = own_maps(train, shared, choice.deviation_strength)
    if train.gaps:
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


def put_residuals_into(
    net: ForecastNet, regression: Regression, split: Split, solution: Solution
) -> None:
    """Set the head's biases so that an untrained network gives the residuals' quantiles."""
    head = net.head
    targets = len(regression.panel.targets) if net.mixed else 1
    found = residual_quantiles(regression, split, solution, head.quantiles)  # (Q, T or 1, horizon)
    if found is None:
        return
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


def solve_start(
    net: ForecastNet, panel: Panel, split: Split, inv_scale: Tensor | None
) -> RidgeChoice | None:
    """Solve the linear branch of an untrained network in place; None where it has none.

    Args:
        net: on the CPU; its linear branch and its head's biases are set.
        panel, split: the training part is solved, the validation part chooses.
        inv_scale: (S, T, H), see `Regression`.

    Series that are short, constant or missing are no fault: they leave maps as they were shrunk.
    """
    branch = net.linear
    if branch is None:
        return None
    spec = net.spec
    grouping = grouping_of(branch, spec.by_series, panel)
    regression = Regression(
        panel.to(torch.device("cpu")), spec.context_length, spec.horizon, inv_scale, grouping
    )
    solution = solve(regression, split)
    put_into(net, solution)
    put_residuals_into(net, regression, split, solution)
    return solution.choice
