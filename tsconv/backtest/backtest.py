"""A backtest in memory: a bundle, a panel and origins in; figures of every origin out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tsconv.backtest.origins import BacktestOrigins
from tsconv.calibration.calibrator import Calibrator
from tsconv.data.batches.common_grid import common_grid
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel
from tsconv.errors import DataError
from tsconv.evaluation.metrics import MetricSums, SeriesScale
from tsconv.evaluation.revisions import Revisions
from tsconv.evaluation.rivals import Baseline, choose_baselines, find_rival
from tsconv.evaluation.scoring import ScoredBatch, evaluate, training_scale
from tsconv.evaluation.step_errors import StepErrors
from tsconv.evaluation.training_ends import steps_until
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.forecasting.intervals.calibrators import bundle_calibrator
from tsconv.forecasting.intervals.wanted import Wanted
from tsconv.forecasting.match import training_row_index

Observer = Callable[[ScoredBatch], None]


@dataclasses.dataclass(frozen=True)
class Part:
    """The figures of some of the origins."""

    origins: OriginRange
    ours: MetricSums
    simple: dict[str, MetricSums]  # by the key of the baseline
    steps: StepErrors
    revisions: Revisions

    def add(self, other: Part) -> None:
        """Add the figures of other origins, in place; `origins` stays as it is."""
        self.ours.add_sums(other.ours)
        for key, sums in other.simple.items():
            self.simple[key].add_sums(sums)
        self.steps.add(other.steps)
        self.revisions.add(other.revisions)


@dataclasses.dataclass(frozen=True)
class Backtest:
    """What every origin said; once scored, at least one of `seen` and `held_out` is there."""

    bundle: Bundle
    panel: Panel
    origins: BacktestOrigins
    horizon: int
    scale: SeriesScale
    baselines: tuple[Baseline, ...]
    rival: str | None  # the key of the baseline to compare with
    seen: Part | None  # origins of which the training has used a target
    held_out: Part | None  # the others
    wanted: Wanted  # levels, calibration and point forecast
    calibrator: Calibrator  # of the bundle and the panel

    @property
    def knows_training(self) -> bool:
        """Whether the bundle says what its training has used; those of early versions do not."""
        return self.bundle.info.get("seen_until") is not None

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The levels of the forecasts that were scored."""
        return self.calibrator.quantiles

    @property
    def parts(self) -> list[Part]:
        """Those that there are, in the order of time."""
        return [part for part in (self.seen, self.held_out) if part is not None]

    @property
    def judged(self) -> Part:
        """The part that tells how good forecasts are: what the training has not seen, if any."""
        return self.parts[-1]

    @property
    def overall(self) -> tuple[MetricSums, dict[str, MetricSums]]:
        """The sums of all origins: the network's, and each baseline's by its key."""
        first, *rest = self.parts
        if not rest:
            return first.ours, first.simple
        return joined([p.ours for p in self.parts]), {
            key: joined([p.simple[key] for p in self.parts]) for key in first.simple
        }


def backtest_panel(
    bundle: Bundle,
    panel: Panel,
    origins: BacktestOrigins,
    horizon: int,
    observers: Sequence[Observer] = (),
    wanted: Wanted | None = None,
) -> Backtest:
    """Score every origin by one dense pass, beside the baselines of the bundle.

    panel: encoded as the bundle's network takes it. horizon: steps, at most the network's.
    observers: called with each batch of forecasts, those that the training has seen first. wanted:
    of the forecasts; None: as the bundle has it. Raises DataError where nothing is observed behind
    any origin.
    """
    blank = unscored(bundle, panel, origins, horizon, wanted)
    parts = [
        None if int(part.counts.sum()) == 0 else score_part(blank, bundle, panel, part, observers)
        for part in (origins.seen, origins.held_out)
    ]
    return with_parts(blank, *parts)


def unscored(
    bundle: Bundle,
    panel: Panel,
    origins: BacktestOrigins,
    horizon: int,
    wanted: Wanted | None = None,
) -> Backtest:
    """A backtest that has its scale, its baselines and its rival, and no part yet.

    The arguments are those of `backtest_panel`.
    """
    scale = training_scale(panel, scale_ends(bundle, panel, origins), bundle.season)
    baselines = baselines_of(bundle, panel)
    rival = bundle.info.get("rival")
    rival = rival if rival in [b.key for b in baselines] else None
    if rival is None:  # of an old bundle, or nothing was held out from its training
        rival = _best_baseline(bundle, panel, origins, horizon, scale, baselines)
    wanted = wanted or Wanted()
    calibrator = bundle_calibrator(bundle, panel, wanted)
    fixed = (bundle, panel, origins, horizon, scale, baselines, rival)
    return Backtest(*fixed, None, None, wanted, calibrator)


def with_parts(blank: Backtest, seen: Part | None, held_out: Part | None) -> Backtest:
    """The backtest with its parts; raises DataError where nothing was observed behind any origin.

    A part in which nothing was observed is left out.
    """
    scored = [p if p is not None and bool(p.ours.scored.any()) else None for p in (seen, held_out)]
    if all(part is None for part in scored):
        raise DataError(
            f"nothing is observed within {blank.horizon} steps behind any of the "
            f"{int(blank.origins.every.counts.sum()):,} origins: set an earlier `start` or a later "
            f"`last`"
        )
    return dataclasses.replace(blank, seen=scored[0], held_out=scored[1])


def joined(sums: Sequence[MetricSums]) -> MetricSums:
    """The sums of several parts as one."""
    first = sums[0]
    horizon = first.sums["points"].shape[-1] if first.by_step else None
    whole = MetricSums(first.scale, first.quantiles, horizon)
    for one in sums:
        whole.add_sums(one)
    return whole


def scale_ends(bundle: Bundle, panel: Panel, origins: BacktestOrigins) -> Tensor:
    """(S,) steps of each series that its scale is made of: its training part.

    Of a series that the training did not have, the steps up to its first origin.
    """
    trained = steps_until(bundle.info.get("trained_until"), panel)
    return torch.where(trained > 0, trained, origins.every.first + 1)


def baselines_of(bundle: Bundle, panel: Panel) -> tuple[Baseline, ...]:
    """The simple forecasts that the bundle was scored beside."""
    steps = bundle.info.get("baseline_steps")
    if steps:
        return tuple(Baseline(str(key), int(n)) for key, n in steps.items())
    typical = int(panel.lengths.max())
    context = bundle.net.spec.context_length
    return choose_baselines(bundle.season, panel.frequency.seasons, context, typical)


def _best_baseline(
    bundle: Bundle,
    panel: Panel,
    origins: BacktestOrigins,
    horizon: int,
    scale: SeriesScale,
    baselines: Sequence[Baseline],
) -> str | None:
    row_index = training_row_index(bundle, panel)
    _, simple = evaluate(
        bundle.net, panel, origins.every, scale, baselines, horizon=horizon, row_index=row_index
    )
    return find_rival({key: sums.result() for key, sums in simple.items()})


def score_part(
    backtest: Backtest,
    bundle: Bundle,
    panel: Panel,
    origins: OriginRange,
    observers: Sequence[Observer],
) -> Part:
    """The figures of some origins, on the scale and beside the baselines of a backtest.

    bundle, panel: those that forecast, the backtest's or others of the same series, rows, targets
    and quantiles. observers: see `backtest_panel`.
    """
    net, scale, baselines = bundle.net, backtest.scale, backtest.baselines
    rival, horizon = backtest.rival, backtest.horizon
    calibrator = backtest.calibrator
    if bundle is not backtest.bundle or panel is not backtest.panel:
        calibrator = bundle_calibrator(bundle, panel, backtest.wanted)
    keys = tuple(baseline.key for baseline in baselines)
    later = common_grid(panel)[1]
    steps = StepErrors(panel, scale, calibrator.quantiles, keys, rival, horizon, later)
    revisions = Revisions(scale)
    ours, simple = evaluate(
        net,
        panel,
        origins,
        scale,
        baselines,
        horizon=horizon,
        row_index=training_row_index(bundle, panel),
        calibrator=calibrator,
        by_step=True,
        observers=(steps, revisions, *observers),
    )
    return Part(origins, ours, simple, steps, revisions)
