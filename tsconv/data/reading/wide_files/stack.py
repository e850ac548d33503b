"""Wide files: a column for each series, or for each row of a family, stacked into long form."""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np

from tsconv.data.reading.id_columns import NO_ID_COLUMNS
from tsconv.data.reading.table import Table
from tsconv.data.timestamps.frequency import Times


def stack_wide(table: Table, wide: str) -> Table:
    """The table with each of its targets as a series or a row of its own; wide: series or rows.

    The columns beside the targets are covariates of all of them. The files' lines come as often as
    there are targets: `SourceLocations` starts again at the first line after the last.
    """
    count, lines = table.n_targets, len(table.codes)
    each = np.repeat(np.arange(count), lines)
    beside = np.tile(table.values[:, count:], (count, 1))
    parts = {name: getattr(table, name) for name in ("past", "future", "static")}
    targets = table.channels[:count]
    long = dataclasses.replace(
        table,
        time=cast(Times, np.tile(table.time, count)),
        values=np.column_stack([table.values[:, :count].T.reshape(-1, 1), beside]),
        channels=("y", *table.channels[count:]),
        **{name: part and part.tile(count) for name, part in parts.items()},
    )
    if wide == "series":
        return dataclasses.replace(long, ids=targets, codes=each, id_columns=NO_ID_COLUMNS)
    return dataclasses.replace(
        long, codes=np.tile(table.codes, count), rows=targets, row_codes=each
    )
