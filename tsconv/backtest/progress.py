"""How a backtest shows its progress: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm

from tsconv.backtest.origins import BacktestOrigins
from tsconv.evaluation.scoring import ScoredBatch


class BacktestProgress:
    """A bar of origins with their throughput, on standard error; use it as a context."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def start(self, origins: BacktestOrigins) -> BacktestProgress:
        """Begin with no origin done."""
        self._bar = tqdm(
            total=int(origins.every.counts.sum()),
            desc="backtest",
            unit="origin",
            unit_scale=True,
            mininterval=0.5,
            dynamic_ncols=True,
            disable=not sys.stderr.isatty(),
        )
        return self

    def __call__(self, scored: ScoredBatch) -> None:
        """Count a batch that was scored."""
        if self._bar is not None:
            self._bar.update(int(scored.forecasts.batch.valid.sum()))

    def __enter__(self) -> BacktestProgress:
        return self

    def __exit__(self, *args: object) -> None:
        if self._bar is not None:
            self._bar.close()
