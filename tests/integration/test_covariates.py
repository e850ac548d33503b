"""Covariates from a frame to forecasts: they help as much as they can, and nothing leaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tsconv import Forecaster
from tsconv.data.batches.split import split_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import ConfigError, DataError
from tsconv.evaluation.scoring import evaluate, training_scale
from tsconv.forecasting.forecast import forecast_panel
from tsconv.forecasting.match import encode_panel, match_panel

QUIET = {"plots": False, "callbacks__progress": False, "callbacks__checkpoints": False}
QUIET |= {"compile": "false", "precision": "float32", "logger": "none"}
ALL = {
    "data__past_covariates": [{"name": "late", "delay": 2}, {"name": "sky", "delay": 1}],
    "data__future_covariates": ["promo", "price", "event"],
    "data__static_covariates": ["size", "kind"],
    "data__categories": ["sky", "event", "kind"],
    "features__calendar": "auto",
}


def shops(length: int = 120, n_series: int = 3, seed: int = 0) -> pd.DataFrame:
    """Sales that promotions and prices move by known amounts, with noise of deviation 1."""
    rng = np.random.default_rng(seed)
    parts = []
    for s in range(n_series):
        promo, price = (rng.random(length) < 0.2) * 1.0, rng.normal(size=length)
        week = np.tile(rng.normal(0, 2, 7), length // 7 + 1)[:length]
        noise = rng.normal(size=length)
        parts.append(
            pd.DataFrame(
                {
                    "unique_id": f"shop {s}",
                    "ds": pd.date_range("2022-01-01", periods=length, freq="D"),
                    "y": rng.uniform(20, 60) + week + 6 * promo + 3 * price + noise,
                    "promo": promo,
                    "price": price,
                    "late": rng.normal(size=length),
                    "sky": rng.choice(["sun", "rain"], length),
                    "event": rng.choice(["", "", "fair"], length),
                    "size": float(s),
                    "kind": "big" if s else "small",
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Forecaster:
    """A few steps with covariates of every kind."""
    folder = tmp_path_factory.mktemp("run")
    forecaster = Forecaster(5, run_dir=str(folder), trainer__max_steps=12, **QUIET, **ALL)
    return forecaster.fit(shops())


def test_known_effects_are_learnt_down_to_the_noise(tmp_path: Path) -> None:
    """Nothing can have a root mean square error below the noise's deviation of 1."""
    settings: dict[str, Any] = {"head": "point", "head__loss": "mse", "context_length": 84}
    frame, found = shops(1100, 8), {}
    for columns, steps in ((None, 20), (["promo", "price"], 150)):
        settings |= {"trainer__max_steps": steps, **QUIET}
        forecaster = Forecaster(
            14, run_dir=str(tmp_path / str(columns)), data__future_covariates=columns, **settings
        )
        found[columns is not None] = forecaster.fit(frame).metrics["test"]["rmse"]
    assert found[True] < 1.1
    assert found[False] > 3  # the deviation of what promotions and prices do


def test_the_future_may_stand_in_the_same_frame_or_in_another(trained: Forecaster) -> None:
    frame = shops()
    ahead = frame.groupby("unique_id").tail(5).index
    history = frame.drop(index=ahead)
    known = ["unique_id", "ds", "promo", "price", "event"]
    apart = trained.forecast(history, future=frame.loc[ahead, known])
    unseen = ["y", "late", "sky", "size", "kind"]
    emptied = frame.astype({"sky": object, "kind": object}).copy()
    emptied.loc[ahead, ["y", "late"]] = None
    together = trained.forecast(emptied)
    pd.testing.assert_frame_equal(apart, together)
    assert set(known) | set(unseen) == set(frame)
    with pytest.raises(DataError, match="promo, price of series `shop 0` and 2 more at 2022-04-26"):
        trained.forecast(history)


def test_what_is_released_late_does_not_count_before(trained: Forecaster) -> None:
    """The last two values of `late`, the last one of `sky`, are not known at the origin."""
    frame, ahead = _history_and_future()
    before = trained.forecast(frame, future=ahead)
    last = frame.groupby("unique_id").tail(1).index
    last_two = frame.groupby("unique_id").tail(2).index
    changed = frame.copy()
    changed.loc[last_two, "late"] = 1e6
    changed.loc[last, "sky"] = "never seen"
    pd.testing.assert_frame_equal(before, trained.forecast(changed, future=ahead))
    changed.loc[last_two - 1, "late"] = 5.0
    assert not before.equals(trained.forecast(changed, future=ahead))


def test_covariates_beyond_the_horizon_change_no_bit(trained: Forecaster) -> None:
    frame, ahead = _history_and_future(7)
    near = ahead.groupby("unique_id").head(5)
    far = ahead.assign(promo=ahead["promo"].where(ahead.index.isin(near.index), 99))
    short, long = (trained.forecast(frame, future=f) for f in (near, far))
    pd.testing.assert_frame_equal(short, long)


def test_permuted_series_and_batches_of_one(trained: Forecaster) -> None:
    frame, ahead = _history_and_future()
    together = trained.forecast(frame, future=ahead).set_index(["unique_id", "ds"])
    turned = trained.forecast(frame[::-1], future=ahead[::-1]).set_index(["unique_id", "ds"])
    alone = trained.forecast(frame, batch_size=1, future=ahead).set_index(["unique_id", "ds"])
    pd.testing.assert_frame_equal(turned.loc[together.index], together, rtol=1e-5)
    pd.testing.assert_frame_equal(alone, together, rtol=1e-5)


def test_a_bundle_keeps_its_covariates(trained: Forecaster, tmp_path: Path) -> None:
    frame, ahead = _history_and_future()
    trained.save(tmp_path / "bundle")
    loaded = Forecaster.load(tmp_path / "bundle")
    pd.testing.assert_frame_equal(
        loaded.forecast(frame, future=ahead), trained.forecast(frame, future=ahead)
    )
    strange = loaded.forecast(frame.assign(kind="new"), future=ahead)
    assert strange.notna().all(axis=None)
    assert any("`kind`: `new` did not occur in training" in note for note in loaded.notes)


def test_a_short_series_is_forecast_alike_alone_and_beside_others(trained: Forecaster) -> None:
    """Its calendar begins with it, whatever lies before it in the table that all share."""
    frame, ahead = _history_and_future()
    late = frame.groupby("unique_id").tail(9)
    late = late[late["unique_id"] == "shop 1"].assign(unique_id="new")
    its = ahead[ahead["unique_id"] == "shop 1"].assign(unique_id="new")
    alone = trained.forecast(late, future=its)
    beside = trained.forecast(pd.concat([frame, late]), future=pd.concat([ahead, its]))
    beside = beside[beside["unique_id"] == "new"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, beside, rtol=1e-6)


def test_a_covariate_under_another_name_keeps_its_delay(trained: Forecaster) -> None:
    frame, ahead = _history_and_future()
    renamed = frame.rename(columns={"late": "other"})
    given = {"past_covariates": ["other", "sky"]}
    pd.testing.assert_frame_equal(
        trained.forecast(renamed, future=ahead, **given), trained.forecast(frame, future=ahead)
    )
    given = {"past_covariates": [{"name": "other", "delay": 1}, "sky"]}
    with pytest.raises(ConfigError, match="`other` has delay 1, but had 2 in training"):
        trained.forecast(renamed, future=ahead, **given)


def test_scores_equal_a_loop_over_origins(trained: Forecaster) -> None:
    """One dense pass over the test part, and one forecast from each of its origins."""
    bundle = trained.bundle
    panel = encode_panel(bundle, match_panel(bundle, table_from_frame(shops(), bundle.data)))
    split = split_panel(panel, 5, 0, 12)
    scale = training_scale(panel, split.train_end, 7)
    assert split.test is not None
    ours, _ = evaluate(bundle.net, panel, split.test, scale)
    errors = []
    for origin in range(int(split.test.first[0]), int(split.test.last[0]) + 1):
        forecast = forecast_panel(bundle.net, panel, origins=torch.full((3,), origin))
        middle = forecast.values[..., bundle.net.quantiles.index(0.5)]  # (S, 1, 1, horizon)
        for s in range(3):
            truth = panel.series(s)[origin + 1 : origin + 6, 0, 0]
            errors.append((truth - middle[s, 0, 0]).abs())
    assert ours.result()["mae"] == pytest.approx(float(torch.stack(errors).mean()), rel=1e-5)


def _history_and_future(steps: int = 5) -> tuple[pd.DataFrame, pd.DataFrame]:
    frame = shops()
    ahead = frame.groupby("unique_id").tail(steps).index
    known = ["unique_id", "ds", "promo", "price", "event"]
    return frame.drop(index=ahead), frame.loc[ahead, known]
