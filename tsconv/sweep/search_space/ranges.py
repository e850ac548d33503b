"""The search space: ranges of config keys, some of them conditional, and how a trial draws them."""

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


@dataclasses.dataclass(frozen=True)
class Range:
    """The values that one config key may take; `when` names those of others that make it active."""

    key: str
    type: str
    low: float = 0
    high: float = 0
    step: float | None = None
    choices: tuple[Any, ...] = ()
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()  # ((key, its values), ...)

    @property
    def distribution(self) -> BaseDistribution:
        """As Optuna has it. Lists among the choices are stored as their JSON."""
        if self.type == "categorical":
            return CategoricalDistribution([_stored(c) for c in self.choices])
        log = self.type.startswith("log_")
        if self.type.endswith("int"):
            return IntDistribution(int(self.low), int(self.high), log, int(self.step or 1))
        return FloatDistribution(self.low, self.high, log, self.step)

    def active(self, values: dict[str, Any]) -> bool:
        """Whether the other keys' values call for this one."""
        return all(key in values and values[key] in wanted for key, wanted in self.when)

    def value(self, stored: Any) -> Any:
        """The config value of what Optuna stores."""
        return next((c for c in self.choices if _stored(c) == stored), stored)

    def draw(self, trial: Trial) -> Any:
        kind = self.distribution
        if isinstance(kind, CategoricalDistribution):
            return self.value(trial.suggest_categorical(self.key, kind.choices))
        if isinstance(kind, IntDistribution):
            return trial.suggest_int(self.key, kind.low, kind.high, step=kind.step, log=kind.log)
        assert isinstance(kind, FloatDistribution)
        return trial.suggest_float(self.key, kind.low, kind.high, step=kind.step, log=kind.log)

    def extremes(self) -> tuple[Any, ...]:
        """The values that show whether all of them would do: both ends, or every choice."""
        if self.type == "categorical":
            return self.choices
        ends = self.low, self.high
        return tuple(int(v) for v in ends) if self.type.endswith("int") else ends

    def grid(self) -> list[Any]:
        """Every value; raises ConfigError where there is no end of them."""
        kind = self.distribution
        if isinstance(kind, CategoricalDistribution):
            return list(self.choices)
        if isinstance(kind, IntDistribution) and not kind.log:
            return list(range(kind.low, kind.high + 1, kind.step))
        if isinstance(kind, FloatDistribution) and kind.step is not None:
            count = round((kind.high - kind.low) / kind.step) + 1
            # Rounded: .1 + 2 * .1 is not the .3 that a config says.
            return [min(kind.high, round(kind.low + i * kind.step, 12)) for i in range(count)]
        raise ConfigError(
            f"`search_space.{self.key}` ({self.type}) has no finite set of values: "
            f"sweep.sampler=grid needs `choices` or a `step`"
        )

    def has(self, value: Any) -> bool:
        """Whether a config value lies in the range."""
        if self.type == "categorical":
            return value in self.choices
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return self.distribution._contains(float(value))

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
    """Draw every active range: key of the config -> value."""
    values: dict[str, Any] = {}
    for each in space:
        if each.active(values):
            values[each.key] = each.draw(trial)
    return values


def stored_params(space: Space, values: dict[str, Any]) -> dict[str, Any] | None:
    """The trial that is the given config itself, as Optuna stores it; None where it is outside."""
    params: dict[str, Any] = {}
    for each in space:
        if each.active(values):
            if not each.has(values.get(each.key)):
                return None
            params[each.key] = _stored(values[each.key])
    return params


def grid(space: Space) -> list[dict[str, Any]]:
    """Every combination of values, conditions kept, as Optuna stores them."""
    found = list(itertools.islice(_combinations(space, {}), _MOST_ON_A_GRID + 1))
    if len(found) > _MOST_ON_A_GRID:
        raise ConfigError(
            f"`search_space` has more than {_MOST_ON_A_GRID:,} combinations, too many for a grid"
        )
    return [{k: _stored(v) for k, v in one.items()} for one in found]


def describe(space: Space) -> dict[str, str]:
    """key -> its range in words: what a study keeps, to be compared by those who join it."""
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


def _stored(value: Any) -> Any:
    plain = value is None or isinstance(value, (bool, int, float, str))
    return value if plain else json.dumps(value)
