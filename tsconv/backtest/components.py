"""Why forecasts were what they were: the size of each component of the median over all origins."""

from __future__ import annotations

import torch
from torch import Tensor

from tsconv.data.panel.panel import Panel
from tsconv.evaluation.scoring import ScoredBatch
from tsconv.forecasting.bundles.bundle import Bundle
from tsconv.forecasting.forecast import batch_components
from tsconv.forecasting.match import training_row_index
from tsconv.model.ensemble import members_of


class ComponentSizes:
    """Sums the absolute size of each component of the median but the level, which has no size.

    An observer of `evaluate`: after each batch of forecasts it computes their components, which are
    then in `latest`: (B, T, H, O, horizon), in the units of the data.

    bundle, panel: as scored. horizon: steps.
    """

    def __init__(self, bundle: Bundle, panel: Panel, horizon: int) -> None:
        self.bundle, self.panel, self.horizon = bundle, panel, horizon
        self.row_index = training_row_index(bundle, panel)
        self.latest: dict[str, Tensor] = {}
        self.sizes: dict[str, float] = {}
        self.count = 0.0

    def __call__(self, scored: ScoredBatch) -> None:
        """Add a batch that was scored."""
        found = scored.forecasts
        self.latest = self._parts(scored)
        usable = found.usable.unsqueeze(-1)
        for name, part in self.latest.items():
            if name == "level":
                continue
            size = torch.where(usable, part.double().abs(), 0).sum()
            self.sizes[name] = self.sizes.get(name, 0.0) + float(size)
        self.count += float(found.usable.sum()) * self.horizon

    def _parts(self, scored: ScoredBatch) -> dict[str, Tensor]:
        found, net = scored.forecasts, self.bundle.net
        members = members_of(net, found.batch.series, self.row_index)
        with torch.inference_mode():
            parts = batch_components(net, self.panel, found.batch, members, self.bundle.season)
        return {k: v[..., :: found.stride, : self.horizon] for k, v in parts.items()}

    def mean_sizes(self) -> dict[str, float]:
        """By component the mean absolute size, in the units of the data."""
        return {name: total / max(1.0, self.count) for name, total in self.sizes.items()}
