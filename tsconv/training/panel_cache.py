"""What the trainings of one process share: panels, scales, choices of compilation, and ranks."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from torch import Tensor

from tsconv.config.schema import TrainConfig
from tsconv.data.cache.open_panel import open_panel
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.table import Table
from tsconv.distributed.rank_pool import RankPool
from tsconv.errors import ConfigError
from tsconv.evaluation.metrics import SeriesScale
from tsconv.evaluation.scoring import training_scale
from tsconv.training.prepare import Prepared, check_config, prepare
from tsconv.training.step.compile_cache import CompileCache

# Keys of `data` that only batches, and the range of forecasts, use.
_NOT_OF_PANEL = ("origins_per_chunk", "chunks_per_batch", "lower", "upper")
Notify = Callable[[str], None]


class PanelCache:
    """Reads a file once for each way of reading it, and keeps the scales of its series.

    compile_cache: what earlier trainings with this cache chose to compile. rank_pool: the processes
    of several devices; `close` ends them.
    """

    def __init__(self) -> None:
        self.compile_cache = CompileCache()
        self.rank_pool = RankPool()
        self._panels: dict[str, Panel] = {}
        self._scales: dict[Any, SeriesScale] = {}

    def __enter__(self) -> PanelCache:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes of further devices."""
        self.rank_pool.close()

    def prepare(
        self, config: TrainConfig, table: Table | None = None, notify: Notify | None = None
    ) -> Prepared:
        """Return `prepare(config, panel)` for the panel of the config.

        `table` takes the place of `config.data.path` for data that are already in memory. notify:
        is called with each line on the files in which a panel is kept. Raises TsconvError where the
        config or the data are at fault; the config is looked at first.
        """
        config = check_config(config)
        panel = self.panel(config, table, notify)

        def scale(part: Panel, train_end: Tensor, season: int) -> SeriesScale:
            """The scale of the panel, or of the first steps of it that the config keeps."""
            if not any(panel is kept for kept in self._panels.values()):
                return training_scale(part, train_end, season)
            key = (id(panel), *train_end.tolist(), season)
            if key not in self._scales:
                self._scales[key] = training_scale(part, train_end, season)
            return self._scales[key]

        return prepare(config, panel, scale)

    def panel(
        self, config: TrainConfig, table: Table | None = None, notify: Notify | None = None
    ) -> Panel:
        """Return the panel of a config, read once for each way of reading; the last two are kept.

        `table` and `notify` as in `prepare`; the panel of a table is not kept.
        """
        if table is not None:
            return build_panel(table, config.data.freq)
        if config.data.path is None:
            raise ConfigError("`data.path` must be given, e.g. data.path=sales.csv")
        data = dataclasses.asdict(config.data)
        key = json.dumps({k: v for k, v in data.items() if k not in _NOT_OF_PANEL}, default=str)
        if key not in self._panels:
            for old in list(self._panels)[:-1]:
                del self._panels[old]
            self._panels[key] = open_panel(config.data, notify)
            self._scales.clear()
        return self._panels[key]
