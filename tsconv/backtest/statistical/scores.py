"""Statistical models scored at some origins, beside the network at the same points."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tsconv.backtest.chance import chance_figures
from tsconv.backtest.statistical.models import (
    NAMES,
    Model,
    filled,
    forecasts_of,
    longest_history,
)
from tsconv.data.batches.common_grid import common_grid
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel
from tsconv.evaluation.metrics import MetricSums, SeriesScale
from tsconv.evaluation.observations import Observations
from tsconv.evaluation.scoring import ScoredBatch
from tsconv.evaluation.significance import compare, overlap_of
from tsconv.text import format_seconds

_TRIED = 3  # fits that the cost is told from
_BETWEEN = 15.0  # seconds from one line of progress to the next


class StatisticalScores:
    """An observer of a backtest that fits models at every so many-th origin and scores them there.

    Args:
        panel: that is scored.
        origins: of it, those that tell how good forecasts are.
        every: origins from one fit to the next. All series are fitted at the same dates.
        horizon: steps of each forecast.
        season: in steps.
        scale, quantiles: of the network's figures.
        models: by their key in metrics.json.
        rival: the key of the simple forecast that is scored at the same points; None for none.
        notify: is called with what it will take, and as it goes on.
    """

    def __init__(
        self,
        panel: Panel,
        origins: OriginRange,
        every: int,
        horizon: int,
        season: int,
        scale: SeriesScale,
        quantiles: tuple[float, ...],
        models: Mapping[str, Model],
        rival: str | None = None,
        notify: Callable[[str], None] | None = None,
    ) -> None:
        self.panel, self.origins, self.models = panel, origins, models
        self.horizon, self.season, self.rival = horizon, season, rival
        self.stride, self.history = every * origins.stride, longest_history(season)
        self.notify = notify or (lambda _: None)
        self.later = torch.from_numpy(common_grid(panel)[1])
        some = origins.counts > 0
        self.anchor = int((origins.first + self.later)[some].min())
        final = int((origins.last + self.later)[some].max())
        n_dates = (final - self.anchor) // self.stride + 1
        self.inverse = torch.where(scale.std > 0, 1 / scale.std, 0)  # (S, T, H)
        self.ours = MetricSums(scale, quantiles)
        others = (*models, *([rival] if rival is not None else []))
        self.others = {key: MetricSums(scale, (0.5,)) for key in others}
        self.differential = {key: torch.zeros(n_dates, dtype=torch.float64) for key in models}
        self.pairs = torch.zeros(n_dates, dtype=torch.float64)
        self.refused = dict.fromkeys(models, 0)
        self.done, self.seconds, self._told = 0, 0.0, time.perf_counter()

    @property
    def total(self) -> int:
        """Histories that models are fitted to, if every one has a value behind it."""
        members = len(self.panel.targets) * self.panel.n_rows
        return members * sum(len(range(*self._steps(s))) for s in range(len(self.panel)))

    def tell_cost(self) -> None:
        """Fit the models to a few histories, and tell how long all of them will take.

        Fits are compiled on the way, so that the scored ones do not wait for that.
        """
        places = [(s, t) for s in range(len(self.panel)) for t in range(*self._steps(s))]
        taken = []
        for s, t in [places[0], *places[:: max(1, len(places) // _TRIED)][:_TRIED]]:
            begun = time.perf_counter()
            self._forecasts(s, t, 0, 0)
            taken.append(time.perf_counter() - begun)
        each = sum(taken[1:]) / len(taken[1:])  # the first one is compiled
        names = " and ".join(NAMES.get(key, key) for key in self.models)
        self.notify(
            f"{names} at every {self.stride} steps: {self.total:,} fits of each, to at most "
            f"{self.history:,} steps, about {each:.2g} s for both, "
            f"{format_seconds(each * self.total)}"
        )
        self._told = time.perf_counter()

    def _steps(self, s: int) -> tuple[int, int, int]:
        """The origins of a series that are fitted, as `range` takes them."""
        first, last, shift = (
            int(v[s]) for v in (self.origins.first, self.origins.last, self.later)
        )
        first += (self.anchor - shift - first) % self.stride
        return first, last + 1, self.stride

    def __call__(self, scored: ScoredBatch) -> None:
        """Fit and score the origins of a batch that are among those chosen."""
        found = scored.forecasts
        series, seen = found.batch.series.cpu(), found.observed
        n_origins = found.usable.shape[-1]
        step = found.batch.first.cpu()[:, None] + found.stride * torch.arange(n_origins)  # (B, O)
        within = (step >= self.origins.first[series, None]) & (
            step <= self.origins.last[series, None]
        )
        at = step + self.later[series, None] - self.anchor
        picked = within & (at % self.stride == 0)
        mask = seen.mask.cpu() & picked[:, None, None, :, None]
        if not bool(mask.any()):
            return
        begun = time.perf_counter()
        offset = torch.as_tensor(seen.offset).cpu().expand(*mask.shape[:3], 1, 1)
        values = {key: torch.zeros(mask.shape, dtype=torch.float64) for key in self.models}
        for b, c, h, o in mask.any(-1).nonzero().tolist():
            one = self._forecasts(int(series[b]), int(step[b, o]), c, h)
            for key, (forecast, refused) in one.items():
                values[key][b, c, h, o] = torch.from_numpy(forecast) - offset[b, c, h, 0]
                self.refused[key] += refused
            self.done += 1
            self._tell_progress(begun)
        self.seconds += time.perf_counter() - begun
        if self.rival is not None:
            values[self.rival] = scored.simple[self.rival].cpu()
        observed = Observations(seen.values.cpu(), mask, series, offset)
        levels = [level.cpu() for level in found.levels]
        self.ours.add(levels, observed)
        for key, value in values.items():
            self.others[key].add([value], observed)
        self._add_differentials(levels[self.ours.middle], values, observed, at)

    def _forecasts(self, s: int, t: int, c: int, h: int) -> dict[str, Any]:
        past = filled(self.panel.series(s)[: t + 1, c, h].cpu().double().numpy())[-self.history :]
        if len(past) == 0:  # before the first value, which only the cost is told from
            past = np.zeros(1)
        return forecasts_of(self.models, past, self.horizon)

    def _add_differentials(
        self, median: Tensor, values: dict[str, Tensor], seen: Observations, at: Tensor
    ) -> None:
        """By date, as the test of chance takes them; at: (B, O) steps from the first date."""
        count = seen.mask.sum(-1)  # (B, T, H, O)
        inverse = self.inverse[seen.series].unsqueeze(-1)
        counted = (count > 0) & (inverse > 0)
        date = (at // self.stride).clamp(0, len(self.pairs) - 1).flatten()
        ours = seen.error(median).abs().sum(-1)
        for key, into in self.differential.items():
            further = (ours - seen.error(values[key]).abs().sum(-1)) / count * inverse
            total = torch.where(counted, further, 0).sum((1, 2))  # (B, O)
            into.index_add_(0, date, total.flatten().double())
        self.pairs.index_add_(0, date, counted.sum((1, 2)).flatten().double())

    def _tell_progress(self, begun: float) -> None:
        now = time.perf_counter()
        if now - self._told >= _BETWEEN and self.done < self.total:
            self._told = now
            spent = self.seconds + now - begun
            left = spent / self.done * (self.total - self.done)
            self.notify(f"{self.done:,} of {self.total:,} fits done; {format_seconds(left)} left")

    def figures(self) -> dict[str, Any]:
        """What metrics.json says of the models: plain values, None where one is not defined.

        `tsconv` and `baselines` are scored at the same points; `chance` is that of a difference as
        large as the network's to each model where both forecast equally well.
        """
        overlap, chance = overlap_of(self.horizon, self.stride), {}
        for key, total in self.differential.items():
            mean = (total / self.pairs).numpy()
            chance[key] = chance_figures(compare(mean, overlap, self.pairs.numpy()))
        return {
            "stride": self.stride,
            "n_origins": self.ours.result()["n_origins"],
            "season": self.season,
            "longest_history": self.history,
            "seconds": round(self.seconds, 3),
            "refused": self.refused,
            "tsconv": self.ours.result(),
            "baselines": {key: sums.result() for key, sums in self.others.items()},
            "chance": chance,
        }
