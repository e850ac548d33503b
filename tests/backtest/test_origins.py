"""Which origins a backtest has, and what it says where there is none."""

import numpy as np
import pytest
import torch

from tests.helpers.frames import daily_frame
from tests.helpers.panels import panel_of
from tsconv.backtest.origins import choose_origins
from tsconv.errors import ConfigError, DataError


def day(text: str) -> np.ndarray:
    return np.array([text], "datetime64[us]")


def test_every_origin_has_a_whole_context_and_a_whole_horizon() -> None:
    panel = panel_of(daily_frame(2, 60).drop(index=range(60, 70)))  # the second starts ten later
    found = choose_origins(panel, context_length=20, horizon=5)
    assert found.every.first.tolist() == [19, 19]
    assert found.every.last.tolist() == [54, 44]
    assert found.seen.counts.tolist() == [0, 0]
    assert found.held_out.counts.tolist() == [36, 26]


def test_a_series_too_short_for_a_context_has_its_last_origin() -> None:
    panel = panel_of(daily_frame(2, 60).drop(index=range(60, 110)))
    found = choose_origins(panel, context_length=20, horizon=5)
    assert found.every.counts.tolist() == [36, 1]
    assert found.every.first[1] == 4


@pytest.mark.parametrize("stride", [1, 3, 7])
def test_the_border_of_what_was_seen_is_an_origin_of_the_same_stride(stride: int) -> None:
    panel = panel_of(daily_frame(1, 90))
    found = choose_origins(panel, 20, 5, stride=stride, seen_steps=torch.tensor([50]))
    every, seen, held = found.every, found.seen, found.held_out
    assert int(seen.counts + held.counts) == int(every.counts)
    assert int(held.first) >= 49
    assert int(held.first) - stride < 49
    assert (int(held.first) - int(every.first)) % stride == 0
    assert int(every.last - every.first) % stride == 0  # the last origin is one


def test_start_is_the_first_step_forecast_and_last_the_last_origin() -> None:
    panel = panel_of(daily_frame(1, 90))  # from 2023-01-02 on
    found = choose_origins(panel, 20, 5, day("2023-02-01"), day("2023-02-10"))
    assert (int(found.every.first), int(found.every.last)) == (29, 39)
    weekly = choose_origins(panel, 20, 5, day("2023-02-01"), stride=7)
    assert int(weekly.every.first) == 29


def test_a_start_between_two_steps_is_the_later_one() -> None:
    panel = panel_of(daily_frame(1, 90))
    found = choose_origins(panel, 20, 5, day("2023-02-01T12:00"))
    assert int(found.every.first) == 30


def test_a_start_before_the_first_context_is_refused_with_the_first_that_can_be() -> None:
    panel = panel_of(daily_frame(1, 90))
    message = r"`start` \(=2023-01-05\) lies before .* is for 2023-01-22: set start=2023-01-22"
    with pytest.raises(ConfigError, match=message):
        choose_origins(panel, 20, 5, day("2023-01-05"))
    assert int(choose_origins(panel, 20, 5, day("2023-01-22")).every.first) == 19


@pytest.mark.parametrize(
    ("start", "last"),
    [
        ("2023-03-31", None),
        ("2023-03-10", "2023-03-01"),
        (None, "2023-01-10"),
        ("2030-01-01", None),
    ],
)
def test_no_origin_left_says_where_the_data_end(start: str | None, last: str | None) -> None:
    panel = panel_of(daily_frame(1, 90))
    with pytest.raises(ConfigError, match=r"no origin is left for .*the data end at 2023-04-01"):
        choose_origins(panel, 20, 5, start and day(start), last and day(last))


def test_a_horizon_longer_than_the_data_is_refused() -> None:
    panel = panel_of(daily_frame(1, 10))
    with pytest.raises(DataError, match=r"no origin has 10 steps behind it: the longest .* has 10"):
        choose_origins(panel, 3, 10)


def test_a_stride_below_one_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"`stride` \(=0\)"):
        choose_origins(panel_of(daily_frame(1, 30)), 3, 2, stride=0)
