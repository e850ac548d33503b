"""Files with one series a line and a step a column, such as those of the M4 competition."""

from __future__ import annotations

import itertools
import re

import pandas as pd

from tsconv.check.layouts.records import kind_of
from tsconv.check.suggestions.column_roles.column_names import ID_NAMES, name_rank
from tsconv.check.suggestions.suggestion import NO_SUGGESTION, Suggestion
from tsconv.check.tables.raw_table import RawTable
from tsconv.check.tables.time_formats import time_format_of
from tsconv.config.schema import DataConfig
from tsconv.data.reading.roles import WIDE

_FEWEST_STEPS = 6  # columns that count as steps
_NUMBERED = re.compile(r"[A-Za-z_ ]*?(\d+)")


def suggest_steps(raw_table: RawTable, data: DataConfig) -> Suggestion:
    """Suggest `data.wide_columns_are=steps` where a line is a series and a column a step.

    The columns after those of the id are numbered or headed by times, and hold numbers.

    >>> import pyarrow as pa
    >>> lines = {"id": ["a", "b"], **{f"V{k}": [1.5, 2.5] for k in range(2, 12)}}
    >>> suggest_steps(RawTable.of(pa.table(lines)), DataConfig()).keys
    {'data.wide_columns_are': 'steps', 'data.id': 'id', 'data.time': None}
    """
    if data.wide_columns_are is not None or "steps" not in WIDE:
        return NO_SUGGESTION
    names = raw_table.names
    at = len(names)
    while at > 0 and _may_be_step(raw_table, names[at - 1]):
        at -= 1
    steps = names[at:]
    while steps and not _are_headed(steps):
        steps, at = steps[1:], at + 1
    keys = [n for n in names[:at] if raw_table[n].kind in ("text", "integer")]
    keys = [n for n in keys if not raw_table[n].missing]
    if (
        len(steps) < _FEWEST_STEPS
        or not keys
        or any(raw_table[n].kind == "time" for n in names[:at])
    ):
        return NO_SUGGESTION
    ids = _shortest_key(raw_table, keys)
    if ids is None:
        return NO_SUGGESTION
    why = "a line is a series, a column a step"
    headed = all(kind_of(name.strip()) == "time" for name in steps)
    suggestion = Suggestion.of("data.wide_columns_are", "steps", why)
    suggestion |= Suggestion.of(
        "data.id", ids if len(ids) > 1 else ids[0], "distinguishes the lines"
    )
    time_why = "the headers are the times" if headed else "the steps are numbered"
    suggestion |= Suggestion.of("data.time", None, time_why)
    form = time_format_of(pd.Series(steps)) if headed and data.time_format is None else None
    if isinstance(form, str) and form:
        why = f"headers such as {steps[0]!r}"
        suggestion |= Suggestion.of("data.time_format", form, why)
    if len(keys) < at or len(ids) < at:
        suggestion |= Suggestion.of("data.target", steps, "the columns of steps")
    return suggestion


def _may_be_step(raw_table: RawTable, name: str) -> bool:
    return raw_table[name].numeric or raw_table[name].kind == "empty"


def _are_headed(names: list[str]) -> bool:
    """Whether columns are numbered in steps of one, or headed by times."""
    if all(kind_of(n.strip()) == "time" for n in names):
        return True
    found = [_NUMBERED.fullmatch(n.strip()) for n in names]
    if not all(found):
        return False
    numbers = [int(m[1]) for m in found if m]
    stems = {m[0][: m.start(1) - m.start(0)] for m in found if m}
    return len(stems) == 1 and all(b - a == 1 for a, b in itertools.pairwise(numbers))


def _shortest_key(raw_table: RawTable, names: list[str]) -> list[str] | None:
    """The columns of text, or a number, that no two lines share; None where there are such."""
    texts = [name for name in names if raw_table[name].kind == "text"]
    if texts and not pd.DataFrame({n: raw_table.codes(n) for n in texts}).duplicated().any():
        return texts
    for name in sorted(names, key=lambda n: name_rank(n, ID_NAMES)):
        if raw_table[name].distinct == len(raw_table):
            return [name]
    frame = pd.DataFrame({name: raw_table.codes(name) for name in names})
    return None if frame.duplicated().any() else names
