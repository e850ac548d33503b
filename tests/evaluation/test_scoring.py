"""Scoring on dense origins equals scoring each origin on its own."""

import pytest
import torch

from tests.helpers.frames import daily_frame
from tests.helpers.networks import random_net
from tests.helpers.panels import panel_of
from tsconv.data.batches.origin_range import OriginRange
from tsconv.data.batches.split import split_panel
from tsconv.evaluation import scoring
from tsconv.evaluation.baselines import seasonal_naive_error
from tsconv.evaluation.rivals import choose_baselines
from tsconv.evaluation.scoring import evaluate, training_scale
from tsconv.forecasting.forecast import forecast_panel
from tsconv.model.ensemble import EnsembleNet

NETS = {"one": random_net, "two": lambda: EnsembleNet([random_net(context_length=3), random_net()])}


@pytest.mark.parametrize("name", NETS)
def test_dense_scores_equal_a_loop_over_origins(name: str) -> None:
    panel = panel_of(daily_frame(3, 80).drop(index=[70, 71]))
    net = NETS[name]()
    split = split_panel(panel, 5, 10, 12)
    assert split.test is not None
    scale = training_scale(panel, split.train_end, 7)
    baselines = choose_baselines(7, [], 12, 50)
    ours, simple = evaluate(net, panel, split.test, scale, baselines)
    absolute, count = 0.0, 0
    for s in range(3):
        for t in range(int(split.test.first[s]), int(split.test.last[s]) + 1):
            origins = torch.full((3,), -1)
            origins[s] = t
            out = forecast_panel(net.double(), panel, origins=origins).values[0, 0, 0, :, 0]
            observed = panel.series(s)[t + 1 : t + 6, 0, 0]
            seen = ~observed.isnan()
            absolute += float((out - observed)[seen].abs().sum())
            count += int(seen.sum())
    result = ours.result()
    assert result["n_origins"] == 3 * 8
    assert result["mae"] == pytest.approx(absolute / count, rel=1e-5)
    assert [*simple] == ["naive", "seasonal_naive", "drift", "window_average"]
    assert all(sums.result()["n_origins"] == 3 * 8 for sums in simple.values())


def test_origins_one_by_one_score_as_those_of_a_dense_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = panel_of(daily_frame(2, 90).drop(index=[70, 71]))
    net = random_net(stack=False)
    split = split_panel(panel, 5, 10, 30, 3)
    assert split.test is not None
    scale = training_scale(panel, split.train_end, 7)
    found = []
    for alone in (True, False):
        monkeypatch.setattr(scoring, "_is_cheaper_alone", lambda *_, alone=alone: alone)
        found.append(evaluate(net, panel, split.test, scale)[0].sums)
    for name in found[0]:
        torch.testing.assert_close(found[0][name], found[1][name], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("stack", "stride", "horizon", "context_length", "alone"),
    [
        (False, 5, 24, 336, False),
        (False, 37, 720, 1024, True),
        (False, 1, 720, 336, False),
        (True, 37, 720, 336, False),
    ],
)
def test_origins_are_computed_one_by_one_where_products_cost_more_than_scaling(
    stack: bool, stride: int, horizon: int, context_length: int, alone: bool
) -> None:
    panel = panel_of(daily_frame(2, 90))
    net = random_net(stack=stack, horizon=horizon, context_length=context_length)
    assert scoring._is_cheaper_alone(net, panel, stride) is alone


def test_a_stride_scores_every_third_origin_and_no_other() -> None:
    panel = panel_of(daily_frame(2, 90).drop(index=[70, 71]))
    net = random_net()
    full, some = (split_panel(panel, 5, 10, 30, stride) for stride in (1, 3))
    assert full.test is not None
    assert some.test is not None
    assert full.test.counts.tolist() == [26, 26]
    assert some.test.counts.tolist() == [9, 9]
    scale = training_scale(panel, full.train_end, 7)
    baselines = choose_baselines(7, [30], 12, 80)  # looks back further than the network
    ours, simple = evaluate(net, panel, some.test, scale, baselines)
    first, last = (getattr(some.test, name) for name in ("first", "last"))
    wanted = evaluate(net, panel, OriginRange(first, first - 1, full.test.end), scale, baselines)
    for at in range(0, 26, 3):  # each origin by itself
        one = OriginRange(first + at, first + at, full.test.end)
        more = evaluate(net, panel, one, scale, baselines)
        for into, part in ((wanted[0], more[0]), *((wanted[1][k], more[1][k]) for k in simple)):
            for name in into.sums:
                into.sums[name] += part.sums[name]
    assert last.tolist() == full.test.last.tolist()
    for made, sums in ((ours, wanted[0]), *((simple[k], wanted[1][k]) for k in simple)):
        for name in sums.sums:
            torch.testing.assert_close(made.sums[name], sums.sums[name], rtol=1e-6, atol=1e-9)


def test_a_constant_series_has_no_scale() -> None:
    frame = daily_frame(1, 40).assign(y=0.1)
    scale = training_scale(panel_of(frame), torch.tensor([30]), 7)
    assert scale.std.item() == 0


def test_scales_are_those_of_each_series_alone() -> None:
    frame = daily_frame(4, 60).drop(index=[70, 71])
    frame.loc[3:9, "y"] = None
    frame.loc[180:, "y"] = None  # the last series has no value
    frame = frame.drop(index=range(130, 180))  # and the third ten steps, fewer than two seasons
    panel = panel_of(frame)
    ends = torch.tensor([50, 40, 9, 60])
    scale = training_scale(panel, ends, 7)
    for s in range(4):
        column = panel.series(s)[: int(ends[s]), 0, 0]
        seen = column[~column.isnan()]
        found = (scale.mean[s], scale.std[s], scale.naive[s])
        spread = seen.std(correction=0) if len(seen) else torch.tensor(0.0)
        wanted = (seen.mean(), spread, seasonal_naive_error(column, 7))
        for ours, theirs in zip(found, wanted, strict=True):
            assert ours.item() == pytest.approx(theirs.nan_to_num(0).item(), rel=1e-12)


def test_a_series_that_hardly_changes_has_no_naive_error() -> None:
    """One step of 500 that differs, or noise at the last digit, is no scale to divide by."""
    frame = daily_frame(4, 500)
    frame["step"] = frame.groupby("unique_id").cumcount()
    names = frame.unique_id.unique()
    frame.loc[frame.unique_id == names[0], "y"] = 5.0
    frame.loc[(frame.unique_id == names[0]) & (frame.step == 100), "y"] = 6.0
    noise = 0.1 + 1e-16 * frame.step
    frame.loc[frame.unique_id == names[1], "y"] = noise
    spike = (frame.unique_id == names[2]) & (frame.step % 40 == 0)  # rare sales still count
    frame.loc[frame.unique_id == names[2], "y"] = 0.0
    frame.loc[spike, "y"] = 3.0
    scale = training_scale(panel_of(frame.drop(columns="step")), torch.full((4,), 500), 7)
    assert (scale.naive.flatten() > 0).tolist() == [False, False, True, True]
    assert (scale.std.flatten()[[0, 2, 3]] > 0).all()
