"""What a budget covers of a training, before it is raced."""

from __future__ import annotations

from tsconv.config.schema import TrainConfig
from tsconv.race.budget import Budget
from tsconv.race.run import check_budget
from tsconv.text import format_seconds, plural
from tsconv.training.plan.plan import Plan
from tsconv.training.plan.run import plan_training

_BESIDE = ("starting", "writing")  # parts that a budget in seconds does not cover
_ONCE = ("reading", "preparing", "solving", "scoring", "refit")  # that a race has one of each


def plan_or_budget(config: TrainConfig) -> tuple[Plan, Budget | None]:
    """The plan of one training with the default settings, and the budget where there is one.

    Raises TsconvError where `train_or_race` would before its first step.
    """
    budget = None if config.budget is None else check_budget(config)
    return plan_training(config), budget


def budget_text(plan: Plan, budget: Budget) -> str:
    """What a budget covers, and how many trainings of the default size it has room for."""
    beside = sum(part.seconds for part in plan.parts if part.name in _BESIDE)
    once = sum(part.seconds for part in plan.parts if part.name in _ONCE)
    training = plan.seconds - beside - once
    if budget.seconds is None:
        count = plural(budget.candidates or 1, "candidate")
        most = (budget.candidates or 1) * training + once + beside
        return (
            f"budget: {count}, most of them stopped early, take less than "
            f"{format_seconds(most)}; the figures above are of one training without a budget"
        )
    left = max(0.0, budget.seconds - once)
    rooms = left / training if training else 0.0
    return (
        f"budget: {budget.seconds:.0f} s cover everything but starting and writing, which take "
        f"{beside:.1f} s more; {left:.0f} s are left for candidates, "
        f"{rooms:.1f} times what the training above takes"
    )
