"""The optimizer's groups of parameters, and the schedule of its learning rate."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from tsconv.config.schema import OptimizerConfig, SchedulerConfig
from tsconv.errors import require_choice
from tsconv.nn.rows import DEVIATION

OPTIMIZERS = ("adamw",)
SCHEDULERS = ("one_cycle", "cosine", "constant")


def make_optimizer(
    net: nn.Module, config: OptimizerConfig, fused: bool = True
) -> torch.optim.Optimizer:
    """Make AdamW (Loshchilov & Hutter 2019) with the decay that each kind of parameter has.

    fused: one kernel for all of it; not where a GradScaler must see the gradients before they are
    clipped.

    Raises ConfigError for a name that is not in `OPTIMIZERS`.
    """
    require_choice("optimizer.name", config.name, OPTIMIZERS)
    groups = parameter_groups(net, config.weight_decay, config.row_decay)
    return torch.optim.AdamW(
        _with_rates(groups, net, config),
        lr=config.lr,
        betas=(config.betas[0], config.betas[1]),
        fused=fused,
    )


def parameter_groups(net: nn.Module, weight_decay: float, row_decay: float) -> list[dict[str, Any]]:
    """Split parameters by decay: matrices, vectors (biases and norms: none), rows' deviations.

    >>> groups = parameter_groups(nn.Linear(3, 2), weight_decay=0.01, row_decay=0.1)
    >>> [(len(group["params"]), group["weight_decay"]) for group in groups]
    [(1, 0.01), (1, 0.0)]
    """
    deviations: list[nn.Parameter] = []
    matrices: list[nn.Parameter] = []
    vectors: list[nn.Parameter] = []
    for name, p in net.named_parameters():
        (deviations if _is_deviation(name) else matrices if p.ndim > 1 else vectors).append(p)
    groups = [(matrices, weight_decay), (vectors, 0.0), (deviations, row_decay)]
    return [{"params": part, "weight_decay": decay} for part, decay in groups if part]


def _with_rates(
    groups: list[dict[str, Any]], net: nn.Module, config: OptimizerConfig
) -> list[dict[str, Any]]:
    """Split groups by learning rate: of the linear branch, of deviations, and of all else."""
    share = {id(p): 1.0 for p in net.parameters()}
    for name, p in net.named_parameters():
        if config.linear_lr is not None and name.startswith("linear."):
            share[id(p)] *= config.linear_lr
        if config.row_lr is not None and _is_deviation(name):
            share[id(p)] *= config.row_lr
    out = []
    for group in groups:
        for rate in dict.fromkeys(share[id(p)] for p in group["params"]):
            own = [p for p in group["params"] if share[id(p)] == rate]
            out.append({**group, "params": own, "lr": config.lr * rate})
    return out


def _is_deviation(name: str) -> bool:
    return name.rpartition(".")[2].startswith(DEVIATION)


class LearningRateSchedule:
    """The learning rate's factor by step: one_cycle (Smith & Topin 2018), cosine or constant.

    Args:
        config: its name, and the share of the steps that warm up.
        max_steps: optimizer steps of the whole training.

    >>> schedule = LearningRateSchedule(SchedulerConfig("constant", warmup=0.2), max_steps=10)
    >>> [schedule(step) for step in (0, 1, 9)]
    [0.5, 1.0, 1.0]
    """

    def __init__(self, config: SchedulerConfig, max_steps: int) -> None:
        require_choice("scheduler.name", config.name, SCHEDULERS)
        self.name = config.name
        self.warmup = max(1, round(config.warmup * max_steps))
        self.max_steps = max_steps

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            share = (step + 1) / self.warmup
            rising = 0.04 + 0.96 * (1 - math.cos(math.pi * share)) / 2
            return rising if self.name == "one_cycle" else share
        if self.name == "constant":
            return 1.0
        rest = max(1, self.max_steps - self.warmup)
        share = min(1.0, (step + 1 - self.warmup) / rest)
        return max(1e-5, (1 + math.cos(math.pi * share)) / 2)
