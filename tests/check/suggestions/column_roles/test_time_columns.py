"""The time is the column that orders the lines."""

from pathlib import Path

import numpy as np
import pandas as pd

from tests.helpers.checks import read_attempt


def test_years_below_an_unnamed_header_are_the_time(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(100, 9, 40).round(1)
    frame = pd.DataFrame({"": np.arange(1821, 1861), "trapped": values})
    attempt = read_attempt(tmp_path, frame)
    assert attempt.suggestion.keys == {
        "data.time": "", "data.id": None, "data.target": "trapped",
    }  # fmt: skip


def test_the_number_of_a_weekday_is_no_time(tmp_path: Path) -> None:
    frame = pd.DataFrame({"Day of the week": np.arange(60) % 5, "orders": np.arange(60) / 7})
    attempt = read_attempt(tmp_path, frame)
    assert "no column holds times" in str(attempt.obstacle)


def test_year_and_quarter_are_the_time_together(tmp_path: Path) -> None:
    frame = pd.DataFrame({"year": 1959 + np.arange(60) // 4, "quarter": np.arange(60) % 4 + 1})
    attempt = read_attempt(tmp_path, frame.assign(gdp=np.arange(60) / 7))
    assert "`year` and `quarter` hold the time together" in str(attempt.obstacle)
    assert attempt.panel is None
