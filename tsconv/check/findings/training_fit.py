"""Whether the horizon, the context and the split of a training fit the lengths of the series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsconv.check.report import Finding
from tsconv.check.tables.array_types import Ints
from tsconv.text import plural


def find_short_series(
    lengths: Ints, ids: Sequence[str], context_length: int, horizon: int
) -> Finding | None:
    """Count the series that are shorter than one forecast's context and horizon; all in steps.

    >>> find_short_series(np.array([30, 5]), ("a", "b"), 12, 3).first
    'series `b` with 5 steps'
    """
    short = np.flatnonzero(lengths < context_length + horizon)
    if len(short) == 0:
        return None
    return Finding(
        "short series",
        "note",
        f"{len(short):,} of {len(ids):,} series are shorter than context and horizon together "
        f"({context_length} + {horizon} steps): training and forecasts use the steps they have",
        len(short),
        f"series `{ids[short[0]]}` with {plural(int(lengths[short[0]]), 'step')}",
        names=(ids[short[0]],),
    )


def find_long_seasons(
    periods: Sequence[int], context_length: int, calendar: bool
) -> Finding | None:
    """Report a season that is longer than the context, unless the network sees the calendar.

    >>> find_long_seasons([24, 8766], 168, calendar=False).advice
    'features.calendar=auto tells the network where in the season a step lies'
    """
    long = [p for p in periods if p > context_length]
    if not long or calendar:
        return None
    return Finding(
        "far season",
        "note",
        f"the season of {long[-1]:,} steps is longer than the context of {context_length:,}",
        advice="features.calendar=auto tells the network where in the season a step lies",
    )


def find_long_horizon(longest: int, horizon: int) -> Finding | None:
    """Report a horizon that is not shorter than the longest series."""
    if horizon < longest:
        return None
    return Finding(
        "horizon",
        "warning",
        f"the horizon of {horizon:,} steps is at least as long as the longest series "
        f"({longest:,}): training never sees its last steps",
        advice="lower `horizon`",
    )


def find_missing_test(val_size: int, test_size: int, typical_length: int) -> Finding | None:
    """Report that no test part is held out, so that no forecast is scored; sizes in steps."""
    if test_size:
        return None
    lacking = "no test part" if val_size else "neither a validation nor a test part"
    return Finding(
        "not scored",
        "warning",
        f"{lacking} is held out of a typical series of {typical_length:,} steps: no forecast will "
        f"be scored",
        advice="lower `horizon`, or set `split.test_size=`",
    )
