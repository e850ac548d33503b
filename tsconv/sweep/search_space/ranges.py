"""Ranges of config keys, some of them conditional, and how a trial draws values from them."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator
from typing import Any

from optuna import Trial
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from tsconv.errors import ConfigError

_MOST_ON_A_GRID = 100_000
_ON_A_STEP = 1e-8  # steps that a value may be off the nearest one, as Optuna allows


@dataclasses.dataclass(frozen=True)
class Range:
    """The values that one config key may take.

    `when` lists other keys with the values that make this range active; without it the range is
    always active.

    >>> lr = Range("optimizer.lr", "log_float", 0.001, 0.1)
    >>> str(lr), lr.has(0.5)
    ('log_float 0.001 to 0.1', False)
    """

    key: str
    type: str  # float, log_float, int, log_int or categorical
    low: float = 0
    high: float = 0
    step: float | None = None
    choices: tuple[Any, ...] = ()
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()  # ((key, its values), ...)

    @property
    def distribution(self) -> BaseDistribution:
        """The range as a distribution of Optuna, which stores a list among the choices as JSON."""
        if self.type == "categorical":
            return CategoricalDistribution([_storable(c) for c in self.choices])
        log = self.type.startswith("log_")
        if self.type.endswith("int"):
            return IntDistribution(int(self.low), int(self.high), log, int(self.step or 1))
        return FloatDistribution(self.low, self.high, log, self.step)

    def active(self, values: dict[str, Any]) -> bool:
        """Whether the values drawn for other keys make this range active."""
        return all(key in values and values[key] in wanted for key, wanted in self.when)

    def value(self, stored: Any) -> Any:
        """The config value for a value that Optuna stored."""
        return next((c for c in self.choices if _storable(c) == stored), stored)

    def draw(self, trial: Trial) -> Any:
        """Let a trial suggest a value; returns the config value."""
        kind = self.distribution
        if isinstance(kind, CategoricalDistribution):
            return self.value(trial.suggest_categorical(self.key, kind.choices))
        if isinstance(kind, IntDistribution):
            return trial.suggest_int(self.key, kind.low, kind.high, step=kind.step, log=kind.log)
        assert isinstance(kind, FloatDistribution)
        return trial.suggest_float(self.key, kind.low, kind.high, step=kind.step, log=kind.log)

    def extremes(self) -> tuple[Any, ...]:
        """The values to try before a sweep: both ends of the range, or every choice."""
        if self.type == "categorical":
            return self.choices
        ends = self.low, self.high
        return tuple(int(v) for v in ends) if self.type.endswith("int") else ends

    def grid(self) -> list[Any]:
        """Every value in the range. Raises ConfigError where there are infinitely many."""
        kind = self.distribution
        if isinstance(kind, CategoricalDistribution):
            return list(self.choices)
        if isinstance(kind, IntDistribution) and not kind.log:
            return list(range(kind.low, kind.high + 1, kind.step))
        if isinstance(kind, FloatDistribution) and kind.step is not None:
            count = round((kind.high - kind.low) / kind.step) + 1
            # Rounded, because .1 + 2 * .1 is not equal to .3.
            return [min(kind.high, round(kind.low + i * kind.step, 12)) for i in range(count)]
        raise ConfigError(
            f"`search_space.{self.key}` ({self.type}) has no finite set of values: "
            f"sweep.sampler=grid needs `choices` or a `step`"
        )

    def has(self, value: Any) -> bool:
        """Whether a config value lies in the range."""
        kind = self.distribution
        if isinstance(kind, CategoricalDistribution):
            return value in self.choices
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        assert isinstance(kind, (IntDistribution, FloatDistribution))
        if not kind.low <= value <= kind.high:
            return False
        steps = (value - kind.low) / (kind.step or 1)
        return kind.step is None or abs(steps - round(steps)) < _ON_A_STEP

    def __str__(self) -> str:
        body = (
            f"one of {', '.join(json.dumps(c) for c in self.choices)}"
            if self.type == "categorical"
            else f"{self.type} {self.low:g} to {self.high:g}"
            + (f" by {self.step:g}" if self.step is not None else "")
        )
        parts = [f"{k} in {', '.join(json.dumps(v) for v in values)}" for k, values in self.when]
        return body + (f" when {' and '.join(parts)}" if parts else "")


Space = tuple[Range, ...]


def draw(space: Space, trial: Trial) -> dict[str, Any]:
    """Draw a value from every active range; returns key of the config -> value.

    >>> from optuna.trial import FixedTrial
    >>> space = (Range("model.hidden", "int", 8, 32, step=8),)
    >>> draw(space, FixedTrial({"model.hidden": 16}))
    {'model.hidden': 16}
    """
    values: dict[str, Any] = {}
    for each in space:
        if each.active(values):
            values[each.key] = each.draw(trial)
    return values


def stored_params(space: Space, values: dict[str, Any]) -> dict[str, Any] | None:
    """The parameters, as Optuna stores them, of the trial that equals a config.

    values: key of the config -> value. Returns None where the space does not hold the config.

    >>> space = (Range("features.seasonal_lags", "categorical", choices=([7], [7, 28])),)
    >>> stored_params(space, {"features.seasonal_lags": [7, 28]})
    {'features.seasonal_lags': '[7, 28]'}
    """
    if first_outside(space, values) is not None:
        return None
    return {each.key: _storable(values[each.key]) for each in space if each.active(values)}


def first_outside(space: Space, values: dict[str, Any]) -> Range | None:
    """The first range that does not hold the config's value of its key; None where all do.

    >>> first_outside((Range("model.hidden", "int", 32, 64),), {"model.hidden": 16}).key
    'model.hidden'
    """
    active = (each for each in space if each.active(values))
    return next((each for each in active if not each.has(values.get(each.key))), None)


def grid(space: Space) -> list[dict[str, Any]]:
    """Every combination of values that the conditions allow, as Optuna stores them.

    Raises ConfigError where there are infinitely many, or more than 100,000.

    >>> grid((Range("model.levels", "int", 3, 4),))
    [{'model.levels': 3}, {'model.levels': 4}]
    """
    combinations = list(itertools.islice(_combinations(space, {}), _MOST_ON_A_GRID + 1))
    if len(combinations) > _MOST_ON_A_GRID:
        raise ConfigError(
            f"`search_space` has more than {_MOST_ON_A_GRID:,} combinations, too many for a grid"
        )
    return [{k: _storable(v) for k, v in values.items()} for values in combinations]


def describe(space: Space) -> dict[str, str]:
    """key -> its range in words; a study stores them, and whoever joins it compares them."""
    return {each.key: str(each) for each in sorted(space, key=lambda r: r.key)}


def _combinations(space: Space, values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not space:
        yield dict(values)
        return
    first, rest = space[0], space[1:]
    if not first.active(values):
        yield from _combinations(rest, values)
        return
    for value in first.grid():
        yield from _combinations(rest, {**values, first.key: value})


def _storable(value: Any) -> Any:
    """The value as Optuna can store it: lists as their JSON."""
    plain = value is None or isinstance(value, (bool, int, float, str))
    return value if plain else json.dumps(value)
