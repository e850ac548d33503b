"""Figures against an independent library, and against loops, over drawn panels with holes."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.backtests import (
    QUANTILES,
    Collected,
    backtest,
    bundle_of,
    grouped_bundle,
    grouped_frame,
    shops,
)
from tests.helpers.networks import random_net
from tsconv.backtest.backtest import Backtest
from tsconv.backtest.chance import chance_against, p_values_by_series, p_values_by_step
from tsconv.backtest.covariates.categories import by_category
from tsconv.backtest.figures import by_horizon_frame, metrics_of, over_time_frame
from tsconv.data.panel.panel import Panel
from tsconv.evaluation.significance import compare


def lines_of(panel: Panel, collected: Collected) -> pd.DataFrame:
    """Each forecast step as a line: series, cutoff, step, target step, y and the quantiles."""
    parts = []
    for (s, c, h, origin), forecast in collected.forecasts.items():
        series = panel.series(s)[:, c, h].numpy()
        at = origin + 1 + np.arange(len(forecast))
        y = np.where(at < len(series), series[at.clip(0, len(series) - 1)], np.nan)
        parts.append(
            pd.DataFrame(
                {
                    "unique_id": f"{s} {c} {h}", "s": s, "c": c, "h": h, "cutoff": origin,
                    "ds": at, "step": np.arange(1, len(forecast) + 1), "y": y,
                    **{f"q{q}": forecast[:, i] for i, q in enumerate(QUANTILES)},
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def drawn(seed: int) -> tuple[Backtest, pd.DataFrame]:
    panel = shops(3, 70, seed)
    collected = Collected()
    bundle = bundle_of(random_net(quantiles=QUANTILES), panel)
    found = backtest(bundle, panel, seen=40, observers=(collected,))
    lines = lines_of(panel, collected).dropna()
    seen = panel.lengths.clamp_max(40).numpy()
    return found, lines.assign(unseen=lines.cutoff >= seen[lines.s] - 1)


@given(seed=st.integers(0, 99))
@settings(max_examples=5, deadline=None)
def test_metrics_are_those_of_utilsforecast(seed: int) -> None:
    losses = pytest.importorskip("utilsforecast.losses")
    found, lines = drawn(seed)
    panel = found.panel
    train = pd.concat(
        pd.DataFrame({"unique_id": f"{s} 0 0", "ds": range(n), "y": panel.series(s)[:n, 0, 0]})
        for s, n in enumerate(panel.lengths.clamp_max(40).tolist())
    )  # with its holes, so that a season before is a season before
    names = lines.rename(columns={"q0.5": "model"}).drop(columns="cutoff")  # by series alone
    ours = found.overall[0]
    by_series = {k: v.numpy() for k, v in ours.columns("series", "target", "row").items()}

    def theirs(name: str, **more: object) -> np.ndarray:
        return getattr(losses, name)(names, models=["model"], **more)["model"].to_numpy()

    def same(key: str, values: np.ndarray) -> None:
        np.testing.assert_allclose(by_series[key], values, rtol=1e-9, err_msg=key)

    for key in ("mae", "mse", "rmse", "bias"):
        same(key, theirs(key) * (-1 if key == "bias" and _is_y_minus(losses, names) else 1))
    same("smape", 200 * theirs("smape"))
    same("mase", theirs("mase", seasonality=7, train_df=train))
    same("rmsse", theirs("rmsse", seasonality=7, train_df=train))
    models = {"model": [f"q{q}" for q in QUANTILES]}
    names["q0.5"] = names["model"]
    mq = losses.mqloss(names, models=models, quantiles=np.array(QUANTILES))["model"].to_numpy()
    same("crps", 2 * mq)
    size = names.groupby("unique_id")["y"].apply(lambda v: v.abs().mean()).to_numpy()
    same("wql", 2 * mq / size)
    same("wape", theirs("mae") / size)
    coverage = losses.coverage(names.assign(**{"model-lo-80": names["q0.1"],
                                               "model-hi-80": names["q0.9"]}),
                               models=["model"], level=80)["model"].to_numpy()  # fmt: skip
    same("coverage_80", coverage)
    width = (lines["q0.9"] - lines["q0.1"]).groupby(lines.unique_id).mean().to_numpy()
    same("width_80", width)


def _is_y_minus(losses: object, names: pd.DataFrame) -> bool:
    """Whether the library's bias is observed minus forecast; ours is forecast minus observed."""
    first = names.head(1)
    found = losses.bias(first, models=["model"])["model"].iloc[0]  # type: ignore[attr-defined]
    return bool(np.isclose(found, (first["y"] - first["model"]).iloc[0]))


def test_steps_of_the_horizon_and_times_are_means_over_their_lines() -> None:
    found, lines = drawn(3)
    error = (lines["y"] - lines["q0.5"]).abs()
    by_step = error.groupby(lines["step"]).mean()
    frame = by_horizon_frame(found)
    np.testing.assert_allclose(frame["mae"], by_step, rtol=1e-9)
    unseen = lines[lines.unseen]
    expected = (unseen["y"] - unseen["q0.5"]).abs().groupby(unseen["step"]).mean()
    np.testing.assert_allclose(frame["held_out_mae"], expected, rtol=1e-9)
    scaled = error / found.scale.std[lines.s.to_numpy(), 0, 0].numpy()
    times = found.panel.start[lines.s.to_numpy()] + lines.ds.to_numpy() * np.timedelta64(1, "D")
    over_time = over_time_frame(found).set_index("ds")
    expected = scaled.groupby(times).mean()
    np.testing.assert_allclose(over_time["mae"], expected, rtol=1e-5)
    inside = lines["y"].between(lines["q0.1"], lines["q0.9"]).groupby(times).mean()
    np.testing.assert_allclose(over_time["coverage"], inside, rtol=1e-6)


def test_revisions_are_changes_between_neighbouring_origins() -> None:
    panel = shops(2, 60)
    collected = Collected()
    found = backtest(bundle_of(random_net(), panel), panel, observers=(collected,))
    changes = []
    for (s, c, h, origin), forecast in collected.forecasts.items():
        after = collected.forecasts.get((s, c, h, origin + 1))
        if after is not None:
            changes += np.abs(forecast[1:, 0] - after[:-1, 0]).tolist()
    assert metrics_of(found)["overall"]["revision"] == pytest.approx(np.mean(changes), rel=1e-12)


def test_the_differential_of_a_date_is_the_mean_over_its_series() -> None:
    found, lines = drawn(5)
    part = found.held_out
    assert part is not None
    key, std = found.rival, found.scale.std[:, 0, 0].numpy()
    assert key is not None
    # The rival's errors, from the same pass; ours from the lines.
    theirs = part.steps.by_origin["rival"][:, 0, 0].double().numpy()
    unseen = lines[lines.unseen]
    ours = (unseen["y"] - unseen["q0.5"]).abs().groupby([unseen.s, unseen.cutoff]).mean()
    expected: dict[int, list[float]] = {}
    for (s, origin), error in ours.items():
        at = int(found.panel.indptr[s]) + origin
        date = int(part.steps.later[s]) + origin
        expected.setdefault(date, []).append((error - theirs[at]) / std[s])
    mean = part.steps.mean_differentials()[key].numpy()
    for date, values in expected.items():
        assert mean[date] == pytest.approx(np.mean(values), rel=1e-5, abs=1e-7)
    assert np.isfinite(mean).sum() == len(expected)
    by_step = part.steps.mean_differential_by_step()
    assert by_step is not None
    assert by_step.shape[0] == 5


def test_chances_are_none_where_there_is_too_little_data() -> None:
    found, _ = drawn(1)
    assert chance_against(found, "naive") is None
    assert np.isnan(p_values_by_step(found)).all()
    assert np.isnan(p_values_by_series(found)).all()


def test_a_better_network_is_better_by_more_than_chance() -> None:
    panel = shops(4, 700)
    net = random_net(horizon=2, stack=False, seasonal_lags=(7,))
    net.head.project.weight.data.zero_()
    net.linear.reset_parameters()  # the mean of the same weekdays, and the season is strong
    bundle = bundle_of(net, panel, rival="naive", baseline_steps={"naive": 1, "drift": 12})
    found = backtest(bundle, panel)
    chance = chance_against(found, "naive")
    assert chance is not None
    assert chance.p_value < 1e-6
    assert (p_values_by_step(found) < 1e-6).all()
    assert (p_values_by_series(found) < 1e-3).all()
    differential = found.judged.steps.mean_differentials()["naive"].numpy()
    alone = compare(differential, 2, found.judged.steps.pairs.numpy())
    assert alone is not None
    assert alone.mean < 0


def test_errors_by_category_are_those_of_the_steps_that_have_it() -> None:
    frame = grouped_frame()
    bundle, panel = grouped_bundle(frame)
    collected = Collected()
    found = backtest(bundle, panel, observers=(collected,))
    lines = lines_of(panel, collected).dropna()
    dates = panel.times(0, lines.ds.to_numpy())
    fair = pd.Series(pd.DatetimeIndex(dates).day % 9 == 0, index=lines.index)
    entries = {e["category"]: e for e in by_category(found) if e["covariate"] == "event"}
    error = (lines["y"] - lines["q0.5"]).abs()
    assert entries["fair"]["n"] == int(fair.sum())
    assert entries["fair"]["mae"] == pytest.approx(error[fair].mean(), rel=1e-5)
    assert entries["none"]["mae"] == pytest.approx(error[~fair].mean(), rel=1e-5)


def test_what_has_nothing_to_divide_by_is_counted() -> None:
    panel = shops(2, 60)
    values = panel.values.clone()
    values[: int(panel.indptr[1])] = 0
    panel = Panel(**{**panel.__dict__, "values": values, "offset": 0 * panel.offset})
    metrics = metrics_of(backtest(bundle_of(random_net(), panel), panel))
    assert metrics["left_out"] == {"mase": 1, "rmsse": 1, "scaled": 1, "wape": 1}
    assert torch.isfinite(torch.tensor(metrics["overall"]["mase"]))
