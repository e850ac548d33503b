"""The table of all cases: its lines, what they come to, and files of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

Scores = Mapping[str, Any]


class Column(NamedTuple):
    """A column: its name, how wide it is, and the text of a case."""

    name: str
    width: int
    text: Callable[[Scores], str]


def _figure(key: str, form: str = ".3f") -> Callable[[Scores], str]:
    def text(scores: Scores) -> str:
        value = scores.get(key)
        return "-" if value is None else format(value, form)

    return text


def published_text(scores: Scores) -> str:
    """The best published figures that a case has, MSE and MAE or MASE and sMAPE.

    >>> published_text({"published_scaled_mse": 0.352, "published_scaled_mae": 0.384})
    '0.352/0.384'
    """
    keys = ("published_scaled_mse", "published_scaled_mae", "published_mase", "published_smape")
    return "/".join(f"{scores[key]:.3f}" for key in keys if scores.get(key) is not None)


COLUMNS = (
    Column("case", -20, lambda scores: scores["case"]),
    Column("seed", 5, lambda scores: str(scores["seed"])),
    Column("mse", 8, _figure("scaled_mse")),
    Column("mae", 8, _figure("scaled_mae")),
    Column("published", 13, published_text),
    Column("mase", 7, _figure("mase")),
    Column("smape", 7, _figure("smape", ".1f")),
    Column("wql", 7, _figure("wql")),
    Column("in 80%", 7, _figure("coverage_80", ".2f")),
    Column("rival", 19, lambda scores: scores["rival"]),
    Column("mae", 7, _figure("rival_scaled_mae")),
    Column("/rival", 7, _figure("to_rival")),
    Column("/naive", 7, _figure("to_seasonal_naive")),
    Column("stride", 7, _figure("sampled_stride", "d")),
    Column("mase", 7, _figure("sampled_mase")),
    Column("ETS", 7, _figure("AutoETS_mase")),
    Column("Theta", 7, _figure("AutoTheta_mase")),
    Column("train s", 8, _figure("train_seconds", ".1f")),
    Column("all s", 7, _figure("seconds", ".1f")),
)


# What the last lines compare with: a ratio of errors, below 1 where the default is better.
COMPARED = {
    "to_rival": "the rival that validation chose, by mae",
    "to_rival_mse": "the same rival, by mse",
    "to_best_simple": "the simple forecast that is best on the test part, by mae",
    "to_AutoETS": "AutoETS, by mase at the same origins",
    "to_AutoTheta": "AutoTheta, by mase at the same origins",
    "to_published": "the best published, by mse or mase",
}


def head_line() -> str:
    """The names of the columns."""
    return "".join(_cell(column.name, column.width) for column in COLUMNS) + "  race"


def score_line(scores: Scores) -> str:
    """The line of a case, or what went wrong in it."""
    if "error" in scores:
        return f"{_cell(scores['case'], -20)}{_cell(str(scores['seed']), 5)}  {scores['error']}"
    cells = "".join(_cell(column.text(scores), column.width) for column in COLUMNS)
    return f"{cells}  {scores.get('race', '')}".rstrip()


def _cell(text: str, width: int) -> str:
    """The text to the left where the width is negative, else to the right."""
    return f"{text:<{-width}}" if width < 0 else f"{text:>{width}}"


def summary_lines(scores: Sequence[Scores]) -> list[str]:
    """How often the default wins and loses, by the mean over seeds, and where it loses."""
    done = [case for case in scores if "error" not in case]
    lines = []
    for key, text in COMPARED.items():
        ratios = mean_by_case(done, key)
        if ratios:
            losses = sorted((r, name) for name, r in ratios.items() if r > 1)[::-1]
            where = ", ".join(f"{name} {r:.3f}" for r, name in losses)
            wins = len(ratios) - len(losses)
            lines.append(
                f"against {text}: {wins} won, {len(losses)} lost" + (f" ({where})" if where else "")
            )
    failed = [f"{case['case']} (seed {case['seed']})" for case in scores if "error" in case]
    return lines + ([f"failed: {', '.join(failed)}"] if failed else [])


def mean_by_case(scores: Sequence[Scores], key: str) -> dict[str, float]:
    """The mean over seeds of one figure of each case that has it.

    >>> mean_by_case([{"case": "a", "x": 1.0}, {"case": "a", "x": 2.0}, {"case": "b"}], "x")
    {'a': 1.5}
    """
    found: dict[str, list[float]] = {}
    for case in scores:
        if case.get(key) is not None:
            found.setdefault(case["case"], []).append(case[key])
    return {name: sum(values) / len(values) for name, values in found.items()}


def write_scores(scores: Sequence[Scores], path: Path) -> None:
    """Write every figure of every case: JSON where the path ends so, else CSV."""
    if path.suffix == ".json":
        path.write_text(json.dumps(list(scores), indent=1) + "\n", encoding="utf-8")
    else:
        pd.DataFrame(scores).to_csv(path, index=False)
