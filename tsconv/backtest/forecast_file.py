"""The forecasts of a backtest as a Parquet file, written batch by batch at constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from tsconv.atomic_write import replace_file
from tsconv.backtest.backtest import Observer
from tsconv.backtest.components import ComponentSizes
from tsconv.data.panel.panel import Panel
from tsconv.data.timestamps.zones import zoned
from tsconv.evaluation.scoring import ScoredBatch
from tsconv.forecasting.finite import require_finite
from tsconv.forecasting.frame import quantile_columns


@contextmanager
def forecast_file(
    path: Path,
    panel: Panel,
    quantiles: tuple[float, ...],
    components: ComponentSizes | None = None,
) -> Iterator[Observer]:
    """Yield an observer that writes each batch; the file is there when the block ends, or not.

    One line for each forecast step: `unique_id[, row][, channel], ds, cutoff, y, tsconv,
    tsconv-lo-80, ...`, as Nixtla's cross-validation frames are; `y` is missing where nothing was
    observed. components: what computes those of each batch before, for a column each. Raises
    OSError where the file cannot be written.
    """
    with replace_file(path) as temporary:
        lines = _Lines(panel, quantiles, components)
        writer: pq.ParquetWriter | None = None
        try:

            def write(scored: ScoredBatch) -> None:
                nonlocal writer
                table = lines.table(scored)
                if table.num_rows == 0:
                    return
                if writer is None:
                    writer = pq.ParquetWriter(temporary, table.schema, compression="zstd")
                writer.write_table(table)

            yield write
        finally:
            if writer is not None:
                writer.close()


class _Lines:
    def __init__(
        self, panel: Panel, quantiles: tuple[float, ...], components: ComponentSizes | None
    ) -> None:
        self.panel, self.columns = panel, quantile_columns(quantiles)
        self.components = components
        self.has_channel = bool(panel.rows) or len(panel.targets) > 1
        self.names = {
            "unique_id": pa.array(panel.ids, pa.string()),
            "row": pa.array(panel.rows, pa.string()),
            "channel": pa.array(panel.targets, pa.string()),
        }

    def table(self, scored: ScoredBatch) -> pa.Table:
        """The lines of a batch, of usable origins alone, series by series and origin by origin."""
        found = scored.forecasts
        usable = found.usable.permute(0, 3, 2, 1).cpu()  # (B, O, H, T)
        b, o, h, c = (v.numpy() for v in usable.nonzero(as_tuple=True))
        horizon = found.levels[0].shape[-1]

        def lines(v: torch.Tensor) -> np.ndarray[Any, Any]:  # (B, T, H, O, J) -> (lines,)
            return v.permute(0, 3, 2, 1, 4).cpu()[usable].double().flatten().numpy()

        series = found.batch.series.cpu().numpy()[b]
        origin = found.batch.first.cpu().numpy()[b] + found.stride * o
        steps = origin[:, None] + np.arange(1, horizon + 1)
        begin = self.panel.start[series]
        advance = self.panel.frequency.advance
        ds = advance(begin.repeat(horizon), steps.ravel())
        cutoff = advance(begin, origin).repeat(horizon)
        columns = {"unique_id": self._named("unique_id", series, horizon)}
        if self.panel.rows:
            columns["row"] = self._named("row", h, horizon)
        if self.has_channel:
            columns["channel"] = self._named("channel", c, horizon)
        offset = found.observed.offset.expand(*found.levels[0].shape[:3], 1, 1)
        columns["ds"], columns["cutoff"] = (pa.array(zoned(v, self.panel)) for v in (ds, cutoff))
        y = torch.where(found.observed.mask, found.observed.values, torch.nan) + offset
        columns["y"] = pa.array(lines(y), from_pandas=True)
        for name, q in self.columns.items():
            shown = found.point if name == "tsconv" else found.levels[q]
            columns[name] = pa.array(lines(shown.double() + offset))
        if self.components is not None:
            for name, part in self.components.latest.items():
                columns[f"tsconv-{name}"] = pa.array(lines(part))
        forecasts = [*columns][[*columns].index("y") + 1 :]
        keys = {name: column for name, column in columns.items() if name not in (*forecasts, "y")}
        require_finite({name: columns[name].to_numpy() for name in forecasts}, keys)
        return pa.table(columns)

    def _named(self, name: str, codes: Any, horizon: int) -> pa.Array:
        index = pa.array(codes.repeat(horizon).astype("int32"))
        return pa.DictionaryArray.from_arrays(index, self.names[name]).cast(pa.string())
