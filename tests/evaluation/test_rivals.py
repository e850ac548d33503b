"""Which simple forecasts are scored, which is the rival, and what metrics.json says of them."""

import pytest

from tests.helpers.frames import daily_frame
from tests.helpers.networks import random_net
from tests.helpers.panels import panel_of
from tsconv.data.batches.split import split_panel
from tsconv.evaluation.metrics import METRIC_NAMES
from tsconv.evaluation.report import score
from tsconv.evaluation.rivals import (
    choose_baselines,
    describe_baseline,
    find_rival,
    history_of,
)
from tsconv.evaluation.scoring import training_scale


def test_seasons_are_those_that_the_training_part_holds_twice_each_once() -> None:
    chosen = choose_baselines(24, [24, 168, 168, 1, 4000], 336, 5000)
    assert [(b.key, b.steps) for b in chosen] == [
        ("naive", 1),
        ("seasonal_naive", 24),
        ("seasonal_naive_168", 168),
        ("drift", 336),
        ("window_average", 168),
    ]
    assert history_of(chosen) == 335
    alone = choose_baselines(1, [], 20, 100)
    assert [(b.key, b.steps) for b in alone][2:] == [("drift", 20), ("window_average", 20)]


def test_the_rival_has_the_lowest_comparable_error() -> None:
    scores = {
        "naive": {"scaled_mae": 0.5, "mae": 3.0},
        "drift": {"scaled_mae": None, "mae": 1.0},
        "window_average": {"scaled_mae": 0.4, "mae": 4.0},
    }
    assert find_rival(scores) == "window_average"
    assert find_rival({k: {"mae": v["mae"]} for k, v in scores.items()}) == "drift"
    assert find_rival({"naive": {"scaled_mae": 1.0}, "drift": {"scaled_mae": 1.0}}) == "naive"
    assert find_rival({"naive": {"mae": None}}) is None


@pytest.mark.parametrize(
    ("key", "steps", "words"),
    [
        ("naive", 1, "last value"),
        ("seasonal_naive", 1, "last value"),
        ("seasonal_naive", 336, "seasonal naive, 336 steps"),
        ("seasonal_naive_8760", 8760, "seasonal naive, 8,760 steps"),
        ("drift", 42, "drift, 42 steps"),
        ("window_average", 7, "mean, 7 steps"),
    ],
)
def test_plain_words(key: str, steps: int, words: str) -> None:
    assert describe_baseline(key, steps) == words


def test_the_rival_is_chosen_on_validation_and_else_on_test() -> None:
    """A weekly season without a trend: the value a week ago is best."""
    panel, net = panel_of(daily_frame(3, 120)), random_net()
    baselines = choose_baselines(7, [], 12, 90)
    split = split_panel(panel, 5, 14, 20)
    scale = training_scale(panel, split.train_end, 7)
    out = score(net, panel, split, scale, baselines)
    assert (out["rival"], out["rival_season"], out["rival_chosen_on"]) == (
        "seasonal_naive", 7, "val",
    )  # fmt: skip
    assert out["baseline_steps"] == {
        "naive": 1, "seasonal_naive": 7, "drift": 12, "window_average": 7,
    }  # fmt: skip
    for part in ("val", "test"):
        assert [*out[part]["baselines"]] == [*out["baseline_steps"]]
        for scores in (out[part], *out[part]["baselines"].values()):
            assert set(METRIC_NAMES) <= set(scores)
        assert (out[part]["origin_stride"], out[part]["mase_left_out"]) == (1, 0)
    assert out["n_scored"] == 3
    assert 1 <= out["spread_ratio"] < 3
    without = split_panel(panel, 5, 0, 20)
    out = score(net, panel, without, training_scale(panel, without.train_end, 7), baselines)
    assert (out["val"], out["rival"], out["rival_chosen_on"]) == (None, "seasonal_naive", "test")
    nothing = score(net, panel, split_panel(panel, 5, 0, 0), scale, baselines)
    assert (nothing["rival"], nothing["rival_season"], nothing["rival_chosen_on"]) == (None,) * 3
