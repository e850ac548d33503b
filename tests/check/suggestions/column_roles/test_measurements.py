"""Targets are measured: neither parts of the time, nor counters, flags or facts of a series."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.checks import raw_table_of, read_attempt
from tsconv.check.suggestions.column_roles.measurements import compare_columns, measurements

_TIMES = pd.date_range("2023-01-01", periods=24 * 40, freq="h")


def _beside_times(**columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"at": _TIMES, **columns, "flow": rng.normal(20, 3, len(_TIMES))})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("month", _TIMES.month), ("HE", _TIMES.hour + 1), ("k", _TIMES.hour * 100),
        ("tag", _TIMES.day_of_week + 7), ("No", np.arange(960) + 1), ("open", _TIMES.hour % 5 == 0),
        ("record_id", np.random.default_rng(1).permutation(960)), ("fixed", 3),
    ],
)  # fmt: skip
def test_what_is_not_measured(name: str, values: object) -> None:
    frame = _beside_times(**{name: values})
    frame[name] = frame[name].astype(int)
    assert measurements(raw_table_of(frame), ["at"], [], set()) == ["flow"]


def test_whole_numbers_that_never_repeat_are_measured() -> None:
    claims = np.random.default_rng(2).permutation(960) * 37 + 300_000
    frame = _beside_times(claims=claims)
    assert measurements(raw_table_of(frame), ["at"], [], set()) == ["claims", "flow"]


def test_one_value_per_series_is_not_measured(tmp_path: Path) -> None:
    parts = [_beside_times(capacity=40).assign(park="p"), _beside_times(capacity=70)]
    frame = pd.concat([parts[0], parts[1].assign(park="q")])
    keys = read_attempt(tmp_path, frame).suggestion.keys
    assert (keys["data.id"], keys["data.target"]) == ("park", "flow")


@pytest.mark.parametrize(
    ("names", "scales", "alike"),
    [
        (("T1", "T2"), (1, 5000), True), (("USD", "JPY"), (1, 150), True),
        (("tmin", "tmax"), (1, 2), False), (("a", "b"), (1, 5000), False),
    ],
)  # fmt: skip
def test_columns_that_are_alike(
    names: tuple[str, str], scales: tuple[float, float], alike: bool
) -> None:
    rng = np.random.default_rng(3)
    columns = {n: s * rng.normal(20, 3, 100) for n, s in zip(names, scales, strict=True)}
    assert compare_columns(raw_table_of(pd.DataFrame(columns)), names).alike == alike


def test_unlike_columns_of_one_series_are_targets(tmp_path: Path) -> None:
    frame = _beside_times(temp=5 + np.arange(960) % 7, month=_TIMES.month)
    attempt = read_attempt(tmp_path, frame.rename(columns={"flow": "pressure"}))
    assert attempt.suggestion.keys == {
        "data.time": "at", "data.id": None, "data.target": ["temp", "pressure"],
    }  # fmt: skip
    assert "different quantities" in attempt.suggestion.reasons["data.target"]


def test_a_category_that_changes_along_time_is_no_id(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    frame = _beside_times(weather=rng.choice(["rain", "sun", "fog", "snow"], 960))
    again = frame.iloc[::12].assign(weather="hail")
    attempt = read_attempt(tmp_path, pd.concat([frame, again]).sort_values("at"))
    assert attempt.suggestion.keys["data.id"] is None
    assert attempt.findings[0].keys == {"data.duplicates": "first"}
    assert attempt.panel is not None
