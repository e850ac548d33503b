"""What the lines show once their frequency is known: holes, mixed steps, ends, short series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsconv.check.findings.covariates import behind_targets
from tsconv.check.report import Finding
from tsconv.check.tables.sorted_table import Ints, SortedTable
from tsconv.data.panel.grid import FEWEST_GAPS
from tsconv.data.timestamps.frequency import Frequency
from tsconv.data.timestamps.infer import fixed_alias
from tsconv.text import percentage, plural

_MOST_MEMBERS = 100


def line_steps(lines: SortedTable, frequency: Frequency) -> Ints:
    """(N - 1,) steps from each line to the next of its series; 0 for doubles, -1 between series."""
    gaps = lines.gaps
    if frequency.kind in ("fixed", "integer"):
        # Rounded: a day of local time may have 23 or 25 hours.
        return np.where(
            gaps <= 0, np.minimum(gaps, 0), (gaps + frequency.size // 2) // frequency.size
        )
    out = np.full(len(gaps), -1, dtype="int64")
    inside = np.flatnonzero(gaps > 0)
    out[inside] = frequency.steps(lines.time[inside], lines.time[inside + 1])
    out[gaps == 0] = 0
    return out


def missing_steps(lines: SortedTable, steps: Ints, n_steps: int) -> Finding | None:
    """Steps between the lines of a series that the file lacks."""
    holes = np.flatnonzero(steps > 1)
    if len(holes) == 0:
        return None
    lacking = int((steps[holes] - 1).sum())
    series = len(np.unique(lines.members[holes]))
    i = lines.earliest(holes)
    longest = int(steps[holes].max()) - 1
    return Finding(
        "missing steps",
        "note",
        f"{plural(lacking, 'step')} of {n_steps:,} {'is' if lacking == 1 else 'are'} not in the "
        f"file ({percentage(lacking, n_steps)}): {plural(len(holes), 'hole')} in "
        f"{plural(series, 'series', 'series')}, the longest of {longest:,}; "
        f"{'taken as 0' if lines.table.gaps == 'zero' else 'masked'}",
        lacking,
        f"{lines.name(lines.rank[i])} after {lines.at(i)} ({lines.place(i)})",
    )


def mixed_steps(lines: SortedTable, steps: Ints, frequency: Frequency) -> Finding | None:
    """Series that come more seldom than the panel's frequency throughout."""
    if len(lines.first) < 2 or len(steps) == 0:
        return None
    inside = np.append(steps > 0, False)
    smallest = np.where(inside, np.append(steps, 0), np.iinfo("int64").max)
    own = np.minimum.reduceat(smallest, lines.first)
    n = np.add.reduceat(inside.astype("int64"), lines.first)
    slow = np.flatnonzero((own > 1) & (n >= FEWEST_GAPS))
    if len(slow) == 0:
        return None
    m = slow[0]
    return Finding(
        "mixed frequencies",
        "warning",
        f"{len(slow):,} of {len(lines.first):,} series never come every {frequency.alias}: laid on "
        f"that grid they are mostly holes",
        len(slow),
        f"{lines.name(m)}, every {own[m]:,} steps",
        "train on them apart",
    )


def early_ends(lines: SortedTable) -> Finding | None:
    """Series that stop before the last time of the file."""
    last = lines.time[lines.first + lines.counts - 1]
    end = last.max()
    early = np.flatnonzero(last < end)
    if len(early) == 0:
        return None
    i = lines.first[early[0]] + lines.counts[early[0]] - 1
    return Finding(
        "early ends",
        "note",
        f"{len(early):,} of {len(lines.first):,} series end before the last time of the file: each "
        f"is forecast from its own end",
        len(early),
        f"{lines.name(early[0])} at {lines.at(i)}",
    )


def open_tails(lines: SortedTable, ahead: Sequence[str] = ()) -> Finding | None:
    """Lines behind the last target, which hold values of the columns `ahead`, or nothing."""
    tail = behind_targets(lines)
    if not tail.any():
        return None
    i = lines.earliest(tail)
    n, series = int(tail.sum()), len(np.unique(lines.members[tail]))
    return Finding(
        "open tails",
        "note",
        f"{plural(n, 'line')} at the end of {plural(series, 'series', 'series')} "
        f"{'has' if n == 1 else 'have'} no target: the forecast starts behind them",
        n,
        f"{lines.place(i)}: {lines.name(lines.rank[i])} at {lines.at(i)}",
        f"data.future_covariates=[{','.join(ahead)}] reads what they tell of the horizon"
        if ahead
        else "leave them out",
    )


def family(lines: SortedTable, name: str | None) -> Finding | None:
    """A few series of the same times: they may be members of one family, side by side."""
    n = len(lines.first)
    if name is None or lines.table.rows or not 1 < n <= _MOST_MEMBERS or np.ptp(lines.counts):
        return None
    times = lines.time.reshape(n, -1)
    if not (times == times[0]).all():
        return None
    return Finding(
        "family",
        "note",
        f"all {n} series have the same times: if they are measured side by side, as stations are, "
        f"try them as rows of one family",
        n,
        advice=f"data.row={name} data.id=null, with model.rows and model.cross_row",
    )


def short_series(lengths: Ints, ids: tuple[str, ...], context: int, horizon: int) -> Finding | None:
    """Series shorter than what one forecast looks back on and ahead."""
    short = np.flatnonzero(lengths < context + horizon)
    if len(short) == 0:
        return None
    return Finding(
        "short series",
        "note",
        f"{len(short):,} of {len(ids):,} series are shorter than context and horizon together "
        f"({context} + {horizon} steps): trained on and forecast with what they have",
        len(short),
        f"series `{ids[short[0]]}` with {plural(int(lengths[short[0]]), 'step')}",
    )


def far_seasons(seasons: Sequence[int], context: int, calendar: bool) -> Finding | None:
    """A season longer than all that a forecast looks back on, which the calendar could tell."""
    far = [p for p in seasons if p > context]
    if not far or calendar:
        return None
    return Finding(
        "far season",
        "note",
        f"the season of {far[-1]:,} steps is longer than the context of {context:,}",
        advice="features.calendar=auto tells the network the time of it",
    )


def too_far(longest: int, horizon: int) -> Finding | None:
    """A horizon that no series is long enough to show."""
    if horizon < longest:
        return None
    return Finding(
        "horizon",
        "warning",
        f"the horizon of {horizon:,} steps is not shorter than the longest series ({longest:,}): "
        f"its last steps are never seen in training",
        advice="lower `horizon`",
    )


def not_scored(val_size: int, test_size: int, typical: int) -> Finding | None:
    """No part held out: nothing will say how good the forecasts are."""
    if test_size:
        return None
    nothing = "no test part" if val_size else "neither a validation nor a test part"
    return Finding(
        "not scored",
        "warning",
        f"{nothing} is held out of a typical series of {typical:,} steps: no forecast will be "
        f"scored",
        advice="lower `horizon`, or set `split.test_size=`",
    )


def coarser_fit(lines: SortedTable) -> str | None:
    """The step on which every line lies, if it is at least a 60th of the commonest; or None."""
    gaps = lines.gaps[lines.gaps > 0]
    if len(gaps) == 0:
        return None
    sizes, counts = np.unique(gaps, return_counts=True)
    common, all_fit = int(sizes[counts.argmax()]), int(np.gcd.reduce(sizes))
    if all_fit == common or 60 * all_fit < common:
        return None
    return fixed_alias(all_fit) if lines.dated else str(all_fit)
