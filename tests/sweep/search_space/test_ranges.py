"""Search spaces: what is read, what is refused and in which words, what is drawn."""

from typing import Any

import optuna
import pytest

from tsconv.errors import ConfigError
from tsconv.sweep.search_space.parse import parse_space
from tsconv.sweep.search_space.ranges import describe, draw, grid, stored_params

TREE: dict[str, Any] = {
    "optimizer": {
        "lr": {"type": "log_float", "low": 1e-4, "high": 1e-2},
        "row_decay": {
            "type": "float",
            "low": 0,
            "high": 1,
            "when": {"model.rows": ["pooled", "separate"]},
        },
    },
    "model": {
        "hidden": {"type": "int", "low": 8, "high": 32, "step": 8},
        "rows": {"choices": ["shared", "pooled"]},
    },
    "features.seasonal_lags": {"choices": [[24], [24, 168], None]},
}
TREE["optimizer"]["row_decay"]["when"] = {"model.rows": "pooled"}


def fixed(values: dict[str, Any]) -> optuna.trial.FixedTrial:
    return optuna.trial.FixedTrial(values)


def test_keys_are_paths_and_a_condition_stands_behind_what_it_waits_for() -> None:
    keys = [each.key for each in parse_space(TREE)]
    assert set(keys) == {
        "optimizer.lr",
        "optimizer.row_decay",
        "model.hidden",
        "model.rows",
        "features.seasonal_lags",
    }
    assert keys.index("model.rows") < keys.index("optimizer.row_decay")


def test_a_trial_draws_a_conditional_range_only_where_its_condition_holds() -> None:
    space = parse_space(TREE)
    params = {
        "optimizer.lr": 1e-3,
        "model.hidden": 16,
        "features.seasonal_lags": "[24, 168]",
        "optimizer.row_decay": 0.5,
    }
    with_it = draw(space, fixed({**params, "model.rows": "pooled"}))
    assert with_it["optimizer.row_decay"] == 0.5
    assert with_it["features.seasonal_lags"] == [24, 168]  # stored as text, used as a list
    assert "optimizer.row_decay" not in draw(space, fixed({**params, "model.rows": "shared"}))


def test_draws_stay_in_their_ranges() -> None:
    space = parse_space(TREE)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [draw(space, study.ask()) for _ in range(200)]
    rates = [d["optimizer.lr"] for d in drawn]
    assert 1e-4 <= min(rates) < 2e-4
    assert 5e-3 < max(rates) <= 1e-2
    # Half of a log range's draws lie below its geometric middle.
    assert 70 < sum(rate < 1e-3 for rate in rates) < 130
    assert {d["model.hidden"] for d in drawn} == {8, 16, 24, 32}
    assert {str(d["features.seasonal_lags"]) for d in drawn} == {"[24]", "[24, 168]", "None"}


def test_a_grid_has_every_combination_once() -> None:
    space = parse_space(
        {
            "a": {"choices": [1, 2]},
            "b": {"type": "float", "low": 0, "high": 1, "step": 0.5, "when": {"a": 2}},
            "c": {"type": "int", "low": 3, "high": 4},
        }
    )
    found = grid(space)
    assert len(found) == 2 * (1 + 3)  # c times (a=1, or a=2 with three values of b)
    assert {"a": 1, "c": 3} in found
    assert {"a": 2, "b": 0.5, "c": 4} in found
    assert all("b" not in one for one in found if one["a"] == 1)


def test_the_config_as_it_stands_is_a_trial_only_where_the_space_holds_it() -> None:
    space = parse_space(TREE)
    base = {
        "optimizer.lr": 2e-3,
        "model.hidden": 16,
        "model.rows": "shared",
        "features.seasonal_lags": [24],
        "optimizer.row_decay": 50.0,  # outside, but not active
    }
    assert stored_params(space, base) == {
        "optimizer.lr": 2e-3,
        "model.hidden": 16,
        "model.rows": "shared",
        "features.seasonal_lags": "[24]",
    }
    assert stored_params(space, {**base, "model.rows": "pooled"}) is None
    assert stored_params(space, {**base, "model.hidden": 17}) is None  # between two steps
    assert stored_params(space, {**base, "features.seasonal_lags": [7]}) is None


def test_the_description_tells_ranges_apart() -> None:
    assert describe(parse_space(TREE)) == {
        "features.seasonal_lags": "one of [24], [24, 168], null",
        "model.hidden": "int 8 to 32 by 8",
        "model.rows": 'one of "shared", "pooled"',
        "optimizer.lr": "log_float 0.0001 to 0.01",
        "optimizer.row_decay": 'float 0 to 1 when model.rows in "pooled"',
    }


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({}, "`search_space` is empty"),
        ({"a": 3}, "`search_space.a` (=3) must be a range"),
        ({"a": {"low": 0, "high": 1}}, "`search_space.a.type` (=None) must be one of float,"),
        ({"a": {"type": "logfloat", "low": 1, "high": 2}}, "(did you mean `log_float`?)"),
        ({"a": {"type": "float", "low": 1}}, "needs `low` and `high`"),
        ({"a": {"type": "float", "low": 2, "high": 1}}, "`low` (=2) is above `high` (=1)"),
        ({"a": {"type": "log_float", "low": 0, "high": 1}}, "must be above 0 for log_float"),
        ({"a": {"type": "int", "low": 0.5, "high": 3}}, "(=0.5) must be a whole"),
        ({"a": {"type": "float", "low": "x", "high": 3}}, "(=x) must be a number"),
        ({"a": {"type": "float", "low": 0, "high": float("inf")}}, "must be a number"),
        ({"a": {"type": "float", "low": 0, "high": 1, "step": 2}}, "within the range"),
        ({"a": {"type": "float", "low": 0, "high": 1, "step": 0}}, "must be above 0"),
        ({"a": {"type": "int", "low": 0, "high": 1, "hihg": 2}}, "(did you mean `high`?)"),
        ({"a": {"choices": []}}, "must be a list of values"),
        ({"a": {"choices": [1, 2, 1]}}, "has 1 twice"),
        ({"a": {"choices": [1], "low": 0}}, "takes `choices`, not `low`"),
        ({"a": {"type": "float", "low": 0, "high": 1, "choices": [1]}}, "not `choices`"),
        ({"a": {"choices": [1], "when": {"b": 1}}}, "names `b`, which is not in the search space"),
        ({"a": {"choices": [1]}, "b": {"choices": [1], "when": {"a": 2}}}, "never drawn: one of 1"),
        (
            {"a": {"choices": [1], "when": {"b": 1}}, "b": {"choices": [1], "when": {"a": 1}}},
            "a, b wait for each other",
        ),
    ],
)  # fmt: skip
def test_what_could_not_work_is_refused_in_words(tree: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_space(tree)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_grid_of_decimals_has_the_numbers_that_a_config_says() -> None:
    space = parse_space({"a": {"type": "float", "low": 0.1, "high": 0.3, "step": 0.1}})
    assert grid(space) == [{"a": 0.1}, {"a": 0.2}, {"a": 0.3}]


def test_an_endless_range_has_no_grid() -> None:
    with pytest.raises(ConfigError, match=r"`search_space.a` \(log_float\) has no finite set"):
        grid(parse_space({"a": {"type": "log_float", "low": 1, "high": 2}}))
    huge = {str(i): {"type": "int", "low": 0, "high": 99} for i in range(4)}
    with pytest.raises(ConfigError, match="more than 100,000 combinations"):
        grid(parse_space(huge))


def test_a_value_lies_in_a_range_on_one_of_its_steps() -> None:
    space = {
        each.key: each
        for each in parse_space(
            {
                "count": {"type": "int", "low": 8, "high": 32, "step": 8},
                "share": {"type": "float", "low": 0.1, "high": 0.7, "step": 0.1},
                "rate": {"type": "log_float", "low": 0.001, "high": 0.1},
                "width": {"type": "log_int", "low": 2, "high": 64},
                "lags": {"choices": [[7], None]},
            }
        )
    }
    inside = {
        "count": (8, 16, 32, 16.0),
        "share": (0.1, 0.1 + 2 * 0.1, 0.7),
        "rate": (0.001, 0.0123, 0.1),
        "width": (2, 3, 64),
        "lags": ([7], None),
    }
    outside = {
        "count": (4, 17, 40, 16.5, True, "8", None),
        "share": (0.05, 0.15, 0.8),
        "rate": (0.0009, 0.11, [0.01]),
        "width": (1, 2.5, 65),
        "lags": ([7, 28], 7, "[7]"),
    }
    for key, key_range in space.items():
        assert all(key_range.has(value) for value in inside[key]), key
        assert not any(key_range.has(value) for value in outside[key]), key
