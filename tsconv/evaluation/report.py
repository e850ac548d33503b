"""metrics.json: the figures of a network on each part, with simple forecasts beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

from tsconv.calibration.calibrator import Calibrator
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.split import Split
from tsconv.data.panel.panel import Panel
from tsconv.distributed.ranks import Ranks
from tsconv.evaluation.metrics import MetricSums, SeriesScale
from tsconv.evaluation.rivals import SEASONAL_NAIVE, Baseline, find_rival
from tsconv.evaluation.scoring import ScoredBatch, evaluate
from tsconv.model.ensemble import Network


class CalibrationFit(Protocol):
    """What is fitted to the errors of the validation part, see forecasting/intervals/fit.py."""

    @property
    def plain(self) -> Calibrator:
        """What is done to forecasts before."""

    def observer(self, origins: OriginRange) -> Callable[[ScoredBatch], None]:
        """What is to see each batch of the validation part."""

    def fitted(self, ranks: Ranks) -> Calibrator:
        """What is done to forecasts from then on, on every rank."""


def score(
    net: Network,
    panel: Panel,
    split: Split,
    scale: SeriesScale,
    baselines: Sequence[Baseline],
    parts: Sequence[str] = ("val", "test"),
    ranks: Ranks | None = None,
    fit: CalibrationFit | None = None,
) -> dict[str, Any]:
    """The `parts` as metrics.json has them, None where one is empty, and which baseline is best.

    That is the rival: the one with the lowest error on the validation part; where there is none,
    on the test part. fit: makes the calibrator of the test part from the validation part, which is
    scored without it.
    """
    out: dict[str, Any] = {}
    ranks, calibrator = ranks or Ranks.alone(), None if fit is None else fit.plain
    for name in parts:
        origins: OriginRange | None = getattr(split, name)
        if origins is None or int(origins.counts.sum()) == 0:
            out[name] = None
            continue
        fits = name == "val" and fit is not None
        ours, simple = evaluate(
            net,
            panel,
            origins,
            scale,
            baselines,
            ranks,
            calibrator=calibrator,
            observers=(fit.observer(origins),) if fit is not None and fits else (),
        )
        if fit is not None and fits:
            calibrator = fit.fitted(ranks)
        out[name] = {
            **by_part(ours, panel),
            "mase_left_out": ours.mase_left_out,
            "origin_stride": origins.stride,
            "baselines": {key: by_part(sums, panel) for key, sums in simple.items()},
        }
        out.setdefault("spread_ratio", spread_ratio(scale, ours))
        out.setdefault("n_scored", int(ours.scored.sum()))
    return {**out, **_rival(out, baselines)}


def _rival(parts: dict[str, Any], baselines: Sequence[Baseline]) -> dict[str, Any]:
    """The keys of metrics.json that say what the baselines are, and which is the rival."""
    steps = {baseline.key: baseline.steps for baseline in baselines}
    rival, chosen_on = None, None
    for name in ("val", "test"):
        if rival is None and parts.get(name) is not None:
            rival, chosen_on = find_rival(parts[name]["baselines"]), name
    seasonal = rival is not None and rival.startswith(SEASONAL_NAIVE)
    return {
        "rival": rival,
        "rival_season": steps[rival] if rival is not None and seasonal else None,
        "rival_chosen_on": chosen_on if rival is not None else None,
        "baseline_steps": steps,
    }


def spread_ratio(scale: SeriesScale, sums: MetricSums) -> float | None:
    """How many times the largest spreads of what is scored exceed the smallest, but for outliers.

    Between the 5% and the 95% quantile of the training deviations; None where nothing has a spread.
    """
    spreads = scale.std[(scale.std > 0) & sums.scored]
    if len(spreads) == 0:
        return None
    low, high = (
        torch.quantile(spreads, q, interpolation=how)
        for q, how in ((0.05, "lower"), (0.95, "higher"))
    )
    return float(high / low)


def by_part(sums: MetricSums, panel: Panel) -> dict[str, Any]:
    """All metrics over everything, then `by_channel` and `by_row` where there are several."""
    out: dict[str, Any] = sums.result()
    if len(panel.targets) > 1:
        out["by_channel"] = dict(zip(panel.targets, sums.by_target(), strict=True))
    if panel.rows:
        out["by_row"] = dict(zip(panel.rows, sums.by_row(), strict=True))
    return out
