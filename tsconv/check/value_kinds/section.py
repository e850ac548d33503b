"""The section of the report that says what kind of values the targets have."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tsconv.check.report import Section
from tsconv.check.suggestions.suggestion import Suggestion
from tsconv.check.value_kinds.facts import Facts
from tsconv.text import percentage

_MOST_LINES = 6
_MANY_ZEROS = 0.1  # share of the values, from which the demand is named


def values_section(facts: Sequence[Facts], suggestion: Suggestion) -> Section:
    """A line for each target or series of which there is something to say, and what is suggested.

    >>> values_section([], Suggestion()).lines
    []
    """
    lines = [(f.name, text) for f in facts if (text := describe(f))]
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], ("...", f"{len(lines) - _MOST_LINES} more")]
    if suggestion:
        reasons = "; ".join(f"`{key}`, since {why}" for key, why in suggestion.reasons.items())
        lines.append(("suggested", reasons))
    data = []
    for f in facts:
        about = dataclasses.asdict(f)
        about["demand"] = f.demand and about["demand"] | {"kind": f.demand.kind}
        data.append(about)
    return Section("values", lines, {"values": data})


def describe(facts: Facts) -> str:
    """What is out of the ordinary about some values; empty for nothing.

    >>> import numpy as np
    >>> from tsconv.check.value_kinds.facts import facts_of
    >>> describe(facts_of("rain", [np.concatenate([np.zeros(60), np.linspace(0.3, 9, 140)])]))
    'never below 0, which 30.0% of the values are; 30.0% zeros: intermittent (ADI 1.43, CV2 0.30)'
    """
    parts = []
    if facts.counts:
        parts.append(
            f"whole numbers from {facts.low:.10g} to {facts.high:.10g} that vary as counts do"
        )
    if facts.floor is not None and not facts.counts:
        parts.append(f"never below {facts.floor:.10g}" + _often(facts, facts.floor))
    if facts.ceiling is not None:
        parts.append(f"never above {facts.ceiling:.10g}")
    if facts.demand is not None and facts.zeros >= _MANY_ZEROS * facts.observed:
        demand = facts.demand
        parts.append(
            f"{percentage(facts.zeros, facts.observed)} zeros: {demand.kind} "
            f"(ADI {demand.interval:.2f}, CV2 {demand.variation:.2f})"
        )
    if facts.heavy_tails:
        parts.append("changes with heavy tails")
    return "; ".join(parts)


def _often(facts: Facts, bound: float) -> str:
    if bound != 0:
        return ", which is met often"
    return f", which {percentage(facts.zeros, facts.observed)} of the values are"
