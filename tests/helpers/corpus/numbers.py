"""Spellings of numbers and of what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from tests.helpers.corpus.case import EITHER, Cases, Series
from tests.helpers.corpus.making import long_frame, members, save, save_lines, seasonal, span, texts

CASES = Cases()
Rng = np.random.Generator
_DAYS = span("2023-02-01", 180)


def _spelt(
    spell: Callable[[float], str],
    level: float = 8000,
    digits: int = 0,
    sep: str = ",",
    encoding: str = "utf-8",
    change: Callable[[np.ndarray], object] = lambda values: None,
) -> Callable[[Path, Rng], list[Series]]:
    """Two series whose values are spelt in some way; change: in place, before they are spelt."""

    def make(folder: Path, rng: Rng) -> list[Series]:
        truth = []
        for k, name in enumerate(("inland", "abroad")):
            values = seasonal(rng, len(_DAYS), 7, level * (1 + 0.1 * k), digits)
            change(values)
            truth.append(Series((name,), "revenue", _DAYS, values))
        lines = [
            (s.names[0], day, spell(value))
            for s in truth
            for day, value in zip(texts(_DAYS), s.values, strict=True)
        ]
        header = [("market", "date", "revenue")]
        save_lines(folder / "data.csv", [*header, *lines], sep, encoding=encoding)
        return truth

    return make


def _put(value: float, *places: int) -> Callable[[np.ndarray], object]:
    return lambda values: values.put(list(places), value)


def _grouped(mark: str, decimal: str = ".", digits: int = 0) -> Callable[[float], str]:
    """Digits in groups of three: 18,228 or 1.234,5."""

    def spell(value: float) -> str:
        text = f"{value:,.{digits}f}"
        return text.replace(",", "\0").replace(".", decimal).replace("\0", mark)

    return spell


def _or(spell: Callable[[float], str], missing: str) -> Callable[[float], str]:
    return lambda value: missing if np.isnan(value) else spell(value)


def _up_and_down(values: np.ndarray) -> None:
    values += np.round(20 * np.sin(np.arange(len(values)) * 2 * np.pi / 7), 1)
    values.round(1, out=values)


_OTHER = {
    "thousands_in_quotes": _spelt(_grouped(",")),
    "thousands_in_quotes_and_smaller_numbers": _spelt(_grouped(","), 1100),
    "thousands_and_decimals_in_quotes": _spelt(_grouped(",", digits=2), 1500, 2),
    "thousands_with_commas_between_semicolons": _spelt(_grouped(","), 1100, sep=";"),
    "decimal_commas": _spelt(_grouped("", ",", 2), 120, 2, ";"),
    "decimal_commas_in_quotes": _spelt(_grouped("", ",", 2), 120, 2),
    "points_and_decimal_commas": _spelt(_grouped(".", ",", 1), 1234, 1, ";"),
    "spaces_in_thousands": _spelt(_grouped(" "), 2000, 0, ";"),
    "no_break_spaces_in_thousands": _spelt(_grouped("\xa0", ",", 2), 2000, 2, ";", "cp1252"),
    "apostrophes_in_thousands": _spelt(_grouped("'", digits=2), 2000, 2, ";"),
    "negative_numbers": _spelt(_grouped("", digits=1), 5, 1, change=_up_and_down),
    "powers_of_ten": _spelt(lambda value: f"{value:.4E}", 2e6, -3),
}
_PLAIN = ("thousands_in_quotes", "apostrophes_in_thousands", "negative_numbers", "powers_of_ten")
for _name, _make in _OTHER.items():
    CASES.define(_name, _make, plain=_name in _PLAIN)
CASES.define(
    "thousands_with_commas_only_between_semicolons",
    _spelt(_grouped(","), 18_000, sep=";"),
    expect=EITHER,
    refusal="thousands",
)
CASES.define(
    "amounts_in_dollars",
    _spelt(lambda value: f"${value:,.2f}", 2000, 2),
    expect=EITHER,
    refusal=r"\$",
)
CASES.define(
    "shares_in_percent",
    _spelt(lambda value: f"{value:.1f}%", 40, 1),
    expect=EITHER,
    refusal=r"\d%[`'\"]",
)
_MARKERS = {
    "a_dash": "-",
    "a_point": ".",
    "a_question_mark": "?",
    "a_word": "closed",
    "minus_9999": "-9999",
}
for _name, _marker in _MARKERS.items():
    CASES.define(
        f"missing_as_{_name}",
        _spelt(_or(_grouped("", digits=1), _marker), 120, 1, change=_put(np.nan, 4, 30, 31, 99)),
        plain=_name not in ("a_dash", "minus_9999"),
    )


@CASES.add()
def missing_in_several_spellings(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["a", "b"], _DAYS, "sold")
    frame = long_frame(truth, ["shop"], "date").astype({"sold": object})
    for k, spelling in enumerate(["NA", "n/a", "", "null", "#N/A", "-"]):
        truth[0].values[10 * k + 3] = np.nan
        frame.loc[10 * k + 3, "sold"] = spelling
    save(frame, folder / "data.csv")
    return truth


@CASES.add()
def nothing_at_the_end_of_some_series(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["a", "b", "c", "d"], span("2021-01-01", 120, "MS"), "sold", 12)
    for series in truth[1:]:
        series.values[-6:] = np.nan
    save(long_frame(truth, ["shop"], "month"), folder / "data.csv")
    return truth


@CASES.add()
def a_constant_series(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["a", "b"], span("2023-01-01", 200), "price")
    truth[1].values[:] = 9.99
    save(long_frame(truth, ["article"], "day"), folder / "data.csv")
    return truth


@CASES.add(plain=True)
def counts_that_are_mostly_zero(folder: Path, rng: Rng) -> list[Series]:
    days = span("2023-01-01", 250)
    names = ["bolt", "nut", "pump"]
    truth = [Series((n,), "demand", days, rng.poisson(0.3, 250).astype(float)) for n in names]
    frame = long_frame(truth, ["part"], "day").astype({"demand": int})
    save(frame, folder / "data.csv")
    return truth


@CASES.add(plain=True)
def ids_that_are_numbers(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["101", "102", "205"], span("2023-01-01", 200), "visits", digits=0)
    save(long_frame(truth, ["store_nbr"], "date"), folder / "data.csv")
    return truth


@CASES.add()
def ids_with_leading_zeros(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["007", "07", "1e5"], span("2023-01-01", 150), "sold", digits=0)
    save(long_frame(truth, ["sku"], "date"), folder / "data.csv")
    return truth


@CASES.add()
def ids_of_which_one_is_na(folder: Path, rng: Rng) -> list[Series]:
    """Namibia is a country, not a missing value."""
    truth = members(rng, ["DE", "NA", "NO"], span("2023-01-01", 150), "sold", digits=0)
    save(long_frame(truth, ["country"], "date"), folder / "data.csv")
    return truth


@CASES.add()
def true_and_false_beside_the_target(folder: Path, rng: Rng) -> list[Series]:
    truth = members(rng, ["a", "b"], span("2023-01-01", 200), "sold", digits=0)
    frame = long_frame(truth, ["shop"], "date")
    frame["promo"] = np.where(rng.random(len(frame)) < 0.2, "TRUE", "FALSE")
    save(frame, folder / "data.csv")
    return truth


def _whole(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame.astype({column: int})


@CASES.add(complete=False)
def prices_and_stock_beside_the_target(folder: Path, rng: Rng) -> list[Series]:
    days = span("2023-01-01", 200)
    truth, frames = [], []
    for k, shop in enumerate(("12", "15")):
        sold = np.round(seasonal(rng, 200, 7, 40 + 20 * k), 0)
        price = np.round(3 + 0.1 * rng.integers(0, 4, 200), 2)
        truth += [Series((shop,), "sales", days, sold), Series((shop,), "price", days, price)]
        frames.append(
            pd.DataFrame({"date": texts(days), "shop_id": shop, "price": price, "sales": sold})
        )
    save(_whole(pd.concat(frames), "sales"), folder / "data.csv")
    return truth
