"""The head and the bounds that clearly fit the values, as config keys with reasons."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tsconv.check.suggestions.suggestion import NO_SUGGESTION, Suggestion
from tsconv.check.value_kinds.facts import Facts
from tsconv.config.folder import config_folder
from tsconv.config.schema import TrainConfig
from tsconv.data.bounds import AUTO
from tsconv.data.panel.panel import Panel

COUNTS, MANY_ZEROS = "negative_binomial", "zero_inflated_negative_binomial"
HEAVY_TAILS = "student_t"
_DEFAULT_HEAD = "quantile"
_LARGE = 1000  # a median beyond which whole numbers need no head for counts
_ZEROS = 0.005  # share of the values: whole measurements seldom come down to 0
_EXCESS = 0.2  # share of the values, of zeros that a negative binomial does not have
_USUAL_CEILINGS = (1.0, 100.0)


def suggest_for_values(config: TrainConfig, panel: Panel, facts: Sequence[Facts]) -> Suggestion:
    """Suggest `head`, `data.lower` and `data.upper`, each where it is not set and clearly fits.

    facts: of all targets, or of all series of the lone one, from a sample of the panel.
    """
    if not facts:
        return NO_SUGGESTION
    head = NO_SUGGESTION
    if config.head.kind == _DEFAULT_HEAD:
        head = _suggest_head(panel, facts)
        if head and head.keys["head"] != HEAVY_TAILS:
            return head  # which is bounded by 0 of itself
    if config.data.lower != AUTO or config.data.upper is not None:
        return head
    return head | _suggest_bounds(panel, facts)


def has_head(name: str) -> bool:
    """Whether there is a head of this name to choose.

    >>> has_head("quantile")
    True
    """
    return (config_folder() / "head" / f"{name}.yaml").is_file()


def _suggest_head(panel: Panel, facts: Sequence[Facts]) -> Suggestion:
    name, why = None, ""
    if all(f.counts and f.middle <= _LARGE and f.zeros >= _ZEROS * f.observed for f in facts):
        if _all_whole(panel):
            name, why = COUNTS, "the values are counts"
            if all(f.excess_zeros > _EXCESS for f in facts):
                name, why = MANY_ZEROS, "the values are counts, and more of them are 0 than fits"
    elif all(f.heavy_tails for f in facts):
        name, why = HEAVY_TAILS, "the changes have heavy tails"
    if name is None or not has_head(name):
        return NO_SUGGESTION
    return Suggestion.of("head", name, why)


def _all_whole(panel: Panel) -> bool:
    """Whether all targets, beside the sample, are whole and not negative."""
    values = torch.nan_to_num(panel.values[:, : len(panel.targets)])
    return bool(((values >= 0) & (values == values.floor())).all())


def _suggest_bounds(panel: Panel, facts: Sequence[Facts]) -> Suggestion:
    least, most = _extremes(panel, facts)
    at_zero = [f.name for f in facts if f.floor == 0 and least[f.name] >= 0]
    ceilings = {
        f.name: int(f.ceiling)
        for f in facts
        if f.name in at_zero and f.ceiling in _USUAL_CEILINGS and most[f.name] <= f.ceiling
    }
    out = _for_names(
        "lower", dict.fromkeys(at_zero, 0), len(facts), "0 is met often, and less never"
    )
    return out | _for_names("upper", ceilings, len(facts), "it is met often, and more never")


def _extremes(panel: Panel, facts: Sequence[Facts]) -> tuple[dict[str, float], dict[str, float]]:
    """The least and the greatest value of each target or series, beside the sample."""
    low, high = {}, {}
    by_target = [f.name for f in facts] == list(panel.targets)
    number = {name: s for s, name in enumerate(panel.targets if by_target else panel.ids)}
    for f in facts:
        values = (
            panel.values[:, number[f.name]] if by_target else panel.series(number[f.name])[:, 0]
        )
        seen = values[~values.isnan()]
        low[f.name], high[f.name] = float(seen.min()), float(seen.max())
    return low, high


def _for_names(key: str, bounds: dict[str, int], total: int, why: str) -> Suggestion:
    """A number for all, or a mapping where some have none and all names can stand in one."""
    if not bounds:
        return NO_SUGGESTION
    if len(bounds) == total and len(set(bounds.values())) == 1:
        return Suggestion.of(f"data.{key}", next(iter(bounds.values())), why)
    if any(mark in name for name in bounds for mark in "'\"{}"):
        return NO_SUGGESTION  # a name that needs care within quotes within quotes
    return Suggestion.of(f"data.{key}", bounds, why)
