"""The settings of a sweep: which objectives, samplers and pruners exist, and which go together."""

from __future__ import annotations

import re

from optuna.study import StudyDirection

from tsconv.config.schema import SweepConfig
from tsconv.errors import ConfigError, require_choice
from tsconv.sweep.search_space.ranges import Space, grid

SAMPLERS = ("tpe", "random", "grid", "cmaes", "gp")
PRUNERS = ("median", "hyperband", "none")
MAXIMISED = ("train_origins_per_second",)
_ERRORS = ("scaled_mae", "scaled_mse", "mae", "mse", "rmse", "smape", "mase", "wql")
OBJECTIVES = (*(f"val.{key}" for key in _ERRORS), "train_seconds", "parameters", *MAXIMISED)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def check_settings(sweep: SweepConfig, space: Space) -> None:
    """Raise ConfigError for a sampler, pruner or objective that could not work."""
    require_choice("sweep.sampler", sweep.sampler, SAMPLERS)
    require_choice("sweep.pruner", pruner_name(sweep), PRUNERS)
    for name, least in (("n_trials", 1), ("workers", 1), ("heartbeat", 1), ("retries", 0)):
        if getattr(sweep, name) < least:
            raise ConfigError(f"`sweep.{name}` (={getattr(sweep, name)}) must be at least {least}")
    if not 0 <= sweep.seed < 2**32:
        raise ConfigError(f"`sweep.seed` (={sweep.seed}) must be between 0 and {2**32 - 1}")
    _check_objectives(sweep)
    if sweep.sampler == "grid":
        grid(space)


def _check_objectives(sweep: SweepConfig) -> None:
    if not sweep.objectives:
        raise ConfigError("`sweep.objectives` is empty: name at least one, e.g. [val.scaled_mae]")
    for name in sweep.objectives:
        if name.startswith("test"):
            raise ConfigError(f"`sweep.objectives` ({name}): a sweep never looks at the test part")
        require_choice("sweep.objectives", name, OBJECTIVES)
    if len(set(sweep.objectives)) < len(sweep.objectives):
        raise ConfigError(f"`sweep.objectives` (={sweep.objectives}) names one twice")
    several = len(sweep.objectives) > 1
    if several and pruner_name(sweep) != "none":
        raise ConfigError(
            f"`sweep.pruner` (={sweep.pruner}) compares trials by one figure, and there are "
            f"{len(sweep.objectives)} objectives: set sweep.pruner=none"
        )
    if several and sweep.sampler == "cmaes":
        raise ConfigError(
            "`sweep.sampler` (=cmaes) takes a single objective: set tpe, gp or random"
        )


def pruner_name(sweep: SweepConfig) -> str:
    """The pruner's name; where `sweep.pruner` is null, median for one objective, else none."""
    return sweep.pruner or ("median" if len(sweep.objectives) == 1 else "none")


def directions(sweep: SweepConfig) -> list[StudyDirection]:
    """For each objective, whether the study minimises or maximises it."""
    return [
        StudyDirection.MAXIMIZE if name in MAXIMISED else StudyDirection.MINIMIZE
        for name in sweep.objectives
    ]


def trial_limit(sweep: SweepConfig, space: Space) -> int:
    """How many trials the study may hold: n_trials, or the whole grid where that is smaller."""
    return min(sweep.n_trials, len(grid(space))) if sweep.sampler == "grid" else sweep.n_trials


def parse_duration(text: str | None) -> float | None:
    """The seconds in a duration such as 90, 90s, 30m, 2h or 1d; None for None.

    Raises ConfigError, naming `sweep.timeout`, for anything else.

    >>> parse_duration("1.5h")
    5400.0
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if found is None:
        raise ConfigError(f"`sweep.timeout` (={text}) must be a time such as 90s, 30m, 2h or 1d")
    return float(found[1]) * _SECONDS[found[2] or "s"]
