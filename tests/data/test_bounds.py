"""Bounds as a config has them: read, checked by name and against what was observed."""

from typing import Any

import numpy as np
import pytest

from tests.helpers.frames import daily_frame, stations
from tsconv.config.compose import train_config
from tsconv.config.schema import DataConfig
from tsconv.data.bounds import (
    bound_of,
    read_bound,
    require_names,
    require_order,
    require_within,
    spread_bound,
)
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import ConfigError, DataError


@pytest.mark.parametrize(
    "value", ["zero", "0", float("nan"), float("inf"), True, [0], {"a": "b"}, {"a": float("nan")}]
)
def test_what_is_no_number_is_refused_in_one_line(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"`data.lower`.*must be a finite number") as caught:
        read_bound("lower", value)
    assert "\n" not in str(caught.value)


def test_numbers_of_every_kind_are_read() -> None:
    assert read_bound("lower", np.float32(0.5)) == 0.5
    assert read_bound("upper", {7: np.int64(3), "b": None}) == {"7": 3.0}
    assert read_bound("lower", "auto") is None


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("{a: 0}", {"a": 0.0}), ("{a:0,b c:-1.5,}", {"a": 0.0, "b c": -1.5}), ("{}", {}),
        ("{Zürich, Süd: 1e3}", {"Zürich, Süd": 1000.0}), ("{'a:b': 1, c: null}", {"a:b": 1.0}),
    ],
)  # fmt: skip
def test_mappings_of_the_command_line_take_any_name(text: str, bound: dict[str, float]) -> None:
    assert read_bound("lower", text) == bound
    config = train_config(["horizon=3", f"data.lower={text}"])
    assert read_bound("lower", config.data.lower) == bound


@pytest.mark.parametrize("text", ["{a}", "{a: }", "{: 1}", "{a: b}", "{a: nan}"])
def test_a_mapping_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"`data.lower`.* must be a"):
        read_bound("lower", text)


def test_names_are_those_of_targets_or_of_the_series_of_a_lone_one() -> None:
    require_names("lower", {"north": 0.0}, ["north"], ["y"])
    require_names("lower", {"y": 0.0}, ["north"], ["y"])
    require_names("lower", {"rain": 0.0}, ["north"], ["rain", "wind"])
    with pytest.raises(ConfigError, match=r"`north` is not a target \(rain, wind\)"):
        require_names("lower", {"north": 0.0}, ["north"], ["rain", "wind"])


def test_a_series_named_as_the_target_has_its_own_bound() -> None:
    assert bound_of({"y": 0.0, "a": 1.0}, "a", "y", lone=True) == 1.0
    spread = spread_bound({"y": 0.0, "a": 1.0}, ["a", "b"], ["y"], -np.inf)
    assert spread.flatten().tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("lower", "upper", "fault"),
    [(1.0, 1.0, True), (0.0, 1.0, False), ({"a": 2.0}, 1.0, True), ({"a": 2.0}, {"b": 1.0}, False),
     (None, 0.0, False), (3.0, {"b": 1.0}, True)],
)  # fmt: skip
def test_a_lower_bound_is_less_than_the_upper_one(lower: Any, upper: Any, fault: bool) -> None:
    if fault:
        with pytest.raises(ConfigError, match=r"`data.lower` \(=\d\) must be less than"):
            require_order(lower, upper)
    else:
        require_order(lower, upper)


def test_a_value_beyond_a_bound_is_named() -> None:
    frame = daily_frame(2, 40)
    frame.loc[50, "y"], frame.loc[60, "y"] = -3.5, -7.0
    panel = build_panel(table_from_frame(frame, DataConfig()))
    with pytest.raises(DataError) as caught:
        require_within(panel, 0.0, None, "sales.csv")
    assert str(caught.value) == (
        "sales.csv: `shop 1` is -3.5 at 2023-01-12 (and 1 more), below `data.lower` (=0): set "
        "`data.lower` to -7, or to null for no bound"
    )
    require_within(panel, -7.0, 1e3)
    require_within(panel, {"shop 0": 0.0}, None)
    with pytest.raises(DataError, match=r"above `data.upper` \(=1\): set `data.upper` to \d"):
        require_within(panel, None, {"shop 1": 1.0})


def test_targets_of_rows_have_their_bounds_and_covariates_none() -> None:
    data = DataConfig(id=None, row="place", target=["no2", "o3"], past_covariates="wind")
    panel = build_panel(table_from_frame(stations(40), data))
    require_within(panel, {"no2": 0.0}, None)  # wind is negative at times, and has no bound
    with pytest.raises(DataError, match=r"`\w+ · o3` is .* above `data.upper` \(=1\)"):
        require_within(panel, None, {"o3": 1.0})
