"""The lines on the grid of their frequency: missing steps, series of another step."""

from __future__ import annotations

import numpy as np

from tsconv.check.report import Finding
from tsconv.check.tables.array_types import Ints
from tsconv.check.tables.sorted_table import SortedTable
from tsconv.data.panel.mixed_frequencies import FEWEST_GAPS
from tsconv.data.timestamps.frequency import Frequency
from tsconv.data.timestamps.infer import fixed_alias
from tsconv.notes import NoteKind
from tsconv.text import percentage, plural

_SECOND, _MINUTE, _HOUR, _DAY = (n * 1_000_000 for n in (1, 60, 3600, 86_400))  # microseconds
_ROUND_STEPS = {  # on which readings at any moment can be put
    "1s": _SECOND, "10s": 10 * _SECOND, "1min": _MINUTE, "5min": 5 * _MINUTE,
    "10min": 10 * _MINUTE, "15min": 15 * _MINUTE, "30min": 30 * _MINUTE, "1h": _HOUR,
    "1D": _DAY, "7D": 7 * _DAY,
}  # fmt: skip
_FEW_ON_GRID = 0.5  # share of the steps that must be whole commonest ones for times on a grid
_FINEST = 60  # parts of the commonest step into which a finer grid may divide it


def steps_between_lines(table: SortedTable, frequency: Frequency) -> Ints:
    """(N - 1,) steps from each line to the next of its series; 0 for duplicates, -1 between series.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.reading.read import table_from_frame
    >>> from tsconv.data.timestamps.frequency import parse_frequency
    >>> frame = pd.DataFrame({"unique_id": list("aaab"), "ds": [1, 2, 5, 1], "y": 1.0})
    >>> table = SortedTable(table_from_frame(frame, DataConfig()))
    >>> steps_between_lines(table, parse_frequency("1")).tolist()
    [1, 3, -1]
    """
    gaps = table.time_gaps
    if frequency.kind in ("fixed", "integer"):
        # Rounded: a day of local time may have 23 or 25 hours.
        return np.where(
            gaps <= 0, np.minimum(gaps, 0), (gaps + frequency.size // 2) // frequency.size
        )
    out = np.full(len(gaps), -1, dtype="int64")
    inside = np.flatnonzero(gaps > 0)
    out[inside] = frequency.steps(table.time[inside], table.time[inside + 1])
    out[gaps == 0] = 0
    return out


def find_missing_steps(table: SortedTable, steps: Ints, n_steps: int) -> Finding | None:
    """Count the steps between lines of a series that the file lacks.

    steps: (N - 1,) of `steps_between_lines`; n_steps: steps of all series together.
    """
    holes = np.flatnonzero(steps > 1)
    if len(holes) == 0:
        return None
    lacking = int((steps[holes] - 1).sum())
    series = len(np.unique(table.members[holes]))
    i = table.first_in_file(holes)
    longest = int(steps[holes].max()) - 1
    name = table.member_name(table.member_index[i])
    return Finding(
        NoteKind.MISSING_STEPS,
        "note",
        f"{lacking:,} of {plural(n_steps, 'step')} {'is' if lacking == 1 else 'are'} not in the "
        f"file ({percentage(lacking, n_steps)}): {plural(len(holes), 'gap')} in "
        f"{plural(series, 'series', 'series')}, the longest of {longest:,}; "
        f"{'taken as 0' if table.file_table.gaps == 'zero' else 'masked'}",
        lacking,
        f"{name} after {table.format_time(i)} ({table.location(i)})",
    )


def find_mixed_frequencies(table: SortedTable, steps: Ints, frequency: Frequency) -> Finding | None:
    """Count the series whose own step is always longer than that of the panel."""
    if len(table.starts) < 2 or len(steps) == 0:
        return None
    inside = np.append(steps > 0, False)
    own_or_huge = np.where(inside, np.append(steps, 0), np.iinfo("int64").max)
    smallest = np.minimum.reduceat(own_or_huge, table.starts)
    n = np.add.reduceat(inside.astype("int64"), table.starts)
    slow = np.flatnonzero((smallest > 1) & (n >= FEWEST_GAPS))
    if len(slow) == 0:
        return None
    m = slow[0]
    return Finding(
        "mixed frequencies",
        "warning",
        f"{len(slow):,} of {len(table.starts):,} series never have two lines one step "
        f"({frequency.alias}) apart: most of their steps will be missing",
        len(slow),
        f"{table.member_name(m)}, every {smallest[m]:,} steps",
        "train on them separately, from a file of their own",
    )


def finer_step(table: SortedTable) -> str | None:
    """Find a step finer than the commonest one on which every line lies.

    Returns a frequency for `data.freq`; None where the commonest step fits all lines, or where the
    step would be shorter than a 60th of it.
    """
    gaps = table.time_gaps[table.time_gaps > 0]
    if len(gaps) == 0:
        return None
    sizes, counts = np.unique(gaps, return_counts=True)
    commonest, divisor = int(sizes[counts.argmax()]), int(np.gcd.reduce(sizes))
    if divisor == commonest or _FINEST * divisor < commonest:
        return None
    return fixed_alias(divisor) if table.has_timestamps else str(divisor)


def describe_no_grid(table: SortedTable) -> str | None:
    """Say that the times lie on no regular grid, and how to put the values on one; None elsewhere.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.reading.read import table_from_frame
    >>> ds = pd.Timestamp("2024-01-01") + pd.to_timedelta([0, 7, 18, 25, 43, 51, 67], unit="min")
    >>> frame = pd.DataFrame({"unique_id": "a", "ds": ds, "y": 1.0})
    >>> describe_no_grid(SortedTable(table_from_frame(frame, DataConfig()))).split(":")[0]
    'the times lie on no regular grid'
    """
    gaps = table.time_gaps[table.time_gaps > 0]
    if not table.has_timestamps or len(gaps) == 0:
        return None
    sizes, counts = np.unique(gaps, return_counts=True)
    commonest = int(sizes[counts.argmax()])
    if (gaps % commonest == 0).mean() > _FEW_ON_GRID:
        return None
    low, middle, high = (int(np.quantile(gaps, q)) for q in (0, 0.5, 1))
    step = min(_ROUND_STEPS, key=lambda name: abs(np.log(_ROUND_STEPS[name] / middle)))
    return (
        f"the times lie on no regular grid: steps between lines range from {_duration(low)} to "
        f"{_duration(high)}, half of them {_duration(middle)} or less; put the values on a grid "
        f"first, such as by `.resample({step!r}).mean()` of pandas for each series"
    )


def _duration(microseconds: int) -> str:
    for unit, size in (("days", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if microseconds >= 2 * size:
            return f"{microseconds / size:.3g} {unit}"
    return f"{microseconds / _SECOND:.3g} s"
