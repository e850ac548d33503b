"""What a backtest does beside scoring a bundle: networks trained anew, statistical models."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tsconv.backtest.backtest import (
    Backtest,
    Observer,
    backtest_panel,
    baselines_of,
    scale_ends,
)
from tsconv.backtest.origins import BacktestOrigins
from tsconv.config.schema import BacktestConfig, DataConfig
from tsconv.data.panel.panel import Panel
from tsconv.data.reading.table import Table
from tsconv.errors import require_positive
from tsconv.evaluation.scoring import training_scale
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.forecasting.intervals.calibrators import quantiles_wanted
from tsconv.forecasting.intervals.wanted import Wanted

if TYPE_CHECKING:
    from tsconv.backtest.refits.refits import Refit
    from tsconv.backtest.refits.trainings import Trainings
    from tsconv.backtest.statistical.scores import StatisticalScores

Notify = Callable[[str], None]
_STATISTICAL = "backtest.statistical_stride"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Further:
    """What is asked for beside scoring a bundle; by default nothing.

    refit_every: steps from one training to the next, by `trainings`. statistical_stride: origins
    from one fit of statistical models to the next. notify: is called with what takes long, before
    it begins and as it goes on.
    """

    refit_every: int | None = None
    trainings: Trainings | None = None
    statistical_stride: int | None = None
    notify: Notify | None = None


def further_of(
    config: BacktestConfig, bundle: Bundle, data: DataConfig, notify: Notify | None
) -> Further:
    """What a config asks for; raises ConfigError where the run folder or a package is missing."""
    every, trainings = config.backtest.refit_every, None
    if every is not None:
        from tsconv.backtest.refits.trainings import trainings_of

        trainings = trainings_of(config.bundle, data, config.data.get("freq") or bundle.freq)
    stride = config.backtest.statistical_stride
    if stride is not None:
        from tsconv.backtest.statistical.models import require_statsforecast

        require_positive(**{_STATISTICAL: stride})
        require_statsforecast(_STATISTICAL)
    return Further(refit_every=every, trainings=trainings, statistical_stride=stride, notify=notify)


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
    statistical: StatisticalScores | None = None
    wanted: Wanted | None = None

    def score(self, observers: Sequence[Observer]) -> Backtest:
        """Score every origin; see `backtest_panel`."""
        if self.statistical is not None:
            observers = [*observers, self.statistical]
        if self.refits is None or self.further.trainings is None:
            return backtest_panel(
                self.bundle, self.panel, self.origins, self.horizon, observers, self.wanted
            )
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
            self.wanted,
        )

    def figures(self) -> dict[str, Any]:
        """What metrics.json says beside the figures of the backtest."""
        found: dict[str, Any] = {}
        if self.statistical is not None:
            found["statistical"] = self.statistical.figures()
        if self.refits is not None and self.further.refit_every is not None:
            from tsconv.backtest.refits.refits import refit_figures

            found["refits"] = refit_figures(self.refits, self.further.refit_every, self.panel)
        return found


def prepare_scoring(scoring: Scoring, whole: Table, has_start: bool) -> Scoring:
    """Do what comes before the first forecast: the trainings, and telling what fits will take.

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
    if further.statistical_stride is None:
        return scoring
    statistical = _statistical(scoring, further.statistical_stride)
    statistical.tell_cost()
    return dataclasses.replace(scoring, statistical=statistical)


def _statistical(scoring: Scoring, every: int) -> StatisticalScores:
    from tsconv.backtest.statistical.models import statistical_models
    from tsconv.backtest.statistical.scores import StatisticalScores

    bundle, panel, origins = scoring.bundle, scoring.panel, scoring.origins
    judged = origins.held_out if int(origins.held_out.counts.sum()) > 0 else origins.seen
    rival = bundle.info.get("rival")
    return StatisticalScores(
        panel,
        judged,
        every,
        scoring.horizon,
        bundle.season,
        training_scale(panel, scale_ends(bundle, panel, origins), bundle.season),
        quantiles_wanted(bundle.net, scoring.wanted),
        statistical_models(bundle.season),
        rival if rival in [b.key for b in baselines_of(bundle, panel)] else None,
        scoring.further.notify,
    )
