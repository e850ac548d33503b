"""Scales of the pictures: where values stand, and which values are labelled."""

from __future__ import annotations

import pytest

from tests.helpers.trials import LISTS, WIDE, study_of
from tsconv.sweep.results.drawing import wrap_key
from tsconv.sweep.results.scales import Scale, key_scale, log_ticks, position_on, robust_scale


@pytest.mark.parametrize(
    ("values", "maximise", "expected"),
    [
        ([1, 2, 3, 4, 500], False, (1, 4, False)),
        ([10, 9, 8, 7, -500], True, (7, 10, False)),
        ([1, 2, 3, 4, 6], False, (1, 6, False)),
        ([-500, 7, 8, 9, 10], False, (-500, 10, False)),  # the best is never left out
        ([1, 10, 100, 1000, 10000], False, (1, 10000, True)),
        ([1, 10, 100, 1000, 1e300], False, (1, 1000, True)),
        ([5], False, (5, 5, False)),
        ([2, 2, 2, 2, 3], False, (2, 3, False)),
    ],
)
def test_one_terrible_trial_does_not_flatten_the_rest(
    values: list[float], maximise: bool, expected: tuple[float, float, bool]
) -> None:
    scale = robust_scale(values, maximise)
    assert (scale.low, scale.high, scale.log) == expected
    assert robust_scale(values, maximise, keep=[700]).high == max(700, expected[1])


def test_positions_on_an_axis() -> None:
    space = {each.key: each for each in WIDE}
    trial = study_of([1.0], WIDE).trials[0]
    trial.params.update(
        {"right_$side$.size": 32, "a_long_name_that_says_much_0": 0.1, "norm": None}
    )
    assert position_on(space["right_$side$.size"], trial) == pytest.approx(0.5)
    assert position_on(space["a_long_name_that_says_much_0"], trial) == pytest.approx(0.2)
    assert position_on(space["also_fixed"], trial) == 0.5
    assert position_on(space["norm"], trial) == pytest.approx(5.5 / 6, abs=0.2 / 6)
    trial.params["dilations"] = str(LISTS[1])
    assert position_on(space["dilations"], trial) == pytest.approx(0.75, abs=0.1)


def test_labels_are_few_round_and_told_apart() -> None:
    assert log_ticks(0.001, 0.02) == [0.001, 0.002, 0.005, 0.01, 0.02]
    assert log_ticks(1e-6, 0.3) == [1e-6, 1e-4, 1e-2]
    assert log_ticks(0.0031, 0.0045) == [0.0031, 0.0045]
    assert list(Scale(0, 0.5).ticks().values()) == ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]
    assert list(Scale(2, 4, whole=True).ticks().values()) == ["2", "3", "4"]
    lists = key_scale(next(each for each in WIDE if each.key == "dilations")).ticks()
    assert list(lists) == [0.25, 0.75]
    assert set(lists.values()) == {"[1, 2, …6, 32]", "[1, 2, …6, 64]"}
    assert wrap_key("a_very_long_name.of_a_key") == "a_very_long_\nname.of_a_key"
