"""Columns that distinguish lines of the same time."""

from pathlib import Path

import pandas as pd

from tests.helpers.checks import read_attempt, shop_frame


def test_two_columns_tell_lines_apart(tmp_path: Path) -> None:
    parts = [shop_frame(5).assign(kind=k) for k in ("new", "used")]
    attempt = read_attempt(tmp_path, pd.concat(parts))
    assert attempt.suggestion.keys["data.id"] == "shop"
    assert attempt.suggestion.keys["data.row"] == "kind"
    again = read_attempt(
        tmp_path, pd.concat(parts), {"id": "shop", "time": "when", "target": "sold"}
    )
    assert "are both series" in str(again.error)
    assert again.suggestion.keys == {"data.row": "kind"}
    assert again.panel is not None
    assert again.panel.rows == ("new", "used")
