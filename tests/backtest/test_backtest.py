"""A backtest in one pass says what a forward for each origin says, and sums what it says right."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.helpers.backtests import (
    QUANTILES,
    Collected,
    backtest,
    bundle_of,
    grouped_bundle,
    grouped_frame,
    one_by_one,
    shops,
)
from tests.helpers.networks import random_net
from tsconv.backtest.figures import by_horizon_frame, by_series_frame, metrics_of
from tsconv.errors import DataError
from tsconv.evaluation import scoring
from tsconv.model.ensemble import EnsembleNet


@pytest.mark.parametrize("form", ["rows", "separate rows", "series", "ensemble", "no stack"])
def test_one_pass_equals_one_forward_for_each_origin(form: str) -> None:
    if form in ("rows", "separate rows"):
        more = {"rows": "separate", "cross_row": "dense"} if form == "separate rows" else {}
        bundle, panel = grouped_bundle(grouped_frame(), **more)
    else:
        panel = shops()
        net = random_net(quantiles=QUANTILES, stack=form != "no stack")
        if form == "ensemble":
            net = EnsembleNet([net, random_net(quantiles=QUANTILES, context_length=20)], [1, 2])
        bundle = bundle_of(net, panel)
    collected = Collected()
    backtest(bundle, panel, seen=40, observers=(collected,))
    expected = one_by_one(bundle, panel, list(collected.forecasts))
    assert collected.forecasts.keys() == expected.keys()
    for key, forecast in collected.forecasts.items():
        np.testing.assert_allclose(forecast, expected[key], rtol=1e-10, atol=1e-10)


def test_origins_that_the_training_has_not_seen_stand_apart() -> None:
    panel = shops(length=80)
    bundle = bundle_of(random_net(), panel)
    collected = Collected()
    found = backtest(bundle, panel, seen=50, observers=(collected,))
    assert found.seen is not None
    assert found.held_out is not None
    last_seen = {s: int(n) - 1 for s, n in enumerate(panel.lengths.clamp_max(50))}
    unseen = [k for k in collected.forecasts if k[3] >= last_seen[k[0]]]
    assert found.held_out.ours.result()["n_origins"] <= len(unseen)
    assert int(found.held_out.origins.counts.sum()) == len(unseen)
    every = backtest(bundle, panel)
    assert every.seen is None
    whole, parts = every.overall[0].result(), found.overall[0].result()
    assert whole["mae"] == pytest.approx(parts["mae"])
    assert whole["n_origins"] == parts["n_origins"]
    metrics = metrics_of(found)
    assert metrics["judged"] == "held_out"
    assert metrics["knows_training"]
    assert not metrics_of(every)["knows_training"]


def test_figures_do_not_depend_on_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, panel = grouped_bundle(grouped_frame())
    found = []
    for values in (4_000_000, 300):
        monkeypatch.setattr(scoring, "_VALUES_AT_ONCE", values)
        found.append(backtest(bundle, panel, seen=40))
    one, other = (metrics_of(b) for b in found)
    assert one["held_out"]["revision"] == pytest.approx(other["held_out"]["revision"], rel=1e-12)
    for name, value in one["overall"].items():
        if isinstance(value, float):
            assert other["overall"][name] == pytest.approx(value, rel=1e-12), name
    a, b = (t.held_out for t in found)
    assert a is not None
    assert b is not None
    for name, value in a.steps.by_target.items():
        torch.testing.assert_close(value, b.steps.by_target[name], rtol=1e-5, atol=1e-5)
    for name, value in a.steps.by_origin.items():
        torch.testing.assert_close(value, b.steps.by_origin[name], equal_nan=True)


def test_a_shorter_horizon_and_a_stride_choose_among_the_same_forecasts() -> None:
    panel = shops(length=80)
    bundle = bundle_of(random_net(), panel)
    every, some = Collected(), Collected()
    backtest(bundle, panel, observers=(every,))
    found = backtest(bundle, panel, horizon=3, stride=4, observers=(some,))
    assert len(by_horizon_frame(found)) == 3
    assert 0 < len(some.forecasts) < len(every.forecasts) / 3
    shared = some.forecasts.keys() & every.forecasts.keys()
    assert len(shared) > len(some.forecasts) * 0.8  # a shorter horizon has later origins
    for key in shared:
        np.testing.assert_allclose(some.forecasts[key], every.forecasts[key][:3], rtol=1e-10)


def test_all_series_are_forecast_from_the_same_dates_with_a_stride() -> None:
    panel = shops(length=80)
    some = Collected()
    backtest(bundle_of(random_net(), panel), panel, stride=7, observers=(some,))
    dates = {str(panel.times(s, np.array([t]))[0])[:10] for s, _, _, t in some.forecasts}
    weekdays = {np.datetime64(d, "D").astype(int) % 7 for d in dates}
    assert len(weekdays) == 1


def test_without_any_value_behind_the_origins_there_is_nothing_to_say() -> None:
    panel = shops(1)
    values = panel.values.clone()
    values[20:] = torch.nan
    panel = dataclasses.replace(panel, values=values)
    bundle = bundle_of(random_net(context_length=26), panel)
    with pytest.raises(DataError, match="nothing is observed within 5 steps"):
        backtest(bundle, panel)


def test_series_are_named_with_their_figures() -> None:
    bundle, panel = grouped_bundle(grouped_frame())
    frame = by_series_frame(backtest(bundle, panel, seen=40))
    assert list(frame.columns[:3]) == ["unique_id", "row", "channel"]
    assert len(frame) == 6
    whole = metrics_of(backtest(bundle, panel, seen=40))["overall"]
    by_channel = frame.groupby("channel")["mae"].mean()
    assert by_channel["o3"] == pytest.approx(whole["by_channel"]["o3"]["mae"], rel=0.05)
