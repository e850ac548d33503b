"""What a backtest does beside scoring a bundle: networks trained anew, statistical models."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tsconv.backtest.backtest import Backtest, Observer, backtest_panel
from tsconv.backtest.origins import BacktestOrigins
from tsconv.config.schema import BacktestConfig, DataConfig
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.table import Table
from tsconv.forecasting.bundle import Bundle

if TYPE_CHECKING:
    from tsconv.backtest.refits.refits import Refit
    from tsconv.backtest.refits.trainings import Trainings

Notify = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Further:
    """What is asked for beside scoring a bundle; by default nothing.

    refit_every: steps from one training to the next, by `trainings`. notify: is called with what
    takes long, before it begins and as it goes on.
    """

    refit_every: int | None = None
    trainings: Trainings | None = None
    notify: Notify | None = None


def further_of(
    config: BacktestConfig, bundle: Bundle, data: DataConfig, notify: Notify | None
) -> Further:
    """What a config asks for; raises ConfigError where the run folder or a package is missing."""
    every, trainings = config.backtest.refit_every, None
    if every is not None:
        from tsconv.backtest.refits.trainings import trainings_of

        trainings = trainings_of(config.bundle, data, config.data.get("freq") or bundle.freq)
    return Further(every, trainings, notify)


@dataclasses.dataclass(frozen=True)
class Scoring:
    """A backtest that is about to begin: what takes long beside it is known, or done."""

    bundle: Bundle
    panel: Panel
    table: Table  # of the panel
    origins: BacktestOrigins
    horizon: int
    further: Further
    refits: Sequence[Refit] | None = None

    def score(self, observers: Sequence[Observer]) -> Backtest:
        """Score every origin; see `backtest_panel`."""
        if self.refits is None or self.further.trainings is None:
            return backtest_panel(self.bundle, self.panel, self.origins, self.horizon, observers)
        from tsconv.backtest.refits.refits import score_refits

        return score_refits(
            self.refits,
            self.further.trainings,
            self.table,
            self.bundle,
            self.panel,
            self.origins,
            self.horizon,
            observers,
        )

    def figures(self) -> dict[str, Any]:
        """What metrics.json says beside the figures of the backtest."""
        found = {}
        if self.refits is not None and self.further.refit_every is not None:
            from tsconv.backtest.refits.refits import refit_figures

            found["refits"] = refit_figures(self.refits, self.further.refit_every, self.panel)
        return found


def prepare_scoring(scoring: Scoring, whole: Table, has_start: bool) -> Scoring:
    """Do what comes before the first forecast: the trainings.

    whole: the table with all series, which are trained on. has_start: whether the origins begin at
    a `start` that was given. Raises what `train_refits` and `refit_origins` raise.
    """
    further = scoring.further
    if further.trainings is not None and further.refit_every is not None:
        from tsconv.backtest.refits.refits import refit_origins, train_refits

        origins = refit_origins(scoring.origins, has_start)
        refits = train_refits(
            further.trainings,
            whole,
            scoring.panel,
            origins.every,
            further.refit_every,
            further.notify,
        )
        scoring = dataclasses.replace(scoring, origins=origins, refits=refits)
    return scoring
