"""What `tsconv train` prints of the test part, and the sentences beneath it."""

from typing import Any

import pytest

from tsconv.output.metrics_table import (
    baselines_table,
    breakdown_tables,
    metrics_table,
    summary_text,
)


def metrics(ours: dict[str, Any], naive: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """metrics.json of a network and two simple forecasts, of which `naive` is the rival."""
    other = {k: v and 2 * v for k, v in naive.items()}
    return {
        "val": None,
        "test": {"n_origins": 9, **ours, "baselines": {"naive": naive, "seasonal_naive": other}},
        "rival": "naive",
        "rival_season": None,
        "rival_chosen_on": "val",
        "baseline_steps": {"naive": 1, "seasonal_naive": 336},
        "spread_ratio": 2.0,
        "n_scored": 3,
        **keys,
    }


def test_test_metrics_beside_the_rival() -> None:
    ours = {"mse": 0.5, "mae": 0.25, "mase": None, "coverage_80": 0.8, "n_origins": 19495}
    naive = {"mse": 1.0, "mae": None, "coverage_80": None, "n_origins": 19495}
    assert metrics_table(ours, naive, "seasonal naive, 336 steps").splitlines() == [
        "test                tsconv  seasonal naive, 336 steps          ",
        "mse                    0.5                          1    -50.0%",
        "mae                   0.25",
        "coverage_80            0.8",
        "n_origins           19,495                     19,495",
    ]


def test_errors_by_row_the_worst_first() -> None:
    ours = {name: {"mase": mase} for name, mase in [("a", 0.5), ("b" * 30, 1.5), ("c", None)]}
    naive = {name: {"mase": 1.0} for name in ours}
    table = breakdown_tables({"by_row": ours}, {"by_row": naive}, "last value", most=1)
    assert table.splitlines() == [
        "",
        "mase by row                     tsconv      last value",
        "bbbbbbbbbbbbbbbbbbbbbbbbb          1.5               1    +50.0%",
        "... 1 more in metrics.json",
    ]
    assert breakdown_tables({}, {}, "last value") == ""


def test_all_simple_forecasts_the_best_first() -> None:
    ours, naive = {"scaled_mae": 0.5, "mase": 0.9}, {"scaled_mae": 0.4, "mase": 1.0}
    assert baselines_table(metrics(ours, naive)).splitlines() == [
        "all, best scaled_mae first  scaled_mae        mase",
        "last value                         0.4           1",
        "tsconv                             0.5         0.9",
        "seasonal naive, 336 steps          0.8           2",
    ]


def test_series_of_unlike_size_come_in_comparable_figures_first() -> None:
    ours = {"mae": 3.0, "mse": 10.0, "scaled_mae": 0.5, "mase": 0.8}
    text = metrics_table(ours, ours, "last value", n_unlike=1200)
    assert [line.split()[0] for line in text.splitlines()] == [
        "test", "scaled_mae", "mase", "(mean", "mae", "mse",
    ]  # fmt: skip
    assert "(mean over 1,200 series of unlike size:)" in text
    alike, unlike = (summary_text(metrics(ours, ours, spread_ratio=r)) for r in (9.9, 10.1))
    assert "unlike size" not in alike
    assert "(mean over 3 series of unlike size:)" in unlike


def test_a_simple_forecast_that_is_better_is_said() -> None:
    ours, naive = {"scaled_mae": 0.5, "mae": 2.0}, {"scaled_mae": 0.4, "mae": 1.5}
    text = summary_text(metrics(ours, naive))
    assert "last value is better than tsconv here by 20.0% (scaled_mae 0.4, tsconv 0.5)" in text
    assert "is better than tsconv" not in summary_text(metrics(naive, ours))
    near = {"scaled_mae": 0.401, "mae": 1.5}
    text = summary_text(metrics(near, naive))
    assert "last value is as good as tsconv here (scaled_mae 0.4, tsconv 0.401)" in text
    assert "is better than tsconv" not in text


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        ({"mae": 0.9, "mase": 1.2, "mse": 1.0}, "mae is 10.0% better and mase is 20.0% worse: "),
        ({"mae": 1.1, "mse": 0.9, "mase": 1.1}, "mae is 10.0% worse and mse is 10.0% better: "),
        ({"mae": 1.1, "wql": 0.9}, "mae is 10.0% worse and wql is 10.0% better: "),
        ({"mae": 0.9, "smape": 1.2}, "mae is 10.0% better and smape is 20.0% worse: "),
        ({"mae": 0.9, "mse": 0.8, "mase": 0.9, "wql": 0.9}, None),
        ({"mae": 0.999, "mase": 1.2}, None),  # no difference worth a sentence
    ],
)
def test_figures_that_disagree_name_the_one_to_look_at(
    ours: dict[str, float], expected: str | None
) -> None:
    rival = {"mae": 1.0, "mase": 1.0, "mse": 1.0, "wql": 1.0, "smape": 1.0}
    text = summary_text(metrics(ours, rival))
    if expected is None:
        assert "look at" not in text
    else:
        assert expected in text
        assert "look at" in text.partition(expected)[2]


def test_a_rival_that_is_not_the_best_on_the_test_part_does_not_flatter() -> None:
    far = metrics({"scaled_mae": 0.5}, {"scaled_mae": 0.6}, rival="seasonal_naive")
    assert summary_text(far).splitlines()[-1] == (
        "seasonal naive, 336 steps was the best simple forecast on the validation part; on the "
        "test part it is last value, and tsconv is 16.7% better than that (scaled_mae)"
    )
    assert "validation" not in summary_text({**far, "rival": "naive"})


def test_samples_and_series_left_out_are_said() -> None:
    ours = {"mae": 1.0, "mase_left_out": 1, "origin_stride": 11}
    text = summary_text(metrics(ours, {"mae": 2.0}, rival_chosen_on="test"))
    assert "mase leaves out 1 series that hardly changes in the training part" in text
    assert "scored: every 11th step of the test part as an origin (split.test_stride=1" in text
    assert "no validation part: the simple forecast beside tsconv is the best one" in text


def test_nothing_observed_in_the_test_part_is_no_error() -> None:
    nothing = dict.fromkeys(("mae", "scaled_mae", "mase"))
    both = metrics(nothing, nothing, rival=None, rival_chosen_on=None)
    assert summary_text(both).splitlines()[-1].split() == ["n_origins", "9"]
