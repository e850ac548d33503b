"""The series of a report: their history, the forecast to come, and what was said before."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from tsconv.backtest.backtest import Backtest
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.panel.panel import Panel
from tsconv.evaluation.metrics import interval_levels
from tsconv.evaluation.scoring import dense_forecasts
from tsconv.forecasting.forecast import Forecast
from tsconv.forecasting.match import training_row_index
from tsconv.report.content.common_times import CommonTimes, steps_of_year

_MOST_SAID = 500_000  # forecast values of all series and origins together
_MOST_HISTORY = 400_000  # values of all series together
_FEW = 8  # origins of a series that is not featured

Place = tuple[int, int, int]  # series, target and row


@dataclasses.dataclass(frozen=True)
class Coming:
    """The forecasts to come."""

    forecast: Forecast

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Their levels."""
        return self.forecast.quantiles


def shown_levels(quantiles: Sequence[float]) -> list[int]:
    """Positions of the levels that a report draws: the median and the ends of one interval.

    >>> shown_levels((0.05, 0.1, 0.5, 0.9, 0.95)), shown_levels((0.5,))
    ([1, 2, 3], [0])
    """
    found = interval_levels(quantiles)
    middle = list(quantiles).index(0.5)
    if not found:
        return [middle]
    low, high = found[80] if 80 in found else next(iter(found.values()))
    return [low, middle, high]


def series_content(
    backtest: Backtest,
    places: Sequence[Place],
    featured: Sequence[int],
    coming: Coming | None,
    times: CommonTimes,
) -> list[dict[str, Any]]:
    """What a report has of each place, in order.

    featured: positions in `places` of those that get a long history and every origin, as far as
    there is room. times: where indices begin; what lies before it is left out.
    """
    panel, horizon = backtest.panel, backtest.horizon
    room = _MOST_HISTORY // max(1, len(places))
    said = said_before(backtest, places, featured, times)
    ahead = {} if coming is None else _coming(coming, panel)
    out = []
    for i, (s, c, h) in enumerate(places):
        length = int(panel.lengths[s])
        kept = length if i in featured else min(length, max(room, 2 * horizon))
        begin = max(length - kept, times.first - int(times.later[s]))
        values = panel.series(s)[begin:, c, h].cpu().numpy()
        shift = int(times.later[s]) - times.first
        forecast = ahead.get((s, c, h))
        origin = length - 1 if forecast is None else forecast[0]
        out.append(
            {
                "name": panel.name(s, c, h),
                "id": panel.ids[s],
                "row": panel.rows[h] if panel.rows else None,
                "channel": panel.channels[c] if len(panel.targets) > 1 else None,
                "first": begin + shift,
                "history": plain(values),
                "origin": origin + shift,
                "coming": None if forecast is None else forecast[1],
                "year_before": _year_before(backtest, (s, c, h), origin),
                "said": said.get(i),
            }
        )
    return out


def plain(values: Any) -> list[float | None]:
    """Numbers with 6 significant digits, None where one is missing.

    >>> plain(np.array([1.23456789, np.nan]))
    [1.23457, None]
    """
    return [None if v != v else float(f"{v:.6g}") for v in np.asarray(values).tolist()]


def _coming(coming: Coming, panel: Panel) -> dict[Place, tuple[int, dict[str, list[Any]]]]:
    forecast, found = coming.forecast, {}
    levels = shown_levels(coming.quantiles)
    for i, s in enumerate(forecast.series.tolist()):
        for c, h in forecast.has_forecast[i].nonzero().tolist():
            fan = {
                str(coming.quantiles[q]): plain(forecast.values[i, c, h, :, q].numpy())
                for q in levels
            }
            found[(s, c, h)] = (int(forecast.origin[i]), fan)
    return found


def _year_before(backtest: Backtest, place: Place, origin: int) -> dict[str, Any] | None:
    year = steps_of_year(backtest.panel.frequency, backtest.bundle.season)
    if year is None or origin + 1 < year[0]:
        return None
    s, c, h = place
    at = origin + 1 + np.arange(backtest.horizon) - year[0]
    series = backtest.panel.series(s)[:, c, h].cpu().numpy()
    inside = (at >= 0) & (at < len(series))
    values = np.where(inside, series[at.clip(0, len(series) - 1)], np.nan)
    return {"label": year[1], "values": plain(values)} if not np.isnan(values).all() else None


def said_before(
    backtest: Backtest, places: Sequence[Place], featured: Sequence[int], times: CommonTimes
) -> dict[int, dict[str, Any]]:
    """By position in `places`: the forecasts of many origins, the latest as far as there is room.

    Featured ones have origin after origin; the others a few, spread over those that are judged.
    """
    origins, horizon = backtest.judged.origins, backtest.horizon
    each = horizon * len(shown_levels(backtest.quantiles))
    counts, last = origins.counts, origins.first + (origins.counts - 1) * origins.stride
    main = list(featured)
    others = [i for i in range(len(places)) if i not in set(featured)]
    few = max(1, min(_FEW, _MOST_SAID // 2 // max(1, len(others)) // each))
    most = max(1, _MOST_SAID // 2 // max(1, len(main)) // each)
    # The latest origins of what is featured, each a stride after the one before.
    latest = last - (counts.clamp_max(most) - 1) * origins.stride
    spread = max(1, -(-int(counts.max()) // few)) * origins.stride
    found: dict[int, dict[str, Any]] = {}
    for chosen, begin, stride in ((main, latest, origins.stride), (others, origins.first, spread)):
        begin = begin + (last - begin) % stride  # so that the last origin is among them
        series = {places[i][0] for i in chosen}
        none = torch.tensor([s not in series for s in range(len(counts))])
        part = OriginRange(torch.where(none, last + 1, begin), last, origins.end, stride)
        if int(part.counts.sum()) > 0:
            found |= _collect(backtest, part, {places[i]: i for i in chosen}, times)
    return found


def _collect(
    backtest: Backtest, origins: OriginRange, at: Mapping[Place, int], times: CommonTimes
) -> dict[int, dict[str, Any]]:
    """The forecasts of a range of origins, for some places, by the number that `at` gives them."""
    bundle, panel = backtest.bundle, backtest.panel
    quantiles = backtest.quantiles
    levels = shown_levels(quantiles)
    of_series: dict[int, list[Place]] = {}
    for place in at:
        of_series.setdefault(place[0], []).append(place)
    found: dict[int, dict[str, Any]] = {}
    row_index = training_row_index(bundle, panel)
    batches = dense_forecasts(
        bundle.net,
        panel,
        origins,
        horizon=backtest.horizon,
        row_index=row_index,
        calibrator=backtest.calibrator,
    )
    for batch in batches:
        offset = batch.observed.offset
        for b, s in enumerate(batch.batch.series.tolist()):
            for place in of_series.get(s, ()):
                _, c, h = place
                usable = batch.usable[b, c, h].cpu().numpy()
                steps = int(batch.batch.first[b]) + batch.stride * np.flatnonzero(usable)
                if len(steps) == 0:
                    continue
                entry = found.setdefault(
                    at[place],
                    {
                        "origins": [],
                        "stride": batch.stride,
                        "levels": {str(quantiles[q]): [] for q in levels},
                    },
                )
                shift = int(times.later[s]) - times.first
                entry["origins"] += (steps + shift).tolist()
                for q in levels:
                    value = (batch.levels[q][b, c, h].double() + offset[b, c, h]).cpu().numpy()
                    entry["levels"][str(quantiles[q])] += [plain(row) for row in value[usable]]
    return found
