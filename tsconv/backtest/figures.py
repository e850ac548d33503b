"""The figures of a backtest: metrics.json and its tables, as plain values and DataFrames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

from tsconv.backtest.backtest import Backtest, Part
from tsconv.backtest.chance import (
    chance_against,
    chance_figures,
    p_values_by_series,
    p_values_by_step,
)
from tsconv.backtest.covariates.categories import by_category
from tsconv.data.batches.common_grid import common_grid, common_steps
from tsconv.data.panel.format_time import format_zoned_time
from tsconv.data.panel.panel import Panel
from tsconv.data.timestamps.zones import zoned
from tsconv.evaluation.metrics import Figures, MetricSums
from tsconv.evaluation.report import by_part, spread_ratio
from tsconv.evaluation.rivals import SEASONAL_NAIVE
from tsconv.output.remarks import has_unlike_sizes


def metrics_of(backtest: Backtest) -> dict[str, Any]:
    """What metrics.json holds of a backtest: plain values, None where a figure is not defined."""
    ours, simple = backtest.overall
    part, steps = backtest.judged, {b.key: b.steps for b in backtest.baselines}
    rival, ratio = backtest.rival, spread_ratio(backtest.scale, backtest.judged.ours)
    unlike = len(backtest.panel.targets) > 1 or has_unlike_sizes({"spread_ratio": ratio})
    seasonal = rival is not None and rival.startswith(SEASONAL_NAIVE)
    return {
        "overall": _figures(ours, simple, backtest.panel, _revision(backtest.parts)),
        "seen": _figures_of(backtest.seen, backtest.panel),
        "held_out": _figures_of(backtest.held_out, backtest.panel),
        "judged": "overall" if len(backtest.parts) == 1 else "held_out",
        "knows_training": backtest.knows_training,
        "n_scored": int(part.ours.scored.sum()),
        "compared_by": "scaled_mae" if unlike else "mae",
        "rival": rival,
        "rival_season": steps[rival] if rival is not None and seasonal else None,
        "baseline_steps": steps,
        "freq": backtest.bundle.freq,
        "chance": {key: chance_figures(chance_against(backtest, key)) for key in simple},
        "quantile_coverage": dict(
            zip(map(str, part.ours.quantiles), part.ours.quantile_coverage(), strict=True)
        ),
        "by_category": by_category(backtest),
        "left_out": left_out(ours),
        "origins": _range(backtest),
    }


def left_out(sums: MetricSums) -> dict[str, int]:
    """How many series have no figure, since they have nothing to divide by.

    `mase`, `rmsse`: those that hardly change in the training part; `scaled`: those without a spread
    there; `wape`: those that were 0 throughout.
    """
    scored, scale = sums.scored, sums.scale
    empty = scored & (sums.sums["observed"].sum(-1) == 0)
    return {
        "mase": sums.mase_left_out,
        "rmsse": int((scored & ~(scale.naive_square > 0)).sum()),
        "scaled": int((scored & ~(scale.std > 0)).sum()),
        "wape": int(empty.sum()),
    }


def by_horizon_frame(backtest: Backtest) -> pd.DataFrame:
    """One line for each step of the horizon: all metrics over all origins, and each baseline's MAE.

    `held_out_*`: the same of the origins that the training has not seen; `p_value`: whether the
    difference to the rival is more than chance, over those.
    """
    ours, simple = backtest.overall
    frame = _frame(ours, "step")
    frame.insert(0, "step", np.arange(1, backtest.horizon + 1))
    for key, sums in simple.items():
        frame[f"{key}_mae"] = _frame(sums, "step")["mae"]
    if backtest.held_out is not None and backtest.seen is not None:
        held = backtest.held_out
        unseen = _frame(held.ours, "step")
        for name in ("mae", "bias", "coverage_80"):
            frame[f"held_out_{name}"] = unseen[name]
        if backtest.rival is not None:
            other = _frame(held.simple[backtest.rival], "step")
            frame[f"held_out_{backtest.rival}_mae"] = other["mae"]
    frame["p_value"] = p_values_by_step(backtest)
    return frame


def by_series_frame(backtest: Backtest) -> pd.DataFrame:
    """One line for each series, row and channel that was scored, with all metrics over all origins.

    Columns `unique_id[, row][, channel]`, the metrics, `revision`, each baseline's MAE, and whether
    the difference to the rival is more than chance, over the origins that are judged.
    """
    ours, simple = backtest.overall
    panel, kept = backtest.panel, ours.scored.flatten().numpy()
    s, c, h = np.nonzero(ours.scored.numpy())
    frame = pd.DataFrame({"unique_id": np.array(panel.ids, dtype=object)[s]})
    if panel.rows:
        frame["row"] = np.array(panel.rows, dtype=object)[h]
    if panel.rows or len(panel.targets) > 1:
        frame["channel"] = np.array(panel.targets, dtype=object)[c]
    figures = _frame(ours, "series", "target", "row")[kept].reset_index(drop=True)
    figures["revision"] = _revisions_by_series(backtest.parts).numpy().ravel()[kept]
    for key, sums in simple.items():
        other = _frame(sums, "series", "target", "row")["mae"][kept]
        figures[f"{key}_mae"] = other.to_numpy()
    figures["p_value"] = p_values_by_series(backtest).ravel()[kept]
    return pd.concat([frame, figures], axis=1)


def over_time_frame(backtest: Backtest) -> pd.DataFrame:
    """One line for each time that was forecast: the mean errors of all forecasts for it.

    Errors are in units of each series' training deviation where there are several, so that none
    drowns the others; of series without a spread nothing counts then. `coverage` is that of the 80%
    interval, or of the widest.
    """
    panel = backtest.panel
    many = int(backtest.judged.ours.scored.sum()) > 1
    std = backtest.scale.std
    weight = torch.where(std > 0, 1 / std, 0) if many else torch.ones_like(std)
    weight = weight.repeat_interleave(panel.lengths.cpu(), dim=0)  # (N, T, H)
    time = common_steps(panel)
    sums = {name: _zeros(time) for name in ("points", "ours", "rival", "inside")}
    for part in backtest.parts:
        for name, total in sums.items():
            value = part.steps.by_target[name].double()  # (N, T, H)
            each = value * (weight if name in ("ours", "rival") else (weight > 0))
            total.index_add_(0, time, each.flatten(1).sum(1))
    points = sums["points"].numpy()
    some = np.flatnonzero(points > 0)
    times = panel.frequency.advance(common_grid(panel)[0].repeat(len(some)), some)
    frame = pd.DataFrame({"ds": zoned(times, panel), "n": points[some].astype("int64")})
    frame["mae"] = (sums["ours"].numpy() / points.clip(1))[some]
    if backtest.rival is not None:
        frame[f"{backtest.rival}_mae"] = (sums["rival"].numpy() / points.clip(1))[some]
    if backtest.judged.steps.interval is not None:
        frame["coverage"] = (sums["inside"].numpy() / points.clip(1))[some]
    return frame


def _zeros(time: torch.Tensor) -> torch.Tensor:
    return torch.zeros(int(time.max()) + 1, dtype=torch.float64)


def _frame(sums: MetricSums, *keep: str) -> pd.DataFrame:
    """The figures of each place on the axes kept, NaN where one is not defined."""
    columns = sums.columns(*keep)
    frame = pd.DataFrame({name: v.numpy() for name, v in columns.items()})
    frame = frame.replace([np.inf, -np.inf], np.nan)
    return frame.astype({"n_origins": "int64"})


def _figures_of(part: Part | None, panel: Panel) -> dict[str, Any] | None:
    if part is None:
        return None
    return _figures(part.ours, part.simple, panel, _revision([part]))


def _figures(
    ours: MetricSums, simple: dict[str, MetricSums], panel: Panel, revision: float | None
) -> dict[str, Any]:
    whole: Figures = by_part(ours, panel)
    baselines = {key: by_part(sums, panel) for key, sums in simple.items()}
    return {**whole, "revision": revision, "baselines": baselines}


def _revision(parts: list[Part]) -> float | None:
    total = sum(float(part.revisions.total.sum()) for part in parts)
    count = sum(float(part.revisions.count.sum()) for part in parts)
    return total / count if count else None


def _revisions_by_series(parts: list[Part]) -> torch.Tensor:
    total = torch.stack([part.revisions.total for part in parts]).sum(0)
    count = torch.stack([part.revisions.count for part in parts]).sum(0)
    return total / count


def _range(backtest: Backtest) -> dict[str, Any]:
    """The first and last origin, the stride, and the first one that the training has not seen."""
    panel, every = backtest.panel, backtest.origins.every

    def time_of(steps: torch.Tensor, some: torch.Tensor, last: bool) -> str | None:
        at = torch.nonzero(some).flatten().numpy()
        if len(at) == 0:
            return None
        times = panel.frequency.advance(panel.start[at], steps[some].numpy())
        chosen = int(times.argmax() if last else times.argmin())
        return format_zoned_time(times[[chosen]], panel)

    held = backtest.origins.held_out
    final = every.first + (every.counts - 1) * every.stride
    return {
        "first": time_of(every.first, every.counts > 0, last=False),
        "last": time_of(final, every.counts > 0, last=True),
        "stride": every.stride,
        "held_out_from": time_of(held.first, held.counts > 0, last=False),
    }
