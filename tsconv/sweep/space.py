"""The search space: ranges of config keys, some of them conditional, and how a trial draws them.

A range is a leaf of the tree under `search_space`, which mirrors the tree of the config:

    model:
      rows: {type: categorical, choices: [shared, pooled]}
    optimizer:
      lr: {type: log_float, low: 0.0005, high: 0.01}
      row_decay: {type: log_float, low: 0.1, high: 10, when: {model.rows: pooled}}
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

from optuna import Trial
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from tsconv.errors import ConfigError, nearest

TYPES = ("float", "log_float", "int", "log_int", "categorical")
_FIELDS = ("type", "low", "high", "step", "choices", "when")
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
            return [kind.low + i * kind.step for i in range(count)]
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


def parse_space(tree: dict[str, Any]) -> Space:
    """The ranges of a `search_space` tree, each behind those that its `when` names.

    Raises ConfigError naming the range, its value and what would do.
    """
    ranges = [_range(key, leaf) for key, leaf in _leaves(tree, "")]
    if not ranges:
        raise ConfigError("`search_space` is empty: there is nothing to search")
    return _in_order(ranges)


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


def _leaves(node: Any, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(key, range) of every leaf; a range is a mapping with one of its own fields."""
    if not isinstance(node, dict):
        raise ConfigError(
            f"`search_space.{prefix}` (={node}) must be a range, "
            f"e.g. {{type: float, low: 0, high: 1}} or {{choices: [a, b]}}"
        )
    for name, child in node.items():
        key = f"{prefix}.{name}" if prefix else str(name)
        if isinstance(child, dict) and set(child) & {"type", "low", "high", "choices"}:
            yield key, child
        elif child is not None or not prefix:
            yield from _leaves(child, key)


def _range(key: str, leaf: dict[str, Any]) -> Range:
    where = f"`search_space.{key}"
    for name in leaf:
        if name not in _FIELDS:
            raise ConfigError(f"{where}.{name}` is not part of a range{nearest(name, _FIELDS)}")
    kind = leaf.get("type") or ("categorical" if "choices" in leaf else None)
    if kind not in TYPES:
        raise ConfigError(
            f"{where}.type` (={kind}) must be one of {', '.join(TYPES)}{nearest(str(kind), TYPES)}"
        )
    when = _conditions(leaf.get("when"), where)
    if kind == "categorical":
        return Range(key, kind, choices=_choices(leaf, where), when=when)
    if "choices" in leaf:
        raise ConfigError(f"{where}` ({kind}) takes `low` and `high`, not `choices`")
    low, high, step = (_number(leaf.get(n), f"{where}.{n}`", kind) for n in ("low", "high", "step"))
    if low is None or high is None:
        raise ConfigError(f"{where}` ({kind}) needs `low` and `high`")
    if low > high:
        raise ConfigError(f"{where}` is impossible: `low` (={low:g}) is above `high` (={high:g})")
    if kind.startswith("log_") and low <= 0:
        raise ConfigError(f"{where}.low` (={low:g}) must be above 0 for {kind}")
    if step is not None and (kind.startswith("log_") or not 0 < step <= max(high - low, 1e-300)):
        raise ConfigError(
            f"{where}.step` (={step:g}) must be above 0 and within the range, and has no place in "
            f"a log range"
        )
    return Range(key, kind, low, high, step, when=when)


def _choices(leaf: dict[str, Any], where: str) -> tuple[Any, ...]:
    choices = leaf.get("choices")
    if not isinstance(choices, list) or not choices:
        raise ConfigError(f"{where}.choices` (={choices}) must be a list of values")
    extra = sorted(set(leaf) & {"low", "high", "step"})
    if extra:
        raise ConfigError(f"{where}` is categorical and takes `choices`, not `{extra[0]}`")
    for at, choice in enumerate(choices):
        if any(choice == c and type(choice) is type(c) for c in choices[:at]):
            raise ConfigError(f"{where}.choices` has {json.dumps(choice)} twice")
    return tuple(choices)


def _number(value: Any, where: str, kind: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e300:
        raise ConfigError(f"{where} (={value}) must be a number")
    if kind.endswith("int") and value != int(value):
        raise ConfigError(f"{where} (={value}) must be a whole number for {kind}")
    return float(value)


def _conditions(when: Any, where: str) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    if when is None:
        return ()
    if not isinstance(when, dict) or not when:
        raise ConfigError(f"{where}.when` (={when}) must name keys and values, e.g. {{a: [1, 2]}}")
    return tuple(
        (str(key), tuple(values) if isinstance(values, list) else (values,))
        for key, values in when.items()
    )


def _in_order(ranges: Sequence[Range]) -> Space:
    """Each range behind those that its conditions name; raises ConfigError for a circle."""
    by_key = {each.key: each for each in ranges}
    placed: dict[str, Range] = {}
    waiting = list(ranges)
    for each in ranges:
        for key, values in each.when:
            if key not in by_key:
                raise ConfigError(
                    f"`search_space.{each.key}.when` names `{key}`, which is not in the search "
                    f"space{nearest(key, by_key)}"
                )
            never = [v for v in values if not by_key[key].has(v)]
            if never:
                raise ConfigError(
                    f"`search_space.{each.key}.when` waits for `{key}` (={never[0]}), which is "
                    f"never drawn: {by_key[key]}"
                )
    while waiting:
        ready = [each for each in waiting if all(key in placed for key, _ in each.when)]
        if not ready:
            names = ", ".join(each.key for each in waiting)
            raise ConfigError(f"`search_space`: {names} wait for each other (`when`)")
        placed.update({each.key: each for each in ready})
        waiting = [each for each in waiting if each.key not in placed]
    return tuple(placed.values())
