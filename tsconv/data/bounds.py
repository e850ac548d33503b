"""Bounds of the targets, `data.lower` and `data.upper`: read from a config, spread over a panel.

A bound is a number for all targets, a mapping from names to numbers, or None for none. The names
are those of targets, or of series where there is a single target.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tsconv.data.panel.format_time import format_zoned_time
from tsconv.data.panel.panel import Panel
from tsconv.data.panel.ragged import series_of
from tsconv.errors import ConfigError, DataError, nearest
from tsconv.text import shorten

AUTO = "auto"
Bound = float | dict[str, float] | None
_ITEM = re.compile(
    r"""\s*(?:(?P<q>['"])(?P<quoted>.*?)(?P=q)|(?P<plain>.+?))\s*:\s*(?P<number>[^\s,:]+)\s*(?:,|$)"""
)
_MOST_NAMES = 8  # in a message


def read_bound(key: str, value: Any) -> Bound:
    """A bound as a config has it; `auto` is none, for who resolves it has done so before.

    key: `lower` or `upper`. Raises ConfigError for what is neither a finite number, nor a mapping
    from names to such, nor `auto`, nor None.

    >>> read_bound("lower", 0), read_bound("lower", {"rain": 0, "temperature": None})
    (0.0, {'rain': 0.0})
    >>> read_bound("upper", "{rain (mm): 50, 'sun: hours': 24}")  # as on the command line
    {'rain (mm)': 50.0, 'sun: hours': 24.0}
    """
    if value is None or value == AUTO:
        return None
    if isinstance(value, str) and value.strip()[:1] == "{":
        value = _mapping_of(key, value)
    if isinstance(value, Mapping):
        return {
            str(name): _finite(f"data.{key}", bound, str(name))
            for name, bound in value.items()
            if bound is not None
        }
    return _finite(f"data.{key}", value)


def _mapping_of(key: str, text: str) -> dict[str, float | str | None]:
    """The mapping that a text holds; names may be quoted, which one that holds `: 1` has to be."""
    inner = text.strip().removeprefix("{").removesuffix("}").strip()
    out: dict[str, float | str | None] = {}
    at = 0
    while at < len(inner):
        found = _ITEM.match(inner, at)
        if found is None:
            raise ConfigError(
                f"`data.{key}` (={text}) must be a mapping such as {{rain: 0, wind: 0}}"
            )
        name, number = found["quoted"] or found["plain"], found["number"]
        try:
            out[name] = None if number == "null" else float(number)
        except ValueError:
            out[name] = number
        at = found.end()
    return out


def _finite(key: str, value: Any, name: str | None = None) -> float:
    plain = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not plain or not math.isfinite(value):
        what = (
            f"`{key}` (={value})" if name is None else f"`{key}`: the bound of `{name}` (={value})"
        )
        kinds = "a mapping such as {rain: 0}, auto or null" if name is None else "or null"
        joint = ", " if name is None else " "
        raise ConfigError(f"{what} must be a finite number{joint}{kinds}")
    return float(value)


def require_names(key: str, bound: Bound, ids: Sequence[str], targets: Sequence[str]) -> None:
    """Raise ConfigError for a name in a mapping that no target, or no series of a lone one, has.

    key: `lower` or `upper`. ids, targets: of the panel.

    >>> require_names("lower", {"rian": 0.0}, ["rain"], ["y"])
    Traceback (most recent call last):
        ...
    tsconv.errors.ConfigError: `data.lower`: `rian` is not a series (rain) (did you mean `rain`?)
    """
    if not isinstance(bound, dict):
        return
    lone = len(targets) == 1
    known = {*targets, *ids} if lone else {*targets}
    for name in bound:
        if name not in known:
            kind, names = ("series", ids) if lone else ("target", targets)
            raise ConfigError(
                f"`data.{key}`: `{name}` is not a {kind} ({shorten(names, _MOST_NAMES)})"
                f"{nearest(name, known)}"
            )


def bound_of(bound: Bound, series: str, target: str, lone: bool) -> float | None:
    """The bound of one target of one series; None for none.

    lone: whether there is a single target, so that names are those of series.

    >>> bound_of({"rain": 0.0}, "rain", "y", lone=True), bound_of(1.0, "a", "y", lone=True)
    (0.0, 1.0)
    """
    if not isinstance(bound, dict):
        return bound
    if lone and series in bound:
        return bound[series]
    return bound.get(target)


def spread_bound(
    bound: Bound, ids: Sequence[str], targets: Sequence[str], missing: float
) -> Tensor:
    """The bound of each target of each series as (S, T) float64; names not known are passed over.

    missing: what stands where there is no bound.

    >>> spread_bound({"a": 0.0}, ["a", "b"], ["y"], -math.inf).tolist()
    [[0.0], [-inf]]
    """
    if not isinstance(bound, dict):
        value = missing if bound is None else bound
        return torch.full((len(ids), len(targets)), value, dtype=torch.float64)
    row = [bound.get(name, missing) for name in targets]
    out = torch.tensor([row], dtype=torch.float64).repeat(len(ids), 1)
    if len(targets) == 1:
        for s, name in enumerate(ids):
            if name in bound:
                out[s, 0] = bound[name]
    return out


def require_order(lower: Bound, upper: Bound) -> None:
    """Raise ConfigError unless each lower bound is less than the upper one of the same name.

    >>> require_order(1.0, {"rain": 0.5})
    Traceback (most recent call last):
        ...
    tsconv.errors.ConfigError: `data.lower` (=1) must be less than `data.upper` (=0.5) of `rain`
    """
    names: list[str | None] = [None]
    for bound in (lower, upper):
        names += list(bound) if isinstance(bound, dict) else []
    for name in names:
        low, high = (b.get(name or "") if isinstance(b, dict) else b for b in (lower, upper))
        if low is not None and high is not None and low >= high:
            of = "" if name is None else f" of `{name}`"
            raise ConfigError(
                f"`data.lower` (={low:.10g}) must be less than `data.upper` (={high:.10g}){of}"
            )


def require_within(panel: Panel, lower: Bound, upper: Bound, source: str | None = None) -> None:
    """Raise DataError for the first observed value of a target that lies beyond a bound.

    lower, upper: in the units of the data. source: the name of the file, for the message.
    """
    for key, bound, missing in (("lower", lower, -math.inf), ("upper", upper, math.inf)):
        if bound is None:
            continue
        limits = spread_bound(bound, panel.ids, panel.targets, missing)
        beyond = _beyond(panel, key, limits)
        if len(beyond):
            raise DataError(_describe(panel, key, limits, beyond, source))


def _beyond(panel: Panel, key: str, limits: Tensor) -> Tensor:
    """(K, 3) the step, target and row of each value beyond its limit: (S, T)."""
    found = [torch.empty(0, 3, dtype=torch.int64)]
    for series, steps, local in panel.blocks():
        limit = limits[series].repeat_interleave(local.diff(), 0)[..., None]  # (n, T, 1)
        values = panel.values[steps, : len(panel.targets)].cpu()
        wrong = (values < limit if key == "lower" else values > limit).nonzero()
        found.append(wrong + torch.tensor([steps.start, 0, 0]))
    return torch.cat(found)


def _describe(panel: Panel, key: str, limits: Tensor, beyond: Tensor, source: str | None) -> str:
    """Which value breaks the bound, when, and what to set instead; beyond: see `_beyond`."""
    at, c, h = beyond[0].tolist()
    indptr = panel.indptr.cpu().numpy()
    s = int(series_of(indptr, np.array([at]))[0])
    step = np.array([at - indptr[s]])
    when = format_zoned_time(panel.times(s, step), panel)
    value, limit = float(panel.values[at, c, h]), float(limits[s, c])
    step, _, row = beyond[beyond[:, 1] == c].T
    extreme = panel.values[step, c, row].cpu()
    far = float(extreme.min() if key == "lower" else extreme.max())
    word = "below" if key == "lower" else "above"
    more = len(beyond) - 1
    others = f" (and {more:,} more)" if more else ""
    return (
        f"{'' if source is None else f'{source}: '}`{panel.name(s, c, h)}` is {value:.10g} at "
        f"{when}{others}, {word} `data.{key}` (={limit:.10g}): set `data.{key}` to {far:.10g}, or "
        f"to null for no bound"
    )
