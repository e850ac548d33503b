"""From the config group `portfolio` to configs: what candidates change, and whether it fits."""

from __future__ import annotations

import copy
import dataclasses
import re
from typing import Any

from tsconv.config.schema import PortfolioConfig, TrainConfig
from tsconv.errors import ConfigError
from tsconv.training.prepare import Prepared

_MULTIPLE = re.compile(r"x(\d+(?:\.\d+)?)")


@dataclasses.dataclass(frozen=True)
class Change:
    """Keys of a config with the values that a candidate gives them, under a name."""

    name: str
    values: dict[str, Any]


def contexts(portfolio: PortfolioConfig, base: Prepared, given: int | None = None) -> list[Change]:
    """The context lengths to compare, in the portfolio's order; a given one is the only one.

    None longer than half of a typical series' training part, and none shorter than a season.
    """
    chosen = base.config.context_length or 1
    ends = base.split.train_end[base.split.train_end > 0].sort().values
    most = max(chosen, int(ends[len(ends) // 2]) // 2 if len(ends) else chosen)
    least = min([chosen, *(base.config.features.seasonal_lags or ())])
    found: dict[int, Change] = {}
    for value in portfolio.contexts if given is None else ["x1"]:
        steps = _multiplied("context_length", value, chosen)
        if least <= steps <= most:
            found.setdefault(steps, Change(f"context {steps}", {"context_length": steps}))
    return list(found.values())


def changed(config: TrainConfig, change: Change, base: TrainConfig) -> TrainConfig:
    """A config with the keys of a change; base: the same without open ends, for multiples."""
    out = copy.deepcopy(config)
    for key, value in change.values.items():
        if isinstance(value, str) and _MULTIPLE.fullmatch(value):
            value = _multiplied(key, value, get(base, key))
        _set(out, key, value)
    return out


def get(config: TrainConfig, key: str) -> Any:
    """The value of a key with dots; raises ConfigError where there is none."""
    node: Any = config
    for name in key.split("."):
        if not hasattr(node, name):
            raise ConfigError(f"`portfolio` names `{key}`, which `tsconv train` does not have")
        node = getattr(node, name)
    return node


def _set(config: TrainConfig, key: str, value: Any) -> None:
    get(config, key)
    group, _, name = key.rpartition(".")
    setattr(getattr(config, group) if group else config, name, value)


def _multiplied(key: str, value: Any, chosen: Any) -> Any:
    """A multiple such as x2 of what was chosen, of its type; other values as they are."""
    found = _MULTIPLE.fullmatch(str(value))
    if found is None:
        return value
    if not isinstance(chosen, int | float):
        raise ConfigError(
            f"`portfolio`: `{key}` (={value}) multiplies {chosen}, which is no number"
        )
    product = float(found[1]) * chosen
    return max(1, round(product)) if isinstance(chosen, int) else product


def fits(change: Change, config: TrainConfig, default: TrainConfig, base: Prepared) -> bool:
    """Whether a change leaves alone what was given, changes something, and fits the data.

    config: as given; default: without anything given; base: what the config came to.
    """
    for key in change.values:
        if get(config, key) != get(default, key):
            return False
    panel, values = base.panel, change.values
    many_series = len(panel) > 1 and not panel.rows
    has_rows = bool(panel.rows)
    # Rows that have maps of their own do better with filters of their own too, mixed.
    many_maps = not has_rows and (many_series or len(panel.targets) > 1)
    if "model.series" in values and not many_series:
        return False
    if {"model.rows", "model.cross_row"} & set(values) and not has_rows:
        return False
    if "model.maps" in values and values["model.maps"] is not None and not many_maps:
        return False
    if values.get("features.calendar") == "auto" and base.panel.frequency.kind == "integer":
        return False
    dropout = values.get("model.dropout")
    return dropout is None or not isinstance(dropout, float) or dropout < 1
