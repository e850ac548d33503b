"""Sample reports for the page: believable content of each kind, as docs/report-schema.md says."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.helpers.report_parts import (
    cards,
    category,
    components,
    daily_values,
    days,
    hours,
    mark,
    over_time,
    series,
    series_row,
    step_row,
)

Report = dict[str, Any]

VERDICT = (
    "29% closer than the value a week before, over 11,428 forecasts that the training had not "
    "seen; the 80% intervals held 81%."
)
EVIL_NAMES = (
    "</script><b>x</b>",
    "=cmd()",
    "\"double\" 'single' `back`",
    "🚲 bike hire, Zürich 北京",
    "a very long name that goes on and on " * 5,
    "<img src=x onerror=alert(1)>",
    "{{data}} ${1+1} &amp;",
    "no_spaces_" * 20,
)


def hourly_report() -> Report:
    """One hourly series with seasons of a day and a week and with holidays."""
    rng = np.random.default_rng(0)
    steps, horizon = 24 * 90, 48
    times = hours("2025-10-01 00:00", steps + horizon)
    hour = np.arange(steps + horizon)
    day = 9000 + 2400 * np.sin((hour % 24 - 8) / 24 * 2 * np.pi)
    week = np.where((hour // 24 + 2) % 7 >= 5, 0.82, 1.0)
    values = day * week + np.cumsum(rng.normal(0, 25, len(hour))) + rng.normal(0, 160, len(hour))
    values[24 * 85 : 24 * 87] *= 0.8  # Christmas
    report = assembled(
        "load.csv.gz, 48 steps ahead",
        "h",
        24,
        horizon,
        times,
        [series("load", values, steps, horizon, rng, stride=12, origins=60, season=168)],
    )
    report["over_time"] = over_time(times[steps - 400 : steps], rng, 310)
    report["marks"] = [
        mark("2025-12-25 00:00", "holiday", "Christmas Day", "2025-12-26 00:00"),
        mark("2025-12-26 00:00", "holiday", "Boxing Day", "2025-12-27 00:00"),
        mark("2025-12-17 09:00", "gap", "9 hours without values", "2025-12-17 18:00"),
        mark("2025-12-15 00:00", "training", "end of training"),
        mark("2025-12-21 03:00", "clock", "clock change"),
    ]
    names = ["last week", "temperature now", "level", "stack", "time of day", "holiday"]
    shares = [6210.0, 840.0, 512.0, 377.0, 205.0, 64.0]
    report["components"] = components(names, shares, times[steps:], 0, rng)
    report["importance"] = [
        {"name": "temperature", "kind": "covariate", "change": 0.31},
        {"name": "holiday", "kind": "covariate", "change": 0.12},
        {"name": "wind speed", "kind": "covariate", "change": -0.004},
    ]
    report["categories"] = [
        category("holiday", "yes", 240, 512.0, 830.0),
        category("holiday", "no", 10896, 301.0, 423.0),
        category("weekday", "Monday", 1600, 322.0, 470.0),
        category("weekday", "Tuesday", 1600, 290.0, 401.0),
        category("weekday", "Saturday", 1600, 351.0, 344.0),
        category("weekday", "Sunday", 1600, 372.0, 505.0),
    ]
    return report


def panel_report() -> Report:
    """A panel of 12 rows, daily, with gaps."""
    rng = np.random.default_rng(1)
    steps, horizon = 420, 28
    times = days("2024-11-01", steps + horizon)
    found = []
    for i in range(12):
        values = daily_values(rng, steps + horizon, 80 * (i + 1))
        one = series(
            f"shop {i + 1:02d}", values, steps, horizon, rng, stride=1, origins=40, season=7
        )
        one.update(id="sales", row=f"shop {i + 1:02d}", channel="sold pieces")
        start = 100 + 20 * i
        one["history"][start : start + 9] = [None] * 9
        found.append(one)
    report = assembled("sales.csv, 28 steps ahead", "D", 7, horizon, times, found)
    report["warnings"] = ["The intervals of 3 shops rest on fewer than 50 forecasts each."]
    report["over_time"] = over_time(times[steps - 90 : steps], rng, 21)
    report["over_time"]["mae"][30:36] = report["over_time"]["rival"][30:36] = [None] * 6
    report["marks"] = [
        mark(times[steps - 60], "gap", "no values of 4 shops", times[steps - 54]),
        mark(times[steps - 85], "training", "end of training"),
        mark(times[steps - 7], "holiday", "Christmas Day"),
    ]
    report["importance"] = [
        {"name": "price", "kind": "covariate", "change": 0.08},
        {"name": "shop 01", "kind": "row", "change": 0.02},
    ]
    return report


def wide_report(count: int = 1000) -> Report:
    """Many daily series: 400 steps of history, horizon 28, earlier forecasts of each."""
    rng = np.random.default_rng(2)
    steps, horizon = 400, 28
    times = days("2025-01-01", steps)
    found = [
        series(
            f"item {i:04d}",
            daily_values(rng, steps + horizon, rng.uniform(5, 900)),
            steps,
            horizon,
            rng,
            stride=4,
            origins=12,
            season=7,
        )
        for i in range(count)
    ]
    report = assembled("items.parquet, 28 steps ahead", "D", 7, horizon, times, found)
    report["over_time"] = over_time(times[-120:], rng, 40)
    return report


def integer_report() -> Report:
    """Times are integers; a single origin, no rival by step, no interval."""
    rng = np.random.default_rng(3)
    steps, horizon = 160, 12
    times = [str(i) for i in range(1000, 1000 + steps)]
    values = np.sin(np.arange(steps + horizon) / 6) * 0.004 + rng.normal(0, 4e-4, steps + horizon)
    one = series("sensor", values, steps, horizon, rng, stride=12, origins=1, season=None)
    one["coming"] = {"0.5": one["coming"]["0.5"]}
    one["said"]["levels"] = {"0.5": one["said"]["levels"]["0.5"]}
    report = assembled("sensor.txt, 12 steps ahead", "1", None, horizon, times, [one])
    report["coverage"], report["quantile_coverage"] = [], []
    report["over_time"] = over_time(times[-12:], rng, 0.0004)
    return report


def empty_report() -> Report:
    """Null and empty wherever the schema allows it."""
    report = assembled("empty.csv, 3 steps ahead", None, None, 3, [], [])
    for key in (
        "cards",
        "rivals",
        "by_horizon",
        "by_series",
        "marks",
        "coverage",
        "categories",
        "quantile_coverage",
        "importance",
        "fine_print",
        "quantiles",
    ):
        report[key] = []
    report["over_time"] = {"times": [], "mae": [], "rival": [], "n": []}
    report["featured"], report["command"], report["verdict"] = None, "", "No value was scored."
    return report


def null_report() -> Report:
    """Series, steps and rows are there, yet nothing in them is known."""
    report = panel_report()
    for row in report["by_horizon"]:
        row.update(
            mae=None, p=None, better=None, bias=None, rivals={k: None for k in row["rivals"]}
        )
    for row in report["by_series"]:
        row.update({key: None for key in row if key not in ("series", "name", "n_origins")})
    for one in report["series"]:
        one["history"] = [None] * len(one["history"])
        one["said"] = one["coming"] = one["year_before"] = None
    over = report["over_time"]
    over["mae"] = over["rival"] = [None] * len(over["mae"])
    report["coverage"] = [{"nominal": 0.8, "observed": None, "width": None, "width_rival": None}]
    return report


def evil_report() -> Report:
    """Names and texts that would break a careless page."""
    report = panel_report()
    for i, name in enumerate(EVIL_NAMES):
        report["series"][i].update(name=name, row=name, channel=name)
        report["by_series"][i].update(name=name, row=name, channel=name)
    evil = EVIL_NAMES[0]
    report["title"] = f"{evil} {{{{data}}}} & <i>"
    report["verdict"] = f"{evil} is 12% closer."
    report["warnings"] = [evil, *EVIL_NAMES[1:3]]
    report["cards"][0].update(title=evil, value=evil, detail=evil, rival=evil, chance=evil)
    report["rivals"][1]["name"] = EVIL_NAMES[4]
    report["marks"][0]["label"] = evil
    report["categories"] = [category(evil, EVIL_NAMES[4], 5, 2.0, 3.0)]
    report["importance"] = [{"name": evil, "kind": "covariate", "change": 0.1}]
    report["fine_print"] = [{"label": evil, "value": EVIL_NAMES[7]}]
    report["command"] = f"tsconv backtest data='{evil}' " + EVIL_NAMES[7]
    return report


def assembled(
    title: str,
    freq: str | None,
    season: int | None,
    horizon: int,
    times: list[str],
    found: list[dict[str, Any]],
) -> Report:
    """A report around series, with errors that a backtest could have found."""
    rng = np.random.default_rng(9)
    scale = 1.0
    if found:
        scale = float(np.std([v for v in found[0]["history"] if v is not None])) / 4
    rows = [series_row(i, one, rng, scale) for i, one in enumerate(found)]
    order = sorted(range(len(rows)), key=lambda i: rows[i]["skill"])
    featured = (
        {"best": order[-1], "median": order[len(order) // 2], "worst": order[0]} if rows else None
    )
    rivals = [
        {
            "key": "seasonal_naive",
            "name": f"seasonal naive, {7 * (season or 1)} steps",
            "is_rival": True,
        },
        {"key": "naive", "name": "last value", "is_rival": False},
        {"key": "mean", "name": "mean of the last 4 seasons", "is_rival": False},
    ]
    return {
        "schema": 1,
        "title": title,
        "made_by": "backtest",
        "created": "2026-11-26 21:00",
        "verdict": VERDICT,
        "warnings": [],
        "horizon": horizon,
        "freq": freq,
        "season": season,
        "quantiles": [0.1, 0.5, 0.9],
        "cards": cards(scale),
        "rivals": rivals,
        "overall": {
            "mae": scale,
            "rmse": 1.3 * scale,
            "bias": -0.02 * scale,
            "coverage_80": 0.81,
            "n_origins": 60,
            "baselines": {"seasonal_naive": {"mae": 1.4 * scale}},
        },
        "by_horizon": [step_row(s, horizon, scale, rng) for s in range(1, horizon + 1)],
        "by_series": rows,
        "over_time": {"times": [], "mae": [], "rival": [], "n": []},
        "marks": [],
        "coverage": [
            {"nominal": n, "observed": o, "width": w * scale, "width_rival": 1.4 * w * scale}
            for n, o, w in ((0.5, 0.47, 1.6), (0.8, 0.81, 3.1), (0.95, 0.93, 5.0))
        ],
        "quantile_coverage": [
            {"level": q, "observed": o}
            for q, o in ((0.1, 0.09), (0.25, 0.27), (0.5, 0.53), (0.75, 0.76), (0.9, 0.9))
        ],
        "categories": [],
        "components": None,
        "importance": [],
        "times": times,
        "series": found,
        "featured": featured,
        "fine_print": [
            {"label": "Data", "value": f"{title.split(',')[0]}, sha256 ab12cd34ef56, 2,160 rows"},
            {"label": "Origins", "value": "60, every 12 steps, all after the training's end"},
            {"label": "Bundle", "value": "runs/2026-11-26_20-41-07, 81,200 weights, 3 seeds"},
            {"label": "Rival", "value": "the best of 5 simple methods on the validation part"},
            {
                "label": "p values",
                "value": "Diebold and Mariano (1995), long-run variance, two sides",
            },
            {"label": "Versions", "value": "tsconv 0.9.0, torch 2.13.0, Python 3.11"},
        ],
        "command": f"tsconv backtest data={title.split(',')[0]} bundle=runs/first",
    }


SAMPLES = {
    "hourly": hourly_report,
    "panel": panel_report,
    "wide": wide_report,
    "integer": integer_report,
    "empty": empty_report,
    "null": null_report,
    "evil": evil_report,
}
