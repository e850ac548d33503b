"""The members of a panel in groups of one kind: targets or, where series are unlike, series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsconv.check.tables.array_types import Floats
from tsconv.check.value_kinds.facts import Facts, facts_of
from tsconv.data.panel.panel import Panel

_MOST_MEMBERS = 100  # of a target that are looked at
_MOST_STEPS = 5000  # the last ones of each
_MOST_UNLIKE = 12  # series of a lone target, up to which each may be of its own kind


def group_facts(panel: Panel, season: int, missing: Sequence[float] = ()) -> list[Facts]:
    """The facts about each target or, of a lone target with a few unlike series, of each series.

    season: steps, of the strongest season; 1 for none. missing: values that stand for none.
    """
    out: list[Facts] = []
    for c, name in enumerate(panel.targets):
        named = _members(panel, c, missing)
        whole = facts_of(name, [values for _, values in named], season)
        if len(panel.targets) == 1 and not panel.rows and 1 < len(panel) <= _MOST_UNLIKE:
            alone = [facts_of(panel.ids[s], [values], season) for s, values in named]
            by_series = [facts for facts in alone if facts is not None]
            if len({_kind(facts) for facts in by_series}) > 1:
                return by_series
        if whole is not None:
            out.append(whole)
    return out


def _kind(facts: Facts) -> tuple[bool, float | None, float | None, bool]:
    """What series of one kind have in common; a count that is never 0 counts all the same."""
    floor = None if facts.counts else facts.floor
    return facts.counts, floor, facts.ceiling, facts.low < 0


def _members(panel: Panel, c: int, missing: Sequence[float]) -> list[tuple[int, Floats]]:
    """The series and the last values of up to 100 members of a target, spread over the panel."""
    total = len(panel) * panel.n_rows
    picked = np.unique(np.linspace(0, total - 1, min(total, _MOST_MEMBERS)).astype("int64"))
    out = []
    for member in picked:
        s, h = divmod(int(member), panel.n_rows)
        values = panel.series(s)[-_MOST_STEPS:, c, h].cpu().numpy()
        out.append((s, np.where(np.isin(values, missing), np.nan, values)))
    return out
