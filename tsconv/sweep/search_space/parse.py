"""Parses the tree under `search_space` into checked ranges.

The tree mirrors the tree of the config, and its leaves are ranges:

    model:
      rows: {choices: [shared, pooled]}
    optimizer:
      lr: {type: log_float, low: 0.0005, high: 0.01}
      row_decay: {type: log_float, low: 0.1, high: 10, when: {model.rows: pooled}}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tsconv.errors import ConfigError, nearest
from tsconv.sweep.search_space.ranges import Range, Space

TYPES = ("float", "log_float", "int", "log_int", "categorical")
_FIELDS = ("type", "low", "high", "step", "choices", "when")


def parse_space(tree: dict[str, Any]) -> Space:
    """The ranges of a `search_space` tree, each after those that its `when` names.

    Raises ConfigError naming the range, its value and what to change.

    >>> tree = {"optimizer": {"lr": {"type": "log_float", "low": 0.001, "high": 0.1}}}
    >>> [(each.key, str(each)) for each in parse_space(tree)]
    [('optimizer.lr', 'log_float 0.001 to 0.1')]
    """
    ranges = [_range(key, leaf) for key, leaf in _leaves(tree, "")]
    if not ranges:
        raise ConfigError("`search_space` is empty: there is nothing to search")
    return _in_order(ranges)


def _leaves(node: Any, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(key, range) of every leaf: a mapping with at least one field of a range."""
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
            raise ConfigError(f"{where}.{name}` is not a field of a range{nearest(name, _FIELDS)}")
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
            f"{where}.step` (={step:g}) must be above 0 and within the range, and a log "
            f"range takes none"
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
    """Each range after those that its conditions name. Raises ConfigError for a cycle."""
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
