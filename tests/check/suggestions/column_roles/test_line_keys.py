"""Columns that distinguish lines of the same time."""

from pathlib import Path

import numpy as np
import pandas as pd

from tests.helpers.checks import raw_table_of, read_attempt, shop_frame
from tsconv.check.suggestions.column_roles.line_keys import find_line_key


def test_two_columns_tell_lines_apart(tmp_path: Path) -> None:
    parts = [shop_frame(5).assign(kind=k) for k in ("new", "used")]
    attempt = read_attempt(tmp_path, pd.concat(parts))
    assert attempt.suggestion.keys["data.id"] == ["shop", "kind"]
    again = read_attempt(
        tmp_path, pd.concat(parts), {"id": "shop", "time": "when", "target": "sold"}
    )
    assert "are both series" in str(again.error)
    assert again.suggestion.keys == {"data.id": ["shop", "kind"]}
    assert again.panel is not None
    assert len(again.panel) == 10


def test_the_smallest_of_three_and_none_that_another_says() -> None:
    grid = [(d, a, b, c) for d in range(40) for a in "xy" for b in "pqr" for c in "mn"]
    frame = pd.DataFrame(grid, columns=["day", "town", "shop", "kind"])
    frame["town_code"] = frame["town"].map({"x": 7, "y": 9})
    frame["weekday"] = frame["day"] % 7
    frame["sold"] = np.random.default_rng(0).normal(size=len(frame))
    key = find_line_key(raw_table_of(frame), ["day"], {"day"})
    assert len(key.columns) == 3
    assert set(key.columns) - {"town", "town_code"} == {"shop", "kind"}
    assert key.share == 0


def test_no_set_of_columns_suffices() -> None:
    frame = pd.DataFrame({"day": np.arange(100) % 50, "sold": np.arange(100) / 3})
    key = find_line_key(raw_table_of(frame), ["day"], {"day"})
    assert not key.sufficient
    assert key.columns == ()
