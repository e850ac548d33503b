"""Training as a function: learns, repeats, resumes, stops where it must."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.helpers.frames import daily_frame
from tests.helpers.runs import run, same_weights, weights
from tsconv.config.compose import train_config
from tsconv.errors import ConfigError, DataError, TrainingError
from tsconv.forecasting.bundles.bundle import load_bundle


def test_learns_the_season_far_better_than_naive(tmp_path: Path) -> None:
    result = run(tmp_path, trainer__max_steps=150)
    ours, naive = result.metrics["test"], result.metrics["test"]["baselines"]["seasonal_naive"]
    # Noise of .5 alone makes an error of .4; naive pays it twice over, by a factor of sqrt(2).
    assert ours["mae"] < 0.85 * naive["mae"]
    assert 0.55 < ours["coverage_80"] < 0.95


def test_a_run_can_be_repeated_bit_by_bit(tmp_path: Path) -> None:
    a, b = (run(tmp_path, run_dir=tmp_path / name) for name in "ab")
    assert same_weights(a, b)
    assert a.metrics["test"] == b.metrics["test"]
    assert not same_weights(a, run(tmp_path, run_dir=tmp_path / "c", seed=1))


def test_trailing_means_and_slopes_are_trained_stored_and_forecast_with(tmp_path: Path) -> None:
    result = run(tmp_path, features__smooth="[2,9.5]", features__slope="[3]")
    stored = load_bundle(result.run_dir / "bundle").net
    assert (stored.spec.smooth, stored.spec.slope) == ((2.0, 9.5), (3.0,))
    assert stored.feature_history == 2 * 10 + stored.spec.context_length - 1
    x = torch.randn(2, 1, stored.history + 5)
    ours, theirs = (n(x, torch.ones_like(x), 5).values() for n in (result.bundle.net, stored))
    assert torch.equal(ours, theirs)
    with pytest.raises(ConfigError, match=r"`features.slope` \(=\[0.0\]\) must be steps above 0"):
        run(tmp_path, features__slope="[0]", run_dir=tmp_path / "other")


def test_the_bundle_on_disk_is_the_one_in_memory(tmp_path: Path) -> None:
    result = run(tmp_path)
    stored = load_bundle(result.run_dir / "bundle")
    for name, value in stored.net.state_dict().items():
        assert torch.equal(value, weights(result)[name])
    assert stored.channels == ("y",)


def test_a_spoiled_gradient_stops_before_the_weights_change(tmp_path: Path) -> None:
    from tsconv.training.lightning import lightning_module as training

    original, calls, seen = training.dense_loss, [], {}

    def spoiled(net: Any, *args: Any) -> Any:
        loss, count = original(net, *args)
        calls.append(1)
        if len(calls) == 12:
            seen.update({k: v.clone() for k, v in net.state_dict().items()}, net=net)
            return loss * float("nan"), count
        return loss, count

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "dense_loss", spoiled)
        with pytest.raises(TrainingError, match="not finite at step"):
            run(tmp_path, trainer__val_check_interval=40)
    net = seen.pop("net")
    assert all(torch.equal(v, net.state_dict()[k]) for k, v in seen.items())
    assert all(v.isfinite().all() for v in net.state_dict().values())
    assert not (tmp_path / "run" / "bundle").exists()


def test_missing_values_are_not_learned_from(tmp_path: Path) -> None:
    """Values under the mask may be anything: a hole and a deleted row give the same weights."""
    frame = daily_frame()
    hole = frame.copy()
    hole.loc[50:60, "y"] = np.nan
    assert same_weights(
        run(tmp_path, hole, run_dir=tmp_path / "a"),
        run(tmp_path, frame.drop(index=range(50, 61)), run_dir=tmp_path / "b"),
    )


def test_steps_after_the_training_part_do_not_touch_the_weights(tmp_path: Path) -> None:
    """With the last weights kept, nothing of val and test may leak into them.

    The solved linear branch alone is chosen by the validation part.
    """
    frame = daily_frame(1, 200)
    kept = {"callbacks__weights": "last", "split__val_size": 20, "split__test_size": 20}
    for start, first in (("seasonal", 160), ("solved", 180)):  # 180: of the test part
        changed = frame.copy()
        changed.loc[first:, "y"] += 1000
        own = {**kept, "model__linear_start": start}
        a = run(tmp_path, frame, run_dir=tmp_path / f"{start}_a", **own)
        b = run(tmp_path, changed, run_dir=tmp_path / f"{start}_b", **own)
        assert same_weights(a, b)


def test_early_stopping_and_best_weights(tmp_path: Path) -> None:
    settings = {"optimizer__lr": 0.5, "scheduler": "constant", "trainer__max_steps": 300}
    result = run(tmp_path, callbacks__patience=1, callbacks__weights="best", **settings)
    assert result.metrics["train_steps"] < 300
    assert result.bundle.info["weights"].startswith("best by validation")


def test_without_validation_and_test(tmp_path: Path) -> None:
    result = run(tmp_path, daily_frame(2, 12))
    assert result.metrics["val"] is None
    assert result.metrics["test"] is None
    assert result.bundle.info["weights"] == "last"


@pytest.mark.parametrize("loss", ["mae", "mse", "huber"])
@pytest.mark.parametrize("scale", ["series", "origin"])
def test_point_heads_and_units(tmp_path: Path, loss: str, scale: str) -> None:
    result = run(tmp_path, head="point", head__loss=loss, head__loss_scale=scale)
    assert result.metrics["test"]["coverage_80"] is None
    assert result.metrics["test"]["scaled_mae"] < 1


def test_constant_and_empty_series_do_no_harm(tmp_path: Path) -> None:
    days = pd.date_range("2023-01-02", periods=200, freq="D")
    flat = pd.DataFrame({"unique_id": "flat", "ds": days, "y": 3.0})
    empty = pd.DataFrame({"unique_id": "empty", "ds": days, "y": np.nan})
    result = run(tmp_path, pd.concat([daily_frame(), flat, empty], ignore_index=True))
    assert all(v.isfinite().all() for v in weights(result).values())
    assert result.metrics["test"]["mae"] is not None


def test_several_targets_are_channels(tmp_path: Path) -> None:
    frame = daily_frame().assign(z=lambda f: 2 * f.y + 1)
    result = run(tmp_path, frame, data__target="[y,z]")
    one = run(tmp_path, daily_frame(), run_dir=tmp_path / "one")
    assert result.metrics["test"]["n_origins"] == 2 * one.metrics["test"]["n_origins"]


def test_a_finished_run_is_not_overwritten(tmp_path: Path) -> None:
    run(tmp_path, run_dir=tmp_path / "run")
    with pytest.raises(ConfigError, match="already holds a finished run"):
        run(tmp_path, run_dir=tmp_path / "run")


def test_runs_of_the_same_second_get_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsconv.runs.folder import make_run_dir

    monkeypatch.chdir(tmp_path)
    config = dataclasses.replace(train_config(["horizon=3"]), run_dir=None)
    assert len({make_run_dir(config) for _ in range(3)}) == 3


def test_too_short_to_train_says_what_to_lower(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lower `split.val_size`"):
        run(tmp_path, daily_frame(2, 30), split__val_size=14, split__test_size=20)
