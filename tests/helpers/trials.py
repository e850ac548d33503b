"""Studies with given values over search spaces of every kind, and what a picture shows of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import optuna
from optuna.trial import TrialState

from tsconv.sweep.search_space.parse import parse_space
from tsconv.sweep.search_space.ranges import Space, draw

MAE, SPEED = "val.scaled_mae", "train_origins_per_second"

LR = {"type": "log_float", "low": 0.001, "high": 0.1}

SMALL = parse_space({"lr": LR, "width": {"type": "int", "low": 1, "high": 9}})

CONDITIONAL = parse_space(
    {
        "model": {"rows": {"choices": ["shared", "pooled"]}, "bias": {"choices": [True, False]}},
        "mix": {"choices": [None, "mean"], "when": {"model.rows": "pooled"}},
        "lr": LR,
    }
)

LISTS = [[1, 2, 4, 8, 16, 32], [1, 2, 4, 8, 16, 64]]

WIDE = parse_space(
    {
        "norm": {"choices": [*(f"a_rather_long_way_to_scale_{i}" for i in range(5)), None]},
        "dilations": {"choices": LISTS},
        "left_$side$": {"size": {"type": "int", "low": 2, "high": 9}},
        "right_$side$": {"size": {"type": "log_int", "low": 2, "high": 512}},
        "fixed": {"choices": ["only"]},
        "also_fixed": {"type": "log_float", "low": 3, "high": 3},
        **{
            f"a_long_name_that_says_much_{i}": {"type": "float", "low": 0, "high": 0.5, "step": 0.1}
            for i in range(6)
        },
    }
)


def study_of(values: list[Any], space: Space = SMALL, *objectives: str) -> optuna.Study:
    """A trial for each value: a figure, several, ("pruned", the last reported) or "failed"."""
    ways = ["maximize" if name == SPEED else "minimize" for name in objectives or (MAE,)]
    study = optuna.create_study(directions=ways, sampler=optuna.samplers.RandomSampler(seed=0))
    for value in values:
        trial = study.ask()
        draw(space, trial)
        if value == "failed":
            study.tell(trial, state=TrialState.FAIL)
        elif isinstance(value, tuple) and value[0] == "pruned":
            if value[1] is not None:
                trial.report(value[1], 50)
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, value)
    return study


def sweep(*objectives: str) -> Any:
    return SimpleNamespace(objectives=list(objectives or (MAE,)))


def marks(ax: Any) -> dict[str, list[list[float]]]:
    """label -> the points that were scattered, to two decimals."""
    found: dict[str, list[list[float]]] = {}
    for dots in ax.collections:
        found.setdefault(dots.get_label(), []).extend(dots.get_offsets().round(2).tolist())
    return found
