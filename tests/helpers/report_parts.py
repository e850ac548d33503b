"""Parts of sample reports: cards, forecasts, errors, marks and grids of times."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np


def cards(scale: float) -> list[dict[str, Any]]:
    """The four cards."""
    return [
        {
            "key": "skill",
            "title": "Closer than the rival",
            "value": "29%",
            "detail": "mean absolute error, all steps",
            "rival": "rival: seasonal naive, 168 steps",
            "chance": "chance alone: fewer than 1 of 1,000",
        },
        {
            "key": "error",
            "title": "Typical error",
            "value": f"{scale:,.3g} MW",
            "detail": "mean absolute error; 3.4% of the mean",
            "rival": f"rival: {1.4 * scale:,.3g} MW",
            "chance": None,
        },
        {
            "key": "bias",
            "title": "Bias",
            "value": f"-{0.02 * scale:,.2g} MW",
            "detail": "a little too low on average",
            "rival": f"rival: +{0.05 * scale:,.2g} MW",
            "chance": "p 0.21",
        },
        {
            "key": "coverage",
            "title": "Inside the 80% interval",
            "value": "81%",
            "detail": "of 11,428 values",
            "rival": "rival: 74%",
            "chance": "80% ± 2 points are due to chance",
        },
    ]


def series(
    name: str,
    values: np.ndarray,
    steps: int,
    horizon: int,
    rng: np.random.Generator,
    *,
    stride: int,
    origins: int,
    season: int | None,
) -> dict[str, Any]:
    """A series with a coming forecast and earlier ones; `values` go on past the history."""
    lag = season or 1
    spread = float(np.std(values[lag:] - values[:-lag])) / 2 + 1e-9
    ends = [steps - horizon - stride * i for i in reversed(range(origins))]
    ends = [end for end in ends if end > horizon]
    before = values[steps - season : steps - season + horizon] if season else None
    return {
        "name": name,
        "id": name,
        "row": None,
        "channel": None,
        "first": 0,
        "history": [round(float(v), 4) for v in values[:steps]],
        "origin": steps - 1,
        "coming": fan(values[steps : steps + horizon], spread, rng),
        "year_before": None
        if before is None
        else {
            "label": f"{season} steps before",
            "values": [float(v) for v in before] + [None] * (horizon - len(before)),
        },
        "said": {
            "origins": [end - 1 for end in ends],
            "stride": stride,
            "levels": stacked([fan(values[end : end + horizon], spread, rng) for end in ends]),
        },
    }


def fan(truth: np.ndarray, spread: float, rng: np.random.Generator) -> dict[str, list[float]]:
    """Quantiles around a guess at the truth, wider with each step."""
    wide = spread * np.sqrt(1 + np.arange(len(truth)) / 6)
    middle = (
        truth
        + np.cumsum(rng.normal(0, spread / 9, len(truth)))
        + rng.normal(0, spread / 3, len(truth))
    )
    return {
        q: [float(v) for v in middle + z * wide]
        for q, z in (("0.1", -1.28), ("0.5", 0), ("0.9", 1.28))
    }


def stacked(fans: list[dict[str, list[float]]]) -> dict[str, list[list[float]]]:
    """Fans of several origins, by level."""
    return {q: [one[q] for one in fans] for q in ("0.1", "0.5", "0.9")}


def daily_values(rng: np.random.Generator, steps: int, level: float) -> np.ndarray:
    """Sales of a day with a week's season and a trend."""
    day = np.arange(steps)
    week = np.array([1, 0.9, 0.92, 1.0, 1.2, 1.5, 0.5])[day % 7]
    return np.round(level * week * (1 + 0.0008 * day) + rng.normal(0, level * 0.09, steps), 1)


def step_row(step: int, horizon: int, scale: float, rng: np.random.Generator) -> dict[str, Any]:
    """A step of the horizon; the first two are lost to the rivals."""
    mae = scale * (0.72 + 0.5 * (step / horizon) ** 0.7 + rng.normal(0, 0.01))
    rival = scale * (1.36 + rng.normal(0, 0.02)) if step > 2 else mae * 0.93
    rivals = {
        "seasonal_naive": rival,
        "naive": scale * (0.8 + 1.2 * step / horizon),
        "mean": scale * 1.6,
    }
    return {
        "step": step,
        "mae": mae,
        "coverage_80": 0.8 + rng.normal(0, 0.02),
        "bias": rng.normal(0, scale / 20),
        "rivals": rivals,
        "p": float(min(1.0, rng.exponential(0.01))),
        "better": bool(mae < rival),
    }


def series_row(
    index: int, one: dict[str, Any], rng: np.random.Generator, scale: float
) -> dict[str, Any]:
    """A row of the table of series."""
    skill = float(np.clip(rng.normal(0.25, 0.15), -0.4, 0.7))
    rival = scale * float(rng.uniform(0.8, 1.6))
    return {
        "series": index,
        "name": one["name"],
        "id": one["id"],
        "row": one["row"],
        "channel": one["channel"],
        "n_origins": 60,
        "mae": rival * (1 - skill),
        "rival_mae": rival,
        "skill": skill,
        "mase": 0.7 * (1 - skill) + 0.1,
        "bias": float(rng.normal(0, rival / 20)),
        "coverage_80": float(rng.normal(0.8, 0.03)),
        "p": float(rng.uniform(0, 0.2)),
    }


def over_time(times: list[str], rng: np.random.Generator, scale: float) -> dict[str, Any]:
    """Error over time beside the rival's."""
    n = len(times)
    return {
        "times": times,
        "mae": [float(v) for v in scale * rng.gamma(6, 1 / 6, n)],
        "rival": [float(v) for v in 1.4 * scale * rng.gamma(6, 1 / 6, n)],
        "n": [48] * n,
    }


def mark(time: str, kind: str, label: str, to: str | None = None) -> dict[str, Any]:
    """A mark on the error over time."""
    return {"time": time, "to": to, "kind": kind, "label": label}


def category(covariate: str, name: str, n: int, mae: float, rival: float) -> dict[str, Any]:
    """Error within a category of a covariate."""
    return {"covariate": covariate, "category": name, "n": n, "mae": mae, "rival_mae": rival}


def components(
    names: list[str], shares: list[float], times: list[str], index: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Components with one example; the first carries a day's season."""
    hour = np.arange(len(times))
    values = {
        n: [float(v) for v in s * (wave(hour, i) + rng.normal(0, 0.02, len(hour)) + (i < 1))]
        for i, (n, s) in enumerate(zip(names, shares, strict=True))
    }
    median = [float(sum(column)) for column in zip(*values.values(), strict=True)]
    return {
        "names": names,
        "share": shares,
        "examples": [{"series": index, "times": times, "values": values, "median": median}],
    }


def wave(hour: np.ndarray, shift: int) -> np.ndarray:
    """A season of a day."""
    return np.asarray(0.2 * np.sin(hour / 24 * 2 * np.pi + shift))


def hours(start: str, count: int) -> list[str]:
    """Texts of an hourly grid."""
    first = datetime.fromisoformat(start)
    return [f"{first + timedelta(hours=i):%Y-%m-%d %H:%M}" for i in range(count)]


def days(start: str, count: int) -> list[str]:
    """Texts of a daily grid."""
    first = datetime.fromisoformat(start)
    return [f"{first + timedelta(days=i):%Y-%m-%d}" for i in range(count)]
