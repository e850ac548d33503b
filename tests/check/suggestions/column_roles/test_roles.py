"""Roles are suggested for columns that were not named."""

from pathlib import Path

import numpy as np

from tests.helpers.checks import read_attempt, shop_frame


def test_renamed_columns(tmp_path: Path) -> None:
    frame = shop_frame().assign(price=1.0 + np.arange(180) % 7, note="")
    attempt = read_attempt(tmp_path, frame)
    assert "no column `ds`" in str(attempt.error)
    assert attempt.suggestion.keys == {
        "data.time": "when",
        "data.id": "shop",
        "data.target": "sold",
    }
    assert attempt.panel is not None
    assert len(attempt.panel) == 3


def test_given_roles_are_kept(tmp_path: Path) -> None:
    frame = shop_frame().assign(price=1.0 + np.arange(180) % 7)
    attempt = read_attempt(tmp_path, frame, {"target": "price", "time": "when"})
    assert attempt.suggestion.keys == {"data.id": "shop"}
    assert attempt.panel is not None
    assert attempt.panel.channels == ("price",)


def test_wide_and_single_series(tmp_path: Path) -> None:
    wide = shop_frame().pivot_table(index="when", columns="shop", values="sold").reset_index()
    attempt = read_attempt(tmp_path, wide)
    assert attempt.suggestion.keys == {"data.time": "when", "data.wide_columns_are": "series"}
    assert attempt.panel is not None
    assert len(attempt.panel) == 3
    one = read_attempt(tmp_path, shop_frame(1).drop(columns="shop"))
    assert one.suggestion.keys == {"data.time": "when", "data.id": None, "data.target": "sold"}


def test_time_in_several_columns(tmp_path: Path) -> None:
    frame = shop_frame()
    for part in ("day", "month", "year"):
        frame.insert(0, part, getattr(frame["when"].dt, part))
    frame.insert(0, "No", np.arange(1, len(frame) + 1))
    attempt = read_attempt(tmp_path, frame.drop(columns="when"))
    assert attempt.suggestion.keys["data.time"] == ["year", "month", "day"]
    assert attempt.suggestion.keys["data.target"] == "sold"
