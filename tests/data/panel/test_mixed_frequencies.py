"""Series of different frequencies in one file are refused by name where none was given."""

import numpy as np
import pandas as pd
import pytest

from tests.helpers.panels import panel_of
from tsconv.errors import DataError


def series(name: str, freq: str, count: int, start: str = "2024-01-01") -> pd.DataFrame:
    days = pd.date_range(start, periods=count, freq=freq)
    return pd.DataFrame({"unique_id": name, "ds": days, "y": np.arange(count) % 5.0})


@pytest.mark.parametrize(
    ("freq", "count", "told"),
    [
        ("QS", 12, "series `b` comes in steps of QS, series `a` in steps of D"),
        ("QE", 12, "series `b` comes in steps of QS, series `a` in steps of D"),
        ("YS", 9, "series `b` comes in steps of YS, series `a` in steps of D"),
        ("B", 30, "series `b` comes in steps of B, series `a` in steps of D"),
        ("MS", 300, "series `a` comes in steps of D, series `b` in steps of MS"),
        ("7D", 9, "series `b` comes every 7 steps of D, series `a` every step"),
    ],
)
def test_two_frequencies(freq: str, count: int, told: str) -> None:
    both = pd.concat([series("a", "D", 40), series("b", freq, count)])
    with pytest.raises(DataError) as caught:
        panel_of(both)
    assert f"{told}: give series one frequency (a file each), or set `data.freq=D`" in str(
        caught.value
    )
    if freq != "MS":
        panel_of(both, "D")


def test_one_week_from_monday_to_friday_is_too_short_for_business_days() -> None:
    both = panel_of(pd.concat([series("a", "D", 40).drop(index=20), series("b", "D", 5)]))
    assert (both.frequency.alias, both.lengths.tolist()) == ("D", [40, 5])


def test_business_days_and_months_both_lie_on_days() -> None:
    both = pd.concat([series("a", "B", 40), series("b", "MS", 10)])
    with pytest.raises(DataError, match=r"`a` comes in steps of B, .* of MS: .* `data\.freq=D`"):
        panel_of(both)
    assert panel_of(both, "D").lengths.tolist() == [54, 275]


def test_the_same_series_is_not_named_twice() -> None:
    few = pd.concat([series("a", "D", 7), series("b", "MS", 60)])
    with pytest.raises(DataError, match="series `a` comes in steps of D, series `b` in steps of"):
        panel_of(few)


@pytest.mark.parametrize("unit", ["D", "MS"])
def test_pairs_of_lines_of_which_no_two_are_alike(unit: str) -> None:
    pairs = [series(f"s{k}", f"{k}{unit}", 2) for k in range(1, 10)]
    with pytest.raises(DataError, match=r"series `s1` comes .* series `s2`"):
        panel_of(pd.concat(pairs))
    alike = [series(f"t{k}", unit, 2) for k in range(9)]
    assert panel_of(pd.concat([*alike, *pairs[:2]])).frequency.alias == unit


def test_days_with_holes_are_days() -> None:
    both = pd.concat([series("a", "D", 40), series("b", "D", 40).drop(index=[5, 6, 12, 20])])
    assert panel_of(both).frequency.alias == "D"
    assert panel_of(pd.concat([series("a", "B", 40), series("b", "B", 40)])).frequency.alias == "B"
