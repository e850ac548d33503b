"""Counts: targets that are whole numbers of at least 0, or one line that says which is not."""

from __future__ import annotations

import numpy as np
import torch

from tsconv.data.panel.format_time import format_zoned_time
from tsconv.data.panel.panel import Panel
from tsconv.errors import DataError


def require_counts(panel: Panel, source: str, head: str) -> None:
    """Raise DataError where an observed target is negative or no whole number.

    source: the name of the file, and head: that of the head, for messages. A float such as 3.0 is
    a whole number. Past covariates may be anything.

    >>> import pandas as pd
    >>> from tsconv.config.schema import DataConfig
    >>> from tsconv.data.panel.panel import build_panel
    >>> from tsconv.data.reading.read import table_from_frame
    >>> frame = pd.DataFrame({"unique_id": "a", "ds": range(3), "y": [1.0, 2.0, 4.0]})
    >>> require_counts(build_panel(table_from_frame(frame, DataConfig())), "data", "poisson")
    """
    for c in range(len(panel.targets)):
        count, step, h = 0, 0, 0  # of values that are no counts, and where the first one stands
        for _, steps, _ in panel.blocks():
            column = panel.values[steps, c]  # (n, H)
            wrong = (~column.isnan() & ((column < 0) | (column != column.floor()))).nonzero()
            if count == 0 and len(wrong):
                step, h = steps.start + int(wrong[0, 0]), int(wrong[0, 1])
            count += len(wrong)
        if count == 0:
            continue
        s = int(torch.searchsorted(panel.indptr, step, right=True)) - 1
        time = panel.times(s, np.array([step - int(panel.indptr[s])]))
        value = float(panel.values[step, c, h])
        where = f"`{panel.ids[s]}`" + (f", row `{panel.rows[h]}`" if panel.rows else "")
        more = f" ({count:,} such values)" if count > 1 else ""
        instead = "head=quantile with data.lower=0" if value >= 0 else "head=quantile"
        raise DataError(
            f"{source}: series {where}, `{panel.channels[c]}` at {format_zoned_time(time, panel)}: "
            f"{value:g} is {'negative' if value < 0 else 'no whole number'}{more}, and head={head} "
            f"forecasts counts; set {instead} for such values"
        )
