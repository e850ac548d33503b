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
    if config.linear_lr is not None and config.linear_lr != 1:
        groups = _with_own_rate(groups, net, config.lr * config.linear_lr)
    return torch.optim.AdamW(
        groups,
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
        is_deviation = name.rpartition(".")[2].startswith(DEVIATION)
        (deviations if is_deviation else matrices if p.ndim > 1 else vectors).append(p)
    groups = [(matrices, weight_decay), (vectors, 0.0), (deviations, row_decay)]
    return [{"params": part, "weight_decay": decay} for part, decay in groups if part]


def _with_own_rate(groups: list[dict[str, Any]], net: nn.Module, lr: float) -> list[dict[str, Any]]:
    """Split the linear branch's parameters off into groups with a rate of their own."""
    linear = {id(p) for name, p in net.named_parameters() if name.startswith("linear.")}
    out = []
    for group in groups:
        rest = [p for p in group["params"] if id(p) not in linear]
        own = [p for p in group["params"] if id(p) in linear]
        out += [{**group, "params": rest}] if rest else []
        out += [{**group, "params": own, "lr": lr}] if own else []
    return out


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
