"""The content of a report as one dict of plain values; docs/report-schema.md says what it holds."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tsconv.backtest.rival_words import rival_words
from tsconv.backtest.run import BacktestResult
from tsconv.backtest.summary import remarks, verdict
from tsconv.data.batches.common_grid import common_grid
from tsconv.evaluation.significance import adjusted
from tsconv.report.content.cards import cards_of
from tsconv.report.content.common_times import common_times, time_texts
from tsconv.report.content.components import components_content
from tsconv.report.content.marks import marks_of
from tsconv.report.content.series import Coming, Place, plain, series_content

_MOST_DRAWN = 1000  # series that a report can draw
_MOST_LISTED = 10_000  # series in its table
_MOST_POINTS = 400  # of the error over time
_FEW = 6  # panels of so few series show all of them in full


@dataclasses.dataclass(frozen=True)
class About:
    """What a report says of itself beside the figures."""

    title: str
    made_by: str  # backtest, train or forecast
    fine_print: tuple[tuple[str, str], ...]  # label and value
    command: str  # that repeats it
    warnings: tuple[str, ...] = ()


def report_content(
    result: BacktestResult, about: About, coming: Coming | None = None
) -> dict[str, Any]:
    """Everything that a report shows, as plain JSON values.

    coming: the forecasts of what is to come, None where there are none.
    """
    backtest, metrics = result.backtest, result.metrics
    ours = metrics[metrics["judged"]]
    listed = _by_series(result)
    places = [entry.pop("place") for entry in listed]
    featured = _featured(listed)
    drawn = _drawn(listed, featured)
    number = {i: n for n, i in enumerate(drawn)}
    for i, entry in enumerate(listed):
        entry["series"] = number.get(i)
    full = sorted({number[i] for i in featured.values()}) if featured else []
    if len(drawn) <= _FEW:
        full = list(range(len(drawn)))
    times = common_times(backtest.panel, *_shown_steps(result, [places[i] for i in drawn], full))
    left_out = len(places) - len(drawn)
    thinned = [f"Drawn are {len(drawn):,} of {len(places):,} series."] if left_out else []
    return {
        "schema": 1,
        "title": about.title,
        "made_by": about.made_by,
        "created": time.strftime("%Y-%m-%d %H:%M"),
        "verdict": _sentence(verdict(metrics)),
        "warnings": [*about.warnings, *map(_sentence, remarks(metrics)), *thinned],
        "horizon": backtest.horizon,
        "freq": backtest.bundle.freq,
        "season": backtest.bundle.season,
        "quantiles": list(backtest.quantiles),
        "cards": cards_of(backtest, metrics),
        "rivals": [
            {
                "key": b.key,
                "name": rival_words(b.key, b.steps, backtest.bundle.freq),
                "is_rival": b.key == metrics["rival"],
            }
            for b in backtest.baselines
        ],
        "overall": {k: v for k, v in ours.items() if k not in ("by_channel", "by_row")},
        "by_horizon": _by_horizon(result),
        "by_series": listed,
        "over_time": _over_time(result),
        "marks": marks_of(backtest),
        "coverage": [
            {
                "nominal": size / 100,
                "observed": ours[f"coverage_{size}"],
                "width": ours[f"width_{size}"],
                "width_rival": None,
            }
            for size in backtest.judged.ours.intervals
        ],
        "quantile_coverage": [
            {"level": level, "observed": share}
            for level, share in zip(
                backtest.quantiles,
                backtest.judged.ours.quantile_coverage(),
                strict=True,
            )
        ]
        if len(backtest.quantiles) > 1
        else [],
        "categories": [
            {**entry, "category": entry["category"] or "(none)"} for entry in metrics["by_category"]
        ],
        "components": components_content(result, [places[i] for i in drawn], full),
        "importance": metrics.get("importance", []),
        "times": times.texts,
        "series": series_content(backtest, [places[i] for i in drawn], full, coming, times),
        "featured": {k: number[i] for k, i in featured.items()} if featured else None,
        "fine_print": [{"label": label, "value": value} for label, value in about.fine_print],
        "command": about.command,
    }


def _sentence(text: str) -> str:
    """With a capital at the beginning and a period at the end."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _by_series(result: BacktestResult) -> list[dict[str, Any]]:
    """A dict for each series, row and channel that was judged, with its `place` in the panel."""
    backtest, rival = result.backtest, result.metrics["rival"]
    panel, ours = backtest.panel, backtest.judged.ours
    scored = ours.scored
    kept = scored.flatten()
    figures = {k: v[kept].numpy() for k, v in ours.columns("series", "target", "row").items()}
    others = None
    if rival is not None:
        simple = backtest.judged.simple[rival].columns("series", "target", "row")
        others = simple["mae"][kept].numpy()
    every = np.full(scored.shape, np.nan)
    every[backtest.overall[0].scored.numpy()] = result.by_series["p_value"]
    p_values = adjusted(every[scored.numpy()])
    out = []
    for i, (s, c, h) in enumerate(scored.nonzero().tolist()[:_MOST_LISTED]):
        mae = float(figures["mae"][i])
        theirs = None if others is None else _known(others[i])
        out.append(
            {
                "place": (s, c, h),
                "name": panel.name(s, c, h),
                "id": panel.ids[s],
                "row": panel.rows[h] if panel.rows else None,
                "channel": panel.targets[c] if len(panel.targets) > 1 else None,
                "n_origins": int(figures["n_origins"][i]),
                "mae": _known(mae),
                "rival_mae": theirs,
                "skill": 1 - mae / theirs if theirs else None,
                "mase": _known(figures["mase"][i]),
                "bias": _known(figures["bias"][i]),
                "coverage_80": _known(figures["coverage_80"][i]),
                "p": _known(p_values[i]),
            }
        )
    return out


def _known(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None


def _featured(listed: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Positions of the best, the median and the worst series by skill; in order without a rival."""
    order = [i for i, entry in enumerate(listed) if entry["skill"] is not None]
    order.sort(key=lambda i: -listed[i]["skill"])
    if not order:
        order = [i for i, entry in enumerate(listed) if entry["mae"] is not None]
    if not order:
        return {}
    return {"best": order[0], "median": order[(len(order) - 1) // 2], "worst": order[-1]}


def _drawn(listed: Sequence[dict[str, Any]], featured: dict[str, int]) -> list[int]:
    """Positions of the series that are drawn: all, or some at even distances and the featured."""
    if len(listed) <= _MOST_DRAWN:
        return list(range(len(listed)))
    some = np.linspace(0, len(listed) - 1, _MOST_DRAWN - 3).round().astype(int).tolist()
    return sorted({*some, *featured.values()})


def _shown_steps(
    result: BacktestResult, places: Sequence[Place], full: Sequence[int]
) -> tuple[int, int]:
    """The first and last step of the common grid that a report shows."""
    backtest = result.backtest
    panel, horizon = backtest.panel, backtest.horizon
    later, lengths = common_grid(panel)[1], panel.lengths.cpu().numpy()
    of = sorted({s for s, _, _ in places})
    last = int((later + lengths)[of].max()) - 1 + horizon
    season = max(backtest.bundle.season, horizon)
    origins = backtest.judged.origins
    begin = (later + origins.first.numpy())[[places[i][0] for i in full] or of]
    first = int(begin.min()) - 4 * season
    return max(0, first, last - 20_000), last


def _by_horizon(result: BacktestResult) -> list[dict[str, Any]]:
    backtest, rival = result.backtest, result.metrics["rival"]
    part = backtest.judged
    ours = part.ours.reduced("step")
    simple = {key: sums.columns("step")["mae"].tolist() for key, sums in part.simple.items()}
    p_values = adjusted(result.by_horizon["p_value"].to_numpy())
    out = []
    for i, figures in enumerate(ours):
        theirs = simple[rival][i] if rival is not None else None
        mae = figures["mae"]
        better = None if mae is None or theirs is None else bool(mae < theirs)
        out.append(
            {
                "step": i + 1,
                "mae": mae,
                "coverage_80": figures["coverage_80"],
                "bias": figures["bias"],
                "rivals": {key: _known(values[i]) for key, values in simple.items()},
                "p": _known(p_values[i]),
                "better": better,
            }
        )
    return out


def _over_time(result: BacktestResult) -> dict[str, list[Any]]:
    """The error by the time that was forecast, in up to 400 groups of times side by side."""
    frame, rival = result.over_time, result.metrics["rival"]
    panel = result.backtest.panel
    group = np.arange(len(frame)) // max(1, -(-len(frame) // _MOST_POINTS))
    n = frame["n"].groupby(group).sum()

    def mean(name: str) -> list[float | None]:
        return plain(((frame[name] * frame["n"]).groupby(group).sum() / n).to_numpy())

    first = frame["ds"].groupby(group).first()
    if getattr(first.dtype, "tz", None) is not None:
        first = first.dt.tz_localize(None)
    times: Any = first.to_numpy()
    times = times.astype("datetime64[us]") if times.dtype.kind == "M" else times
    texts = time_texts(times, dataclasses.replace(panel, time_zone=None))  # on the wall clock
    return {
        "times": texts,
        "mae": mean("mae"),
        "rival": mean(f"{rival}_mae") if rival is not None else [None] * len(n),
        "n": [int(v) for v in n.tolist()],
    }
