"""Fits the intervals of a network to its validation errors, while these are scored."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from tsconv.calibration.calibrator import Calibrator
from tsconv.calibration.conformal import Calibration, fit_calibration
from tsconv.calibration.dependence import DependenceCollector
from tsconv.calibration.error_scores import ScoreCollector, scores_at, thinning
from tsconv.calibration.templates import template_count, template_origins
from tsconv.calibration.value_range import ValueRange
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel
from tsconv.distributed.ranks import Ranks
from tsconv.evaluation.scoring import DenseForecasts, ScoredBatch
from tsconv.forecasting.intervals.calibrators import network_calibrator
from tsconv.model.ensemble import Network

# Origins of all series after the training part, of more of which `auto` takes no adaptive widths:
# these need a pass over all of them, once to score the test part and in each forecast.
MOST_ADAPTED = 5_000_000


class IntervalFit:
    """Calibration and dependence of a network's errors, from one pass over its validation part.

    It is what `tsconv.evaluation.report.score` takes as `fit`; `found` is the calibration then.

    Args:
        net: trained, one network or several.
        panel: of the training, as the network takes it.
        kind: auto, none, split or adaptive.
        train_end: (S,) the steps of each training part.
        season: steps, whose phases are all to count.
        point: median or mean.
        value_range: of the panel's forecasts.
    """

    def __init__(
        self,
        net: Network,
        panel: Panel,
        kind: str,
        train_end: Tensor,
        season: int = 1,
        point: str = "median",
        value_range: ValueRange | None = None,
    ) -> None:
        self.net, self.panel, self.kind, self.train_end = net, panel, kind, train_end
        self.season, self.point, self.value_range = season, point, value_range
        self.found: Calibration | None = None
        self.plain = self._made(None)  # what is done to forecasts before the fit

    def _made(self, calibration: Calibration | None) -> Calibrator:
        return network_calibrator(
            self.net,
            self.panel,
            calibration=calibration,
            point=self.point,
            trained_until=lambda: self.train_end,
            value_range=self.value_range,
        )

    def observer(self, origins: OriginRange) -> Callable[[ScoredBatch], None]:
        """What collects the errors of each batch of the validation part."""
        panel, horizon = self.panel, self.net.spec.horizon
        shape = (len(panel), len(panel.targets), panel.n_rows)
        knots, whole = self.plain.knots, self.plain.whole
        every = thinning(origins, shape, horizon, self.season)
        self._scores = ScoreCollector(knots, shape, every, whole)
        self._templates = template_origins(panel, origins, template_count(panel, horizon))
        self._dependence = DependenceCollector(self._templates, shape[1], shape[2], horizon)
        self._has_levels = len(knots) > 1
        begin = origins.first

        def collect(scored: ScoredBatch) -> None:
            found, batch = scored.forecasts, scored.forecasts.batch
            if not self._has_levels:
                return
            self._scores.add(
                found.knots,
                found.observed.values,
                found.observed.mask,
                batch.series,
                batch.first,
                found.stride,
                batch.valid[:, :: found.stride],
                begin.to(batch.series.device)[batch.series],
            )
            self._add_templates(found)

        return collect

    def _add_templates(self, found: DenseForecasts) -> None:
        """Give the scores of the template origins of a batch to the dependence."""
        batch, stride, seen = found.batch, found.stride, found.observed
        device = batch.series.device
        step = batch.first[:, None] + stride * torch.arange(found.usable.shape[3], device=device)
        wanted = self._templates.to(device)[batch.series]  # (B, N)
        at = (wanted - batch.first[:, None]) // stride
        inside = (wanted >= 0) & (at >= 0) & (at < step.shape[1])
        is_template = torch.zeros_like(step, dtype=torch.bool)
        line = torch.arange(len(wanted), device=device)[:, None].expand_as(at)
        is_template[line[inside], at[inside]] = True
        b, o = is_template.nonzero(as_tuple=True)
        if len(b) == 0:
            return
        knots, whole = self.plain.knots, self.plain.whole
        z, _ = scores_at(
            found.knots, knots, seen.values, seen.mask, batch.series, step, (b, o), whole
        )
        self._dependence.add(batch.series[b], step[b, o], 1, z.unsqueeze(3))

    def fitted(self, ranks: Ranks) -> Calibrator:
        """Fit to what all ranks have seen; the calibrator of the panel, on every rank."""
        parts = ranks.gather(self._scores.collected())
        errors = ranks.broadcast(None if parts is None else self._scores.joined(parts))
        ranks.sum_(self._dependence.tensors())
        panel = self.panel
        if self._has_levels:
            later = int((panel.lengths.cpu() - self.train_end).clamp_min(0).sum())
            adapts = later * len(panel.targets) * panel.n_rows <= MOST_ADAPTED
            found = fit_calibration(errors, self.kind, panel.ids, panel.targets, panel.rows, adapts)
            if found is not None:
                found = dataclasses.replace(found, dependence=self._dependence.finish())
            self.found = found
        return self._made(self.found)
